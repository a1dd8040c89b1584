"""Dead leaves: a picture of nothing that has the contrasts of photographs."""

from __future__ import annotations

import functools

import cv2
import numpy as np

from effectcam.distill.teachers.head.face_parts import Picture

_SMALLEST, _LARGEST = 6.0, 160.0
_LEAVES = 900


@functools.lru_cache(maxsize=8)
def dead_leaves(height: int, width: int) -> Picture:
    """Discs that hide one another, float32 (height, width, 3), RGB, 0 to 1; the same each time, do not write
    to it.

    The model of A. Lee, D. Mumford, J. Huang, "Occlusion Models for Natural Images" (IJCV 2001): with radii
    that fall off by the cube it has the statistics of photographs, edges included. Beside a picture it tells
    a network that normalises by the whole picture (instance normalisation) what is usual.
    """
    rng = np.random.default_rng(1)
    seen = np.zeros((height, width, 3), np.float32)
    shrink = 1 - (_SMALLEST / _LARGEST) ** 2
    for _ in range(_LEAVES):
        radius = _SMALLEST / np.sqrt(1 - rng.random() * shrink)
        middle = np.rint(16 * rng.uniform(-40, [width + 40, height + 40])).astype(int)
        a, b = rng.normal([6, 8], [12, 16])
        lab = np.array([[[rng.uniform(6, 94), a, b]]], np.float32)
        rgb = np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)).ravel().tolist()
        cv2.circle(seen, (int(middle[0]), int(middle[1])), round(16 * radius), rgb, -1, cv2.LINE_AA, 4)
    return np.asarray(cv2.GaussianBlur(np.clip(seen, 0, 1), (0, 0), 1.0), np.float32)
