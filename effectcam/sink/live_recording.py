"""The file of a live run, which ends while there is still room to keep it."""

from __future__ import annotations

import os
import shutil
from fractions import Fraction
from pathlib import Path

from effectcam.errors import SinkError
from effectcam.frame import Frame
from effectcam.sink.base import SinkEndedError
from effectcam.sink.video_file import VideoFile

RESERVE = 200_000_000
"""Bytes that are left free: the index that ends a recording of a day takes a fifth of it, and pictures of
the same run may go to the same disk until the next look."""

EVERY = 2.0
"""Seconds of the recording between two looks at the disk."""


class LiveRecording(VideoFile):
    """A `VideoFile` of what cannot be had again: see there, and `Sink`.

    On a disk that is full nothing of a file can be kept, since its index comes last. So it is closed while
    `RESERVE` is still free, whoever fills the disk: `write` raises `SinkEndedError` then. Raises `SinkError`
    at once where there is less from the start.
    """

    def __init__(
        self, path: str | os.PathLike[str], width: int, height: int, *, rate: float | Fraction = 30
    ) -> None:
        free = _free(Path(path))
        if free is not None and free < RESERVE:
            raise SinkError(
                f"{path}: only {free / 1e6:.0f} MB are free there, and a recording has to leave "
                f"{RESERVE / 1e6:.0f}; free some space or choose another disk"
            )
        super().__init__(path, width, height, rate=rate, lossless=False)
        self._looked_at: int | None = None

    def write(self, frame: Frame) -> None:
        if self._looked_at is None or not 0 <= frame.captured_at - self._looked_at < EVERY * 1e9:
            self._looked_at = frame.captured_at
            free = _free(self.path)
            if free is not None and free < RESERVE:
                self.close()
                raise SinkEndedError(f"disk nearly full; recording ended and kept: {self.path}")
        super().write(frame)


def _free(path: Path) -> int | None:
    """Bytes that a file at ``path`` can still take; None where that cannot be told."""
    try:
        # Of a link the disk counts that it leads to.
        return shutil.disk_usage(Path(os.path.realpath(path)).parent).free
    except OSError:
        return None
