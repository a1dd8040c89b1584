"""The ink look: brush and pen, solid blacks on warm paper, and three soft washes between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from effectcam.distill.teachers.drawing.ground import Pixels, to_pixels
from effectcam.distill.teachers.drawing.lines import Plane
from effectcam.distill.teachers.drawing.palette import laid
from effectcam.distill.teachers.drawing.sketch import Sketch
from effectcam.distill.teachers.head.face_parts import Landmarks, smooth_step

_INK = np.array([6, 1, 0], np.float32)
_PAPER = 96.0
_WASHES = ((64.0, 21.0), (45.0, 18.0), (28.0, 15.0))
"""Lightness below which a wash lies, and how much light it takes from the paper under it."""
_RUN = 2.2
"""How far wet ink runs, in units of 256 px."""


@dataclass(frozen=True, kw_only=True)
class Ink:
    """Redraws a picture, face crop or whole frame, in black ink.

    line_width: strokes' width, relative to the picture's shorter side; 1 is about 2 px at 256. More is bolder
        and loses small features.
    blacks: lightness, 0 to 100, below which all but skin is solid black; above 45 the drawing goes dark.
    washes: how dark the greys are; 0 is pure black and white, in which brown skin is as pale as light skin.
    ground: share of the washes that is laid behind the person; less sets the figure off.
    wet: lightness to both sides over which a wash runs out. Brown skin lies between two of them, and so does
        a face in poor light: a hard edge there moves with the light, and a student misplaces it.
    relief: how far the light on a tone is exaggerated; 1 leaves it as it is, and faces are flatter washes,
        above 1.5 every gleam on brown skin is bare paper.
    distance: share of the brush's and the pen's black that is left behind the person; at 1 a dark wall
        swallows dark hair.
    """

    line_width: float = 1.0
    blacks: float = 33.0
    washes: float = 1.0
    ground: float = 0.3
    wet: float = 7.0
    relief: float = 1.4
    distance: float = 0.8

    def __call__(self, image: Pixels, landmarks: Landmarks | None) -> Pixels:
        """Draw one picture.

        image: uint8 (H, W, 3), RGB, sides of at least 32 px. landmarks: float32 (478, 2 or 3), pixels, or
        None. Returns uint8 (H, W, 3), RGB; the same input gives the same bytes. Raises UsageError for another
        shape or type.
        """
        sketch = Sketch(image, landmarks, look="ink", line_width=self.line_width)
        black = sketch.blacks(ground=self.blacks, skin=0.62, least=12.0, softness=2.5)
        ink = np.maximum(np.maximum(sketch.fine, sketch.bold), black)
        # Behind the person ink is thinned with water, and runs.
        ink = sketch.receding(ink, self.distance, run=_RUN)
        features = sketch.features(ink, line_width=1.25)
        wash = self._washed(sketch)
        bare = np.maximum(features.whites * smooth_step(features.crisp, 20, 50), features.teeth)
        wash = np.maximum(wash, 16 * features.lips) * (1 - 0.9 * np.maximum(bare, features.glints))
        wash = wash + features.irises * (1 - features.glints) * (30 - 24 * features.glow - wash)
        wash = wash - np.minimum(1.6 * features.wires, wash)
        page = np.empty_like(sketch.lab)
        page[..., 0] = _PAPER - wash
        page[..., 1:] = (0.5, 5.0)
        return to_pixels(laid(page, _INK, features.ink * np.float32(0.98)))

    def _washed(self, sketch: Sketch) -> Plane:
        """Light taken away by the washes, (H, W), in lightness."""
        # The flat's lightness tells tones of skin apart, and the light on it is exaggerated.
        light = (sketch.tone - sketch.flat_tone) + 5 * sketch.shades.light
        tone = sketch.flat_tone + np.float32(self.relief) * light
        wash = np.zeros_like(tone)
        for lightness, depth in _WASHES:
            wash += np.float32(self.washes * depth) * (
                1 - smooth_step(tone, lightness - self.wet, lightness + self.wet)
            )
        return sketch.receding(wash, self.ground, run=_RUN)
