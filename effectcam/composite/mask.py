"""Where in the crop the drawing shows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


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
