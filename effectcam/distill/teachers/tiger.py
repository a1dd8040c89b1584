"""``tiger``: stripes, white muzzle, black nose and amber eyes, painted on the person's own face."""

from __future__ import annotations

import cv2
import numpy as np

from effectcam.distill.teachers.head.brush import SIDE, Brush, Floats, blur, both, curve, lay, outline, step
from effectcam.distill.teachers.head.layer import Pixels
from effectcam.distill.teachers.head.uv import OUTER_LIPS, load_face_space
from effectcam.distill.teachers.surface.greasepaint import Greasepaint
from effectcam.distill.teachers.surface.painted_eyes import PaintedEyes

_ORANGE = (0.88, 0.46, 0.11)
_RUST = (0.70, 0.30, 0.06)
_GOLD = (0.93, 0.62, 0.25)
_WHITE = (0.86, 0.835, 0.78)
_BLACK = (0.055, 0.04, 0.035)
_SHEEN = (0.42, 0.30, 0.28)
_LIP = (0.13, 0.075, 0.075)

_EYES = PaintedEyes(
    sclera=(0.80, 0.75, 0.60),
    inflamed=(0.70, 0.50, 0.30),
    iris=(0.86, 0.43, 0.03),
    rim=(0.15, 0.06, 0.02),
    heart=(0.96, 0.72, 0.16),
    pupil=0.36,
    rim_from=0.72,
    lid=0.6,
    glint=0.9,
)

_STRIPES = (
    # Forehead, from the middle line outwards.
    (((248, 146), (226, 128), (196, 124), (166, 136)), 15),
    (((248, 122), (222, 102), (190, 96), (156, 108)), 17),
    (((246, 96), (222, 76), (192, 66), (158, 74)), 17),
    (((246, 68), (226, 50), (200, 42), (170, 48)), 16),
    # Temples and cheeks, from the rim inwards.
    (((126, 126), (130, 148), (140, 164), (146, 176)), 12),
    (((84, 150), (104, 166), (122, 184), (144, 192)), 15),
    (((58, 196), (84, 204), (108, 218), (138, 220)), 16),
    (((46, 240), (76, 248), (104, 262), (142, 258)), 18),
    (((48, 284), (80, 296), (112, 302), (150, 286)), 18),
    (((56, 326), (88, 338), (118, 338), (154, 316)), 17),
    (((74, 362), (104, 374), (132, 370), (160, 346)), 15),
    (((104, 396), (130, 404), (152, 396), (174, 374)), 13),
    (((140, 424), (162, 424), (180, 414), (194, 398)), 11),
    # The nose's sides.
    (((212, 236), (222, 230), (236, 232)), 7),
    (((208, 252), (220, 246), (234, 250)), 7),
)
_CREST = ((256, 36), (256, 80), (256, 120), (256, 154))
_BROW = ((226, 176), (214, 150), (188, 138), (160, 150), (150, 172), (176, 178), (200, 184))
_BELOW_EYE = ((226, 214), (206, 228), (176, 226), (150, 214), (170, 236), (204, 246), (226, 234))
_MUZZLE = ((256, 286), (222, 284), (190, 298), (168, 324), (172, 356), (196, 378), (232, 384), (256, 384))
_CHIN = ((256, 370), (206, 376), (184, 410), (200, 446), (256, 470))
_RUFF = ((44, 300), (92, 312), (128, 330), (150, 352), (156, 384), (130, 412), (90, 380), (60, 340))
_LIDS = (
    *((144, 195), (160, 200), (172, 190), (196, 184), (214, 194), (224, 206), (237, 238)),
    *((226, 228), (216, 217), (196, 219), (174, 216), (160, 210)),
)
_NOSE = ((256, 255), (232, 256), (216, 268), (211, 284), (228, 295), (246, 300), (256, 307))
_SMILE = ((204, 342), (187, 339), (172, 326), (163, 310))
_WHISKERS = ((228, 319), (209, 315), (192, 322), (219, 331), (201, 329), (184, 336))
_FLOW = (256.0, 250.0)
"""Fur runs away from this texel on all sides, as a cat's does from its nose's bridge."""


