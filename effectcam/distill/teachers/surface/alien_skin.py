"""What grows on an alien's head: ridges over the brow and the crown, hollows, and the drifts of its colour.

Painted like the veins of :mod:`effectcam.distill.teachers.surface.stone_veins`, on a texture twice as wide
as the face's own: what begins on the brow goes on over the hair.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.distill.teachers.head.brush import Floats, blur, curve, step
from effectcam.distill.teachers.surface.stone_veins import SIDE

_RIDGES = (
    (((0.487, 0.385), (0.462, 0.30), (0.437, 0.20), (0.425, 0.06), (0.43, -0.15), (0.45, -0.4)), 9.0),
    (((0.43, 0.285), (0.37, 0.215), (0.335, 0.09), (0.32, -0.08), (0.33, -0.3)), 8.0),
    (((0.33, 0.265), (0.26, 0.20), (0.215, 0.07), (0.19, -0.1), (0.18, -0.3)), 7.0),
    (((0.22, 0.275), (0.15, 0.22), (0.09, 0.10), (0.04, -0.06)), 6.0),
    (((0.455, 0.255), (0.48, 0.235), (0.5, 0.23)), 4.0),
    (((0.45, 0.205), (0.475, 0.18), (0.5, 0.175)), 4.0),
    (((0.445, 0.15), (0.47, 0.125), (0.5, 0.12)), 3.5),
)
"""Ridges of the picture's left half, in the face's flat space, and their width in texels."""
_HOLLOWS = (
    ((0.27, 0.60), (0.075, 0.115), 0.9),
    ((0.20, 0.36), (0.07, 0.06), 0.5),
    ((0.30, 0.77), (0.09, 0.06), 0.5),
)
"""Middle, radii and depth of the hollows of the picture's left half."""
_CROWN = 0.08
"""Height of the ridges there, of one on the brow: beyond the mesh a student cannot tell to the pixel where
they run."""


def paint_skin(*, seed: int) -> Floats:
    """float32 (SIDE, SIDE, 3), 0 to 1: height of the ridges, hollows, and dark drifts of pigment."""
    rng = np.random.default_rng(seed)
    ridges, hollows = np.zeros((SIDE, SIDE), np.float32), np.zeros((SIDE, SIDE), np.float32)
    for path, width in _RIDGES:
        mask = np.zeros((SIDE, SIDE), np.float32)
        points = _texels(curve(path))
        along = np.linspace(0, 1, len(points) - 1)
        for start, end, swell in zip(
            points[:-1], points[1:], np.sin(np.pi * (0.12 + 0.88 * along)), strict=True
        ):
            thick = max(1, round(float(width * max(swell, 0.2) ** 0.6)))
            cv2.line(mask, start.tolist(), end.tolist(), (1.0,), thick, cv2.LINE_8, 4)
        ridges = np.maximum(ridges, blur(mask, 0.28 * width))
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    for (u, v), (wide, high), depth in _HOLLOWS:
        x, y = (columns / SIDE - 0.25) * 2 - u, (rows / SIDE - 0.25) * 2 - v
        hollows = np.maximum(hollows, depth * np.exp(-np.square(x / wide) - np.square(y / high)))
    ridges, hollows = (np.maximum(mask, mask[:, ::-1]) for mask in (ridges, hollows))
    ridges *= _CROWN + (1 - _CROWN) * step(0.0, 0.28, (rows / SIDE - 0.25) * 2)
    drifts = np.zeros((SIDE, SIDE), np.float32)
    for scale, share in ((26, 0.7), (11, 0.45)):
        field = blur(rng.standard_normal((SIDE, SIDE)).astype(np.float32), scale)
        field = (field + field[:, ::-1]) / 2
        drifts += share * (field / field.std())
    return np.asarray(np.stack([ridges, hollows, step(-0.2, 1.8, drifts)], axis=-1), np.float32)


def _texels(uv: Floats) -> NDArray[np.int32]:
    """Places of the flat space on the texture, in sixteenths of a texel."""
    return np.asarray(np.round((0.25 + 0.5 * uv) * SIDE * 16), np.int32)
