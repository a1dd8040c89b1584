"""The mosaics that a golden keeps of every frame, read one after another."""

from __future__ import annotations

import gzip
import zlib
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import numpy as np

from effectcam.errors import ReportError
from effectcam.frame import Pixels
from effectcam.replay.pictures import MOSAIC, MOSAIC_BYTES, TILES


class MosaicFile:
    """A context manager. Raises ReportError for a file that cannot be read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stack = ExitStack()
        try:
            file = self._stack.enter_context(path.open("rb"))
        except OSError as error:
            raise ReportError(f"{path}: cannot be read ({error.strerror}); record the golden again") from None
        self._mosaics = self._stack.enter_context(gzip.GzipFile(fileobj=file))

    def read(self) -> Pixels:
        """That of the next frame, see `mosaic`. ReportError for a file that is damaged or ends before."""
        try:
            data = self._mosaics.read(MOSAIC_BYTES)
        except (OSError, EOFError, zlib.error) as error:
            raise ReportError(f"{self._path}: is damaged ({error}); record the golden again") from None
        if len(data) < MOSAIC_BYTES:
            raise ReportError(f"{self._path}: is cut short; record the golden again")
        return np.frombuffer(data, np.uint8).reshape(TILES, TILES, 3)

    def close(self) -> None:
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def mosaics_apart(one: Pixels, other: Pixels) -> str:
    """In a line by how much two mosaics are farther apart than `MOSAIC`; empty where they are not."""
    off = int(cv2.norm(one, other, cv2.NORM_INF))
    return f"mean colours are off by {off} of 255" if off > MOSAIC else ""
