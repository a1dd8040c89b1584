"""The plates of a robot's head: seams, bolts, housings and grille, on a texture for the head's own space.

Painted for :func:`effectcam.distill.teachers.surface.stone_veins.lay_on_head`: twice as wide as the face's
flat space, so that the plates go on over crown, ears and throat. All places are in the flat space, for the
picture's left half; the other half is its mirror image.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.distill.teachers.head.brush import Floats, blur, curve

SIDE = 1024
"""Texels along the square texture."""

Path = Sequence[tuple[float, float]]

EYE = (0.379, 0.404)
"""Middle of the eye's housing, which lies where the mesh has an eye."""
HOUSING = (0.096, 0.072)

_SEAMS: tuple[tuple[Path, float], ...] = (
    (((0.452, 0.318), (0.446, 0.20), (0.44, 0.05), (0.442, -0.15), (0.452, -0.45)), 1.0),
    (((0.452, 0.345), (0.405, 0.290), (0.325, 0.272), (0.245, 0.312), (0.165, 0.372), (0.105, 0.412)), 1.2),
    (((0.446, 0.12), (0.36, 0.13), (0.26, 0.17), (0.16, 0.24), (0.08, 0.31)), 0.8),
    (((0.462, 0.42), (0.448, 0.49), (0.425, 0.555), (0.432, 0.588), (0.465, 0.600), (0.5, 0.598)), 0.9),
    (((0.425, 0.562), (0.345, 0.575), (0.245, 0.560), (0.155, 0.525), (0.115, 0.505)), 1.1),
    (((0.350, 0.640), (0.275, 0.650), (0.185, 0.625), (0.110, 0.560)), 0.9),
    (((0.368, 0.735), (0.362, 0.80), (0.372, 0.87), (0.378, 0.885)), 1.3),
    (((0.338, 0.690), (0.265, 0.735), (0.225, 0.80)), 0.9),
)
"""Paths and relative widths."""
_BOLTS = (
    *((0.405, 0.235), (0.300, 0.225), (0.200, 0.290), (0.300, 0.612), (0.185, 0.575)),
    *((0.395, 0.785), (0.408, 0.860), (0.300, 0.770), (0.405, 0.07), (0.26, 0.12)),
)
_JAW = (
    (0.5, 0.905),
    (0.40, 0.895),
    (0.32, 0.848),
    (0.25, 0.808),
    (0.195, 0.775),
    (0.135, 0.715),
    (0.09, 0.60),
)
_SEAM, _BOLT = 0.0105, 0.0135
_EAR, _CAP = (0.052, 0.470), 0.088


def paint_plates() -> Floats:
    """float32 (SIDE, SIDE, 4), 0 to about 1.3, the same for every face.

    Height of the surface: 0.5 a plate, 0 the bottom of a groove, above 0.5 bolts and rims. Tone: how bright
    the metal is. Lamps: thin lines that shine. Hole: where there is no metal, in the housings of the eyes and
    the slots of the grille.
    """
    plates = _Plates()
    for work in (
        plates.lay_shells,
        plates.stack_rings,
        plates.cut_seams,
        plates.set_housings,
        plates.set_grille,
        plates.set_lamps,
        plates.drive_bolts,
    ):
        work()
    return np.asarray(np.stack([plates.height, plates.tone, plates.lamps, plates.hole], axis=-1), np.float32)


