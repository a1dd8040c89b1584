"""``vampire``: the person drained of blood, with sunken eyes, red irises, fangs and one drop gone astray.

Skin is not painted over but made pale: lighter, colder and smoother than it is, each in proportion, so that
light skin turns to porcelain and dark skin to ash, and everybody is still who they were.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from effectcam.distill.teachers.head.anatomy import CHEEK, ORBIT, TEMPLE
from effectcam.distill.teachers.head.brush import SIDE, Brush, Floats, blur, both, curve, dim, lay, mix, step
from effectcam.distill.teachers.head.complexion import LUMA
from effectcam.distill.teachers.head.face_canvas import FaceCanvas
from effectcam.distill.teachers.head.layer import Pixels
from effectcam.distill.teachers.head.spectacles import Spectacles
from effectcam.distill.teachers.head.uv import (
    EYES,
    FACE_OVAL,
    INNER_LIPS,
    OUTER_LIPS,
    load_face_space,
    polygon_mask,
)
from effectcam.distill.teachers.head.zones import paint_zones
from effectcam.distill.teachers.surface.painted_eyes import PaintedEyes

_EYES = PaintedEyes(
    sclera=(0.80, 0.72, 0.70),
    inflamed=(0.52, 0.14, 0.13),
    iris=(0.56, 0.015, 0.025),
    rim=(0.05, 0.0, 0.01),
    heart=(0.95, 0.13, 0.06),
    pupil=0.36,
    rim_from=0.62,
    lid=0.6,
    glint=0.9,
)
_PALE = 0.80
"""Luma that plain skin of luma 0.62, fair in good light, is brought to."""
_COLD = (0.985, 1.0, 1.025)
_LIP = (0.40, 0.015, 0.045)
_SHEEN = (0.80, 0.30, 0.33)
_BLOOD = (0.40, 0.01, 0.02)
_WET = (0.75, 0.12, 0.10)
_IVORY = (0.95, 0.92, 0.85)
_GUM = (0.12, 0.01, 0.015)
_FANGS = ((81, 80), (311, 310))
"""Points of the upper lip's inner edge, nearer to the middle and farther, that the canines hang between."""
_LOWER_LIP = ((226, 364), (242, 368), (256, 369), (270, 368), (286, 364))
_TRICKLE = ((303, 350), (308, 366), (311, 392), (308, 414), (311, 434))


class Vampire:
    """Teacher of the ``vampire`` effect; deterministic, safe to share between calls.

    ``fangs``: their length in face widths; above 0.09 they reach a closed mouth's chin.
    """

    def __init__(self, *, fangs: float = 0.056) -> None:
        space = load_face_space()
        brush = Brush(space)
        self.space = space
        self.zones = paint_zones(brush, throat_reach=0.7)
        self.marks = paint_marks(brush)
        self.spectacles = Spectacles(brush)
        self.fangs = fangs

    def __call__(self, image: Pixels, landmarks: Floats | None) -> Pixels:
        """Turn one face.

        ``image`` RGB uint8 (H, W, 3), upright or not; ``landmarks`` float32 (478, 3), pixels of that
        picture, z in the same scale. Returns RGBA uint8 (H, W, 4), straight alpha: 0 on the whites of the
        eyes, between the lips except for the fangs, and off the face. The trickle runs on one side, so a
        mirrored picture needs an answer of its own. UsageError for other shapes.
        """
        canvas = FaceCanvas(image, landmarks, self.space, self.zones, finer=2)
        frames = self.spectacles.find(canvas)
        skin, marks = canvas.complexion, self.marks
        light = skin.light(0.35, pores=0.4 + 0.6 * frames) / np.float32(skin.exposure)
        light *= np.float32(_PALE * np.clip(skin.luma / 0.62, 0.05, 1.15) ** 0.62)
        face = _pallid(canvas, light) * canvas.lay(marks.stain)
        # Lips and blood are as dark on everybody, but not lit by less than half of the light.
        wet = np.clip(0.3 + 0.9 * light, 0.2, 1.2)[:, :, None]
        face = mix(face, canvas.lay(marks.rouge) * wet, 0.9 * canvas.lay(marks.lips))
        face = mix(face, canvas.lay(marks.blood) * wet, canvas.lay(marks.trickle))
        face = _EYES.paint(face, canvas.picture, canvas.face, skin.exposure)

        alpha = canvas.cover() * (1 - 0.8 * frames) * canvas.lay(marks.inward)
        for opening in (*EYES, INNER_LIPS):
            alpha = alpha * (1 - blur(polygon_mask(canvas.face[opening], canvas.height, canvas.width), 0.6))
        alpha = np.maximum(alpha, _EYES.irises(canvas.face, canvas.height, canvas.width))
        for inner, outer in _FANGS:
            face, alpha = self._put_fang(face, alpha, canvas, canvas.face[inner, :2], canvas.face[outer, :2])
        return canvas.finish(face, alpha)

    def _put_fang(
        self, face: Floats, alpha: Floats, canvas: FaceCanvas, inner: Floats, outer: Floats
    ) -> tuple[Floats, Floats]:
        """A canine hung from the upper lip, over the lower one of a shut mouth."""
        points, size = canvas.face, (canvas.height, canvas.width)
        across, down = _unit(inner - outer), _unit(points[152, :2] - points[10, :2])
        long = self.fangs * float(np.linalg.norm(points[234] - points[454]))
        half = 0.32 * long
        root = 0.55 * inner + 0.45 * outer - 0.13 * long * down
        tip = root + long * down + 0.3 * half * across
        left, right, bow = root - half * across, root + half * across, 0.4 * half * across
        shape = np.concatenate([_bow(left, tip, -bow), _bow(tip, right, bow)]).astype(np.float32)
        middle = root + 0.4 * long * down
        shadow = 0.6 * blur(polygon_mask(middle + 1.25 * (shape - middle), *size), 0.8)
        tooth = polygon_mask(shape, *size)
        rows, columns = np.mgrid[: size[0], : size[1]].astype(np.float32)
        x, y = columns - root[0], rows - root[1]
        along, aside = (x * down[0] + y * down[1]) / long, (x * across[0] + y * across[1]) / half
        shade = 0.72 + 0.3 * step(0.0, 0.35, along) - 0.15 * np.clip(aside, -1, 1) ** 2
        ivory = np.array(_IVORY, np.float32) * (shade * np.float32(canvas.complexion.exposure))[:, :, None]
        face = mix(mix(face, _GUM, shadow), ivory, tooth)
        return face, np.maximum(alpha, np.maximum(tooth, shadow))


