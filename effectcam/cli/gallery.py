"""Every effect on one sheet, each on the same picture."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.composite.lettering import lettering
from effectcam.effect import Effect
from effectcam.errors import SinkError, SourceError, UsageError
from effectcam.frame import Frame, Pixels
from effectcam.pipeline import Pipeline
from effectcam.sink.part_file import PartFile
from effectcam.source.clip import Clip

FORMATS = (".png", ".webp", ".jpg")

_TILE = 240, 320
"""Height and width of a picture on the sheet, in pixels."""

_CAPTION, _GAP = 30, 10
_PAPER, _INK = (24, 24, 28), (232, 232, 236)


class Gallery:
    """A contact sheet: the bare picture first, then what each effect makes of it."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._tiles: list[tuple[str, Pixels]] = [("as filmed", frame.pixels)]
        self._landmarks: NDArray[np.float32] | None = None

    @classmethod
    def on(cls, path: Path, seconds: float) -> Gallery:
        """On the frame that a clip shows at ``seconds``, or on its last one where it is shorter; a
        still picture is a clip of one frame. Raises SourceError."""
        with Clip(path) as clip:
            shown = None
            for frame in clip:
                shown = frame
                if frame.captured_at >= seconds * 1e9:
                    break
        if shown is None:
            raise SourceError(f"{path} has no frames")
        return cls(shown)

    def add(self, effect: Effect) -> None:
        """Run ``effect`` on the picture and put it on the sheet."""
        with Pipeline(effect) as pipeline:
            after = pipeline.process(self._frame)
            if self._landmarks is None and pipeline.faces:
                self._landmarks = pipeline.faces[0].landmarks[:, :2]
        self._tiles.append((effect.title, after.pixels))

    def sheet(self, columns: int) -> Pixels:
        """All of it, uint8 RGB: ``columns`` pictures beside one another, each with its title below."""
        height, width = _TILE
        step = height + _CAPTION + _GAP, width + _GAP
        rows = -(-len(self._tiles) // columns)
        columns = min(columns, len(self._tiles))
        sheet = np.full((rows * step[0] + _GAP, columns * step[1] + _GAP, 3), _PAPER, np.uint8)
        part = self._part()
        for number, (title, pixels) in enumerate(self._tiles):
            top, left = (n * s + _GAP for n, s in zip(divmod(number, columns), step, strict=True))
            small = cv2.resize(pixels[part], (width, height), interpolation=cv2.INTER_AREA)
            sheet[top : top + height, left : left + width] = small
            _write(sheet[top + height : top + height + _CAPTION, left : left + width], title)
        return sheet

    def save(self, path: Path, columns: int) -> None:
        """Write the sheet; the ending of ``path`` says how. Raises UsageError for an ending that is not
        one of ``FORMATS``, SinkError when it cannot be written."""
        check_ending(path)
        picture = cv2.cvtColor(self.sheet(columns), cv2.COLOR_RGB2BGR)
        quality = [cv2.IMWRITE_WEBP_QUALITY, 88] if path.suffix.lower() == ".webp" else []
        encoded, data = cv2.imencode(path.suffix.lower(), picture, quality)
        if not encoded:
            raise SinkError(f"{path}: the picture cannot be encoded")
        PartFile(path).fill(data.tobytes())

    def _part(self) -> tuple[slice, slice]:
        """What the tiles show of the frame: the head with some air, or all that has a tile's shape."""
        rows, columns = self._frame.pixels.shape[:2]
        shape = _TILE[1] / _TILE[0]
        height, centre = min(rows, columns / shape), np.array([columns / 2, rows / 2])
        if self._landmarks is not None:
            low, high = self._landmarks.min(axis=0), self._landmarks.max(axis=0)
            height = min(height, 1.8 * float(high[1] - low[1]))
            centre = (low + high) / 2 - (0, 0.06 * height)
        size = np.array([height * shape, height])
        left, top = np.clip(centre - size / 2, 0, np.array([columns, rows]) - size)
        return slice(round(top), round(top + size[1])), slice(round(left), round(left + size[0]))


def check_ending(path: Path) -> None:
    """Raises UsageError where ``path`` does not say what kind of picture to write."""
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"{path}: a gallery is a picture; end its name in one of {', '.join(FORMATS)}")


def columns_for(tiles: int) -> int:
    """As many as make a sheet somewhat wider than high.

    >>> [columns_for(n) for n in (1, 2, 3, 7, 25)]
    [1, 2, 2, 3, 5]
    """
    return math.ceil(math.sqrt(tiles))


def _write(strip: NDArray[np.uint8], title: str) -> None:
    """``title`` in the middle of ``strip``, cut off where it is wider."""
    cover = lettering(title, 12.0)
    cover = cover[:, : strip.shape[1]]
    top, left = (strip.shape[0] - cover.shape[0]) // 2 + 2, (strip.shape[1] - cover.shape[1]) // 2
    place = strip[top : top + cover.shape[0], left : left + cover.shape[1]]
    share = cover[: place.shape[0], :, None].astype(np.float32) / 255
    place[:] = np.rint(place + (np.array(_INK, np.float32) - place) * share).astype(np.uint8)
