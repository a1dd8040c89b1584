"""The pastel look: soft chalk in light colours on tinted paper, which shows wherever little is drawn.

The order is that of the 18th century's pastellists: broad flats rubbed in, form in a few steps, cool chalk in
the shades and cream in the lights, a soft dark contour and a light one beside it. The tooth of the paper is a
screen of the runtime's.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from effectcam.distill.teachers.drawing.brushwork import combed, dabs, nearness, slope
from effectcam.distill.teachers.drawing.ground import Pixels, balanced, calm, check, to_pixels
from effectcam.distill.teachers.drawing.lines import Plane, flow_lines
from effectcam.distill.teachers.drawing.palette import laid
from effectcam.distill.teachers.head.face_parts import Landmarks, Picture, blur, smooth_step
from effectcam.distill.teachers.head.flesh import flesh_of
from effectcam.distill.teachers.head.portrait import Portrait

_PAPER = np.array([80, 6, 13], np.float32)
_CREAM = np.array([95, 1, 8], np.float32)
_PLUM = np.array([24, 12, -16], np.float32)
_UMBER = np.array([24, 24, 14], np.float32)

_STEP = 14.0
"""Lightness from one stick of chalk to the next."""


@dataclass(frozen=True, kw_only=True)
class Pastel:
    """Draws a picture, face crop or whole frame, in chalk on tinted paper.

    softness: size of what is rubbed together, relative to the picture's shorter side; more loses features.
    bare: how much of the paper shows through, 0 to 1.5; above 1 dark clothes turn pale.
    contour: opacity of the dark contours, 0 to 1.
    line_width: of the contours, relative to the picture's shorter side; 1 is about 3 px at 256.
    """

    softness: float = 1.0
    bare: float = 1.0
    contour: float = 0.75
    line_width: float = 1.0

    def __call__(self, image: Pixels, landmarks: Landmarks | None) -> Pixels:
        """Draw one picture.

        image: uint8 (H, W, 3), RGB, sides of at least 32 px. landmarks: float32 (478, 2 or 3), pixels, or
        None. Returns uint8 (H, W, 3), RGB; the same input gives the same bytes. Raises UsageError for another
        shape or type.
        """
        check(image, landmarks, look="pastel")
        unit = min(image.shape[:2]) / 256
        lab = balanced(image, share=0.75)
        still = calm(lab, unit)
        paint = dabs(
            still, unit, fine=2.5 * self.softness, broad=5.0 * self.softness, keep=(3.0, 9.0), sharpness=5.5
        )
        paint = np.asarray(cv2.GaussianBlur(paint, (0, 0), 0.7 * unit), np.float32)
        portrait, fine = None, np.zeros(image.shape[:2], np.float32)
        if landmarks is not None:
            portrait = Portrait(np.asarray(landmarks[:, :2], np.float32), *image.shape[:2])
            paint, fine = portrait.finish(lab, paint), portrait.detail()
        skin = flesh_of(paint, portrait, unit)
        grey = np.ascontiguousarray(still[..., 0])
        strokes = np.tanh(2 * combed(np.ascontiguousarray(lab[..., 0]), unit, grain=2.0)) * (1 - fine)
        chalk = _chalk(paint, skin)
        chalk[..., 0] += 4 * strokes
        cover = _cover(paint, grey, skin, strokes, unit)
        page = laid(chalk, _PAPER, (1 - cover) * np.float32(self.bare))
        return to_pixels(self._contoured(page, grey, skin, fine, unit))

    def _contoured(self, page: Picture, grey: Plane, skin: Plane, fine: Plane, unit: float) -> Picture:
        width = self.line_width * unit
        dark = flow_lines(grey, width=1.0 * width, length=5 * width, threshold=0.4, softness=2.2)
        light = flow_lines(100 - grey, width=1.1 * width, length=5 * width, threshold=0.8, softness=3.0)
        stick = _PLUM + (_UMBER - _PLUM) * skin[..., None]
        page = laid(page, stick, np.float32(self.contour) * blur(dark, 0.6 * width))
        return laid(page, _CREAM, np.float32(0.55) * blur(light, 0.6 * width) * (1 - 0.7 * fine))


def _cover(paint: Picture, grey: Plane, skin: Plane, strokes: Plane, unit: float) -> Plane:
    """How thick the chalk lies, 0 (bare paper) to 1: on skin, on strong colour, and round the outlines."""
    near = smooth_step(nearness(slope(grey, unit), unit) + 0.25 * strokes, 0.1, 0.75)
    vivid = smooth_step(np.hypot(paint[..., 1], paint[..., 2]), 9, 30)
    cover = np.maximum(np.maximum(0.58 + 0.34 * near, 0.93 * skin), 0.85 * vivid)
    return np.asarray(np.clip(cover + 0.14 * strokes, 0, 0.95), np.float32)


def _chalk(paint: Picture, skin: Plane) -> Picture:
    """The sticks that come nearest: a few tones, light and dusty, none of them black."""
    out = paint.copy()
    lightness, a, b = paint[..., 0], paint[..., 1], paint[..., 2]
    level = lightness / np.float32(_STEP)
    rest = level - np.round(level)
    # Soft steps (H. Winnemöller et al., "Real-Time Video Abstraction", SIGGRAPH 2006) do not crawl.
    stepped = np.round(level) + 0.5 * np.sign(rest) * (1 - np.tanh(7 * (0.5 - np.abs(rest))) / np.tanh(3.5))
    lightness = lightness + 0.55 * (_STEP * stepped - lightness)
    t = np.clip(lightness / 100, 0, 1)
    shade = 1 - smooth_step(lightness, 12, 52)
    light = smooth_step(lightness, 50, 85)
    chroma = np.hypot(a, b)
    gain = (2.0 - 0.65 * skin) * smooth_step(chroma, 0, 6) / (1 + (chroma / 55) ** 2)
    out[..., 0] = 29 + 70 * (t + 0.6 * t * (1 - t) * (t - 0.36))
    out[..., 1] = a * gain + (8 - 5 * skin) * shade + 2 * light
    out[..., 2] = b * gain - (16 - 8 * skin) * shade + 2 * light
    return out
