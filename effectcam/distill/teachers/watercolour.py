"""The watercolour look: transparent washes, paper left white in the lights, pigment pooled at dried rims.

A wash lays pigment by density over white paper; rims darken where it dries and the ground runs out into bare
paper, as in A. Bousseau, M. Kaplan, J. Thollot, F. Sillion, "Interactive Watercolor Rendering with Temporal
Coherence and Abstraction" (NPAR 2006). What they take from noise (turbulence, wavering) is taken from the
picture's own light here; the grain of the paper is a screen of the runtime's.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from effectcam.distill.teachers.drawing.brushwork import dabs, nearness, slope
from effectcam.distill.teachers.drawing.ground import Pixels, balanced, calm, check, to_pixels
from effectcam.distill.teachers.drawing.lines import Plane, flow_lines
from effectcam.distill.teachers.drawing.palette import laid
from effectcam.distill.teachers.head.face_parts import Landmarks, Picture, blur, smooth_step
from effectcam.distill.teachers.head.flesh import flesh_of
from effectcam.distill.teachers.head.portrait import Portrait

_LAYERS = ((0.0, 0.12), (0.12, 0.30), (0.30, 0.48), (0.48, 0.70), (0.70, 1.0))
"""Darkness, 0 to 1, that each glaze adds from and to."""

_GRAPHITE = np.array([26, 2, -3], np.float32)


@dataclass(frozen=True, kw_only=True)
class Watercolour:
    """Paints a picture, face crop or whole frame, in washes over a light pencil drawing.

    wash: size of the washes, relative to the picture's shorter side; more is broader and loses features.
    pooling: how dark pigment gathers at the rims; 0 leaves none, above 2 every wash is outlined.
    pencil: opacity of the pencil, 0 to 1.
    line_width: of the pencil, relative to the picture's shorter side; 1 is about 1.5 px at 256.
    """

    wash: float = 1.0
    pooling: float = 1.0
    pencil: float = 0.8
    line_width: float = 1.0

    def __call__(self, image: Pixels, landmarks: Landmarks | None) -> Pixels:
        """Paint one picture.

        image: uint8 (H, W, 3), RGB, sides of at least 32 px. landmarks: float32 (478, 2 or 3), pixels, or
        None. Returns uint8 (H, W, 3), RGB; the same input gives the same bytes. Raises UsageError for another
        shape or type.
        """
        check(image, landmarks, look="watercolour")
        unit = min(image.shape[:2]) / 256
        lab = balanced(image, share=0.5)
        still = calm(lab, unit)
        paint = dabs(still, unit, fine=2.5 * self.wash, broad=6.0 * self.wash, keep=(4.0, 11.0))
        portrait = None
        if landmarks is not None:
            portrait = Portrait(np.asarray(landmarks[:, :2], np.float32), *image.shape[:2])
            paint = portrait.finish(lab, paint)
        skin = flesh_of(paint, portrait, unit)
        grey = np.ascontiguousarray(still[..., 0])
        density = _density(np.ascontiguousarray(paint[..., 0]), grey, skin, unit, self.pooling)
        width = self.line_width * unit
        lines = flow_lines(grey, width=0.6 * width, length=4.0 * width, threshold=0.3, softness=1.8)
        return to_pixels(
            laid(_pigment(paint, grey, density, skin, unit), _GRAPHITE, lines * np.float32(self.pencil))
        )


def _density(lightness: Plane, grey: Plane, skin: Plane, unit: float, pooling: float) -> Plane:
    """Pigment on each place of the paper, 0 (bare) to about 1."""
    # Paper is left bare in the lights, on skin only where it shines.
    white = 0.9 + 0.04 * skin
    dark = np.asarray(np.clip((white - lightness / 100) / 0.9, 0, 1), np.float32)
    steepness = slope(np.float32(100) * dark, unit)
    # Wet on dry where the tone breaks off: a hard edge. Wet in wet, where it changes slowly: none.
    firm = smooth_step(steepness, 0.8, 3.0)
    pigment = np.zeros_like(dark)
    for low, high in _LAYERS:
        even = np.clip((dark - low) / (high - low), 0, 1)
        hard = smooth_step(even, 0.25, 0.75)
        pigment += (high - low) * (even + (hard - even) * (0.25 + 0.5 * firm))
    # Light and shade of the wall itself make the wash uneven, and its far end ragged.
    uneven = np.tanh((blur(grey, 2.5 * unit) - blur(grey, 10 * unit)) / 3)
    reach = smooth_step(nearness(steepness, unit) - 0.12 * uneven, 0.12, 0.62)
    # Skin keeps its tone wherever it is.
    pigment *= 1 - (1 - reach) * (0.62 - 0.58 * skin)
    pigment *= 1 + 0.12 * skin * smooth_step(dark, 0.3, 0.6)
    soft = blur(pigment, 1.6 * unit)
    pigment += np.float32(pooling) * np.minimum(1.6 * np.maximum(pigment - soft, 0), 0.12)
    # A careful hand leaves a strip of dry paper beside a wash, or the two would run into each other.
    dry = smooth_step(soft - pigment, 0.025, 0.10) * (1 - smooth_step(pigment, 0.25, 0.55))
    return np.asarray(pigment * (1 - 0.8 * dry) * (1 - 0.2 * uneven * (1 - 0.5 * skin)), np.float32)


def _pigment(paint: Picture, grey: Plane, density: Plane, skin: Plane, unit: float) -> Picture:
    """The paper with so much pigment in it, Lab: pure and light where thin, cool and deep where thick."""
    bled = np.asarray(cv2.GaussianBlur(paint[..., 1:], (0, 0), 2.2 * unit), np.float32)
    a, b = bled[..., 0], bled[..., 1]
    chroma = np.hypot(a, b)
    gain = (1.55 - 0.2 * skin) * smooth_step(chroma, 0.5, 7) / (1 + (chroma / 65) ** 2)
    # Two pigments of a mixture part company in a wet wash: warmer here, rosier there.
    warm = np.tanh((blur(grey, 4 * unit) - blur(grey, 12 * unit)) / 4) * (1 - 0.6 * skin)
    rosy = np.tanh((blur(grey, 7 * unit) - blur(grey, 20 * unit)) / 5) * (1 - 0.7 * skin)
    shade = smooth_step(density, 0.3, 0.8)
    shown = smooth_step(density, 0, 0.2)
    out = np.empty_like(paint)
    out[..., 0] = 99 - 72 * np.clip(density, 0, 1.08)
    out[..., 1] = shown * (a * gain + 3 * shade * (1 - skin) - 5 * rosy)
    out[..., 2] = shown * (b * gain - (9 - 7 * skin) * shade + 9 * warm)
    return out
