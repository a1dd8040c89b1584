"""Draws the whole frame with a student of fixed size, whatever the frame's shape."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from effectcam.face.crop import Crop
from effectcam.frame import Pixels
from effectcam.student.protocol import Student


@dataclass(frozen=True, slots=True)
class _Fit:
    """How a frame lies in the student's picture: scaled evenly, in the middle, the rest mirrored."""

    turned: bool
    """Transposed, rows for columns."""
    width: int
    height: int
    """Of the scaled frame, before it is turned."""
    left: int
    top: int
    """Of the scaled and turned frame in the student's picture."""


@dataclass(frozen=True, slots=True)
class DrawnFrame:
    """A frame as the student drew it, and as the student saw it: small, upright, without the mirrored
    surround, both uint8 of one shape (h, w, 3)."""

    drawing: Pixels
    seen: Pixels
    share: float | None = None
    """0 to 1: of the previous frames in ``drawing``, see `Steadied`."""

    def sample(self, crop: Crop, size: int, frame: tuple[int, int]) -> Pixels:
        """The drawing inside ``crop``, uint8 (size, size, 3): what a face should agree with.
        ``frame`` is the (width, height) of the frame that the crop speaks of."""
        shrink = np.array([self.drawing.shape[1] / frame[0], self.drawing.shape[0] / frame[1]])
        affine = crop.to_picture(size)
        affine = np.column_stack((affine[:, :2] * shrink[:, None], (affine[:, 2] + 0.5) * shrink - 0.5))
        sampled = cv2.warpAffine(
            self.drawing,
            affine,
            (size, size),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        return np.asarray(sampled, np.uint8)


class FrameCanvas:
    """The frame, drawn small, and the ground that faces are laid on.

    The frame is scaled to fit the student's size without changing its proportions, because lines
    would be thicker one way than the other. A frame taller than wide is transposed first (a drawn
    look knows no up and down, and is trained on both), so that a phone's video is drawn with as many
    pixels as a webcam's.

    One canvas serves one frame after another: ``draw``, then ``ground``, then ``finish``. The next frame may
    be drawn in another thread meanwhile.
    """

    def __init__(self, student: Student, *, detail: float) -> None:
        """``detail`` (0 to 1): how much of the frame's finest detail ``finish`` brings back."""
        self._student = student
        self._detail = detail
        self._ground = np.empty((0, 0, 3), np.uint8)

    def draw(self, pixels: Pixels) -> DrawnFrame:
        """Run the student on the frame ``pixels`` (H, W, 3); the slow part, free to run beside the
        face's own stages. Raises StudentError."""
        fit = _fit(pixels.shape[1], pixels.shape[0], self._student.size)
        small = pixels
        # Halving by area is nearly free; the last step then shrinks by less than two, which
        # bilinear sampling does without skipping pixels.
        while small.shape[1] >= 2 * fit.width and small.shape[0] >= 2 * fit.height:
            half = (small.shape[1] // 2, small.shape[0] // 2)
            small = np.asarray(cv2.resize(small, half, interpolation=cv2.INTER_AREA), np.uint8)
        small = np.asarray(
            cv2.resize(small, (fit.width, fit.height), interpolation=cv2.INTER_LINEAR), np.uint8
        )
        lying = np.asarray(cv2.transpose(small), np.uint8) if fit.turned else small
        rows, columns = lying.shape[:2]
        height, width = self._student.size
        padded = cv2.copyMakeBorder(
            lying,
            fit.top,
            height - rows - fit.top,
            fit.left,
            width - columns - fit.left,
            cv2.BORDER_REFLECT if min(rows, columns) < 2 else cv2.BORDER_REFLECT_101,
        )
        drawn = self._student.run(np.asarray(padded, np.uint8))
        drawn = drawn[fit.top : fit.top + rows, fit.left : fit.left + columns]
        # The student's own memory, which the next frame overwrites.
        drawn = np.asarray(cv2.transpose(drawn), np.uint8) if fit.turned else drawn.copy()
        return DrawnFrame(drawn, small)

    def ground(self, drawn: DrawnFrame, width: int, height: int) -> Pixels:
        """The drawing at the frame's size, less the share of the frame that ``finish`` will add;
        the canvas's own memory, to be drawn on and handed to ``finish``."""
        if self._ground.shape[:2] != (height, width):
            self._ground = np.empty((height, width, 3), np.uint8)
        less = drawn.drawing
        if self._detail:
            less = np.asarray(cv2.addWeighted(drawn.drawing, 1.0, drawn.seen, -self._detail, 0), np.uint8)
        cv2.resize(less, (width, height), dst=self._ground, interpolation=cv2.INTER_CUBIC)
        return self._ground

    def finish(self, ground: Pixels, pixels: Pixels, strength: float) -> Pixels:
        """The finished frame, new memory: ``ground`` with the detail of ``pixels``, mixed with
        ``pixels`` by ``strength`` (0 to 1)."""
        # detail * P + G, and then s of that and 1 - s of P, in one pass.
        kept = strength * self._detail + 1 - strength
        return np.asarray(cv2.addWeighted(ground, strength, pixels, kept, 0), np.uint8)


def _fit(width: int, height: int, size: tuple[int, int]) -> _Fit:
    rows, columns = size
    turned = (height > width) != (rows > columns) and height != width
    if turned:
        rows, columns = columns, rows
    scale = min(columns / width, rows / height)
    small_width, small_height = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (columns - small_width) // 2, (rows - small_height) // 2
    return _Fit(turned, small_width, small_height, *((top, left) if turned else (left, top)))
