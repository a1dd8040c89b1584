"""The zombie's hide: painted once in the face's flat space, the same for everybody.

Marks are few, fixed to the face and broad enough (six texels and more) to survive at 256 pixels: a small
student can learn them. Fine grain is left to the picture that the hide is laid on.
"""

from __future__ import annotations

import numpy as np

from effectcam.distill.teachers.head.anatomy import CHEEK, CHEEKBONE, NASOLABIAL, ORBIT, TEMPLE
from effectcam.distill.teachers.head.brush import SIDE, Brush, Floats, blur, both, dim, lay, step
from effectcam.distill.teachers.head.uv import (
    FACE_OVAL,
    INNER_LIPS,
    MESH_POINTS,
    OUTER_LIPS,
    PICTURE_LEFT_EYE,
    FaceSpace,
)

_PALLID = (0.60, 0.635, 0.53)
_COLD = (0.44, 0.535, 0.545)
_OCHRE = (0.66, 0.58, 0.36)
_BRUISE = (0.40, 0.27, 0.37)
_SOCKET = (0.30, 0.17, 0.21)
_SORE = (0.52, 0.22, 0.22)
_VEIN = (0.17, 0.15, 0.24)
_LIP = (0.37, 0.28, 0.31)
_CRACK = (0.10, 0.04, 0.05)
_BLOOD = (0.27, 0.035, 0.03)
_FLESH = (0.42, 0.09, 0.08)
_TOOTH = (0.72, 0.64, 0.42)


def paint_hide(space: FaceSpace, *, seed: int = 31) -> Floats:
    """The whole texture, float32 (SIDE, SIDE, 3) sRGB, 0 to 1; another ``seed`` moves the mottling and the
    veins, not the wounds."""
    brush = Brush(space, seed=seed)
    albedo = np.empty((SIDE, SIDE, 3), np.float32)
    albedo[:] = _PALLID
    _mottle(albedo, brush)
    _hollow(albedo, brush)
    _veins(albedo, brush)
    _mouth(albedo, brush)
    _gash(albedo, brush)
    _torn_cheek(albedo, brush)
    return np.asarray(np.clip(albedo, 0, 1), np.float32)


def _mottle(albedo: Floats, brush: Brush) -> None:
    """Clouds of colour, coldest and darkest towards the rim, with soft edges: rot, not camouflage."""
    outer = 1 - brush.area(FACE_OVAL, 40, grow=0.72)
    lay(albedo, _COLD, 0.8 * step(-0.6, 1.6, brush.noise(24) + outer))
    lay(albedo, _OCHRE, 0.75 * step(0.1, 1.9, brush.noise(22) + 0.35 * outer))
    lay(albedo, _BRUISE, 0.75 * step(0.5, 2.0, brush.noise(18) + 0.5 * outer))
    lay(albedo, (0.77, 0.78, 0.67), 0.65 * step(0.4, 1.9, brush.noise(13) - 0.3 * outer))
    dim(albedo, 0.6, step(0.9, 2.2, brush.noise(11) + 0.15 * outer))
    dim(albedo, 0.8, 0.8 * outer)


def _hollow(albedo: Floats, brush: Brush) -> None:
    bone = both(brush.area(CHEEKBONE, 9))
    lay(albedo, (0.74, 0.75, 0.63), 0.55 * bone)
    lay(albedo, (0.72, 0.74, 0.62), 0.45 * brush.area([107, 66, 69, 108, 151, 337, 299, 296, 336, 9], 12))

    cheek = both(brush.area(CHEEK, 11))
    lay(albedo, _BRUISE, 0.35 * cheek)
    dim(albedo, 0.36, cheek)
    temple = both(brush.area(TEMPLE, 12))
    lay(albedo, _BRUISE, 0.4 * temple)
    dim(albedo, 0.58, temple)
    fold = both(brush.stroke(brush.points[NASOLABIAL], np.full(6, 9.0, np.float32), 4))
    dim(albedo, 0.6, fold)
    dim(albedo, 0.62, brush.area([148, 176, 32, 201, 200, 421, 262, 400, 377, 152], 10, grow=0.55))
    chin = brush.points[[61, 43, 106, 182, 83, 18, 313, 406, 335, 273, 291]]
    dim(albedo, 0.65, brush.stroke(chin[2:-2], np.full(6, 10.0, np.float32), 5))

    orbit = brush.area(ORBIT, 0)
    rim = both(blur(orbit, 13))
    lay(albedo, _SORE, 0.75 * step(0.08, 0.5, rim))
    sunk = both(brush.area(ORBIT, 7, grow=0.93))
    lay(albedo, _SOCKET, 0.9 * sunk)
    dim(albedo, 0.62, sunk)
    lids = both(brush.area(PICTURE_LEFT_EYE, 4, grow=1.35))
    lay(albedo, (0.36, 0.10, 0.11), 0.7 * lids)

    tip = brush.spot(4, (21, 15), 5, lift=-4)
    ala = both(brush.spot(48, (13, 14), 4))
    lay(albedo, (0.17, 0.11, 0.13), 0.75 * np.maximum(tip * 0.8, ala))
    bridge = brush.stroke(brush.points[[168, 6, 197, 195, 5]], np.full(5, 12.0, np.float32), 4)
    lay(albedo, (0.70, 0.70, 0.58), 0.5 * bridge)


