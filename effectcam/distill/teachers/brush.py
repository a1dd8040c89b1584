"""Painting in the face's flat space: shapes anchored to the mesh, on a square texture.

What is painted here is laid on any face by :mod:`effectcam.distill.teachers.uv`. A texel is 0.6 pixels of a
256-pixel crop: marks of six texels and more survive there, finer ones only blur the student.
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.distill.teachers.uv import FaceSpace

Floats = NDArray[np.float32]
Colour = tuple[float, float, float]
"""sRGB, 0 to 1."""

SIDE = 512
"""Texels along the square texture."""


class Brush:
    """Shapes on the texture, anchored to points of the mesh; all masks float32 (SIDE, SIDE), 0 to 1."""

    def __init__(self, space: FaceSpace, *, seed: int = 31) -> None:
        """``seed`` for :meth:`noise`: a student must be trained and judged on one seed."""
        self.points = (space.uv * SIDE).astype(np.float32)
        self.rng = np.random.default_rng(seed)

    def area(self, points: Iterable[int] | Floats, soft: float, *, grow: float = 1.0) -> Floats:
        """A filled outline: points of the mesh, or texels (N, 2); ``soft`` texels of blur at its edge,
        ``grow`` scales it about its corners' mean."""
        corners = np.asarray(points if isinstance(points, np.ndarray) else list(points))
        if corners.ndim == 1:
            corners = self.points[corners]
        middle = corners.mean(axis=0)
        corners = middle + (corners - middle) * grow
        mask = np.zeros((SIDE, SIDE), np.float32)
        cv2.fillPoly(mask, [np.round(corners * 16).astype(np.int32)], (1.0,), cv2.LINE_8, 4)
        return blur(mask, soft)

    def spot(self, point: int, radii: tuple[float, float], soft: float, lift: float = 0.0) -> Floats:
        """An ellipse round a point of the mesh, ``lift`` texels above it."""
        x, y = self.points[point]
        mask = np.zeros((SIDE, SIDE), np.float32)
        cv2.ellipse(mask, ((float(x), float(y - lift)), (2 * radii[0], 2 * radii[1]), 0.0), (1.0,), -1)
        return blur(mask, soft)

    def noise(self, scale: float) -> Floats:
        """Smooth noise of standard deviation 1; ``scale`` in texels."""
        field = blur(self.rng.standard_normal((SIDE, SIDE)).astype(np.float32), scale)
        return np.asarray((field - field.mean()) / field.std(), np.float32)

    def stroke(self, path: Floats, widths: Floats, soft: float = 1.2) -> Floats:
        """A line through ``path``, texels (N, 2), of a width for each of its pieces."""
        mask = np.zeros((SIDE, SIDE), np.float32)
        fixed = np.round(path * 16).astype(np.int32)
        for start, end, width in zip(fixed[:-1], fixed[1:], widths, strict=False):
            thick = max(1, round(float(width)))
            cv2.line(mask, start.tolist(), end.tolist(), (1.0,), thick, cv2.LINE_8, 4)
        return blur(mask, soft)


def blur(mask: Floats, sigma: float) -> Floats:
    """Gaussian blur of standard deviation ``sigma``; 0 leaves the mask as it is."""
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), sigma), np.float32) if sigma > 0 else mask


def both(mask: Floats) -> Floats:
    """The mark of the picture's left half on both halves: the layout is symmetric."""
    return np.maximum(mask, mask[:, ::-1])


def step(low: float, high: float, value: Floats | np.float32) -> Floats:
    """0 below ``low``, 1 above ``high``, smooth between."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def lay(albedo: Floats, colour: Colour, mask: Floats) -> None:
    """Put ``colour`` on the texture, in place, opaque where ``mask`` is 1."""
    albedo += (np.array(colour, np.float32) - albedo) * mask[:, :, None]


def dim(albedo: Floats, factor: float, mask: Floats) -> None:
    """Darken the texture, in place, to ``factor`` where ``mask`` is 1."""
    albedo *= (1 - (1 - np.float32(factor)) * mask)[:, :, None]


def mix(under: Floats, over: Floats | Colour, amount: Floats) -> Floats:
    """``over`` on ``under``, (H, W, 3) or one colour, opaque where ``amount`` (H, W) is 1."""
    return np.asarray(under + (np.asarray(over, np.float32) - under) * amount[:, :, None], np.float32)
