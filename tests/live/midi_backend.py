"""A backend for mido without a device: ports that a test plugs in and out, and feeds with bytes.

The bytes go through mido's own parser, as those of a real port do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mido.parser import Parser
from mido.ports import BaseInput

plugged: list[str] = []
busy: set[str] = set()
service = True
opened: dict[str, Input] = {}


def reset() -> None:
    global service
    plugged.clear()
    busy.clear()
    opened.clear()
    service = True


def get_devices(**_: Any) -> list[dict[str, Any]]:
    if not service:
        raise OSError("error creating ALSA sequencer\nclient object.")
    return [{"name": name, "is_input": True, "is_output": False} for name in plugged]


class Input(BaseInput):  # type: ignore[misc]
    def _open(self, callback: Callable[[Any], None], **_: Any) -> None:
        if self.name in busy:
            raise OSError("device is busy")
        self._bytes = Parser()
        self._callback = callback
        opened[self.name] = self

    def _close(self) -> None:
        del opened[self.name]

    def feed(self, *data: int) -> None:
        self._bytes.feed(data)
        for message in self._bytes:
            self._callback(message)
