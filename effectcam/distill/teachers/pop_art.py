"""The pop-art look: a screen print in a few loud inks, one set for skin, one for hair and cloth, one for the
ground.

Each set is a ramp from its darkest to its lightest ink, entered at the flat's own lightness and left
in hard steps of light and shade: a dark face is printed in the dark inks, and no face falls between two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from effectcam.distill.teachers.drawing.graphic_features import GraphicFeatures
from effectcam.distill.teachers.drawing.ground import Pixels, to_pixels
from effectcam.distill.teachers.drawing.palette import colour, laid, ramp
from effectcam.distill.teachers.drawing.sketch import Sketch
from effectcam.distill.teachers.head.face_parts import Landmarks, Picture, smooth_step

_OUTLINE = colour("#1a0833")
_LIPS = colour("#e0103c")
_BARE = colour("#fff8ea")
_SKIN = (
    (8, "#2e0a57"),
    (24, "#7a1277"),
    (38, "#c8246f"),
    (52, "#f9506f"),
    (66, "#ff8b66"),
    (80, "#ffc28c"),
    (93, "#ffefcb"),
)
_COOL = (
    (4, "#140a3a"),
    (20, "#26149a"),
    (38, "#5a36e8"),
    (56, "#8c7bff"),
    (74, "#b9c4ff"),
    (90, "#fff7de"),
)
_WARM = (
    (4, "#1c0a3a"),
    (18, "#4a1490"),
    (32, "#a31fa0"),
    (46, "#ff6a2b"),
    (60, "#ffb000"),
    (76, "#ffdc3c"),
    (92, "#fff6c0"),
)
_IRIS = ((12, "#26149a"), (36, "#5a36e8"), (58, "#1fb8e8"))
_RED = ((5, "#4a0a2e"), (35, "#d0103c"), (60, "#ff2e4f"), (95, "#ffb0b0"))
_GROUND = (
    (25, "#0a3f8c"),
    (40, "#0079b8"),
    (55, "#00aca8"),
    (66, "#1fc9b2"),
    (71, "#93dc52"),
    (76, "#f7d91e"),
    (90, "#ffe95a"),
)


@dataclass(frozen=True, kw_only=True)
class PopArt:
    """Redraws a picture, face crop or whole frame, as a screen print.

    line_width: strokes' width, relative to the picture's shorter side; 1 is about 2 px at 256. More is bolder
        and loses small features.
    steps: how far apart the inks of light and shade lie; 0 leaves one flat ink a region, above 1.4 the
        shadows on light skin turn violet.
    """

    line_width: float = 1.0
    steps: float = 1.0

    def __call__(self, image: Pixels, landmarks: Landmarks | None) -> Pixels:
        """Draw one picture.

        image: uint8 (H, W, 3), RGB, sides of at least 32 px. landmarks: float32 (478, 2 or 3), pixels, or
        None. Returns uint8 (H, W, 3), RGB; the same input gives the same bytes. Raises UsageError for another
        shape or type.
        """
        sketch = Sketch(image, landmarks, look="pop-art", line_width=self.line_width)
        figure = smooth_step(sketch.figure, 0.2, 0.8)
        print_ = laid(self._ground(sketch), self._person(sketch), figure)
        black = sketch.blacks(ground=17.0, skin=0.42, least=9.0)
        ink = np.maximum(np.maximum(sketch.fine, sketch.bold), np.float32(0.92) * black)
        features = sketch.features(ink * (0.2 + 0.8 * figure), line_width=1.2)
        print_ = _with_features(print_, features)
        return to_pixels(laid(print_, _OUTLINE, features.ink * np.float32(0.97)))

    def _person(self, sketch: Sketch) -> Picture:
        flat, tone, (deep, shade, light, gloss) = sketch.flat, sketch.flat_tone, sketch.shades
        lit = tone - self.steps * (
            shade * (7 + 0.2 * tone) + deep * (5 + 0.2 * tone) - light * 14 - gloss * 9
        )
        chroma, hue = np.hypot(flat[..., 1], flat[..., 2]), np.arctan2(flat[..., 2], flat[..., 1])
        warm = np.exp(-0.5 * ((hue - 1.15) / 0.45) ** 2) * smooth_step(chroma, 7, 16)
        # Lips and red cloth: redder than any skin is yellow, but not purple.
        rosy = smooth_step(flat[..., 1] - 0.8 * flat[..., 2], 9, 16) * smooth_step(flat[..., 2], -12, 0)
        red = rosy * smooth_step(flat[..., 1], 14, 22)
        print_ = laid(ramp(lit, _COOL), ramp(lit, _WARM), warm)
        print_ = laid(print_, ramp(lit, _RED), red)
        return laid(print_, ramp(lit, _SKIN), sketch.skin * (1 - red))

    def _ground(self, sketch: Sketch) -> Picture:
        """The ground in inks closer together, and in larger shapes: it stays behind."""
        tone = sketch.behind(sketch.flat_tone, 2.5)
        return ramp(0.5 * tone + 32 - 4 * sketch.shades.shade + 4 * sketch.shades.light, _GROUND)


def _with_features(print_: Picture, features: GraphicFeatures) -> Picture:
    out = laid(print_, _LIPS, 0.7 * features.lips)
    out = laid(out, _BARE, features.whites * smooth_step(features.crisp, 15, 50))
    # Brown eyes are printed in indigo and pale ones in cyan.
    iris = ramp(8 + 0.6 * features.crisp + 20 * features.glow, _IRIS)
    out = laid(out, iris, 0.9 * features.irises)
    out = laid(out, _BARE, np.maximum(features.teeth, features.glints))
    return laid(out, _BARE, np.clip(0.08 * features.wires, 0, 0.9).astype(np.float32))
