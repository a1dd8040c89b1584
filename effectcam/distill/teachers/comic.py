"""The comic look: brush lines, spotted blacks, and flats in the colours of a printed page.

Blue in black hair, cream where the page is white, skin in one flat with a shadow and a light. The dots of the
print are a screen of the runtime's, fixed to the frame: none are drawn here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from effectcam.distill.teachers.drawing.graphic_features import GraphicFeatures
from effectcam.distill.teachers.drawing.ground import Pixels, to_pixels
from effectcam.distill.teachers.drawing.lines import Plane
from effectcam.distill.teachers.drawing.palette import laid
from effectcam.distill.teachers.drawing.sketch import Sketch
from effectcam.distill.teachers.head.face_parts import Landmarks, Picture, smooth_step

_BLACK = np.array([5, 3, -8], np.float32)


@dataclass(frozen=True, kw_only=True)
class Comic:
    """Redraws a picture, face crop or whole frame, as a panel of a comic.

    line_width: strokes' width, relative to the picture's shorter side; 1 is about 2 px at 256. More is bolder
        and loses small features.
    blacks: lightness, 0 to 100, below which hair and cloth are solid black; above 35 brown hair goes too.
    vividness: gain on the flats' colour; 0 leaves pale walls pale, more than 1.5 burns out clothes.
    """

    line_width: float = 1.0
    blacks: float = 27.0
    vividness: float = 1.0

    def __call__(self, image: Pixels, landmarks: Landmarks | None) -> Pixels:
        """Draw one picture.

        image: uint8 (H, W, 3), RGB, sides of at least 32 px. landmarks: float32 (478, 2 or 3), pixels, or
        None. Returns uint8 (H, W, 3), RGB; the same input gives the same bytes. Raises UsageError for another
        shape or type.
        """
        sketch = Sketch(image, landmarks, look="comic", line_width=self.line_width)
        page = _coloured(sketch, self.vividness)
        black = sketch.blacks(ground=self.blacks, skin=0.5, least=11.0)
        ink = np.maximum(np.maximum(sketch.fine, sketch.bold), black)
        features = sketch.features(ink, line_width=1.15)
        page = _with_features(page, sketch.lab, features)
        return to_pixels(laid(page, _BLACK, features.ink * np.float32(0.97)))


def _coloured(sketch: Sketch, vividness: float) -> Picture:
    flat, skin, (deep, shade, light, gloss) = sketch.flat, sketch.skin, sketch.shades
    chroma, hue = np.hypot(flat[..., 1], flat[..., 2]), np.arctan2(flat[..., 2], flat[..., 1])
    hue = hue + skin * (np.clip(hue, 0.74, 0.98) - hue)
    neutral = (1 - smooth_step(chroma, 5, 15)) * (1 - skin)
    pale = smooth_step(chroma, 2, 10) / (1 + (chroma / 33) ** 2)
    chroma = np.minimum(chroma * (1 + 1.3 * vividness * pale * (1 - 0.55 * skin)), 88)
    chroma = chroma + skin * np.maximum(33 - chroma, 0) * 0.75
    # Shadows on skin are redder, as a colourist's are: grey ones look dirty.
    hue = hue - (0.18 * shade + 0.15 * deep) * skin
    base = _toned(sketch.flat_tone) + 3 * skin
    lit = base * (1 - 0.22 * shade - 0.26 * deep) + light * (0.10 * base + 2) + gloss * (0.08 * base + 4)
    tone = np.asarray(lit, np.float32)
    # What has no colour of its own gets the page's: cream in the lights, blue in the darks.
    cream, blue = smooth_step(tone, 64, 84), (1 - smooth_step(tone, 55, 75)) * smooth_step(tone, 5, 30)
    page = np.empty_like(flat)
    page[..., 0] = np.clip(tone, 0, 97)
    page[..., 1] = chroma * np.cos(hue) + neutral * (4 * blue - 2 * cream)
    page[..., 2] = chroma * np.sin(hue) + neutral * (26 * cream - 28 * blue)
    return page


def _toned(lightness: Plane) -> Plane:
    """Deeper darks and higher lights, without clipping either."""
    t = lightness / 100
    return np.asarray(100 * (t + 0.7 * t * (1 - t) * (t - 0.35) / (0.5 + t)), np.float32)


def _with_features(page: Picture, lab: Picture, features: GraphicFeatures) -> Picture:
    out = page.copy()
    lightness, colour = out[..., 0], out[..., 1:]
    lightness += 1.8 * features.wires
    white, iris = features.whites, features.irises
    lightness += white * (np.clip(100 - 0.36 * (100 - features.crisp), 0, 96) - lightness)
    colour *= 1 - 0.85 * white[..., None]
    lightness += iris * (0.4 * np.minimum(features.crisp, 70) + 8 + 34 * features.glow - lightness)
    colour += iris[..., None] * (1.6 * lab[..., 1:] + np.array([3, 6], np.float32) - colour)
    lightness *= 1 - 0.1 * features.lips
    colour += features.lips[..., None] * np.array([11, 3], np.float32)
    bare = np.maximum(features.teeth, features.glints)
    lightness += bare * (96 - lightness)
    colour *= 1 - 0.9 * bare[..., None]
    return out
