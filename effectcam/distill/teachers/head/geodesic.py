"""Which of two materials a pixel belongs to, by the shortest way to each through what is alike.

After X. Bai and G. Sapiro, "Geodesic Matting: A Framework for Fast Interactive Image and Video Segmentation
and Matting" (IJCV 2009).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.distill.teachers.head.brush import Floats
from effectcam.distill.teachers.head.complexion import LUMA

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]

_GRID = 128
"""Side at which geodesic distances are measured: the matte's edge is then fitted to the full picture."""


def nearer(
    picture: Floats, here: Mask, there: Mask, not_here: Floats, not_there: Floats, unit: float
) -> Floats:
    """How much nearer each pixel is to ``here`` than to ``there``: float32 (H, W), 1 on ``here``.

    ``picture`` (H, W, C) in steps that tell materials apart; ``not_here`` and ``not_there`` (H, W), 0 or
    more: how little a pixel looks like either, which makes ways through it long. ``unit``: the length, in
    pixels, that sizes are measured by.
    """
    height, width = here.shape
    scale = _GRID / max(height, width)
    size = (max(8, round(width * scale)), max(8, round(height * scale)))

    def small(plane: Floats | Mask) -> Floats:
        return np.asarray(
            cv2.resize(plane.astype(np.float32), size, interpolation=cv2.INTER_AREA), np.float32
        )

    coarse = small(picture).reshape(size[1], size[0], -1)
    to_here = _distance(small(here) > 0.5, coarse, small(not_here), unit * scale)
    to_there = _distance(small(there) > 0.5, coarse, small(not_there), unit * scale)
    share = to_there / np.maximum(to_here + to_there, 1e-6)
    return np.asarray(cv2.resize(share, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def unveiled(image: Pixels) -> Pixels:
    """A faded picture with its black put back where it was, RGB uint8 (H, W, 3): under a veil all looks
    like all. What is bright stays as bright; contrast grows threefold at most."""
    luma = image.astype(np.float32) @ LUMA
    low, high = np.percentile(luma, [1, 99])
    gain = min(float(high) / max(float(high - low), 1.0), 3.0)
    return np.asarray(np.clip(np.round((image - np.float32(low)) * np.float32(gain)), 0, 255), np.uint8)


def lab_steps(image: Pixels, soft: float) -> Floats:
    """Lab in steps that tell materials apart, lightness least: the neck lies in the chin's shadow."""
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    lab = np.asarray(cv2.GaussianBlur(lab, (0, 0), max(0.6, soft)), np.float32)
    return np.asarray(lab / np.array([11.0, 4.5, 5.5], np.float32), np.float32)


def shades(features: Floats, count: int, *, deeper: tuple[float, ...] = ()) -> Floats:
    """Typical features from the darkest part of a sample to its brightest, (N, 3), and further ones
    ``deeper`` along the same line, in steps from the middle to the darkest."""
    ordered = features[np.argsort(features[:, 0], kind="stable")]
    found = np.stack([np.median(part, axis=0) for part in np.array_split(ordered, count)])
    slope = found[0] - found[count // 2]
    more = [found[:1] + slope * amount for amount in deeper]
    # No skin in the shade is black, or every dark shirt would be skin.
    for shade in more:
        shade[:, 0] = np.maximum(shade[:, 0], 0.42 * found[count // 2, 0])
    return np.asarray(np.concatenate([found, *more]), np.float32)


def gaps(features: Floats, shades: Floats) -> Floats:
    """Distance of each of the features (H, W, 3) to the nearest of the shades (N, 3): (H, W)."""
    nearest = np.full(features.shape[:2], np.inf, np.float32)
    for shade in shades:
        np.minimum(nearest, np.square(features - shade).sum(axis=-1), out=nearest)
    return np.sqrt(nearest)


def _distance(seeds: Mask, picture: Floats, strange: Floats, unit: float) -> Floats:
    """Shortest way from the seeds through what is alike, float32 (h, w), in ``unit`` pixels of plain ground.

    ``picture`` (h, w, C): its edges are dear to cross; ``strange`` (h, w) makes a pixel itself dear.
    """
    distance = np.where(seeds, np.float32(0), np.float32(1e4))
    dear = (0.15 + 4.0 * strange) / np.float32(unit)
    steps = []
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        ahead, behind = _neighbours(down, right)
        jump = np.abs(picture[ahead] - picture[behind]).sum(axis=-1)
        way = np.float32(np.hypot(down, right)) * (dear[ahead] + dear[behind]) / 2
        steps.append((ahead, behind, (way + 0.25 * np.maximum(jump - 0.4, 0)).astype(np.float32)))
    for _ in range(2 * max(distance.shape)):
        before = distance.copy()
        for ahead, behind, cost in steps:
            np.minimum(distance[ahead], distance[behind] + cost, out=distance[ahead])
            np.minimum(distance[behind], distance[ahead] + cost, out=distance[behind])
        if np.array_equal(before, distance):
            break
    return distance


def _neighbours(down: int, right: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Two windows on a plane: the second holds the neighbours up and to the left of the first's pixels."""
    ahead = slice(max(right, 0), min(right, 0) or None)
    behind = slice(max(-right, 0), min(-right, 0) or None)
    return (slice(down, None), ahead), (slice(None, -down or None), behind)
