"""The oil look: planes set down with a palette knife, deep colour, strong light, warm against cool shade.

A plane is a patch of dabs (:mod:`effectcam.distill.teachers.drawing.kuwahara`) brought near one of few tones.
Where it ends hangs on tone alone, its own and that around it, so that a student finds it and a mirrored
picture has it mirrored. Planes that a network laid were more like a knife's and of no use: it hewed a
mirrored face otherwise, and students learnt the mean, which is a photograph with a halo.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from effectcam.distill.teachers.drawing.brushwork import dabs
from effectcam.distill.teachers.drawing.ground import Pixels, balanced, calm, check, to_pixels
from effectcam.distill.teachers.drawing.lines import Plane
from effectcam.distill.teachers.drawing.tones import spread, stepped
from effectcam.distill.teachers.head.face_parts import Landmarks, Picture, blur, smooth_step
from effectcam.distill.teachers.head.portrait import Portrait

_TONE = 10.0
"""Lightness from one plane to the next."""
_EDGE = 0.65
"""Share of that in which one passes into the next: paint is dragged, not cut."""
_CONTRAST = 0.85
"""How much tones are spread, 0 to 1."""

_MOST = np.float32(16)
"""Lightness that a tone can be driven away from what is around it."""

_LIGHT = np.array([1.5, 11.0], np.float32)
"""Lab's a and b that white has more than middle grey, and black less: lamplight, and shade under a sky."""
_UMBER = np.array([3.0, 4.0], np.float32)
"""What the darkest paint has besides: it is brown rather than black."""


@dataclass(frozen=True, kw_only=True)
class Oil:
    """Paints a picture, face crop or whole frame, as an old master's pupil would with a knife.

    dab: size of the dabs, relative to the picture's shorter side; 1 is 14 px in radius at 256. More loses
        small features.
    modelling: how far light and shade are driven apart across a cheek or a sleeve, as by one candle; 0 leaves
        the camera's flat light, above 1.2 walls glow round dark hair.
    planes: how near the dabs come to the planes' tones, 0 (smooth as enamel) to 1.
    edge: how far one plane stands out against the next; above 1.5 every wrinkle is cut in wood.
    richness: gain on colour; 0 leaves it as it is, above 1.5 skin turns orange.
    """

    dab: float = 1.0
    modelling: float = 0.9
    planes: float = 1.0
    edge: float = 0.3
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
        paint = dabs(calm(lab, 0.7 * unit), unit, fine=4.3 * self.dab, broad=14 * self.dab, keep=(8, 17))
        hewn = np.ones(image.shape[:2], np.float32)
        if landmarks is not None:
            portrait = Portrait(np.asarray(landmarks[:, :2], np.float32), *image.shape[:2])
            paint = portrait.finish(lab, paint)
            hewn -= np.float32(0.7) * portrait.detail()
        tone = spread(np.ascontiguousarray(paint[..., 0]), _CONTRAST)
        tone = np.clip(
            tone + np.float32(self.modelling) * _apart(tone, 14 * self.dab * unit, lit=0.55), 0, 100
        )
        tone += np.float32(self.planes) * hewn * (stepped(tone, _TONE, _EDGE) - tone)
        tone += np.float32(self.edge) * hewn * _apart(tone, 3 * unit, lit=0.4)
        return to_pixels(_coloured(paint, np.clip(tone, 0, 100), self.richness))


def _apart(tone: Plane, sigma: float, lit: float) -> Plane:
    """How far a tone is from what is around it, (H, W), `_MOST` at most: a dark face before a white wall has
    light and shade of its own. ``lit`` of that where it is lighter, since more would be a halo."""
    difference = _MOST * np.tanh((tone - blur(tone, sigma)) / _MOST)
    return np.where(difference > 0, np.float32(lit) * difference, difference)


def _coloured(paint: Picture, tone: Plane, richness: float) -> Picture:
    """Deep darks that are brown rather than black, and glowing middle tones."""
    chroma = np.hypot(paint[..., 1], paint[..., 2])[..., None]
    gain = 1 + np.float32(0.9 * richness) * smooth_step(chroma, 2, 12) / (1 + (chroma / 50) ** 2)
    warmth = _LIGHT * (tone / 50 - 1)[..., None] + _UMBER * (1 - smooth_step(tone, 5, 50))[..., None]
    return np.clip(np.dstack([tone, paint[..., 1:] * gain + warmth]), [0, -128, -128], [100, 127, 127])
