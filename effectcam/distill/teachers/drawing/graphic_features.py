"""Eyes, brows and mouth as a graphic artist puts them down: a few clean shapes, and lines that swell.

Where they are, and their ink; the colour of each shape is the look's own affair.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from effectcam.distill.teachers.drawing.lines import Plane
from effectcam.distill.teachers.head.face_parts import (
    EYES,
    LIPS,
    MOUTH,
    MOUTH_LOWER,
    MOUTH_UPPER,
    EyePoints,
    FaceParts,
    Landmarks,
    Picture,
    blur,
    smooth_step,
)


@dataclass(frozen=True, slots=True)
class GraphicFeatures:
    """Shapes of one face, or nought everywhere without one; float32 (H, W), 0 to 1 but for ``wires``."""

    ink: Plane
    """All lines: those of the picture, cleared from eyes and teeth, and the features' own."""
    whites: Plane
    irises: Plane
    glow: Plane
    """Light on an iris: 0 under the lid, 1 at its foot."""
    glints: Plane
    lips: Plane
    teeth: Plane
    wires: Plane
    """Fine bright detail round the eyes, in lightness: spectacles of thin wire get no ink."""
    crisp: Plane
    """The picture's lightness, sharpened as small features need it, 0 to 100."""


def no_features(lightness: Plane, ink: Plane, /) -> GraphicFeatures:
    """For a picture without landmarks: ``ink`` as it is."""
    none = np.zeros_like(ink)
    return GraphicFeatures(ink, none, none, none, none, none, none, none, lightness)


def graphic_features(
    parts: FaceParts, lab: Picture, ink: Plane, /, *, line_width: float = 1.0
) -> GraphicFeatures:
    """The features of the face ``parts`` in ``lab``, float32 (H, W, 3); ``ink`` float32 (H, W), 0 to 1, are
    the lines drawn so far. ``line_width``: of lids and mouth, 1 being an eighth of an eye at the lid."""
    seen = np.ascontiguousarray(lab[..., 0])
    drawing = _Drawing(parts, seen, ink.copy(), line_width)
    for eye in EYES:
        drawing.brow(eye)
        drawing.eye(eye)
    drawing.mouth(np.hypot(lab[..., 1], lab[..., 2]))
    return drawing.done()


class _Drawing:
    def __init__(self, parts: FaceParts, seen: Plane, ink: Plane, line_width: float) -> None:
        self._parts = parts
        self._seen = seen
        self._width = line_width
        self._ink = ink
        self._whites, self._irises, self._glow, self._glints, self._lips, self._teeth = (
            np.zeros_like(ink) for _ in range(6)
        )
        across = parts.points[263] - parts.points[33]
        self._across: Landmarks = across / max(float(np.hypot(*across)), 1e-3)
        self._up = np.array([self._across[1], -self._across[0]], np.float32)
        self._crisp = seen + 0.8 * (seen - blur(seen, 0.02 * parts.scale))

    def brow(self, eye: EyePoints) -> None:
        scale = self._parts.scale
        darker = blur(self._seen, 0.12 * scale) - blur(self._seen, 0.012 * scale)
        # Only what is darker than its surroundings is brow: raised or pale brows are not painted anew.
        hair = self._parts.fill(eye.brow, 0.015 * scale) * smooth_step(darker, 4, 13)
        self._ink = np.maximum(self._ink, 0.9 * hair)

    def eye(self, points: EyePoints) -> None:
        eye = self._parts.eye(points)
        if eye is None:
            return
        disc, span = self._parts.disc, eye.span
        iris = disc(eye.centre, eye.radius, 0.03 * span) * eye.ball
        rows, columns = np.indices(self._ink.shape, dtype=np.float32)
        height = (columns - eye.centre[0]) * self._up[0] + (rows - eye.centre[1]) * self._up[1]
        self._whites = np.maximum(self._whites, np.clip(eye.ball - iris, 0, 1))
        self._irises = np.maximum(self._irises, iris)
        self._glow += iris * np.clip(0.5 - 0.5 * height / max(eye.radius, 1), 0, 1)
        spot = (eye.centre + 0.38 * eye.radius * (self._up - 0.8 * self._across)).astype(np.float32)
        glint = disc(spot, 0.3 * eye.radius, 0.015 * span) * eye.ball
        self._glints = np.maximum(self._glints, glint)
        pupil = disc(eye.centre, 0.42 * eye.radius, 0.02 * span)
        rim = disc(eye.centre, eye.radius, 0.02 * span) - disc(eye.centre, 0.82 * eye.radius, 0.02 * span)
        inside = np.maximum(pupil, 0.7 * np.clip(rim, 0, 1)) * eye.ball * (1 - glint)
        lid = self._parts.stroke(eye.upper, 0.13 * span * self._width)
        low = self._parts.stroke(eye.lower[1:-1], 0.035 * span * self._width)
        drawn = np.maximum(np.maximum(inside, lid), 0.5 * low)
        self._ink = np.maximum(self._ink * (1 - 0.95 * eye.ball), drawn)

    def mouth(self, chroma: Plane) -> None:
        parts = self._parts
        span = float(np.hypot(*(parts.points[61] - parts.points[291])))
        if span < 4:
            return
        openness = np.float32(parts.mouth_openness())
        inner = parts.fill(MOUTH, 0.015 * span) * openness
        self._lips = np.clip(parts.fill(LIPS, 0.02 * span) - inner, 0, 1)
        smooth = blur(self._seen, 0.012 * span)
        self._teeth = inner * smooth_step(smooth, 42, 62) * (1 - smooth_step(chroma, 24, 36))
        hollow = inner * (1 - smooth_step(smooth, 16, 36))
        top = parts.stroke(parts.points[MOUTH_UPPER], 0.04 * span * self._width)
        bottom = parts.stroke(parts.points[MOUTH_LOWER], 0.025 * span * self._width)
        # Lips are as thin as a line and redder than what lies round them: left alone they fill with ink.
        kept = self._ink * (1 - 0.8 * self._lips) * (1 - 0.95 * self._teeth)
        drawn = np.maximum(np.maximum(top, 0.7 * bottom * openness), 0.85 * hollow)
        self._ink = np.maximum(kept, drawn * (1 - 0.8 * self._teeth))

    def done(self) -> GraphicFeatures:
        wires = self._wires()
        ink = np.clip(self._ink, 0, 1).astype(np.float32)
        return GraphicFeatures(
            ink,
            self._whites,
            self._irises,
            self._glow,
            self._glints,
            self._lips,
            self._teeth,
            wires,
            np.clip(self._crisp, 0, 100),
        )

    def _wires(self) -> Plane:
        parts, scale = self._parts, self._parts.scale
        belt = parts.disc(parts.points[168], 0.12 * scale, 0.05 * scale)
        for eye in EYES:
            centre = parts.points[[*eye.upper, *eye.lower]].mean(axis=0)
            belt = np.maximum(belt, parts.disc(centre, 0.26 * scale, 0.06 * scale))
        detail = blur(self._seen, 0.005 * scale) - blur(self._seen, 0.035 * scale)
        return np.asarray(belt * np.maximum(detail, 0) * smooth_step(detail, 4.5, 10.0), np.float32)
