"""Choices of an accelerator, remembered from run to run: measuring them takes seconds."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import msgspec

from effectcam.folders import cache_folder
from effectcam.student.accelerator import Accelerator

_KEPT_FOR = timedelta(days=30)
"""A refusal may have had a cause that is gone, such as a game that held the GPU's memory."""

_MOST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What was measured for one model on one machine."""

    accelerator: Accelerator
    exact: bool = False
    """Whether a GPU has to compute in float32."""
    ms: float
    """Median for a picture."""
    threads: int
    """That the CPU was measured with, and takes over with."""
    others: dict[Accelerator, str]
    """Why each other one was not chosen."""
    at: datetime
    """When it was measured, with its time zone."""


@dataclass(frozen=True, slots=True)
class _Content:
    schema: Literal["effectcam.accelerators/1"]
    choices: dict[str, Choice]


class TimingCache:
    """``path`` None: ``accelerators.json`` in the user's cache folder. ``tell`` gets one line when the file
    has to be made anew. A file that cannot be written costs a measurement at each start, no more."""

    def __init__(self, tell: Callable[[str], None], *, path: Path | None = None) -> None:
        self._tell = tell
        self.path = path or cache_folder() / "accelerators.json"

    def find(self, key: str) -> Choice | None:
        """The choice remembered under ``key``, None when there is none of the last 30 days."""
        choice = self._read().get(key)
        if choice is None or not timedelta() <= now() - choice.at <= _KEPT_FOR:
            return None
        return choice

    def keep(self, key: str, choice: Choice) -> None:
        """Remember it; of more than 200 the oldest is forgotten."""
        self._write({**self._read(), key: choice})

    def forget(self, key: str) -> None:
        choices = self._read()
        if choices.pop(key, None) is not None:
            self._write(choices)

    def _read(self) -> dict[str, Choice]:
        try:
            data = self.path.read_bytes()
        except OSError:
            return {}
        try:
            choices = msgspec.json.decode(data, type=_Content).choices
            if all(choice.at.tzinfo is not None for choice in choices.values()):
                return choices
        except (msgspec.DecodeError, UnicodeDecodeError):
            pass
        self._tell(f"{self.path} is damaged or of another version: accelerators are measured anew")
        with contextlib.suppress(OSError):
            self.path.unlink()
        return {}

    def _write(self, choices: dict[str, Choice]) -> None:
        newest = sorted(choices.items(), key=lambda item: item[1].at)[-_MOST:]
        content = _Content("effectcam.accelerators/1", dict(newest))
        part = self.path.with_suffix(f".{os.getpid()}.part")
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            try:
                part.write_bytes(msgspec.json.format(msgspec.json.encode(content)))
                part.replace(self.path)
            finally:
                part.unlink(missing_ok=True)


def now() -> datetime:
    """With its time zone."""
    return datetime.now(UTC)
