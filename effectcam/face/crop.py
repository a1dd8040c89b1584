"""The rotated square that a face is cut out by, and put back by.

A Crop is one value; the way in and the way out are both derived from it, so that they cannot
disagree. It is found by fitting a rigid head to the points of the mesh that no expression moves
(corners of the eyes, bridge of the nose, forehead): talking and laughing leave the crop alone, and
turning the head does not make it breathe, because the fit is in space and not in the picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Affine = NDArray[np.float64]
"""(2, 3): maps (x, y, 1) in pixels to (x, y) in pixels, pixel centres at whole numbers."""

# A mean head, in units of the distance between the outer corners of the eyes, whose middle is the
# origin; x to the right of the picture, y down, z away from the camera. Symmetrised generalised
# Procrustes mean (Gower 1975) of the meshes of 447 portraits; the points chosen have the smallest
# spread between people and none under expression.
_RIGID: Final = {
    33: (-0.500, 0.000, 0.000),
    133: (-0.194, 0.010, -0.061),
    362: (0.194, 0.010, -0.061),
    263: (0.500, 0.000, 0.000),
    168: (0.000, -0.067, -0.258),
    6: (0.000, 0.008, -0.314),
    197: (0.000, 0.084, -0.376),
    195: (0.000, 0.154, -0.444),
    5: (0.000, 0.230, -0.516),
    8: (0.000, -0.143, -0.258),
    9: (0.000, -0.240, -0.265),
    151: (0.000, -0.453, -0.216),
}
_POINTS: Final = np.array(list(_RIGID), np.intp)
_HEAD: Final = np.array(list(_RIGID.values()), np.float64)
_HEAD_MEAN: Final = _HEAD.mean(axis=0)
_HEAD_CENTRED: Final = _HEAD - _HEAD_MEAN
_HEAD_SPREAD: Final = float((_HEAD_CENTRED**2).sum())

CENTRE: Final = np.array([0.0, 0.35, 0.0])
"""The point of the mean head that a crop is centred on: below the eyes, about the nose's tip in
height and the eyes in depth, so that turning the head moves it least."""


@dataclass(frozen=True, slots=True)
class Crop:
    """A rotated square in a picture.

    >>> crop = Crop(cx=100.0, cy=50.0, side=64.0, angle=0.0)
    >>> crop.to_crop(64)[:, 2].tolist()
    [-68.5, -18.5]
    """

    cx: float
    """Centre, pixels from the left; may lie outside the picture."""
    cy: float
    """Centre, pixels from the top."""
    side: float
    """Pixels, above 0."""
    angle: float
    """Radians, clockwise as seen in the picture: the turn that brings an upright face to this one."""

    def to_crop(self, size: int) -> Affine:
        """The way in: picture pixels to the pixels of a ``size`` x ``size`` crop."""
        scale = size / self.side
        cos, sin = scale * math.cos(self.angle), scale * math.sin(self.angle)
        middle = (size - 1) / 2
        return np.array(
            [
                [cos, sin, middle - cos * self.cx - sin * self.cy],
                [-sin, cos, middle + sin * self.cx - cos * self.cy],
            ]
        )

    def to_picture(self, size: int) -> Affine:
        """The way out: exactly the inverse of ``to_crop``."""
        scale = self.side / size
        cos, sin = scale * math.cos(self.angle), scale * math.sin(self.angle)
        middle = (size - 1) / 2
        return np.array(
            [
                [cos, -sin, self.cx - (cos - sin) * middle],
                [sin, cos, self.cy - (sin + cos) * middle],
            ]
        )

    def box(self, width: int, height: int) -> tuple[int, int, int, int] | None:
        """(left, top, right, bottom) of the upright box round the square, cut to the picture,
        right and bottom exclusive; None when nothing of the square is in the picture."""
        half = self.side / 2 * (abs(math.cos(self.angle)) + abs(math.sin(self.angle)))
        left, right = max(0, math.floor(self.cx - half)), min(width, math.ceil(self.cx + half) + 1)
        top, bottom = max(0, math.floor(self.cy - half)), min(height, math.ceil(self.cy + half) + 1)
        return (left, top, right, bottom) if left < right and top < bottom else None

    def shifted(self, right: float, down: float) -> Crop:
        """The crop moved along its own axes, in sides."""
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        dx, dy = right * self.side, down * self.side
        return Crop(self.cx + cos * dx - sin * dy, self.cy + sin * dx + cos * dy, self.side, self.angle)

    def scaled(self, factor: float) -> Crop:
        return Crop(self.cx, self.cy, self.side * factor, self.angle)


class Pose(NamedTuple):
    """A head as it lies in the picture."""

    crop: Crop
    """Its own square, see `fit_head`."""
    rotation: NDArray[np.float64]
    """(3, 3): from the mean head's axes (right and down in the picture, away from the camera) to the
    picture's."""
    misfit: float
    """Root mean square of what is left between the points and the mean head, over the side."""


