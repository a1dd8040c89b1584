"""``skull``: a sugar skull in bone white, soot and red, painted on the person's face, with eyes that glow."""

from __future__ import annotations

import itertools

import numpy as np

from effectcam.distill.teachers.head.brush import SIDE, Brush, Floats, both, curve, lay, outline, step
from effectcam.distill.teachers.head.layer import Pixels
from effectcam.distill.teachers.head.teeth import paint_teeth
from effectcam.distill.teachers.head.uv import load_face_space
from effectcam.distill.teachers.surface.greasepaint import Greasepaint, MadeUp
from effectcam.distill.teachers.surface.painted_eyes import PaintedEyes, gazes

_BONE = (0.84, 0.81, 0.74)
_IVORY = (0.93, 0.905, 0.84)
_SHADE = (0.50, 0.42, 0.34)
_SOOT = (0.085, 0.07, 0.072)
_BLACK = (0.04, 0.034, 0.038)
_CRACK = (0.13, 0.10, 0.09)
_PETAL = (0.66, 0.055, 0.12)
_PETAL_EDGE = (0.19, 0.01, 0.035)
_POLLEN = (0.92, 0.62, 0.15)
_GLOW = (0.04, 0.15, 0.19)
_TOOTH = (0.40, 0.36, 0.30)
_CAVITY = (0.07, 0.02, 0.022)

_EYES = PaintedEyes(
    sclera=(0.10, 0.085, 0.09),
    inflamed=(0.05, 0.04, 0.045),
    iris=(0.12, 0.52, 0.66),
    rim=(0.03, 0.14, 0.20),
    heart=(0.62, 0.94, 1.0),
    pupil=0.26,
)

_TEMPLE = ((36, 150), (100, 138), (122, 172), (126, 214), (100, 246), (36, 250))
_HOLLOW = (
    *((26, 290), (84, 294), (128, 296), (160, 300), (176, 318)),
    *((164, 348), (138, 374), (96, 388), (36, 366)),
)
_JAW = ((256, 20), (60, 90), (56, 300), (90, 360), (122, 396), (162, 424), (208, 446), (256, 452))
_CHEEKBONE = ((104, 268), (140, 264), (196, 272), (206, 284), (160, 290), (110, 284))
_BROW_RIDGE = ((142, 156), (180, 138), (222, 146), (244, 168))
_CHIN = ((256, 408), (226, 414), (214, 432), (256, 444))
_CHIN_LINE = ((218, 416), (238, 404), (256, 412), (274, 404), (294, 416))
_SOCKET = (
    *((148, 200), (152, 168), (182, 150), (216, 160), (238, 188)),
    *((235, 218), (214, 240), (182, 245), (156, 228)),
)
_NOSE = ((256, 224), (243, 246), (227, 272), (220, 290), (233, 302), (249, 296), (254, 282))
_TEETH = (
    *((256, 304), (220, 305), (188, 313), (166, 323), (158, 340)),
    *((172, 366), (200, 388), (232, 396), (256, 397)),
)
_SEAM = ((158, 330), (176, 338), (195, 341), (226, 338), (256, 339))
_LOWER_SEAM = ((158, 332), (176, 341), (196, 343), (226, 354), (256, 358))
_GAPS = (256.0, 237.0, 219.0, 202.0, 187.0, 174.0, 164.0)
"""Where teeth meet on the seam, from the middle line outwards."""
_CRACKS = (
    (((318, 60), (308, 84), (320, 104), (307, 126), (314, 150)), 6),
    (((318, 104), (334, 116), (338, 132)), 5),
    (((309, 124), (298, 132)), 4),
)
_FLOWER = (256.0, 124.0)
_BEADS = ((224, 134, 4.5), (209, 127, 4.0), (195, 123, 3.5))


