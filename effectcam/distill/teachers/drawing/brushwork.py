"""What a brush leaves: dabs that grow finer where there is more to see, and the trace of its hair.

For the painted looks. Nothing is invented: every mark comes from the picture nearby, so that a student that
sees the picture can find it, and it stays on what moves.
"""

from __future__ import annotations

import cv2
import numpy as np

from effectcam.distill.teachers.drawing.kuwahara import kuwahara
from effectcam.distill.teachers.drawing.lines import Plane, along, tangent_flow
from effectcam.distill.teachers.head.face_parts import Picture, blur, smooth_step


def dabs(
    still: Picture,
    unit: float,
    /,
    *,
    fine: float,
    broad: float,
    keep: tuple[float, float],
    sharpness: float = 8.0,
) -> Picture:
    """``still`` in broad dabs, and in fine ones where the broad would lose something.

    still: Lab, float32 (H, W, 3), without grain. unit: the shorter side in units of 256 px.
    fine, broad: radii in units; see `kuwahara` for them and for ``sharpness``.
    keep: difference of the two, in Lab, from which the fine brush is taken up and at which it has taken over.
        Higher ones leave more to the broad brush, and lose features of small faces.
    """
    small = kuwahara(still, radius=fine * unit, reach=2.0 * unit, sharpness=sharpness)
    large = kuwahara(still, radius=broad * unit, reach=4.0 * unit, sharpness=sharpness)
    lost = np.sqrt(((small - large) ** 2).sum(axis=2))
    share = smooth_step(blur(lost, 1.5 * unit), *keep)
    return large + (small - large) * share[..., None]


def combed(lightness: Plane, unit: float, /, *, grain: float) -> Plane:
    """The trace of the brush's hair, float32 (H, W), about -1 to 1: the picture's own grain of hair, folds
    and modelling, combed along the flow.

    A line integral convolution (B. Cabral, L. Leedom, "Imaging Vector Fields Using Line Integral
    Convolution", SIGGRAPH 1993), of detail instead of noise.

    grain: contrast of the grain, in lightness, that is combed at half strength: below it is the camera's
        noise, which a lower value would draw as crawling worms.
    """
    tx, ty, _ = tangent_flow(blur(lightness, 0.8 * unit), sigma=3.0 * unit)
    detail = blur(lightness, 0.7 * unit) - blur(lightness, 2.8 * unit)
    level = np.sqrt(blur(detail * detail, 4 * unit))
    # Even traces everywhere, but none beside an outline: its two sides would shine like a halo.
    even = detail * level / (level * level + np.float32(grain * grain)) / (1 + (level / 5) ** 2)
    return along(np.tanh(even), tx, ty, 5.0 * unit)


def slope(lightness: Plane, unit: float, /) -> Plane:
    """How steeply a lightness, 0 to 100, changes, in lightness a unit; float32 (H, W)."""
    soft = blur(lightness, 1.5 * unit)
    gx, gy = (cv2.Scharr(soft, cv2.CV_32F, i, 1 - i, scale=1 / 32) for i in (1, 0))
    return np.asarray(np.hypot(gx, gy) * unit, np.float32)


def nearness(steepness: Plane, unit: float, /) -> Plane:
    """How near the outlines of things are, float32 (H, W): 0 in the middle of a bare wall, about 1 beside a
    head, and more in a crowd of edges. ``steepness`` is that of `slope`.

    A painter works where there is something to see and lets the ground run out; that place must hang on the
    picture, for a student knows no other.
    """
    return 0.15 * blur(steepness, 6 * unit) + 0.35 * blur(steepness, 19 * unit)
