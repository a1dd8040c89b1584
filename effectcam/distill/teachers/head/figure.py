"""The figure before its ground: where the person is, for looks that draw the two in different ways.

The models are MediaPipe's two of selfie segmentation, square and wide, which are in the wheel. They err on
different walls, so only what both find is the person. Their edge is a few pixels wide of the picture's; in
that band every pixel goes to the side whose colours nearby it is more like, a simple form of the local colour
models of M. Ruzon and C. Tomasi, "Alpha Estimation in Natural Images" (CVPR 2000).
"""

from __future__ import annotations

import functools
from typing import Any

import mediapipe
import numpy as np

from effectcam.distill.teachers.drawing.ground import Pixels
from effectcam.distill.teachers.drawing.lines import Plane
from effectcam.distill.teachers.head.face_parts import Picture, blur, smooth_step
from effectcam.native_log import without_native_log

_METRIC = np.array([0.5, 1, 1], np.float32)
"""Weights of lightness, a and b: a wall is shaded by the person before it."""
_NOISE = 15.0
"""Squared distance of two colours, in that measure, that says nothing."""


def figure(image: Pixels, lab: Picture, unit: float, /) -> Plane:
    """How sure a pixel is the person's, float32 (H, W), 0 to 1.

    ``image`` RGB uint8 (H, W, 3), ``lab`` the same in Lab without its grain; ``unit`` is the shorter side in
    units of 256 px. The same input gives the same bytes. Somebody cut off by the border counts, a
    picture on the wall does not.
    """
    with without_native_log():
        seen = [each.process(np.ascontiguousarray(image)).segmentation_mask for each in _segmenters()]
    rough = smooth_step(blur(np.asarray(np.mean(seen, axis=0), np.float32), unit), 0.6, 0.9)
    wide = blur(rough, 3 * unit)
    inside = _mean(lab, smooth_step(wide, 0.75, 0.97), 6 * unit)
    outside = _mean(lab, 1 - smooth_step(wide, 0.03, 0.25), 9 * unit)
    unlike_inside, unlike_outside = (
        (((lab - mean) * _METRIC) ** 2).sum(axis=2) + _NOISE for mean in (inside, outside)
    )
    like = blur(np.asarray(unlike_outside / (unlike_inside + unlike_outside), np.float32), 0.7 * unit)
    wider = blur(rough, 3.5 * unit)
    band = smooth_step(4 * wider * (1 - wider), 0.15, 0.6)
    fitted = rough + (smooth_step(like, 0.3, 0.7) - rough) * band
    return np.clip(blur(fitted, 0.7 * unit), 0, 1)


def _mean(lab: Picture, weight: Plane, sigma: float) -> Picture:
    norm = blur(weight, sigma) + np.float32(1e-3)
    channels = [blur(np.ascontiguousarray(lab[..., i]) * weight, sigma) / norm for i in range(3)]
    return np.asarray(np.dstack(channels), np.float32)


@functools.lru_cache(maxsize=1)
def _segmenters() -> tuple[Any, Any]:
    make = mediapipe.solutions.selfie_segmentation.SelfieSegmentation
    with without_native_log():
        return make(model_selection=0), make(model_selection=1)