class Skull:
    """Teacher of the ``skull`` effect; deterministic, safe to share between calls.

    ``glow``: how far the irises light up their sockets; 0 leaves them black, above 2 they look lit from
    inside.
    """

    def __init__(self, *, glow: float = 1.0) -> None:
        brush = Brush(load_face_space(), seed=5)
        self.greasepaint = Greasepaint(brush, paint_skull(brush), lips=1.0, crease=0.4, pores=0.2, free=())
        self.glow = glow

    def __call__(self, image: Pixels, landmarks: Floats | None) -> Pixels:
        """Paint one face.

        ``image`` RGB uint8 (H, W, 3), upright or not; ``landmarks`` float32 (478, 3), pixels of that
        picture, z in the same scale. Returns RGBA uint8 (H, W, 4), straight alpha, 0 off the face. The crack
        runs on one side, so a mirrored picture needs an answer of its own. UsageError for other shapes.
        """
        face = self.greasepaint.make_up(image, landmarks)
        canvas = face.canvas
        face.colours = paint_teeth(face.colours, canvas, tooth=_TOOTH, cavity=_CAVITY)
        face.colours = _EYES.paint(face.colours, canvas.picture, canvas.face, canvas.complexion.exposure)
        self._light_sockets(face)
        return face.finish()

    def _light_sockets(self, face: MadeUp) -> None:
        canvas = face.canvas
        rows, columns = np.mgrid[: canvas.height, : canvas.width].astype(np.float32)
        for gaze in gazes(canvas.face, canvas.height, canvas.width):
            away = np.hypot(columns - gaze.middle[0], rows - gaze.middle[1]) / np.float32(2 * gaze.radius)
            halo = np.float32(self.glow * gaze.openness) * np.exp(-(away**2))
            face.colours = face.colours + np.array(_GLOW, np.float32) * halo[:, :, None]


def paint_skull(brush: Brush) -> Floats:
    """The make-up without the eyes, float32 (SIDE, SIDE, 3) sRGB, 0 to 1."""
    albedo = np.empty((SIDE, SIDE, 3), np.float32)
    albedo[:] = _BONE
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    lay(albedo, _SHADE, 0.75 * step(105, 225, np.hypot(columns - 256, 0.9 * (rows - 230))))
    lay(albedo, _SHADE, 0.22 * step(0.3, 1.8, brush.noise(16)))
    lay(albedo, _IVORY, 0.8 * both(brush.area(curve(_CHEEKBONE, closed=True), 7)))
    lay(albedo, _IVORY, 0.7 * both(brush.swell(_BROW_RIDGE, 14, soft=5)))
    lay(albedo, _IVORY, 0.7 * brush.area(outline(_CHIN), 6))

    lay(albedo, _SOOT, 0.92 * both(brush.area(curve(_TEMPLE, closed=True), 11)))
    hollow = curve(_HOLLOW, closed=True)
    lay(albedo, _SHADE, 0.7 * both(brush.area(hollow, 9, grow=1.1)))
    lay(albedo, _SOOT, both(brush.area(hollow, 5)))
    lay(albedo, _SOOT, (1 - brush.area(outline(_JAW), 5)) * step(330, 390, rows))
    lay(albedo, _SHADE, 0.8 * brush.swell(_CHIN_LINE, 8, soft=2.5))
    nose = np.concatenate([curve(_NOSE), np.array([[256, 274]], np.float32)])
    lay(albedo, _SHADE, 0.8 * both(brush.area(nose, 6, grow=1.2)))
    lay(albedo, _BLACK, both(brush.area(nose, 1.6)))
    septum = np.array([(256, 270), (256, 300)], np.float32)
    lay(albedo, _SHADE, 0.8 * brush.stroke(septum, np.full(1, 4, np.float32)))
    _sutures(albedo, brush)
    _sockets(albedo, brush)
    _ornaments(albedo, brush)
    _teeth(albedo, brush)
    return np.asarray(np.clip(albedo, 0, 1), np.float32)


