"""The marks of age in the face's flat space: how deep the skin is folded, how it sags, what colours it.

Depths are in log luma at the bottom of a fold that lies in even light. Folds are few and broad: a student
places a line to a pixel or so, and makes a grey veil of several that lie closer. They are a little different
left and right, as nobody ages by a ruler.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from effectcam.distill.teachers.head.anatomy import BROW, CHEEK, TEMPLE
from effectcam.distill.teachers.head.brush import SIDE, Brush, Floats, blur, both, curve, step
from effectcam.distill.teachers.head.uv import EYES, INNER_LIPS, OUTER_LIPS

Path = Sequence[tuple[float, float]]

_FOREHEAD: list[tuple[Path, float, float]] = [
    (
        [(146, 132), (180, 121), (214, 122), (244, 129), (272, 127), (306, 119), (340, 122), (368, 134)],
        9,
        0.34,
    ),
    ([(158, 104), (192, 94), (224, 96), (256, 101), (290, 96), (322, 94), (352, 105)], 9, 0.30),
]
_SIDES: list[tuple[Path, float, float]] = [
    # Frown, and the root of the nose.
    ([(244, 146), (241, 160), (243, 176)], 5, 0.30),
    ([(235, 152), (233, 166)], 4, 0.14),
    ([(238, 188), (256, 191)], 4, 0.14),
    # Crow's feet, from the outer corner to the temple.
    ([(158, 201), (136, 191), (112, 183)], 6, 0.24),
    ([(157, 211), (134, 213), (108, 214)], 6, 0.24),
    ([(159, 221), (140, 237), (122, 252)], 6, 0.20),
    # Bags under the eyes, and the trough under them.
    ([(226, 211), (216, 221), (202, 228), (186, 230), (172, 227)], 5, 0.17),
    ([(228, 218), (218, 232), (204, 243), (188, 248), (172, 247)], 7, 0.24),
    ([(216, 217), (198, 222), (178, 221)], 4, 0.14),
    # The fold that hangs over the upper lid.
    ([(216, 186), (196, 180), (174, 186), (156, 200), (148, 212)], 5, 0.26),
    # From the nose past the mouth, and from the mouth to the chin.
    ([(219, 262), (208, 276), (194, 298), (182, 320), (175, 340), (174, 356)], 8, 0.50),
    ([(192, 345), (187, 360), (184, 378), (187, 398)], 6, 0.40),
    ([(176, 350), (170, 370), (170, 388)], 5, 0.22),
    # Cheeks that have lost their stuffing.
    ([(162, 296), (150, 322), (147, 350), (152, 376)], 6, 0.14),
    ([(140, 288), (126, 318), (122, 346)], 6, 0.09),
    # Under the lower lip.
    ([(216, 382), (234, 377), (256, 380)], 6, 0.22),
    # Jaw and throat.
    ([(150, 418), (168, 410), (182, 402)], 7, 0.24),
    ([(214, 452), (218, 474), (222, 496)], 7, 0.22),
    ([(176, 446), (214, 470), (256, 478)], 6, 0.20),
]
_SPOTS = [
    *((120, 236, 7), (136, 262, 5), (108, 214, 6), (150, 288, 5), (126, 160, 8), (162, 130, 6), (214, 98, 7)),
    *(
        (300, 112, 5),
        (338, 128, 8),
        (388, 156, 6),
        (400, 222, 8),
        (380, 250, 5),
        (372, 292, 6),
        (350, 270, 4),
    ),
    *((112, 300, 6), (396, 318, 7), (258, 240, 4), (140, 340, 5), (244, 128, 4), (366, 110, 5)),
]
_JOWL = [172, 138, 192, 214, 135, 169, 136]


@dataclass(frozen=True, slots=True)
class AgeMarks:
    """Textures float32 (SIDE, SIDE[, 3]).

    ``hollow`` log luma lost in folds and hollows; ``slope_x`` and ``slope_y`` of the skin's height, to the
    picture's right and down: what side light and top light make of a fold. ``tint`` (3) change of log RGB:
    spots, veins and sallowness. ``grain``: coarse skin, standard deviation 1. ``features`` what has no
    wrinkles of its own: eyes, lips, nostrils. ``brows`` and ``beard``: where hair greys.
    """

    hollow: Floats
    slope_x: Floats
    slope_y: Floats
    tint: Floats
    grain: Floats
    features: Floats
    brows: Floats
    beard: Floats


def paint_age(brush: Brush) -> AgeMarks:
    """All marks, the same for every face; the brush's seed moves spots and lines by a texel or two."""
    features = _features(brush)
    lines = _folds(brush) * (1 - features)
    hollow = lines + _sagging(brush)
    height = -blur(lines, 1.0) * 9 + _bulges(brush) * 7
    slope_y, slope_x = np.gradient(height)
    return AgeMarks(
        hollow=hollow.astype(np.float32),
        slope_x=np.asarray(slope_x, np.float32),
        slope_y=np.asarray(slope_y, np.float32),
        tint=_tint(brush),
        grain=(0.6 * brush.noise(3.2) + 0.6 * brush.noise(7.0)).astype(np.float32),
        features=features,
        brows=both(brush.area(BROW, 4, grow=1.2)),
        beard=_beard(brush),
    )


