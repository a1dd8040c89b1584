"""Where in the crop the drawing shows."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_FAINT = 8
"""Of 255: opacity under the mask up to which a student means none. It is hardly seen, and strewn all over the
crop, which everything behind the student would otherwise go through from edge to edge."""

_OPACITY = np.clip((np.arange(256) - _FAINT) * 255 / (255 - _FAINT), 0, 255).round().astype(np.uint8)


def feathered(size: int, feather: float) -> NDArray[np.uint8]:
    """The constant mask of a crop: 255 in the middle, falling to 0 over ``feather`` sides before the
    rim, uint8 (size, size).

    A superellipse of power 4, between a square, whose corners would show, and a circle, which would
    waste them; the fall is a smoothstep, because the eye finds the two kinks of a straight ramp.
    The mask is given in the crop's own space and rides on the crop's own affine, so it cannot jitter
    against it. ``feather`` 0 shows everything up to the edge, hard.
    """
    axis = np.abs(np.linspace(-1, 1, size, dtype=np.float32))
    radius = (axis[None, :] ** 4 + axis[:, None] ** 4) ** 0.25
    if feather <= 0:
        return np.full((size, size), 255, np.uint8)
    # Radius runs from 0 to 1 over half a side.
    inside = np.clip((1 - radius) / (2 * feather), 0, 1)
    return np.rint(255 * inside * inside * (3 - 2 * inside)).astype(np.uint8)


def show(drawing: NDArray[np.uint8], mask: NDArray[np.uint8]) -> None:
    """Give ``drawing``, uint8 (N, N, 4) with straight alpha, the opacity that it has under ``mask`` (N, N),
    in place: none at all where it is faint, and the rest stretched to meet that without a step."""
    alpha = cv2.multiply(cv2.extractChannel(drawing, 3), mask, scale=1 / 255)
    cv2.insertChannel(cv2.LUT(alpha, _OPACITY), drawing, 3)


def forget_faint(mixed: NDArray[np.uint8], latest: NDArray[np.uint8]) -> None:
    """Take from ``mixed`` (H, W, 4), in place, the faint opacity that the ``latest`` drawing in the mixture
    has nothing of. Rounded to the nearest, what is gone would never go: seven tenths of 1 are 1."""
    alpha = cv2.extractChannel(mixed, 3)
    faint, none = cv2.inRange(alpha, 0, _FAINT), cv2.inRange(cv2.extractChannel(latest, 3), 0, 0)  # type: ignore[call-overload]
    cv2.insertChannel(cv2.bitwise_and(alpha, cv2.bitwise_not(cv2.bitwise_and(faint, none))), mixed, 3)


def box_of(*alphas: NDArray[np.uint8], margin: int) -> tuple[slice, slice]:
    """Rows and columns round all that is not 0 in any of ``alphas`` (H, W), and ``margin`` pixels more where
    there are any; both empty for nothing.

    >>> spot = np.zeros((10, 10), np.uint8)
    >>> spot[4, 7] = 1
    >>> box_of(spot, margin=2)
    (slice(2, 7, None), slice(5, 10, None))
    """
    rows, columns = alphas[0].shape
    boxes = [box for box in map(cv2.boundingRect, alphas) if box[2]]
    if not boxes:
        return slice(0, 0), slice(0, 0)
    left, top = (max(min(box[axis] for box in boxes) - margin, 0) for axis in (0, 1))
    right = min(max(box[0] + box[2] for box in boxes) + margin, columns)
    bottom = min(max(box[1] + box[3] for box in boxes) + margin, rows)
    return slice(top, bottom), slice(left, right)
