"""Whether any program reads the virtual camera, so that the effect can rest while none does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_EVERY = 0.5
"""Seconds between two looks: how long whoever opens the camera sees the picture stand still."""


class Watchers:
    """Looks at who has the device open, in a thread of its own."""

    def __init__(self, readers: Callable[[], int | None], *, rest_after: float = 10.0) -> None:
        """``readers``: how many read now, None where that cannot be told (then somebody always does).
        ``rest_after`` (seconds) without a reader: less rests sooner, and in the pause of a call too."""
        self._readers = readers
        self._rest_after = rest_after
        self._seen_at = time.monotonic()
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watchers", daemon=True)
        self._thread.start()

    def __call__(self) -> bool:
        """Whether somebody watches, or did a moment ago."""
        return time.monotonic() - self._seen_at < self._rest_after

    def close(self) -> None:
        self._leaving.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._leaving.wait(_EVERY):
            if self._readers() != 0:
                self._seen_at = time.monotonic()