def _folds(brush: Brush) -> Floats:
    depth = np.zeros((SIDE, SIDE), np.float32)
    for path, width, deep in _FOREHEAD:
        np.maximum(depth, _fold(brush, path, width, deep), out=depth)
    for path, width, deep in _SIDES:
        mirrored = [(SIDE - x, y) for x, y in path]
        for side in (path, mirrored):
            np.maximum(depth, _fold(brush, side, width, deep * brush.rng.uniform(0.8, 1.1)), out=depth)
    return depth


def _fold(brush: Brush, path: Path, width: float, deep: float) -> Floats:
    """One fold: a sharp bottom in a soft valley, running out at both ends."""
    knots = np.array(path) + brush.rng.normal(0, 1.0, (len(path), 2))
    smooth = curve(knots.astype(np.float32))
    along = np.sin(np.pi * np.linspace(0.06, 0.94, len(smooth) - 1)) ** 0.6
    bottom = brush.stroke(smooth, np.maximum(1, 0.55 * width * along).astype(np.float32), 1.5)
    valley = brush.stroke(smooth, np.maximum(1, 1.6 * width * along).astype(np.float32), 0.9 * width)
    ends = brush.stroke(smooth, np.maximum(1, 5 * width * along).astype(np.float32), width)
    return np.asarray(deep * (0.52 * bottom + 0.55 * valley) * np.clip(ends * 1.4, 0, 1), np.float32)


def _sagging(brush: Brush) -> Floats:
    """Broad hollows: cheeks, temples, sockets, beside the chin."""
    loss = 0.17 * both(brush.area(CHEEK, 15)) + 0.15 * both(brush.area(TEMPLE, 14))
    inner = both(brush.area(_texels((226, 190), (242, 182), (240, 208), (228, 220)), 6))
    beside = both(brush.area(_texels((176, 372), (192, 372), (196, 410), (172, 420)), 8))
    under = brush.area(_texels((150, 440), (256, 470), (362, 440), (330, 500), (182, 500)), 14)
    return np.asarray(loss + 0.16 * inner + 0.16 * beside + 0.12 * under, np.float32)


def _bulges(brush: Brush) -> Floats:
    """What hangs forward: the bags under the eyes, the cheek beside its fold, the jowl."""
    bag = both(brush.area(_texels((222, 216), (196, 226), (166, 222), (168, 234), (194, 242), (216, 232)), 4))
    cheek = both(brush.area(_texels((202, 268), (176, 300), (162, 332), (148, 310), (160, 276)), 9))
    jowl = both(brush.area(_JOWL, 9))
    return np.asarray(0.9 * bag + 0.8 * cheek + 0.8 * jowl, np.float32)


def _tint(brush: Brush) -> Floats:
    tint = np.zeros((SIDE, SIDE, 3), np.float32)
    cloud = np.asarray(brush.noise(16), np.float32)
    tint += (0.035 * cloud)[:, :, None] * np.array([0.5, 1.0, 1.2], np.float32)
    blood = both(brush.area([50, 101, 118, 117, 123, 187, 205], 12)) + brush.spot(4, (24, 22), 9)
    vein = np.clip(blood, 0, 1) * (0.7 + 0.3 * step(-0.5, 1.0, brush.noise(6)))
    tint -= (0.11 * vein)[:, :, None] * np.array([0.1, 1.0, 0.85], np.float32)
    orbit = both(
        brush.area(_texels((230, 206), (192, 216), (156, 214), (162, 236), (196, 246), (222, 232)), 6)
    )
    tint -= (0.09 * orbit)[:, :, None] * np.array([0.8, 1.0, 0.7], np.float32)
    for x, y, radius in _SPOTS:
        ragged = brush.rng.uniform(0.75, 1.25, 9) * radius
        angle = np.linspace(0, 2 * np.pi, 9, endpoint=False)
        outline = np.stack([x + ragged * np.cos(angle), y + 0.85 * ragged * np.sin(angle)], axis=1)
        spot = brush.area(curve(outline.astype(np.float32), closed=True), 2.2)
        tint -= (brush.rng.uniform(0.09, 0.18) * spot)[:, :, None] * np.array([0.65, 1.1, 1.35], np.float32)
    return tint


def _features(brush: Brush) -> Floats:
    lips = brush.area(OUTER_LIPS, 2.0, grow=0.96)
    eyes = np.maximum(*(brush.area(opening, 2.0, grow=1.12) for opening in EYES))
    nostrils = both(brush.spot(98, (12, 8), 3))
    mouth = brush.area(INNER_LIPS, 1.5)
    return np.asarray(np.clip(np.maximum.reduce([lips, eyes, nostrils, mouth]), 0, 1), np.float32)


def _beard(brush: Brush) -> Floats:
    """Upper lip, chin, jaw and the cheeks' lower halves."""
    jaw = _texels(
        (70, 290), (120, 300), (256, 296), (392, 300), (442, 290), (420, 400), (330, 440), (256, 452)
    )
    whole = np.concatenate([jaw, _texels((182, 440), (92, 400))])
    return np.asarray(brush.area(whole, 7) * (1 - brush.area(OUTER_LIPS, 2.5)), np.float32)


def _texels(*corners: tuple[float, float]) -> Floats:
    return np.array(corners, np.float32)
