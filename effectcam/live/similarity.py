"""Whether a frame differs from the last one that was drawn, by a plain threshold.

Each frame has a thumbnail: its grey values (Rec. 601 luma, as OpenCV computes it) averaged over cells of
1/160 of its width, eight pixels of a frame of 1280. Of two thumbnails two numbers are taken: the largest
difference of any cell and the mean difference of all, in steps of 1/255.

- The largest tells what moves: an edge of contrast c that moves by d pixels changes its cells by c d / 8.
- The mean tells what changes everywhere: a lamp, the camera's exposure, a fade.

What a camera adds by itself is small: noise of 4 steps a pixel, compressed as JPEG at quality 70, made a
largest difference of 3 to 4 and a mean of 0.5; noise of 8 steps, 5 and 0.9. Neighbouring frames of people
who talk had a largest difference of 11 to 78 (median of each of seven clips).

A thumbnail takes 0.3 to 0.4 ms at 1280 x 720 on a busy core: it is averaged from every second row.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.frame import Pixels

_ACROSS = 160
_ROWS = 360
"""Rows of a frame that are looked at, at least."""


class Change(NamedTuple):
    """How much two pictures differ, in steps of 1/255."""

    most: float
    """In any one cell."""
    mean: float
    """Over all cells."""


def thumbnail(pixels: Pixels) -> NDArray[np.uint8]:
    """Grey values (H, W) of ``pixels`` (of any size), 160 across."""
    height, width = pixels.shape[:2]
    rows = pixels[:: max(1, height // _ROWS)]
    if width >= 2 * _ACROSS and rows.shape[0] >= 2:
        # Halving by area is the one reduction that OpenCV does in a vector loop.
        half = (width // 2, rows.shape[0] // 2)
        rows = np.asarray(cv2.resize(rows, half, interpolation=cv2.INTER_AREA), np.uint8)
    grey = cv2.cvtColor(rows, cv2.COLOR_RGB2GRAY)
    across = min(_ACROSS, width)
    size = (across, max(1, round(height * across / width)))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)


def difference(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> Change:
    """Of two thumbnails of one size."""
    change = cv2.absdiff(one, other)
    return Change(float(change.max()), round(float(change.mean()), 3))


class LastDrawn:
    """The last frame that was drawn, and what became of it.

    Frames are compared with it and not with each other: what creeps adds up until it is seen.
    """

    def __init__(self) -> None:
        self.drawn: Pixels | None = None
        self.faces = 0
        """That got the effect."""
        self._under: object = None
        self._thumbnail: NDArray[np.uint8] | None = None
        self._next: NDArray[np.uint8] | None = None

    def compare(self, pixels: Pixels, under: object) -> Change | None:
        """How ``pixels`` differ from the last drawn frame; None when there is none, it had another size,
        or it was drawn ``under`` other settings."""
        self._next = thumbnail(pixels)
        same = self.drawn is not None and self.drawn.shape == pixels.shape and self._under == under
        self._under = under
        if self._thumbnail is None or not same:
            return None
        return difference(self._next, self._thumbnail)

    def keep(self, drawn: Pixels, faces: int) -> None:
        """The frame compared last became ``drawn``; must not be written to any more."""
        self.drawn, self.faces = drawn, faces
        self._thumbnail, self._next = self._next, None

    def forget(self) -> None:
        """The next frame is another moment, and must be drawn."""
        self.drawn = self._thumbnail = self._next = None
