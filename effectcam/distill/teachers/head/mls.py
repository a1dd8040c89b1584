"""Warps a picture by points that are moved, with moving least squares.

S. Schaefer, T. McPhail, J. Warren, "Image Deformation Using Moving Least Squares" (SIGGRAPH 2006), the
similarity deformation of section 2.2: round every place the best turn, zoom and shift of its neighbours, so
that small features keep their shape while they travel.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.distill.teachers.head.uv import Floats

_CELL = 6
"""Pixels between the places where the deformation is solved; between them it is interpolated."""


def backward_map(source: Floats, target: Floats, height: int, width: int, *, falloff: float = 1.5) -> Floats:
    """Where each pixel of the warped picture comes from: float32 (height, width, 2), x and y.

    ``source`` (N, 2) are points of the picture and ``target`` where they go; points that must stay are given
    with target and source alike. ``falloff`` is the paper's alpha: higher, and a point rules its own
    neighbourhood more alone.
    """
    columns, rows = (max(2, -(-side // _CELL) + 1) for side in (width, height))
    x, y = np.meshgrid(np.linspace(0, width - 1, columns), np.linspace(0, height - 1, rows))
    place = (x + 1j * y).reshape(-1)
    p, q = (points[:, 0].astype(np.float64) + 1j * points[:, 1] for points in (source, target))
    away = np.abs(place[:, None] - q[None]) ** 2
    weight = 1 / (away + 0.25) ** falloff
    weight /= weight.sum(axis=1, keepdims=True)
    middle_p, middle_q = weight @ p, weight @ q
    # Complex numbers are similarities of the plane: the paper's M is one quotient of sums.
    round_q = q[None] - middle_q[:, None]
    turned = (weight * (p[None] - middle_p[:, None]) * round_q.conj()).sum(axis=1)
    spread = (weight * np.abs(round_q) ** 2).sum(axis=1)
    solved = turned / np.maximum(spread, 1e-9) * (place - middle_q) + middle_p
    shift = (solved - place).reshape(rows, columns)
    field = np.stack([shift.real, shift.imag], axis=-1).astype(np.float32)
    here = np.dstack(np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)))
    return np.asarray(here + _spread_out(field, height, width), np.float32)


def warp(picture: Floats, where: Floats) -> Floats:
    """``picture`` (H, W[, C]) seen through a map as :func:`backward_map` gives it; 0 to 1."""
    x, y = np.ascontiguousarray(where[..., 0]), np.ascontiguousarray(where[..., 1])
    moved = cv2.remap(picture, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(np.clip(moved, 0, 1), np.float32)


def _spread_out(field: NDArray[np.float32], height: int, width: int) -> Floats:
    """From the coarse places, the first and last of which are the picture's rims, to every pixel."""
    rows, columns = field.shape[:2]
    x = np.linspace(0, columns - 1, width, dtype=np.float32)
    y = np.linspace(0, rows - 1, height, dtype=np.float32)
    at_x, at_y = np.meshgrid(x, y)
    return np.asarray(
        cv2.remap(field, at_x, at_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.float32
    )
