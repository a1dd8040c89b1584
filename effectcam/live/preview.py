"""The latest picture before and after the effect, for whoever looks at a panel."""

from __future__ import annotations

import threading
from typing import NamedTuple

from effectcam.frame import Pixels


class View(NamedTuple):
    """One moment twice."""

    number: int
    """Counts up; pictures nobody took are skipped."""
    before: Pixels
    """As the camera gave it, mirrored if so wished."""
    after: Pixels
    """As it went out."""


class Preview:
    """A place for one `View`. Costs the loop nothing while nobody watches."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._view: View | None = None
        self._number = 0
        self._watchers = 0

    @property
    def watched(self) -> bool:
        return self._watchers > 0

    def __enter__(self) -> Preview:
        """Somebody begins to watch."""
        with self._changed:
            self._watchers += 1
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._watchers -= 1
            if not self._watchers:
                self._view = None

    def offer(self, before: Pixels, after: Pixels) -> None:
        """The loop's side: neither array may be drawn into afterwards."""
        if self._watchers:
            with self._changed:
                self._number += 1
                self._view = View(self._number, before, after)
                self._changed.notify_all()

    def take(self, after: int = 0, *, timeout: float = 1.0) -> View | None:
        """The latest view if its number is above ``after``, else the next; None after ``timeout`` seconds."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._view is not None and self._view.number > after, timeout=timeout
            )
            return self._view if self._view is not None and self._view.number > after else None
