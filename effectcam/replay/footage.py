"""What a replay can play: a clip, a clip with faults planted, a bug bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from effectcam.source.base import Source


class Footage(Source, Protocol):
    """A `Source` that comes from a file."""

    @property
    def path(self) -> Path: ...
    @property
    def frames(self) -> int | None:
        """How many there are; None while that is not known."""
        ...

    @property
    def warnings(self) -> list[str]:
        """What is odd about it, one line each; complete once all frames have been read."""
        ...
