"""Brush dabs that follow form: the anisotropic Kuwahara filter.

After J. E. Kyprianidis, H. Kang, J. Döllner, "Image and Video Abstraction by Anisotropic Kuwahara Filtering"
(Pacific Graphics 2009), with the sectors' polynomial weights of J. E. Kyprianidis, A. Semmo, H. Kang,
J. Döllner, "Anisotropic Kuwahara Filtering with Polynomial Weighting Functions" (TPCG 2010). Instead of
looking at every neighbour, each pixel takes 61 samples of its ellipse, at the same places of the unit disc
everywhere: the weights are then numbers instead of planes.
"""

import math
from typing import NamedTuple

import cv2
import numpy as np

from effectcam.distill.teachers.drawing.lines import tangent_flow
from effectcam.distill.teachers.head.face_parts import Picture, blur

_SECTORS = 8
_RINGS = 4


class _Sample(NamedTuple):
    """One place of the unit disc, x along the flow, and its weight in each sector that it counts in."""

    x: float
    y: float
    weights: dict[int, float]


def kuwahara(
    lab: Picture, /, *, radius: float, sharpness: float = 8.0, reach: float = 2.0, stretch: float = 1.0
) -> Picture:
    """The picture in dabs of nearly one colour, longer along edges than across, with crisp borders.

    lab: float32 (H, W, 3), Lab; denoise it first, for samples lie up to ``radius`` / 2 apart.
    radius: of a dab in pixels where the picture has no direction; more is broader and loses small features.
    sharpness: how strictly a pixel takes the calmest of its eight sectors; below 4 borders blur, above 12
        they fray and flicker.
    reach: pixels over which neighbours agree on a direction, see `tangent_flow`.
    stretch: how much longer than wide a dab gets along a clean edge: 0 not at all, 1 four times.

    Returns float32 (H, W, 3), Lab.
    """
    tx, ty, coherence = tangent_flow(np.ascontiguousarray(lab[..., 0]), sigma=reach)
    longer = 1 + np.float32(stretch) * blur(coherence, reach)
    ax, ay = radius * longer * tx, radius * longer * ty
    bx, by = -radius / longer * ty, radius / longer * tx
    rows, columns = np.indices(lab.shape[:2], dtype=np.float32)
    sums = np.zeros((_SECTORS, *lab.shape), np.float32)
    squares = np.zeros((_SECTORS, *lab.shape[:2]), np.float32)
    for sample in _SAMPLES:
        x = columns + np.float32(sample.x) * ax + np.float32(sample.y) * bx
        y = rows + np.float32(sample.x) * ay + np.float32(sample.y) * by
        seen = np.asarray(cv2.remap(lab, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101))
        power = np.einsum("hwc,hwc->hw", seen, seen)
        for sector, weight in sample.weights.items():
            cv2.scaleAdd(seen, weight, sums[sector], sums[sector])
            cv2.scaleAdd(power, weight, squares[sector], squares[sector])
    total = np.zeros_like(lab)
    norm = np.zeros(lab.shape[:2], np.float32)
    for mean, square in zip(sums, squares, strict=True):
        deviation = np.sqrt(np.maximum(square - np.einsum("hwc,hwc->hw", mean, mean), 0))
        # The constant is the deviation, in Lab, from which sectors are told apart: below it is grain.
        alpha = 1 / (1 + (deviation / 2.0) ** np.float32(sharpness))
        # On a busy patch every sector is restless: the least restless still wins, however small its share.
        alpha += np.float32(1e-3) / (1 + deviation**4)
        total += alpha[..., None] * mean
        norm += alpha
    return np.asarray(total / norm[..., None], dtype=np.float32)


def _samples() -> list[_Sample]:
    """Rings of 1, 6, 12, 18 and 24 places, weights of each sector summing to 1."""
    places = [(0.0, 0.0)]
    for ring in range(1, _RINGS + 1):
        for k in range(6 * ring):
            turn = 2 * math.pi * (k + 0.5 * (ring % 2)) / (6 * ring)
            places.append((ring / _RINGS * math.cos(turn), ring / _RINGS * math.sin(turn)))
    # Kyprianidis et al. 2010: the parabola that bounds a sector starts zeta behind the centre and meets its
    # neighbours' on the disc's rim at the angle gamma.
    zeta, gamma = 1 / 3, 3 * math.pi / 8
    eta = (zeta + math.cos(gamma)) / math.sin(gamma) ** 2
    table = np.zeros((len(places), _SECTORS))
    for i, (x, y) in enumerate(places):
        decay = math.exp(-0.5 * (x * x + y * y) / 0.4**2 * 0.5)
        for sector in range(_SECTORS):
            turn = 2 * math.pi * sector / _SECTORS
            u, v = x * math.cos(turn) + y * math.sin(turn), y * math.cos(turn) - x * math.sin(turn)
            table[i, sector] = decay * max(0.0, u + zeta - eta * v * v) ** 2
    table /= table.sum(axis=0)
    return [
        _Sample(x, y, {s: float(w) for s, w in enumerate(row) if w > 1e-4})
        for (x, y), row in zip(places, table, strict=True)
    ]


_SAMPLES = _samples()