class Tiger:
    """Teacher of the ``tiger`` effect; deterministic, safe to share between calls.

    ``fur``: how far hairs carry the edges of the stripes, in texels; 0 paints smooth ones, above 6 they
    break up at 256 pixels, and above 2 a student cannot place them.
    """

    def __init__(self, *, fur: float = 1.5) -> None:
        brush = Brush(load_face_space(), seed=7)
        self.greasepaint = Greasepaint(brush, paint_tiger(brush, fur=fur), lips=0.3, crease=0.3, pores=0.35)

    def __call__(self, image: Pixels, landmarks: Floats | None) -> Pixels:
        """Paint one face.

        ``image`` RGB uint8 (H, W, 3), upright or not; ``landmarks`` float32 (478, 3), pixels of that
        picture, z in the same scale. Returns RGBA uint8 (H, W, 4), straight alpha: 0 on the whites of the
        eyes, where the mouth is open and off the face. UsageError for other shapes.
        """
        face = self.greasepaint.make_up(image, landmarks)
        canvas = face.canvas
        face.colours = _EYES.paint(face.colours, canvas.picture, canvas.face, canvas.complexion.exposure)
        face.alpha = np.maximum(face.alpha, _EYES.irises(canvas.face, canvas.height, canvas.width))
        return face.finish()


def paint_tiger(brush: Brush, *, fur: float) -> Floats:
    """The coat, float32 (SIDE, SIDE, 3) sRGB, 0 to 1."""
    albedo = np.empty((SIDE, SIDE, 3), np.float32)
    albedo[:] = _ORANGE
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    lay(albedo, _RUST, 0.8 * step(120, 230, np.hypot(columns - _FLOW[0], 0.85 * (rows - _FLOW[1]))))
    bridge = (np.abs(columns - SIDE / 2) < 26) & (np.abs(rows - 210) < 60)
    lay(albedo, _GOLD, 0.8 * blur(bridge.astype(np.float32), 10))
    for patch, soft, strength in (
        (curve(_BROW, closed=True), 4, 1.0),
        (curve(_BELOW_EYE, closed=True), 4, 0.85),
        (curve(_MUZZLE, closed=True), 4, 1.0),
        (outline(_CHIN), 6, 1.0),
        (curve(_RUFF, closed=True), 9, 0.8),
    ):
        lay(albedo, _WHITE, strength * both(brush.area(patch, soft)))
    for path, width in _STRIPES:
        lay(albedo, _BLACK, both(brush.swell(path, width)))
    lay(albedo, _BLACK, brush.swell(_CREST, 12))
    albedo = _brushed(albedo, brush, fur)

    lay(albedo, _BLACK, both(brush.area(curve(_LIDS, closed=True), 1.2)))
    lay(albedo, _BLACK, brush.area(outline(_NOSE), 1.3))
    lay(albedo, _SHEEN, 0.7 * brush.spot(4, (20, 7), 4, lift=2))
    lay(albedo, _BLACK, brush.stroke(curve([(256, 300), (256, 334)]), np.full(12, 6, np.float32)))
    lay(albedo, _LIP, brush.area(OUTER_LIPS, 1.5))
    lay(albedo, _BLACK, both(brush.swell(_SMILE, 8, start=0.4)))
    for root in _WHISKERS:
        lay(albedo, _BLACK, both(brush.disc(root, 3.4)))
    return np.asarray(np.clip(albedo, 0, 1), np.float32)


def _brushed(albedo: Floats, brush: Brush, fur: float) -> Floats:
    """The coat combed outwards: hairs draw the edges of the patches along and are a little light and dark.

    Noise smeared along the flow, after B. Cabral and L. Leedom, "Imaging vector fields using line integral
    convolution", 1993.
    """
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    x, y = columns - _FLOW[0], rows - _FLOW[1]
    away = np.hypot(x, y) + 30
    x, y = x / away, y / away
    noise = brush.noise(3.2)
    noise = noise + noise[:, ::-1]
    hairs = np.zeros_like(noise)
    for reach in np.arange(-12.0, 13.0, 1.5, dtype=np.float32):
        hairs += _moved(noise, columns + reach * x, rows + reach * y)
    hairs = np.clip(hairs / hairs.std(), -2, 2)
    combed = _moved(albedo, columns + fur * hairs * x, rows + fur * hairs * y)
    return np.asarray(combed * (1 + 0.04 * hairs)[:, :, None], np.float32)


def _moved(texture: Floats, x: Floats, y: Floats) -> Floats:
    return np.asarray(cv2.remap(texture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT), np.float32)
