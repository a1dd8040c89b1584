"""The neon look: glass tubes along every outline, in the neon of what they outline, on near-black.

Contrast is measured against the light of the place (lightness on a logarithmic scale, after Weber and
Fechner), so that a dark face in the dark has as many lines as a light one. Tubes glow as light does: sums of
blurs in linear light, then a soft shoulder (E. Reinhard et al., "Photographic Tone Reproduction for Digital
Images", SIGGRAPH 2002, has the family of such curves).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from effectcam.distill.teachers.drawing.ground import Pixels, balanced, calm, check
from effectcam.distill.teachers.drawing.lines import Plane, flow_lines
from effectcam.distill.teachers.drawing.neon_sign import Sign, Tubes
from effectcam.distill.teachers.head.eyewear import eyewear
from effectcam.distill.teachers.head.face_parts import Landmarks, Picture, blur, smooth_step

_GASES = (
    (0.0, (0.0, 0.30, 1.0)),
    (0.40, (0.0, 0.80, 1.0)),
    (0.60, (0.40, 0.10, 1.0)),
    (0.80, (1.0, 0.05, 0.60)),
    (1.0, (1.0, 0.16, 0.22)),
)
"""Linear RGB of tubes where the picture has no colour, by its lightness there, 0 to 1: cyan round dark hair,
pink round a face. Never by the way a line runs: training mirrors pictures and lays them on their side."""

_GLOOM = np.array([0.07, 0.015, 0.14], np.float32)
"""Linear light of what is lit best, between the tubes."""

_GLOW = ((1.6, 1.3), (5.0, 0.9), (16.0, 0.5))
"""Reach in units and strength of a tube's halo: the glass, the air round it, the room."""


@dataclass(frozen=True, kw_only=True)
class Neon:
    """Bends a picture, face crop or whole frame, out of neon tubes.

    line_width: the tubes' width, relative to the picture's shorter side; 1 is about 2 px at 256.
    glow: strength of the halo; 0 leaves bare tubes, 2 drowns eyes and lips.
    body: how much of the unlit form shows between the tubes; 0 is black.
    """

    line_width: float = 1.0
    glow: float = 1.0
    body: float = 1.0

    def __call__(self, image: Pixels, landmarks: Landmarks | None) -> Pixels:
        """Draw one picture.

        image: uint8 (H, W, 3), RGB, sides of at least 32 px. landmarks: float32 (478, 2 or 3), pixels, or
        None. Returns uint8 (H, W, 3), RGB; the same input gives the same bytes. Raises UsageError for another
        shape or type.
        """
        check(image, landmarks, look="neon")
        unit = min(image.shape[:2]) / 256
        lab = balanced(image)
        still = calm(lab, unit)
        even = _even(np.ascontiguousarray(still[..., 0]))
        colour = _colours(still, even, unit)
        width = self.line_width * unit
        crisp = flow_lines(even, width=0.75 * width, length=4.5 * width, threshold=0.6, softness=1.4)
        # What is out of focus has outlines too.
        soft = flow_lines(even, width=1.5 * width, length=7.0 * width, threshold=0.7, softness=2.0)
        lit = np.maximum(crisp, 0.6 * soft)
        tubes = Tubes(lit, lit[..., None] * colour)
        if landmarks is not None:
            sign = Sign(np.asarray(landmarks[:, :2], np.float32), *image.shape[:2])
            worn = eyewear(image, landmarks)
            tubes = sign.over(tubes, np.ascontiguousarray(lab[..., 0]), even, worn, width)
        light = np.float32(self.body) * _body(even, colour, unit) + 1.4 * tubes.light
        light += 0.55 * (np.clip(tubes.lit, 0, 1) ** 1.5)[..., None]
        for reach, strength in _GLOW:
            halo = np.asarray(cv2.GaussianBlur(tubes.light, (0, 0), reach * unit), np.float32)
            light += np.float32(self.glow * strength) * halo
        return _photographed(light)


def _even(lightness: Plane) -> Plane:
    """Lightness, 0 to 100, on a scale where the same ratio is the same step."""
    dark = 14.0
    return np.asarray(100 * np.log1p(lightness / dark) / np.log1p(np.float32(100 / dark)), np.float32)


def _colours(still: Picture, even: Plane, unit: float) -> Picture:
    """Linear RGB of a tube at each place: the gas of its tone, or the neon of its own strong colour."""
    tone = blur(even, 7 * unit) / 100
    at = [lightness for lightness, _ in _GASES]
    gas = np.dstack([np.interp(tone, at, [light[i] for _, light in _GASES]) for i in range(3)])
    a, b = (blur(np.ascontiguousarray(still[..., i]), 4 * unit) for i in (1, 2))
    chroma = np.hypot(a, b)
    # As vivid as a screen can be at this hue.
    full = np.dstack([np.full_like(a, 62), *(95 * each / (chroma + 1) for each in (a, b))])
    screen = np.asarray(cv2.cvtColor(full.astype(np.float32), cv2.COLOR_LAB2LRGB))
    vivid = np.clip(screen, 0, 1)
    skin = np.exp(-0.5 * ((np.arctan2(b, a) - 0.8) / 0.4) ** 2)
    share = (smooth_step(chroma, 12, 32) * (1 - 0.75 * skin))[..., None]
    return np.asarray(gas + (vivid - gas) * share, np.float32)


def _body(even: Plane, colour: Picture, unit: float) -> Picture:
    """The dim form between the tubes, linear RGB: what stands out as light from its surroundings."""
    local = even - blur(even, 22 * unit)
    shown = (smooth_step(local, -6, 30) * smooth_step(even, 8, 60))[..., None]
    return np.asarray(0.003 + shown * (_GLOOM + 0.08 * colour), np.float32)


def _photographed(light: Picture) -> Pixels:
    """sRGB of linear light, which runs out softly into white."""
    seen = 1 - np.exp(-1.25 * light)
    encoded = np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * np.maximum(seen, 1e-6) ** (1 / 2.4) - 0.055)
    return np.ascontiguousarray(np.clip(encoded * 255 + 0.5, 0, 255).astype(np.uint8))