def _pallid(canvas: FaceCanvas, light: Floats) -> Floats:
    """Skin in this ``light`` with part of its own colour left: more to dark skin, which would turn grey."""
    own = 0.36 + 0.45 * float(np.clip((0.5 - canvas.complexion.luma) / 0.35, 0, 1))
    soft = blur(canvas.picture, 1.2)
    hue = np.clip(soft / np.maximum(soft @ LUMA, 0.03)[:, :, None], 0.3, 2.0)
    return np.asarray(light[:, :, None] * (1 + own * (hue - 1)) * np.array(_COLD), np.float32)


def _unit(vector: Floats) -> Floats:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-3), np.float32)


def _bow(start: Floats, end: Floats, bulge: Floats) -> Floats:
    """A quadratic Bézier curve from ``start`` to ``end``, (9, 2)."""
    t = np.linspace(0, 1, 9, dtype=np.float32)[:, None]
    middle = (start + end) / 2 + bulge
    return np.asarray((1 - t) ** 2 * start + 2 * t * (1 - t) * middle + t**2 * end, np.float32)


@dataclass(frozen=True, slots=True)
class Marks:
    """Textures float32 (SIDE, SIDE[, 3]), 0 to 1.

    ``stain`` what the pale skin is multiplied by; ``rouge`` the colours of the ``lips``; ``blood`` its
    colours and ``trickle`` where it runs; ``inward`` how much of the pallor shows, less towards ears and
    neck, which keep their colour.
    """

    stain: Floats
    rouge: Floats
    lips: Floats
    blood: Floats
    trickle: Floats
    inward: Floats


def paint_marks(brush: Brush) -> Marks:
    """Everything that is the same on every vampire."""
    stain = np.ones((SIDE, SIDE, 3), np.float32)
    lay(stain, (0.78, 0.52, 0.56), 0.8 * both(brush.area(ORBIT, 10, grow=0.95)))
    lay(stain, (0.50, 0.27, 0.32), 0.75 * both(brush.area(ORBIT, 7, grow=0.72)))
    lay(stain, (0.20, 0.08, 0.10), 0.8 * both(brush.area(EYES[0], 3, grow=1.2)))
    lay(stain, (0.60, 0.56, 0.58), 0.6 * both(brush.area(CHEEK, 14)))
    lay(stain, (0.74, 0.72, 0.76), 0.8 * both(brush.area(TEMPLE, 13)))

    rouge = np.empty((SIDE, SIDE, 3), np.float32)
    rouge[:] = _LIP
    dim(rouge, 0.3, brush.area(INNER_LIPS, 3.5, grow=1.02))
    lay(rouge, _SHEEN, 0.5 * brush.swell(_LOWER_LIP, 7, soft=2.5))

    path = curve(_TRICKLE)
    widths = np.interp(np.linspace(0, 1, len(path)), [0, 0.2, 0.8, 1], [7, 5.5, 5, 8]).astype(np.float32)
    blood = np.empty((SIDE, SIDE, 3), np.float32)
    blood[:] = _BLOOD
    gloss = brush.stroke(path - np.array([1.5, 0], np.float32), np.full(len(path), 2, np.float32), 0.8)
    lay(blood, _WET, 0.6 * gloss)
    return Marks(
        stain,
        rouge,
        brush.area(OUTER_LIPS, 1.6),
        blood,
        0.95 * brush.stroke(path, widths, 0.9),
        np.asarray(0.5 + 0.5 * brush.area(FACE_OVAL, 18, grow=0.86), np.float32),
    )