def _veins(albedo: Floats, brush: Brush) -> None:
    net = np.zeros((SIDE, SIDE), np.float32)
    roots = [(162, 20.0, 110.0, 8.0), (389, 165.0, 115.0, 8.0), (338, 95.0, 100.0, 7.5)]
    roots += [
        (58, -28.0, 120.0, 8.0),
        (288, 214.0, 85.0, 7.0),
        (176, -112.0, 70.0, 7.0),
        (234, 5.0, 80.0, 7.0),
    ]
    roots += [(MESH_POINTS + 15, -100.0, 110.0, 8.0), (MESH_POINTS + 22, -80.0, 110.0, 8.0)]
    for point, heading, length, width in roots:
        _branch(net, brush, brush.points[point], np.deg2rad(heading), length, width)
    net = np.clip(net, 0, 1)
    lay(albedo, (0.33, 0.33, 0.44), 0.35 * np.clip(blur(net, 5) * 1.6, 0, 1))
    raised = np.roll(net, (-4, -3), axis=(0, 1))
    lay(albedo, (0.80, 0.82, 0.74), 0.5 * blur(raised, 1.8))
    lay(albedo, _VEIN, 0.82 * blur(net, 1.2))


def _branch(net: Floats, brush: Brush, start: Floats, heading: float, length: float, width: float) -> None:
    steps = max(4, int(length / 8))
    path = [np.asarray(start, np.float32)]
    turn = 0.0
    forks: list[tuple[Floats, float, float, float]] = []
    for i in range(steps):
        turn = 0.6 * turn + brush.rng.normal(0, 0.24)
        heading += turn * 0.7
        path.append(path[-1] + 8 * np.array([np.cos(heading), np.sin(heading)], np.float32))
        if width > 4.5 and i % 5 == 3:
            side = 1.0 if (i // 5) % 2 else -1.0
            rest = 1 - i / steps
            forks.append((path[-1], heading + side * 0.85, 22 + length * 0.42 * rest, width * 0.68))
    widths = np.linspace(width, max(2.5, width * 0.45), steps).astype(np.float32)
    np.maximum(net, brush.stroke(np.array(path, np.float32), widths, 0), out=net)
    for fork in forks:
        _branch(net, brush, *fork)


def _mouth(albedo: Floats, brush: Brush) -> None:
    around = brush.area(OUTER_LIPS, 9, grow=1.25)
    lay(albedo, _BRUISE, 0.55 * around)
    dim(albedo, 0.75, around)
    lips = brush.area(OUTER_LIPS, 2.5)
    lay(albedo, _LIP, lips)
    lay(albedo, _CRACK, 0.75 * brush.area(INNER_LIPS, 3, grow=1.02))
    upper = brush.points[[40, 39, 37, 0, 267, 269, 270]]
    lower = brush.points[[91, 181, 84, 17, 314, 405, 321]]
    seam = brush.points[[80, 81, 82, 13, 312, 311, 310]]
    for i, (top, middle, bottom) in enumerate(zip(upper, seam, lower, strict=True)):
        over = (0.5, 1.5, 0.4, 1.0, 0.4, 1.6, 0.6)[i]
        lean = np.array([(i % 3 - 1) * 3.0, 0], np.float32)
        path = np.stack([middle + (top - middle) * (1 + over) + lean, top, middle])
        low = np.stack([middle + (bottom - middle) * (1 + over * 0.7) - lean, bottom, middle])
        for crack in (path, low):
            lay(albedo, _CRACK, 0.85 * brush.stroke(crack, np.array([3.0, 6.0], np.float32), 1.3))
    corner = brush.points[61] + np.array(
        [[10, 0], [-4, 2], [-7, 16], [-4, 36], [-7, 60], [-5, 84]], np.float32
    )
    drip = brush.stroke(corner, np.array([9, 13, 14, 11, 8], np.float32), 2)
    second = brush.points[91] + np.array([[0, -6], [3, 12], [1, 34], [4, 56]], np.float32)
    drip = np.maximum(drip, brush.stroke(second, np.array([12, 10, 7], np.float32), 2))
    drip = np.maximum(drip, brush.area([61, 91, 181, 84, 87, 178, 88, 95, 78], 3))
    lay(albedo, _BLOOD, 0.92 * drip)


def _gash(albedo: Floats, brush: Brush) -> None:
    a, b = brush.points[67], brush.points[66]
    along = np.linspace(0, 1, 9, dtype=np.float32)[:, None]
    path = a + (b - a) * along + np.array([6, 0], np.float32) * np.sin(along * 9)
    widths = (20 * np.sin(np.pi * np.linspace(0.1, 0.9, 8)) ** 0.8).astype(np.float32)
    edge = brush.stroke(path, widths + 12, 4)
    lay(albedo, _BRUISE, 0.85 * edge)
    lay(albedo, _FLESH, brush.stroke(path, widths, 1.6))
    lay(albedo, _CRACK, 0.9 * brush.stroke(path[1:-1], widths[1:-1] * 0.45, 1.5))
    drop = path[5] + np.array([[0, 0], [-3, 22], [2, 44], [0, 62]], np.float32)
    lay(albedo, _BLOOD, 0.9 * brush.stroke(drop, np.array([8, 7, 5], np.float32), 1.5))


def _torn_cheek(albedo: Floats, brush: Brush) -> None:
    """A hole beside the mouth, in the picture's right cheek, with the molars showing."""
    middle = (brush.points[410] + brush.points[411] * 1.2 + brush.points[436]) / 3.2
    across = brush.points[411] - brush.points[291]
    tilt = np.arctan2(across[1], across[0]) * 0.6
    turned = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]], np.float32)
    angle = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    ragged = 1 + 0.16 * np.sin(3 * angle + 1) + 0.10 * np.sin(5 * angle) + 0.06 * np.sin(8 * angle + 2)
    outline = np.stack([47 * ragged * np.cos(angle), 29 * ragged * np.sin(angle)], axis=1)
    outline = (outline @ turned.T + middle).astype(np.float32)
    lay(albedo, _BRUISE, 0.9 * brush.area(outline, 7, grow=1.3))
    lay(albedo, _FLESH, brush.area(outline, 2.5, grow=1.12))
    lay(albedo, (0.74, 0.70, 0.56), 0.55 * brush.area(outline + np.array([0, 3], np.float32), 1.5, grow=1.08))
    lay(albedo, _FLESH, brush.area(outline, 1.5))
    lay(albedo, _CRACK, 0.95 * brush.area(outline, 2.5, grow=0.86))
    for row, height in ((-1, 17), (1, 15)):
        for i in range(5):
            x = (i - 2) * 14.5
            size = height * (1 - 0.09 * abs(i - 2))
            corners = np.array([[-6, 0], [6, 0], [5, size], [-5, size]], np.float32)
            corners[:, 1] = row * (1.5 + corners[:, 1])
            corners = (corners + np.array([x, 0], np.float32)) @ turned.T + middle
            lay(albedo, _TOOTH, 0.95 * brush.area(corners.astype(np.float32), 1.4))
    hole = brush.area(outline, 1.5, grow=0.95)
    # The upper lip of the hole throws its shadow on the teeth, and the back of the jaw lies in the dark.
    dim(albedo, 0.45, hole * (1 - brush.area(outline + np.array([-4, 10], np.float32), 5)))
