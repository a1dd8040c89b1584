"""The pencil look: graphite on white paper, contours that press and yield, soft tone, combed hair.

Line and tone are drawn apart and multiplied, as in C. Lu, L. Xu, J. Jia, "Combining Sketch and Tone for
Pencil Drawing Production" (NPAR 2012); their tone curve is matched by histogram, ours is fixed, because a
histogram jumps when somebody enters the picture. The strokes of the shading are a screen of the
runtime's: none are drawn here.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from effectcam.distill.teachers.drawing.ground import Pixels, to_pixels
from effectcam.distill.teachers.drawing.lines import Plane, along, flow_lines, tangent_flow
from effectcam.distill.teachers.drawing.palette import laid
from effectcam.distill.teachers.drawing.sketch import Sketch
from effectcam.distill.teachers.head.face_parts import Landmarks, blur, smooth_step

_PAPER = np.array([97, 0.2, 1.2], np.float32)
_LEAD = np.array([14, 0, -1], np.float32)
_TONE = (
    np.array([0, 10, 25, 40, 55, 70, 84], np.float32),
    np.array([0.88, 0.78, 0.55, 0.35, 0.19, 0.07, 0.0], np.float32),
)
"""Lightness, and how much graphite lies there: the lights are bare paper."""


@dataclass(frozen=True, kw_only=True)
class Pencil:
    """Redraws a picture, face crop or whole frame, in graphite.

    line_width: strokes' width, relative to the picture's shorter side; 1 is about 1.8 px at 256. More is a
        blunter pencil.
    shading: how much graphite the tones get; 0 is a line drawing, in which all skin is white.
    ground: share of it that is laid behind the person; less is more of a study.
    distance: share of the lines' darkness that is left behind the person.
    """

    line_width: float = 1.0
    shading: float = 1.0
    ground: float = 0.16
    distance: float = 0.8

    def __call__(self, image: Pixels, landmarks: Landmarks | None) -> Pixels:
        """Draw one picture.

        image: uint8 (H, W, 3), RGB, sides of at least 32 px. landmarks: float32 (478, 2 or 3), pixels, or
        None. Returns uint8 (H, W, 3), RGB; the same input gives the same bytes. Raises UsageError for another
        shape or type.
        """
        sketch = Sketch(image, landmarks, look="pencil", line_width=self.line_width)
        before = sketch.figure
        tone = self.shading * _shaded(sketch) * (self.ground + (1 - self.ground) * before)
        # A distant edge is laid with the flat of the lead.
        lines = sketch.receding(_contours(sketch, self.line_width), self.distance, run=1.4)
        features = sketch.features(lines, line_width=0.8)
        bare = np.maximum(features.whites * smooth_step(features.crisp, 10, 55), features.teeth)
        tone = np.maximum(tone, 0.22 * features.lips) * (1 - 0.85 * np.maximum(bare, features.glints))
        tone = tone + features.irises * (1 - features.glints) * (0.62 - 0.45 * features.glow - tone)
        tone = np.clip(tone - 0.02 * features.wires, 0, 1)
        graphite = 1 - (1 - tone) * (1 - np.float32(0.9) * features.ink)
        return to_pixels(laid(np.broadcast_to(_PAPER, sketch.lab.shape), _LEAD, graphite))


def _shaded(sketch: Sketch) -> Plane:
    """How much graphite lies where, (H, W), 0 to 1."""
    unit, flat = sketch.unit, sketch.flat_tone
    smooth = np.ascontiguousarray(sketch.still[..., 0])
    strands, coherence = _combed(sketch)
    hairy = smooth_step(coherence, 0.35, 0.7)
    seen = np.asarray(smooth + 0.9 * hairy * (strands - smooth), np.float32)
    # Modelling is exaggerated; the flat keeps the skin's own tone.
    tone = 0.35 * flat + 0.65 * seen + 0.7 * (smooth - flat)
    tone += 0.45 * (seen - blur(seen, 8.0 * unit)) + 1.3 * hairy * (seen - blur(seen, 2.0 * unit))
    return np.interp(tone, *_TONE).astype(np.float32)


def _combed(sketch: Sketch) -> tuple[Plane, Plane]:
    """Lightness smoothed along hair and folds only, and how far there are any."""
    lightness = np.ascontiguousarray(sketch.lab[..., 0])
    tx, ty, coherence = tangent_flow(blur(lightness, 0.5 * sketch.unit), sigma=1.6 * sketch.unit)
    return along(lightness, tx, ty, 3.0 * sketch.unit), coherence


def _contours(sketch: Sketch, line_width: float) -> Plane:
    """Lines whose darkness follows the edge: firm at a jaw, faint at a dimple."""
    width = line_width * sketch.unit
    fine = np.asarray(cv2.GaussianBlur(sketch.lab, (0, 0), 0.6 * sketch.unit), np.float32)
    fine = np.asarray(cv2.bilateralFilter(fine, -1, 6.0, 1.5 * sketch.unit), np.float32)
    edges = np.asarray(fine[..., 0] - 0.35 * np.hypot(fine[..., 1], fine[..., 2]), np.float32)
    thin = flow_lines(edges, width=0.65 * width, length=4.0 * width, threshold=0.2, softness=1.2)
    return np.maximum(thin, 0.6 * sketch.bold)
