"""The file of a live run, which ends while there is still room to keep it."""

from __future__ import annotations

import contextlib
import os
import shutil
from fractions import Fraction
from pathlib import Path
from typing import NoReturn

from effectcam.errors import SinkError
from effectcam.frame import Frame
from effectcam.sink.base import SinkEndedError
from effectcam.sink.video_file import VideoFile

RESERVE = 200_000_000
"""Bytes that are left free: the index that ends a recording of a day takes a fifth of it, and pictures of
the same run may go to the same disk until the next look."""

EVERY = 2.0
"""Seconds of the recording between two looks at the disk."""

_NO_LIMIT = 2**63 - 1


class LiveRecording(VideoFile):
    """A `VideoFile` of what cannot be had again: see there, and `Sink`.

    On a disk that is full nothing of a file can be kept, since its index comes last. So it is closed while
    `RESERVE` is still free, whoever fills the disk: `write` raises `SinkEndedError` then, and also when the
    file comes as close to the largest that the disk or the user's limit allows. Raises `SinkError` at once
    where less is free from the start. A quota is not seen: it costs the recording.
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
        largest = _largest(self._part.path)
        # Under a limit that is small itself a short recording is better than none.
        self._full = largest - min(RESERVE, largest // 4)

    def write(self, frame: Frame) -> None:
        if self._looked_at is None or not 0 <= frame.captured_at - self._looked_at < EVERY * 1e9:
            self._looked_at = frame.captured_at
            free = _free(self.path)
            if free is not None and free < RESERVE:
                self._end("disk nearly full")
            if _size(self._part.path) > self._full:
                self._end("file nearly as large as this disk or user may hold")
        super().write(frame)

    def _end(self, why: str) -> NoReturn:
        self.close()
        raise SinkEndedError(f"{why}; recording ended and kept: {self.path}")


def _free(path: Path) -> int | None:
    """Bytes that a file at ``path`` can still take; None where that cannot be told."""
    try:
        # Of a link the disk counts that it leads to.
        return shutil.disk_usage(Path(os.path.realpath(path)).parent).free
    except OSError:
        return None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _largest(path: Path) -> int:
    """Bytes that the file at ``path`` may grow to: 4 GiB less one on FAT, say. Nothing is written to it."""
    largest = _furthest(path)
    with contextlib.suppress(ImportError, OSError):
        import resource  # POSIX only

        limit, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
        if limit != resource.RLIM_INFINITY:
            largest = min(largest, limit)
    return largest


def _furthest(path: Path) -> int:
    """The last place to which the file can be wound. Linux goes by what the file system can hold, at no cost,
    where lengthening a file would fill it with zeros on some; other systems let it be wound anywhere."""
    with contextlib.suppress(OSError):
        opened = os.open(path, os.O_RDONLY)
        try:
            reached, beyond = 0, _NO_LIMIT + 1
            while beyond - reached > 1:
                middle = (reached + beyond) // 2
                try:
                    os.lseek(opened, middle, os.SEEK_SET)
                except OSError:
                    beyond = middle
                else:
                    reached = middle
        finally:
            os.close(opened)
        # Where nothing can be wound at all nothing was learnt.
        return reached or _NO_LIMIT
    return _NO_LIMIT
