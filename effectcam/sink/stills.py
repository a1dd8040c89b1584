"""Still pictures as a sink: one PNG or JPEG a frame."""

from __future__ import annotations

import os
import re
from pathlib import Path

import cv2

from effectcam.errors import SinkError, UsageError
from effectcam.frame import Frame
from effectcam.sink.base import Sink
from effectcam.sink.part_file import PartFile, why_unwritable

FORMATS = {".png": ".png", ".jpg": ".jpg", ".jpeg": ".jpg"}

_NUMBER = r"%0?\d*d"

# 95 keeps JPEG's blocks below what shows beside the input; OpenCV counts PNG's effort from 0 to 9.
_ENCODING = {
    ".png": (cv2.IMWRITE_PNG_COMPRESSION, 4),
    ".jpg": (cv2.IMWRITE_JPEG_QUALITY, 95),
}


class Stills(Sink):
    """Writes every n-th frame as a picture named after its index; see `Sink`.

    Each picture appears whole or not at all, and those already written stay if the run is aborted.

    Parameters
    ----------
    where
        A folder, which is made if missing and gets '000000.png' and so on, or a pattern with one
        number in it: 'shots/face-%04d.jpg'. The ending decides between PNG (exact) and JPEG (95 %,
        a tenth of the size).
    every
        Write frames 0, n, 2n and so on. 30 gives about one picture a second.
    lossless
        Whether feeders wait for the pictures or drop frames when the disk is slow.

    Raises `UsageError` for another ending or a pattern without a number, `SinkError` if the folder
    cannot be made or written.
    """

    def __init__(self, where: str | os.PathLike[str], *, every: int = 1, lossless: bool = True) -> None:
        if every < 1:
            raise UsageError(f"every {every}: must be at least 1")
        self._folder, self._pattern = _folder_and_pattern(Path(where))
        self._format = FORMATS[Path(self._pattern).suffix.lower()]
        self._every = every
        self.lossless = lossless
        self.written = 0
        """Pictures so far."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SinkError(why_unwritable(self._folder, error)) from None
        PartFile(self._folder / (self._pattern % 0)).discard()

    @property
    def name(self) -> str:
        return str(self._folder / self._pattern)

    def write(self, frame: Frame) -> None:
        if frame.index % self._every:
            return
        target = self._folder / (self._pattern % frame.index)
        bgr = cv2.cvtColor(frame.pixels, cv2.COLOR_RGB2BGR)
        encoded, data = cv2.imencode(self._format, bgr, _ENCODING[self._format])
        if not encoded:
            raise SinkError(f"{target}: a picture of {frame.width}x{frame.height} pixels cannot be encoded")
        PartFile(target).fill(data.tobytes())
        self.written += 1

    def close(self) -> None:
        pass

    def abort(self) -> None:
        pass


def older_picture(where: str | os.PathLike[str]) -> Path | None:
    """The first picture that is there under one of the names that `Stills` would give, None without one: the
    new ones would take the place of some, and stand among the rest. Raises UsageError as `Stills` does."""
    folder, pattern = _folder_and_pattern(Path(where))
    before, after = re.split(_NUMBER, pattern)
    named = re.compile(rf"{re.escape(before)}\d+{re.escape(after)}")
    try:
        with os.scandir(folder) as entries:
            return min(
                (Path(entry.path) for entry in entries if named.fullmatch(entry.name) and entry.is_file()),
                default=None,
            )
    except OSError:
        # Not there yet, or what `Stills` will say of it.
        return None


def _folder_and_pattern(path: Path) -> tuple[Path, str]:
    if path.suffix.lower() not in FORMATS:
        return path, "%06d.png"
    if len(re.findall(_NUMBER, path.name)) != 1 or path.name.count("%") != 1:
        example = path.with_name(f"{path.stem.replace('%', '')}-%06d{path.suffix.lower()}")
        raise UsageError(f"{path}: a pattern for stills needs one number, as in {example}")
    return path.parent, path.name
