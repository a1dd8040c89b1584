"""The oil look: thick dabs that follow form, deep colour, and the scene's light on the ridges of the paint.

The dabs are those of :mod:`effectcam.distill.teachers.drawing.kuwahara`. The ridges are lit like the height
field of A. Hertzmann, "Fast Paint Texture" (NPAR 2002), but from where the scene is lighter: a lamp in a
corner of the picture could not be learnt from pictures that are mirrored and laid on their side in training.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from effectcam.distill.teachers.drawing.brushwork import combed, dabs
from effectcam.distill.teachers.drawing.ground import Pixels, balanced, calm, check, to_pixels
from effectcam.distill.teachers.drawing.lines import Plane
from effectcam.distill.teachers.head.face_parts import Landmarks, Picture, blur, smooth_step
from effectcam.distill.teachers.head.portrait import Portrait

_BROKEN = np.array([0.9, 0.5, 1.0], np.float32)
"""Lab that a ridge is lighter and warmer than a furrow: paint is never quite mixed."""


@dataclass(frozen=True, kw_only=True)
class Oil:
    """Paints a picture, face crop or whole frame, as an old master would with a loaded brush.

    dab: size of the dabs, relative to the picture's shorter side; 1 is 7 px in radius at 256. More is broader
        and loses small features.
    relief: height of the ridges; 0 is smooth as enamel, above 1.5 it looks like plastic foil.
    richness: gain on colour; 0 leaves it as it is, more than 1.5 turns skin orange.
    """

    dab: float = 1.0
    relief: float = 1.0
    richness: float = 1.0

    def __call__(self, image: Pixels, landmarks: Landmarks | None) -> Pixels:
        """Paint one picture.

        image: uint8 (H, W, 3), RGB, sides of at least 32 px. landmarks: float32 (478, 2 or 3), pixels, or
        None. Returns uint8 (H, W, 3), RGB; the same input gives the same bytes. Raises UsageError for another
        shape or type.
        """
        check(image, landmarks, look="oil")
        unit = min(image.shape[:2]) / 256
        # Half of the usual light: gloom and lamplight belong to the look, and dark skin stays dark.
        lab = balanced(image, share=0.5)
        paint = dabs(calm(lab, 0.7 * unit), unit, fine=3.0 * self.dab, broad=7.5 * self.dab, keep=(3.5, 10.0))
        seen = np.ascontiguousarray(lab[..., 0])
        height = _ridges(seen, np.ascontiguousarray(paint[..., 0]), unit)
        if landmarks is not None:
            portrait = Portrait(np.asarray(landmarks[:, :2], np.float32), *image.shape[:2])
            paint = portrait.finish(lab, paint)
            height = height * (1 - np.float32(0.75) * portrait.detail())
        paint = _rich(paint, self.richness) + np.float32(self.relief) * height[..., None] * _BROKEN
        paint[..., 0] = np.clip(paint[..., 0] + np.float32(self.relief) * _lit(height, seen, unit), 0, 100)
        return to_pixels(paint)


def _ridges(seen: Plane, painted: Plane, unit: float) -> Plane:
    """Height of the paint in about thousandths of the picture's side: hair of the brush, and rims of dabs."""
    rims = np.tanh((painted - blur(painted, 1.6 * unit)) / 12)
    return np.asarray(3.4 * combed(seen, unit, grain=1.1) + 0.9 * rims, np.float32)


def _lit(height: Plane, seen: Plane, unit: float) -> Plane:
    """Change of lightness where ``height`` faces the light or turns away from it."""
    hx, hy = _gradient(blur(height, 0.6 * unit), unit)
    lx, ly = _gradient(blur(seen, 12 * unit), unit)
    # The constant is the square of a slope, in lightness a unit, too small to tell where the light is.
    sure = 1 / np.sqrt(lx * lx + ly * ly + np.float32(0.02))
    facing = -(hx * lx + hy * ly) * sure
    # Furrows lie in their own shade whatever the light.
    open_ = height - blur(height, 2.0 * unit)
    return np.asarray(9 * np.tanh(1.3 * facing + 0.35 * open_), np.float32)


def _gradient(plane: Plane, unit: float) -> tuple[Plane, Plane]:
    """Change a unit to the right and down."""
    x, y = (cv2.Scharr(plane, cv2.CV_32F, i, 1 - i, scale=unit / 32) for i in (1, 0))
    return np.asarray(x, np.float32), np.asarray(y, np.float32)


def _rich(paint: Picture, richness: float) -> Picture:
    """Deep darks that are brown rather than black, and glowing middle tones."""
    out = paint.copy()
    lightness, a, b = out[..., 0], out[..., 1], out[..., 2]
    t = np.clip(lightness / 100, 0, 1)
    t = t - 0.05 * t * (1 - 0.5 * t)
    lightness = 100 * (t + 0.6 * t * (1 - t) * (t - 0.47) / (0.4 + t))
    chroma = np.hypot(a, b)
    gain = 1 + np.float32(0.26 * richness) * smooth_step(chroma, 2, 12) / (1 + (chroma / 50) ** 2)
    umber = 1 - smooth_step(lightness, 5, 55)
    out[..., 0] = lightness
    out[..., 1] = a * gain + 3.5 * umber
    out[..., 2] = b * gain + 4.0 * umber
    return out
