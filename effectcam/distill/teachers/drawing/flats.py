"""Flats: one colour a region, whatever the light does on it, and that light in a few flat shades.

A comic's colourist first fills every region with its flat and then lays shadows over them. The flats are a
bilateral filter (C. Tomasi, R. Manduchi, ICCV 1998) that minds hue and chroma more than lightness, because
light and shade change the latter most; it runs on a third of the pixels and is brought back along
the edges of the picture by joint upsampling (J. Kopf et al., "Joint Bilateral Upsampling", SIGGRAPH 2007).
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from effectcam.distill.teachers.drawing.lines import Plane
from effectcam.distill.teachers.head.face_parts import Picture, blur, smooth_step

_COARSER = 3.0
_METRIC = np.array([0.4, 1, 1], np.float32)
"""Weights of lightness, a and b in the distance of two colours."""
_SAME_REGION = 7.5
"""Standard deviation, in that distance, of colours that share a flat: more lets hair run into skin."""


def flat_colour(lab: Picture, unit: float, /, *, reach: float = 45.0) -> Picture:
    """The flat of each pixel's region, Lab, float32 (H, W, 3); ``lab`` the same, its grain removed.

    ``unit`` is the shorter side in units of 256 px. ``reach``, in those units, is how far a region's pixels
    look for their like: from 40 on a lit face becomes one colour, and below 20 every cheek keeps its own.
    """
    height, width = lab.shape[:2]
    guide = np.asarray(lab * _METRIC, np.float32)
    size = (max(round(width / _COARSER / unit), 8), max(round(height / _COARSER / unit), 8))
    coarse = np.asarray(cv2.resize(guide, size, interpolation=cv2.INTER_AREA), np.float32)
    flat = coarse
    for _ in range(2):
        flat = np.asarray(cv2.bilateralFilter(flat, -1, _SAME_REGION, reach / _COARSER), np.float32)
    return np.asarray(_upsampled(flat, coarse, guide) / _METRIC, np.float32)


def _upsampled(flat: Picture, coarse: Picture, guide: Picture) -> Picture:
    """``flat`` (h, w, 3), which belongs to ``coarse``, at the size of ``guide`` (H, W, 3): each pixel takes
    from the 5 x 5 nearest the flats of those that look like itself."""
    height, width = guide.shape[:2]
    rows, columns = flat.shape[:2]
    x = (np.arange(width, dtype=np.float32) + 0.5) * np.float32(columns / width) - np.float32(0.5)
    y = (np.arange(height, dtype=np.float32) + 0.5) * np.float32(rows / height) - np.float32(0.5)
    column, row = np.meshgrid(np.rint(x), np.rint(y))
    total = np.zeros_like(guide)
    norm = np.zeros((height, width), np.float32)
    for down in range(-2, 3):
        for right in range(-2, 3):
            like, colour = (
                _nearest(picture, column + np.float32(right), row + np.float32(down))
                for picture in (coarse, flat)
            )
            near = np.outer(
                np.exp(-0.35 * (row[:, 0] + down - y) ** 2), np.exp(-0.35 * (column[0] + right - x) ** 2)
            )
            unlike = np.einsum("hwc,hwc->hw", like - guide, like - guide)
            # The floor keeps a pixel that is like none of them from being divided by nothing.
            weight = near * (cv2.exp(unlike * np.float32(-1 / 72)) + np.float32(1e-4))
            total += weight[..., None] * colour
            norm += weight
    return np.asarray(total / norm[..., None], np.float32)


def _nearest(picture: Picture, x: Plane, y: Plane) -> Picture:
    nearest = cv2.remap(picture, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(nearest, np.float32)


class Shades(NamedTuple):
    """Where a region is lighter or darker than its flat; each float32 (H, W), 0 to 1, soft at its edge."""

    deep: Plane
    shade: Plane
    """Everywhere darker, the deep shade included."""
    light: Plane
    """Everywhere lighter, the gloss included."""
    gloss: Plane


def shades(lightness: Plane, flat: Plane, unit: float, /) -> Shades:
    """The light on a picture in four steps.

    ``lightness`` and ``flat``: float32 (H, W), 0 to 100, of the picture and of its flats. The steps are of
    what a region gains or loses in proportion, so that dark skin is modelled as fully as light skin.
    """
    gain = blur((lightness - flat) / (flat + 15), 1.4 * unit)
    return Shades(
        smooth_step(-gain, 0.24, 0.31),
        smooth_step(-gain, 0.08, 0.125),
        smooth_step(gain, 0.075, 0.12),
        smooth_step(gain, 0.22, 0.28),
    )
