"""Enlarges the eyes of a crop before the student sees it.

Geometry is what a small network learns last and worst: a student that has to move pixels blurs the
one place where everybody looks. So the part of a look that is pure geometry is declared in the
effect (``[warp] eyes``) and done here, exactly, for the price of two small remaps, both at run time
and when pairs are made; the student only has to draw.
"""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.face.crop import Affine

_LEFT: Final = np.array([33, 133, 159, 145, 160, 144, 158, 153], np.intp)
_RIGHT: Final = np.array([263, 362, 386, 374, 387, 373, 385, 380], np.intp)
"""The two corners first, then pairs of upper and lower lid."""

_CORE: Final = 1.35
"""Out to here, in half-widths of the enlarged eye's opening, the enlargement is uniform, so that
iris and pupil stay round ..."""
_RIM: Final = 2.05
"""... and from here on nothing moves. The two discs of a face barely touch."""


def eyes(landmarks: NDArray[np.float32], to_crop: Affine) -> NDArray[np.float64]:
    """Centre and a corner of each eye, (4, 2): left centre, left corner, right centre, right
    corner, in crop pixels. Left and right as seen in the picture of an upright face."""
    return np.concatenate([_eye(landmarks, points, to_crop) for points in (_LEFT, _RIGHT)])


def _eye(landmarks: NDArray[np.float32], points: NDArray[np.intp], to_crop: Affine) -> NDArray[np.float64]:
    xy = landmarks[points, :2].astype(np.float64) @ to_crop[:, :2].T + to_crop[:, 2]
    # The centre hangs on the corners alone: lids move when one blinks.
    return np.stack(((xy[0] + xy[1]) / 2, xy[0]))


def enlarge_eyes(image: NDArray[np.uint8], points: NDArray[np.float64], factor: float) -> NDArray[np.uint8]:
    """A copy of ``image`` uint8 (H, W, 3), or of a mask (H, W), with its eyes larger by ``factor`` (1 to
    1.6; 1 changes nothing). ``points`` as ``eyes`` gives them."""
    enlarged = image.copy()
    reach = np.zeros(image.shape[:2], np.float32)
    for centre, corner in points.reshape(2, 2, 2):
        _enlarge(image, enlarged, reach, centre, _half_width(centre, corner, image.shape[0]), factor)
    return enlarged


def enlarged_landmarks(
    landmarks: NDArray[np.float32], points: NDArray[np.float64], factor: float, size: int
) -> NDArray[np.float32]:
    """Where ``landmarks`` (N, 3), in crop pixels, lie after ``enlarge_eyes`` on a crop of ``size``."""
    moved = landmarks.copy()
    reach = np.zeros(len(landmarks))
    # The warp tells where a pixel comes from; where a point goes to is the inverse of that, which
    # rises all the way and is read from a table.
    target = np.linspace(0, _RIM, 2048)
    source = target * (1 - (1 - 1 / factor) * _fade(target))
    for centre, corner in points.reshape(2, 2, 2):
        half = _half_width(centre, corner, size)
        offset = landmarks[:, :2] - centre
        radius = np.hypot(offset[:, 0], offset[:, 1]) / half
        goal = np.interp(radius, source, target)
        # The stronger pull wins, as in the picture.
        near = (radius > 0) & (radius < _RIM) & (_fade(goal) > reach)
        moved[near, :2] = centre + offset[near] * (goal[near] / radius[near])[:, None]
        reach[near] = _fade(goal[near])
    return moved


def _half_width(centre: NDArray[np.float64], corner: NDArray[np.float64], size: int) -> float:
    """Half the opening's width; a head seen from the side has one eye too narrow to tell its size
    by, hence the floor."""
    return max(float(np.hypot(*(corner - centre))), 0.035 * size)


def _fade(radius: NDArray[Any]) -> NDArray[Any]:
    """Share of the enlargement at a radius in half-widths: 1 in the core, 0 from the rim on."""
    inside = np.clip((_RIM - radius) / (_RIM - _CORE), 0, 1)
    return inside * inside * (3 - 2 * inside)


def _enlarge(
    source: NDArray[np.uint8],
    image: NDArray[np.uint8],
    reach: NDArray[np.float32],
    centre: NDArray[np.float64],
    half: float,
    factor: float,
) -> None:
    height, width = source.shape[:2]
    rim = _RIM * half
    left, right = max(0, int(centre[0] - rim)), min(width, int(centre[0] + rim) + 2)
    top, bottom = max(0, int(centre[1] - rim)), min(height, int(centre[1] + rim) + 2)
    if left >= right or top >= bottom:
        return
    dx = np.arange(left, right, dtype=np.float32)[None, :] - np.float32(centre[0])
    dy = np.arange(top, bottom, dtype=np.float32)[:, None] - np.float32(centre[1])
    fade = _fade(np.sqrt(dx * dx + dy * dy) / np.float32(half))
    pull = 1 - (1 - 1 / factor) * fade
    map_x = (dx * pull + np.float32(centre[0])).astype(np.float32)
    map_y = (dy * pull + np.float32(centre[1])).astype(np.float32)
    region = (slice(top, bottom), slice(left, right))
    warped = cv2.remap(source, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    # Where the discs of a narrow face overlap, the stronger pull wins.
    stronger = (fade > reach[region]).astype(np.uint8)
    cv2.copyTo(warped, stronger, image[region])
    reach[region] = np.maximum(reach[region], fade)
