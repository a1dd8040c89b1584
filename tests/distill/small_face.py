"""The synthetic person at half the size, and what is measured of drawings of it."""

from __future__ import annotations

import functools

import cv2
import numpy as np

from effectcam.distill.skin import darken_skin
from effectcam.distill.teachers.head.uv import Floats
from tests.distill.demo_face import Pixels, demo_face

SIDE = 160
"""Half of a base: a quarter of the time."""
CHEEKS = (50, 101, 280, 330)


@functools.cache
def face(melanin: float = 0.0) -> tuple[Pixels, Floats]:
    image, landmarks = demo_face(2.9)
    if melanin:
        image = darken_skin(image, landmarks, melanin)
    scale = SIDE / image.shape[0]
    small = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8), np.asarray(landmarks * scale, np.float32)


def lab(picture: Pixels) -> Floats:
    return np.asarray(cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)


def chroma(picture: Pixels) -> Floats:
    return np.hypot(lab(picture)[..., 1], lab(picture)[..., 2])


def cheeks(picture: Pixels) -> Floats:
    """Median Lab round each of four points of the cheeks, (4, 3)."""
    seen, (_, landmarks) = lab(picture), face()
    patches = [seen[int(y) - 3 : int(y) + 4, int(x) - 3 : int(x) + 4] for x, y, _ in landmarks[[*CHEEKS]]]
    return np.array([np.median(patch.reshape(-1, 3), axis=0) for patch in patches], np.float32)
