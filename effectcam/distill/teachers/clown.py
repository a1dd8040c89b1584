"""``clown``: the white face, red nose and wide red mouth of the ring, as greasepaint on one's own face."""

from __future__ import annotations

import numpy as np

from effectcam.distill.teachers.head.brush import SIDE, Brush, Floats, both, curve, lay, mix, outline, step
from effectcam.distill.teachers.head.layer import Pixels
from effectcam.distill.teachers.head.uv import OUTER_LIPS, RIGID, fit_similarity, load_face_space
from effectcam.distill.teachers.surface.greasepaint import Greasepaint, MadeUp

_WHITE = (0.83, 0.81, 0.785)
_ROSE = (0.87, 0.42, 0.41)
_BLUE = (0.08, 0.40, 0.82)
_SKY = (0.32, 0.70, 0.95)
_NAVY = (0.03, 0.08, 0.28)
_RED = (0.82, 0.05, 0.06)
_BRIGHT = (0.95, 0.20, 0.17)
_WINE = (0.42, 0.01, 0.03)
_SHINE = (1.0, 0.93, 0.90)
_BLACK = (0.06, 0.045, 0.055)

_EYE = [(160, 206), (166, 172), (192, 141), (217, 168), (226, 209), (196, 200)]
_DROP = [(187, 215), (192, 236), (196, 258), (200, 236), (205, 215)]
_ARCH = [(150, 134), (167, 113), (190, 104), (212, 114), (224, 128)]
_MOUTH = [
    *((256, 320), (236, 316), (208, 325), (178, 318), (156, 302), (140, 300)),
    *((138, 318), (156, 346), (184, 374), (220, 393), (256, 398)),
]
_GLOSS = [(208, 380), (232, 388), (256, 390), (280, 388), (304, 380)]


class Clown:
    """Teacher of the ``clown`` effect; deterministic, safe to share between calls.

    ``nose``: radius of the red ball in face widths; above 0.16 it hides the mouth of a lowered face.
    """

    def __init__(self, *, nose: float = 0.125) -> None:
        brush = Brush(load_face_space())
        self.greasepaint = Greasepaint(brush, paint_clown(brush))
        self.nose = nose

    def __call__(self, image: Pixels, landmarks: Floats | None) -> Pixels:
        """Make one face up.

        ``image`` RGB uint8 (H, W, 3), upright or not; ``landmarks`` float32 (478, 3), pixels of that
        picture, z in the same scale. Returns RGBA uint8 (H, W, 4), straight alpha: 0 between the lids, where
        the mouth is open and off the face, except under the ball of the nose. UsageError for other shapes.
        """
        face = self.greasepaint.make_up(image, landmarks)
        self._put_nose(face)
        return face.finish()

    def _put_nose(self, face: MadeUp) -> None:
        """A ball on the tip of the nose, lit from the side that the face is lit from."""
        points, height, width = face.canvas.face, face.canvas.height, face.canvas.width
        scale, rotation, _ = fit_similarity(self.greasepaint.space.shape[RIGID], points[RIGID])
        radius = max(self.nose * scale, 1.0)
        ahead, down = -rotation[:2, 2], rotation[:2, 1]
        middle = points[4, :2] + radius * (0.35 * ahead + 0.12 * down)
        rows, columns = np.mgrid[:height, :width].astype(np.float32)
        x, y = (columns - middle[0]) / radius, (rows - middle[1]) / radius
        shadow = 1 - step(0.75, 1.45, np.hypot(x - 0.28 * down[0], y - 0.28 * down[1]))
        face.colours = face.colours * (1 - 0.5 * shadow)[:, :, None]

        around = np.exp(-(x**2 + y**2) / 12) * face.alpha
        level, lean = _slope(face.light, around, x)
        lamp = np.array([np.clip(5.0 * lean, -0.8, 0.8), -0.55, 0.75], np.float32)
        soft = 0.7 / radius
        cover = 1 - step(1 - soft, 1 + soft, np.hypot(x, y))
        face.colours = mix(face.colours, _ball(x, y, lamp) * np.float32(np.clip(level, 0.2, 1.15)), cover)
        face.alpha = np.maximum(face.alpha, cover)


def _slope(light: Floats, weight: Floats, x: Floats) -> tuple[float, float]:
    """Mean of the light and how much of it it gains for each radius to the right."""
    total = max(float(weight.sum()), 1e-3)
    level = float((light * weight).sum()) / total
    middle = float((x * weight).sum()) / total
    gain = float((light * weight * (x - middle)).sum()) / max(float((weight * (x - middle) ** 2).sum()), 1e-3)
    return level, gain / max(level, 0.05)


def _ball(x: Floats, y: Floats, lamp: Floats) -> Floats:
    """Red ball of radius 1 round the origin, lit from direction ``lamp``, z to the camera: (H, W, 3).

    Highlight after Blinn, "Models of light reflection for computer synthesized pictures", 1977.
    """
    z = np.sqrt(np.clip(1 - x**2 - y**2, 0, 1))
    lamp = lamp / np.linalg.norm(lamp)
    halfway = lamp + np.array([0, 0, 1], np.float32)
    halfway /= np.linalg.norm(halfway)
    facing, shine = (np.clip(x * to[0] + y * to[1] + z * to[2], 0, 1) for to in (lamp, halfway))
    colour = mix(np.full((*x.shape, 3), _WINE, np.float32), _RED, step(-0.1, 0.55, facing))
    colour = mix(colour, _BRIGHT, 0.8 * step(0.55, 1.0, facing))
    # The white of the chin shines back from below.
    colour = colour * (0.87 + 0.16 * np.clip(y, 0, 1) * (1 - z))[:, :, None]
    return mix(colour, _SHINE, 0.75 * step(0.955, 0.995, shine) + 0.22 * step(0.7, 1.0, shine))


def paint_clown(brush: Brush) -> Floats:
    """The make-up without the nose, float32 (SIDE, SIDE, 3) sRGB, 0 to 1."""
    albedo = np.empty((SIDE, SIDE, 3), np.float32)
    albedo[:] = _WHITE
    lay(albedo, _ROSE, 0.85 * both(brush.disc((130, 284), 30, 11)))

    eye = curve(_EYE, closed=True)
    lay(albedo, _NAVY, both(brush.area(eye, 1.4, grow=1.08)))
    lid = both(brush.area(eye, 1.4))
    lay(albedo, _BLUE, lid)
    high = 1 - step(138, 192, np.arange(SIDE, dtype=np.float32))
    lay(albedo, _SKY, lid * high[:, None])
    lay(albedo, _NAVY, both(brush.area(curve(_DROP), 1.2)))
    lay(albedo, _BLACK, both(brush.swell(_ARCH, 11, start=0.1, soft=1.2)))

    mouth = outline(_MOUTH)
    lay(albedo, _WINE, brush.area(mouth, 1.3, grow=1.03))
    lay(albedo, _RED, brush.area(mouth, 1.3))
    lay(albedo, _WINE, 0.5 * brush.area(OUTER_LIPS, 2.0))
    lay(albedo, (1.0, 0.62, 0.56), 0.75 * brush.swell(_GLOSS, 7, start=0.1, soft=2.2))
    return np.asarray(np.clip(albedo, 0, 1), np.float32)