def _sutures(albedo: Floats, brush: Brush) -> None:
    across = np.linspace(0, 1, 37)
    wander = np.sin(19 * across) + 0.7 * np.sin(47 * across + 1)
    teeth = np.where(np.arange(37) % 2, 1.0, -1.0) * (1.6 + 0.8 * np.sin(31 * across))
    suture = np.stack([100 + 312 * across, 110 - 30 * np.sin(np.pi * across) + wander + teeth], axis=1)
    line = curve(suture.astype(np.float32), steps=4)
    lay(albedo, _CRACK, 0.5 * brush.stroke(line, np.full(len(line), 4, np.float32), 1.2))
    for path, width in _CRACKS:
        lay(albedo, _CRACK, 0.95 * brush.swell(path, width, start=0.3))


def _sockets(albedo: Floats, brush: Brush) -> None:
    """Black holes in a wreath of petals."""
    socket = curve(_SOCKET, closed=True)
    lay(albedo, _SHADE, 0.8 * both(brush.area(socket, 6, grow=1.32)))
    wreath = _spaced(socket, 14)
    wreath += 0.08 * (wreath - socket.mean(axis=0))
    for x, y in wreath:
        lay(albedo, _PETAL_EDGE, both(brush.disc((x, y), 14)))
        lay(albedo, _PETAL, both(brush.disc((x, y), 11.5)))
    lay(albedo, _BLACK, both(brush.area(socket, 2)))


def _ornaments(albedo: Floats, brush: Brush) -> None:
    turns = 2 * np.pi * np.arange(7) / 7
    petals = [(_FLOWER[0] + 15 * np.sin(turn), _FLOWER[1] - 15 * np.cos(turn)) for turn in turns]
    for colour, radius in ((_PETAL_EDGE, 10.0), (_PETAL, 8.0)):
        for petal in petals:
            lay(albedo, colour, brush.disc(petal, radius))
    lay(albedo, _PETAL_EDGE, brush.disc(_FLOWER, 8.5))
    lay(albedo, _POLLEN, brush.disc(_FLOWER, 6.5))
    for x, y, radius in _BEADS:
        lay(albedo, _PETAL, both(brush.disc((x, y), radius)))
    lay(albedo, _PETAL, brush.area(outline([(256, 416), (249, 424), (256, 439)]), 1))


def _teeth(albedo: Floats, brush: Brush) -> None:
    """Two rows over the lips and on into the cheeks, parting with the mouth."""
    block = outline(_TEETH)
    lay(albedo, _SHADE, 0.8 * brush.area(block, 6, grow=1.05))
    lay(albedo, _IVORY, brush.area(block, 2))
    seam, low = curve(_SEAM), curve(_LOWER_SEAM)
    lay(albedo, _BLACK, both(brush.area(np.concatenate([seam, low[::-1]]), 1)))
    lay(albedo, _BLACK, both(brush.stroke(seam, np.linspace(3, 6, len(seam), dtype=np.float32), 0.9)))
    widths = np.linspace(6, 2.5, 24, dtype=np.float32)
    for number, x in enumerate(_GAPS):
        lean = 0.10 * (256 - x)
        for line, end, out in ((seam, 298 + 2.6 * number, -1.0), (low, 400 - 0.95 * number**2, 0.5)):
            y = float(np.interp(x, line[:, 0], line[:, 1]))
            gap = curve([(x, y), (x + 0.8 * out * lean, (y + end) / 2), (x + 1.2 * out * lean, end)])
            lay(albedo, _BLACK, both(brush.stroke(gap, widths, 0.9)))
    for number, (x, beyond) in enumerate(itertools.pairwise(_GAPS)):
        for end, out, fall in ((312 + 1.6 * number, -5.0, 1.6), (387 - 0.95 * number**2, 5.0, -1.0 - number)):
            gum = curve([(x, end), ((x + beyond) / 2, end + out), (beyond, end + fall)])
            lay(albedo, _BLACK, 0.8 * both(brush.stroke(gum, np.full(len(gum), 3, np.float32), 0.9)))


def _spaced(line: Floats, count: int) -> Floats:
    """``count`` points at even distances along a closed line, (count, 2)."""
    closed = np.concatenate([line, line[:1]])
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    at = np.linspace(0, along[-1], count, endpoint=False)
    return np.stack([np.interp(at, along, closed[:, i]) for i in (0, 1)], axis=1).astype(np.float32)
