"""The words "AI effect" in a corner: tells whoever watches that what looks real is drawn."""

from __future__ import annotations

from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.composite.lettering import lettering
from effectcam.errors import UsageError, nearest
from effectcam.frame import Pixels

Corner = Literal["bottom left", "bottom right", "top left", "top right"]

_HEIGHT = 0.046
_MARGIN = 0.026
"""Of the label, and from the frame's edges: shares of the frame's shorter side."""

_LEAST = 15
"""Pixels: the least height at which the words can be read."""

_CAPITAL = 0.40
"""Height of a capital letter as a share of the label's."""

_GROUND, _GROUND_ALPHA = (16, 18, 24), 0.66
"""Dark enough for white words on a white wall, clear enough to be no black box on a dark one."""

_INK, _RIM_ALPHA = 250, 0.22
_FINE = 8
"""Samples of the star along each pixel: its points are thinner than one."""


class Label:
    """Lays a small label into frames. Drawn once for each size of frame; after that a frame costs a copy
    of itself and a multiplication and an addition over the label's own pixels."""

    def __init__(self, text: str = "AI effect", *, corner: Corner = "bottom left") -> None:
        """``text`` in ASCII, other letters lose their accents. Whatever ``corner``, words are not
        mirrored with the picture: what others see is what is laid here. Raises UsageError."""
        if not text.strip():
            raise UsageError("the label is empty; leave it out with --no-label")
        if corner not in get_args(Corner):
            raise UsageError(f"no corner {corner!r}; {nearest(corner, get_args(Corner))}")
        self._text = text.strip()
        self._corner = corner
        self._size = (0, 0)
        self._part = self._weight = np.empty((0, 0, 3), np.uint8)
        self._left = self._top = 0

    def lay(self, pixels: Pixels) -> Pixels:
        """``pixels`` (H, W, 3) with the label, new memory; the input is left as it is."""
        height, width = pixels.shape[:2]
        if self._size != (width, height):
            self._draw(width, height)
        out = pixels.copy()
        rows, columns = self._part.shape[:2]
        box = out[self._top : self._top + rows, self._left : self._left + columns]
        box[:] = cv2.add(cv2.multiply(box, self._weight, scale=1 / 255), self._part)
        return out

    def _draw(self, width: int, height: int) -> None:
        side = min(width, height)
        margin = round(_MARGIN * side)
        colour, alpha = _pill(self._text, max(_LEAST, round(_HEIGHT * side)))
        room = max(1, width - 2 * margin), max(1, height - 2 * margin)
        shrink = min(1.0, room[0] / alpha.shape[1], room[1] / alpha.shape[0])
        if shrink < 1:
            size = max(1, int(alpha.shape[1] * shrink)), max(1, int(alpha.shape[0] * shrink))
            colour = np.asarray(cv2.resize(colour, size, interpolation=cv2.INTER_AREA), np.float32)
            alpha = np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), np.float32)
        self._part = np.rint(colour).astype(np.uint8)
        self._weight = np.repeat(np.rint(255 * (1 - alpha)).astype(np.uint8)[:, :, None], 3, axis=2)
        rows, columns = alpha.shape
        self._left = (
            min(margin, width - columns) if "left" in self._corner else max(0, width - margin - columns)
        )
        self._top = min(margin, height - rows) if "top" in self._corner else max(0, height - margin - rows)
        self._size = width, height


def _pill(text: str, height: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The label ``height`` pixels high: colour 0 to 255 times alpha (H, W, 3), and alpha 0 to 1 (H, W)."""
    words = lettering(text, _CAPITAL * height, weight=0.155).astype(np.float32) / 255
    star = round(0.46 * height)
    pad, gap = round(0.42 * height), round(0.20 * height)
    width = pad + star + gap + words.shape[1] + pad
    ground, rim = _rounded(width, height, max(1.0, height / 26))
    ink = np.zeros((height, width), np.float32)
    top = (height - star) // 2
    ink[top : top + star, pad : pad + star] = _star(star)
    rows = min(height, words.shape[0])
    top, cut = (height - rows) // 2, (words.shape[0] - rows) // 2
    left = pad + star + gap
    ink[top : top + rows, left : left + words.shape[1]] = words[cut : cut + rows]
    white = np.maximum(ink, _RIM_ALPHA * rim)
    dark = _GROUND_ALPHA * ground * (1 - white)
    colour = dark[:, :, None] * np.array(_GROUND, np.float32) + (_INK * white)[:, :, None]
    return np.asarray(colour, np.float32), np.asarray(dark + white, np.float32)


def _rounded(width: int, height: int, line: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Coverage of a box with round ends, and of the ``line`` pixels along its edge, both (H, W)."""
    x = np.abs(np.arange(width, dtype=np.float32) - (width - 1) / 2)[None, :]
    y = np.arange(height, dtype=np.float32)[:, None] - (height - 1) / 2
    inside = height / 2 - np.hypot(np.maximum(x - (width - height) / 2, 0), y)
    whole = np.clip(inside + 0.5, 0, 1)
    return np.asarray(whole, np.float32), np.asarray(whole - np.clip(inside - line + 0.5, 0, 1), np.float32)


def _star(size: int) -> NDArray[np.float32]:
    """Coverage of a four-pointed star, (size, size)."""
    axis = np.abs(np.linspace(-1, 1, size * _FINE, dtype=np.float32))
    inside = axis[None, :] ** 0.62 + axis[:, None] ** 0.62 < 1
    return np.asarray(
        cv2.resize(inside.astype(np.float32), (size, size), interpolation=cv2.INTER_AREA), np.float32
    )