def fit_head(landmarks: NDArray[np.float32]) -> Crop:
    """The head's own square: side = distance between the outer corners of the eyes as it would be
    seen from the front, centred on ``CENTRE``.

    ``landmarks`` (N >= 468, 3), pixels. Least-squares similarity in space (Umeyama 1991); the angle
    is that of the plane rotation nearest to the head's, which stays defined at any yaw and pitch,
    upside down too. Degenerate input (all points in one place) gives a side of one pixel.
    """
    return fit_pose(landmarks).crop


def fit_pose(landmarks: NDArray[np.float32]) -> Pose:
    """As `fit_head`, with what else the fit tells."""
    points = landmarks[_POINTS].astype(np.float64)
    mean = points.mean(axis=0)
    centred = points - mean
    left, values, right = np.linalg.svd(centred.T @ _HEAD_CENTRED)
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right)) or 1.0])
    rotation = (left * sign) @ right
    scale = max(float((values * sign).sum()) / _HEAD_SPREAD, 1.0)
    centre = mean + scale * rotation @ (CENTRE - _HEAD_MEAN)
    angle = math.atan2(rotation[1, 0] - rotation[0, 1], rotation[0, 0] + rotation[1, 1])
    crop = Crop(float(centre[0]), float(centre[1]), scale, angle)
    left_over = centred - scale * _HEAD_CENTRED @ rotation.T
    return Pose(crop, rotation, math.sqrt(float((left_over**2).sum()) / len(_POINTS)) / scale)


def cut(
    pixels: NDArray[np.uint8], crop: Crop, size: int, out: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8]:
    """The ``size`` x ``size`` picture inside the crop, RGB uint8.

    What lies beyond the picture's edge is mirrored in, so that a student meets skin and wall there
    and not a black bar. A crop twice as large as ``size`` or more is halved first: bilinear sampling
    alone would skip pixels and shimmer.
    """
    shrink = 1
    while crop.side / shrink >= 2 * size:
        shrink *= 2
    if shrink > 1:
        return _cut_shrunk(pixels, crop, size, shrink, out)
    return _warp(pixels, crop.to_crop(size), size, out)


def _cut_shrunk(
    pixels: NDArray[np.uint8], crop: Crop, size: int, shrink: int, out: NDArray[np.uint8] | None
) -> NDArray[np.uint8]:
    box = crop.box(pixels.shape[1], pixels.shape[0])
    if box is None:
        return _warp(pixels, crop.to_crop(size), size, out)
    left, top, right, bottom = box
    # By whole multiples averaging is five times faster; the pixel or two cut off lie in a corner.
    columns, rows = max(1, (right - left) // shrink), max(1, (bottom - top) // shrink)
    right, bottom = min(right, left + columns * shrink), min(bottom, top + rows * shrink)
    region = pixels[top:bottom, left:right]
    small = cv2.resize(region, (columns, rows), interpolation=cv2.INTER_AREA)
    step_x, step_y = (right - left) / columns, (bottom - top) / rows
    affine = crop.to_crop(size)
    # Pixel (u, v) of the small picture is centred on (left + (u + 0.5) * step - 0.5, ...).
    offset = np.array([left + 0.5 * step_x - 0.5, top + 0.5 * step_y - 0.5])
    moved = np.column_stack(
        (affine[:, 0] * step_x, affine[:, 1] * step_y, affine[:, :2] @ offset + affine[:, 2])
    )
    return _warp(np.asarray(small, np.uint8), moved, size, out)


def _warp(
    pixels: NDArray[np.uint8], affine: Affine, size: int, out: NDArray[np.uint8] | None
) -> NDArray[np.uint8]:
    warped = cv2.warpAffine(
        pixels, affine, (size, size), dst=out, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(warped, np.uint8)
