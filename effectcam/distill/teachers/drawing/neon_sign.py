"""A face as a neon sign: tubes for lids, brows, nose, lips and jaw, placed by landmarks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from effectcam.distill.teachers.drawing.lines import Plane, flow_lines
from effectcam.distill.teachers.head.face_parts import (
    EYES,
    FACE,
    MOUTH,
    MOUTH_LOWER,
    MOUTH_UPPER,
    EyePoints,
    FaceParts,
    Picture,
    blur,
    smooth_step,
)

Light = tuple[float, float, float]
"""Linear RGB."""

_ROSE: Light = (1.0, 0.04, 0.32)
_MAGENTA: Light = (1.0, 0.05, 0.60)
_LILAC: Light = (0.45, 0.12, 1.0)
_PURPLE: Light = (0.7, 0.1, 1.0)
_AQUA: Light = (0.05, 0.8, 1.0)
_AZURE: Light = (0.05, 0.5, 1.0)
_MINT: Light = (0.0, 1.0, 0.7)
_ICE: Light = (0.25, 0.55, 1.0)

_LIP_UPPER = [61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291]
_LIP_LOWER = [61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291]
_NOSTRILS = [129, 98, 97, 2, 326, 327, 358]
_JAW = FACE[7:30]
"""From ear to ear."""


class Tubes(NamedTuple):
    """``lit``, how much of a tube each place is, (H, W), 0 to 1; ``light`` of it, linear RGB, (H, W, 3)."""

    lit: Plane
    light: Picture


class Sign(FaceParts):
    """The tubes of one face."""

    def over(self, tubes: Tubes, lightness: Plane, even: Plane, worn: Plane, width: float, /) -> Tubes:
        """``tubes`` with those of the face laid over them and the wrinkles under them dimmed.

        lightness: 0 to 100, (H, W), to tell teeth from tongue. even: what outlines were found in, to find
        thin wires in. worn: where they are, see `eyewear`. width: of a tube in pixels, about half.
        """
        inside = self.fill(FACE, 0.03 * self.scale)
        tubes = _dimmed(tubes, 0.45 * inside * (1 - smooth_step(tubes.lit, 0.6, 1.0)))
        tubes = _laid(tubes, self.stroke(self.points[_JAW], 1.3 * width), _MAGENTA, 0.5)
        tubes = self._spectacles(tubes, even, worn, width)
        for eye in EYES:
            tubes = self._eye(tubes, eye, width)
        tubes = self._mouth(tubes, lightness, width)
        return _laid(tubes, self.stroke(self.points[_NOSTRILS], 1.0 * width), _PURPLE, 0.45)

    def _spectacles(self, tubes: Tubes, even: Plane, worn: Plane, width: float) -> Tubes:
        """Frames, of bright wire too, which has no dark side to be outlined by."""
        wire = flow_lines(100 - even, width=0.75 * width, length=6 * width, threshold=0.7, softness=1.4)
        dark = flow_lines(even, width=0.75 * width, length=6 * width, threshold=0.7, softness=1.4)
        return _laid(tubes, 0.8 * np.maximum(wire, dark) * worn, _ICE, 0.8)

    def _eye(self, tubes: Tubes, points: EyePoints, width: float) -> Tubes:
        upper, lower = points.brow[:5], points.brow[:4:-1]
        middle = (self.points[upper] + self.points[lower]) / 2
        tubes = _laid(tubes, self.stroke(middle, 2.4 * width), _LILAC, 0.8)
        eye = self.eye(points)
        if eye is None:
            return tubes
        tubes = _dimmed(tubes, 0.95 * eye.ball)
        ring = self.disc(eye.centre, eye.radius + 0.4 * width, 0.4)
        ring = np.clip(ring - self.disc(eye.centre, max(eye.radius - 0.6 * width, 0.1), 0.4), 0, 1)
        tubes = _laid(tubes, ring * eye.ball, _MINT, 0.55)
        tubes = _laid(tubes, self.disc(eye.centre, 0.25 * eye.radius, 0.5) * eye.ball, _MINT, 0.8)
        tubes = _laid(tubes, self.stroke(eye.upper, 1.9 * width), _AQUA, 0.95)
        return _laid(tubes, self.stroke(eye.lower[1:-1], 1.0 * width), _AZURE, 0.5)

    def _mouth(self, tubes: Tubes, lightness: Plane, width: float) -> Tubes:
        openness = self.mouth_openness()
        inner = self.fill(MOUTH, 0.01 * self.scale) * np.float32(openness)
        tubes = _dimmed(tubes, 0.9 * inner)
        teeth = inner * smooth_step(blur(lightness, 0.01 * self.scale), 42, 65)
        tubes = Tubes(
            tubes.lit, tubes.light + 0.35 * teeth[..., None] * np.array([0.55, 0.6, 1.0], np.float32)
        )
        for lip in (_LIP_UPPER, _LIP_LOWER):
            tubes = _laid(tubes, self.stroke(self.points[lip], 1.8 * width), _ROSE, 0.95)
        tubes = _laid(tubes, self.stroke(self.points[MOUTH_UPPER], 1.1 * width), _ROSE, 0.7)
        return _laid(tubes, self.stroke(self.points[MOUTH_LOWER], 1.1 * width), _ROSE, 0.7 * openness)


def _dimmed(tubes: Tubes, amount: Plane) -> Tubes:
    return Tubes(tubes.lit * (1 - amount), tubes.light * (1 - amount)[..., None])


def _laid(tubes: Tubes, mask: Plane, colour: Light, strength: float) -> Tubes:
    """A tube of one colour in front of the others; ``strength`` 0 to 1 is how bright it is."""
    share = (mask * np.float32(strength))[..., None]
    light = tubes.light + (np.array(colour, np.float32) - tubes.light) * share
    return Tubes(np.maximum(tubes.lit * (1 - mask), mask * np.float32(strength)), light)
