"""The effects that a run knows, as a page shows them: title, description, picture."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from effectcam.effect.package import load_effect
from effectcam.errors import EffectcamError


class Gallery:
    """Titles and pictures of effects, read from their packages once.

    The first call takes a tenth of a second an effect, since every file is compared with its hash: call
    it where that holds nobody up. Any thread may.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = list(names)
        self._lock = threading.Lock()
        self._entries: list[dict[str, Any]] = []
        self._pictures: dict[str, bytes] = {}

    def entries(self) -> list[dict[str, Any]]:
        """Each effect's ``name``, ``title``, ``description``, and ``preview``, the address of its picture
        or None; ``damaged`` is None or one line that says why it cannot be used."""
        self._read()
        return self._entries

    def picture(self, name: str) -> bytes | None:
        """The WebP picture, before and after, of the effect called ``name``; None when there is none."""
        self._read()
        return self._pictures.get(name)

    def _read(self) -> None:
        with self._lock:
            if not self._entries:
                self._entries = [self._entry(name) for name in self._names]

    def _entry(self, name: str) -> dict[str, Any]:
        entry: dict[str, Any] = {"name": name, "title": name, "description": "", "preview": None}
        try:
            effect = load_effect(name)
            picture = effect.preview()
        except EffectcamError as error:
            return entry | {"damaged": str(error)}
        if picture is not None:
            self._pictures[name] = picture
            entry["preview"] = f"/api/effects/{name}/preview"
        return entry | {"title": effect.title, "description": effect.description, "damaged": None}
