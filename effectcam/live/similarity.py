"""Whether anything has moved since the last frame that was drawn, by a plain threshold.

Each frame has a thumbnail: its grey values (Rec. 601 luma, as OpenCV computes it) averaged over cells of
eight pixels a side, more for frames wider than 1280. Of two thumbnails two numbers are taken: the largest
difference of any cell and the mean difference of all, in steps of 1/255.

- The largest tells what moves: an edge of contrast c that moves by d pixels changes its cells by c d / 8.
  Up to 8 steps two frames are alike: half a pixel of a strong edge is more, and so is a blink.
- The mean tells what changes everywhere, a lamp, the camera's exposure, a fade: up to 1 step.

What a camera adds by itself stays below both. On real pictures noise of 4 steps a pixel, packed as JPEG at
quality 80, made a largest difference of 4 to 5 and a mean of 0.4 to 0.6; noise of 6 steps at quality 60, 4 to
9 and 0.7 to 0.9. Neighbouring frames of seven clips of people who talk had a median largest of 7 to 49.

A thumbnail takes 0.3 to 0.4 ms at 1280 x 720 on a busy core: it is averaged from every second row.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.frame import Pixels

_CELL = 8
"""Pixels along a cell, at least: fewer would not average a camera's noise away."""
_ACROSS = 160
"""Cells, at most."""
_ROWS = 360
"""Rows of a frame that are looked at, at least."""


class Difference(NamedTuple):
    """Of two pictures, in steps of 1/255."""

    most: float
    """In any one cell."""
    mean: float
    """Over all cells."""


class Change(NamedTuple):
    """What a frame tells beside those before it."""

    most: float
    """See `Difference`, from the last drawn frame."""
    mean: float
    alike: bool
    """Nothing is seen to have moved since the last drawn frame."""
    rest_s: float
    """Seconds for which nothing is seen to have moved."""


def thumbnail(pixels: Pixels) -> NDArray[np.uint8]:
    """Grey values (H, W) of ``pixels`` (of any size), one for each cell."""
    height, width = pixels.shape[:2]
    rows = pixels[:: max(1, height // _ROWS)]
    if width >= 2 * _ACROSS and rows.shape[0] >= 2:
        # Halving by area is the one reduction that OpenCV does in a vector loop.
        half = (width // 2, rows.shape[0] // 2)
        rows = np.asarray(cv2.resize(rows, half, interpolation=cv2.INTER_AREA), np.uint8)
    grey = cv2.cvtColor(rows, cv2.COLOR_RGB2GRAY)
    across = min(_ACROSS, max(1, width // _CELL))
    size = (across, max(1, round(height * across / width)))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)


def difference(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> Difference:
    """Of two thumbnails of one size."""
    change = cv2.absdiff(one, other)
    return Difference(float(change.max()), round(float(change.mean()), 3))


class LastDrawn:
    """The last frame that was drawn, and what became of it.

    Frames are compared with it and not with each other, so that what creeps adds up until it is seen. For
    the same reason rest is counted from one frame that all later ones are like.
    """

    def __init__(self, *, most: float = 8.0, mean: float = 1.0) -> None:
        """Two frames are alike up to both limits: higher ones hold what visibly moves, lower ones take noise
        for motion."""
        self._limits = Difference(most, mean)
        self.drawn: Pixels | None = None
        self.faces = 0
        """That got the effect."""
        self._under: object = None
        self._thumbnail: NDArray[np.uint8] | None = None
        self._next: NDArray[np.uint8] | None = None
        self._rest: NDArray[np.uint8] | None = None
        self._rests_since = 0

    def compare(self, pixels: Pixels, at: int, under: object) -> Change | None:
        """How ``pixels``, of the stamp ``at`` (ns), differ from the last drawn frame; None when there is
        none, it had another size, or it was drawn ``under`` other settings."""
        now = self._next = thumbnail(pixels)
        if (
            self._rest is None
            or self._rest.shape != now.shape
            or not self._alike(difference(now, self._rest))
        ):
            self._rest, self._rests_since = now, at
        same = self.drawn is not None and self.drawn.shape == pixels.shape and self._under == under
        self._under = under
        if self._thumbnail is None or not same:
            return None
        change = difference(now, self._thumbnail)
        return Change(*change, self._alike(change), round((at - self._rests_since) / 1e9, 3))

    def keep(self, drawn: Pixels, faces: int) -> None:
        """The frame compared last became ``drawn``; must not be written to any more."""
        self.drawn, self.faces = drawn, faces
        self._thumbnail, self._next = self._next, None

    def forget(self) -> None:
        """The next frame is another moment, and must be drawn."""
        self.drawn = self._thumbnail = self._next = self._rest = None

    def _alike(self, difference: Difference) -> bool:
        return difference.most <= self._limits.most and difference.mean <= self._limits.mean