class _Plates:
    def __init__(self) -> None:
        self.height = np.full((SIDE, SIDE), 0.5, np.float32)
        self.tone = np.full((SIDE, SIDE), 0.86, np.float32)
        self.lamps = np.zeros((SIDE, SIDE), np.float32)
        self.hole = np.zeros((SIDE, SIDE), np.float32)

    def lay_shells(self) -> None:
        """The larger plates, each of its own steel."""
        self._tone(
            _area(((0.5, -0.5), (0.452, -0.45), (0.442, -0.15), (0.44, 0.05), (0.452, 0.33), (0.5, 0.35))),
            0.52,
        )
        self._tone(
            _area(((0.5, 0.36), (0.475, 0.40), (0.448, 0.49), (0.425, 0.56), (0.44, 0.595), (0.5, 0.60))), 1.0
        )
        jaw = ((0.5, 0.73), (0.37, 0.735), (0.362, 0.80), (0.372, 0.87), (0.385, 0.95), (0.5, 0.95))
        self._tone(_area(jaw), 0.97)
        side = (
            (0.345, 0.645),
            (0.275, 0.650),
            (0.185, 0.625),
            (0.08, 0.55),
            (0.02, 0.72),
            (0.16, 0.95),
            (0.385, 0.95),
        )
        self._tone(_area((*side, (0.365, 0.80))), 0.62)
        cheek = ((0.425, 0.562), (0.345, 0.575), (0.245, 0.56), (0.115, 0.505), (0.08, 0.55), (0.185, 0.625))
        self._tone(_area((*cheek, (0.275, 0.65), (0.35, 0.64))), 0.78)
        cap = _ellipse(_EAR, (_CAP, _CAP))
        self._tone(cap, 0.66)
        self.height += 0.35 * cap
        for radius in (0.92, 0.52):
            self._carve(_ring(_EAR, (radius * _CAP, radius * _CAP), _SEAM))

    def stack_rings(self) -> None:
        """A throat of rubber rings, from under the jaw down."""
        rows, columns = ((np.mgrid[:SIDE, :SIDE].astype(np.float32) + 0.5) / SIDE - 0.25) * 2
        below = _area((*_JAW, (-0.2, 0.40), (-0.5, 1.5), (0.5, 1.5)))
        wave = 0.5 + 0.5 * np.cos(2 * np.pi * (rows + 0.35 * np.square(columns - 0.5) - 0.97) / 0.085)
        self.height += below * (wave - self.height)
        self.tone += (0.16 + 0.24 * wave - self.tone) * below
        self._carve(_stroke(_JAW, 1.6 * _SEAM))

    def cut_seams(self) -> None:
        for path, wide in _SEAMS:
            self._carve(_stroke(path, wide * _SEAM))

    def set_housings(self) -> None:
        rim = _ellipse(EYE, (HOUSING[0] + 0.018, HOUSING[1] + 0.018))
        self.height += 0.45 * rim
        self._tone(rim, 0.50)
        inside = _ellipse(EYE, HOUSING)
        self.height *= 1 - inside
        self.hole = np.maximum(self.hole, inside)

    def set_grille(self) -> None:
        frame = _area(
            (
                (0.5, 0.612),
                (0.40, 0.614),
                (0.348, 0.640),
                (0.338, 0.675),
                (0.352, 0.715),
                (0.40, 0.742),
                (0.5, 0.745),
            )
        )
        self.height += 0.3 * frame
        self._tone(frame, 0.45)
        for i in range(5):
            x = 0.5 - 0.0335 * i
            top, bottom = 0.630 + 0.0016 * i * i, 0.728 - 0.0022 * i * i
            slot = _stroke(((x, top), (x, (top + bottom) / 2), (x, bottom)), 0.0165)
            self.hole = np.maximum(self.hole, slot)
            self._carve(slot)

    def set_lamps(self) -> None:
        for path, wide in (
            (((0.222, 0.492), (0.275, 0.514), (0.335, 0.520)), 0.0105),
            (((0.5, 0.195), (0.5, 0.23), (0.5, 0.265)), 0.0125),
        ):
            self._carve(_stroke(path, 2.4 * wide))
            self.lamps = np.maximum(self.lamps, _stroke(path, wide))

    def drive_bolts(self) -> None:
        for place in _BOLTS:
            self._carve(0.8 * _ellipse(place, (1.5 * _BOLT, 1.5 * _BOLT)))
            self.height += 0.75 * _ellipse(place, (_BOLT, _BOLT))
            self._tone(_ellipse(place, (_BOLT, _BOLT)), 0.95)

    def _tone(self, mask: Floats, tone: float) -> None:
        self.tone += (tone - self.tone) * mask

    def _carve(self, mask: Floats) -> None:
        self.height *= 1 - mask
        self.tone *= 1 - 0.62 * mask


def _texels(uv: Path | Floats) -> NDArray[np.int32]:
    return np.asarray(np.round((0.25 + 0.5 * np.asarray(uv, np.float64)) * SIDE * 16), np.int32)


def _both(mask: NDArray[np.uint8]) -> Floats:
    plane = blur(mask.astype(np.float32) / 255, 1.2)
    return np.maximum(plane, plane[:, ::-1])


def _area(path: Path) -> Floats:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.fillPoly(mask, [_texels(path)], (255,), cv2.LINE_AA, 4)
    return _both(mask)


def _stroke(path: Path, wide: float) -> Floats:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.polylines(mask, [_texels(curve(path))], False, (255,), max(1, round(wide * SIDE / 2)), cv2.LINE_AA, 4)
    return _both(mask)


def _ellipse(middle: tuple[float, float], radii: tuple[float, float]) -> Floats:
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    return _area(
        np.stack([middle[0] + radii[0] * np.cos(angle), middle[1] + radii[1] * np.sin(angle)], axis=1)
    )


def _ring(middle: tuple[float, float], radii: tuple[float, float], wide: float) -> Floats:
    angle = np.linspace(0, 2 * np.pi, 65)
    return _stroke(
        np.stack([middle[0] + radii[0] * np.cos(angle), middle[1] + radii[1] * np.sin(angle)], axis=1), wide
    )
