"""Painting in the face's flat space: shapes anchored to the mesh, on a square texture.

What is painted here is laid on any face by :mod:`effectcam.distill.teachers.head.uv`. A texel is 0.6 pixels
of a 256-pixel crop: marks of six texels and more survive there, finer ones only blur the student.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.distill.teachers.head.uv import FaceSpace

Floats = NDArray[np.float32]
Colour = tuple[float, float, float]
"""sRGB, 0 to 1."""
Points = Sequence[tuple[float, float]]
"""Texels, x to the picture's right and y down; the face's middle line lies at ``SIDE / 2``."""

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

    def disc(self, middle: tuple[float, float], radius: float, soft: float = 0.9) -> Floats:
        """A round spot at a texel."""
        mask = np.zeros((SIDE, SIDE), np.float32)
        x, y = np.round(np.array(middle) * 16).astype(int)
        cv2.circle(mask, (int(x), int(y)), round(radius * 16), (1.0,), -1, cv2.LINE_8, 4)
        return blur(mask, soft)

    def swell(self, points: Points, width: float, *, start: float = 0.15, soft: float = 1.0) -> Floats:
        """A brush stroke along the curve through ``points``, ``width`` texels at its widest.

        ``start``: how full it begins, 0 (as thin as it ends) to 0.5 (at its widest).
        """
        path = curve(points)
        along = start + (1 - start) * np.linspace(0, 1, len(path))
        widths = width * np.clip(np.sin(np.pi * along) ** 0.75, 0.05, 1)
        return self.stroke(path, widths.astype(np.float32), soft)


def curve(points: Points | Floats, *, closed: bool = False, steps: int = 12) -> Floats:
    """A smooth line through ``points`` (N, 2), ``steps`` pieces between two of them: (M, 2).

    Centripetal Catmull-Rom splines (Yuksel, Schaefer, Keyser, "Parameterization and applications of
    Catmull-Rom curves", 2011), which make no loops between uneven points.
    """
    knots = np.array(points, np.float64)
    if closed:
        knots = np.concatenate([knots[-1:], knots, knots[:2]])
    else:
        knots = np.concatenate([2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]])
    pieces = []
    for four in np.lib.stride_tricks.sliding_window_view(knots, 4, axis=0).transpose(0, 2, 1):
        t = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(four, axis=0), axis=1) ** 0.5 + 1e-6)])
        at = np.linspace(t[1], t[2], steps, endpoint=False)[:, None]
        near = [four[i] + (four[i + 1] - four[i]) * ((at - t[i]) / (t[i + 1] - t[i])) for i in range(3)]
        first = near[0] + (near[1] - near[0]) * ((at - t[0]) / (t[2] - t[0]))
        second = near[1] + (near[2] - near[1]) * ((at - t[1]) / (t[3] - t[1]))
        pieces.append(first + (second - first) * ((at - t[1]) / (t[2] - t[1])))
    if not closed:
        pieces.append(knots[-2:-1])
    return np.asarray(np.concatenate(pieces), np.float32)


def outline(half: Points) -> Floats:
    """The smooth closed outline whose left half is given, from the middle line above to the one below."""
    right = [(SIDE - x, y) for x, y in half[1:-1]]
    return curve([*half, *reversed(right)], closed=True)


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
