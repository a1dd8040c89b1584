"""What shines in a robot: rings for eyes, and the light in its mouth when the grille opens."""

from __future__ import annotations

import numpy as np

from effectcam.distill.teachers.head.brush import Floats, blur, step
from effectcam.distill.teachers.head.uv import EYES, INNER_LIPS, polygon_mask
from effectcam.distill.teachers.surface.painted_eyes import IRISES


def eye_lights(face: Floats, side: float, height: int, width: int) -> tuple[Floats, Floats]:
    """Light of the eyes, and the shutters before them, float32 (H, W), 0 to 1.

    ``face`` landmarks (478, 3), pixels. The rings follow the gaze; the shutters close with the lids, from
    above and below, and leave a slit.
    """
    light, shutter = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    for opening, (iris, _) in zip(EYES, IRISES, strict=True):
        points = face[opening, :2]
        across = points[8] - points[0]
        span = max(float(np.linalg.norm(across)), 1e-3)
        down = np.array([-across[1], across[0]], np.float32) / span
        down = down if down[1] >= 0 else -down
        opened = step(0.05, 0.24, np.float32(np.linalg.norm(points[4] - points[12]) / span))
        middle = points[[0, 8]].mean(axis=0)
        # Half way between the housing's middle and the iris: a ring at the rim would be cut.
        centre = middle + 0.8 * (face[iris, :2] - middle)
        away = np.hypot(columns - centre[0], rows - centre[1]) / np.float32(side)
        ring = np.exp(-np.square((away - 0.105) / 0.024))
        core = np.exp(-np.square(away / 0.034))
        haze = 0.30 * np.exp(-np.square(away / 0.15))
        y = ((columns - middle[0]) * down[0] + (rows - middle[1]) * down[1]) / np.float32(side)
        gap = 0.012 + 0.24 * float(opened)
        lids = step(gap - 0.008, gap + 0.008, np.abs(y)) * (away < 0.32)
        slit = (1 - opened) * 0.8 * np.exp(-np.square(y / 0.016)) * (away < 0.16)
        shining = (np.maximum(ring, core) + haze) * (0.15 + 0.85 * opened) + slit
        light = np.maximum(light, shining * (1 - lids))
        shutter = np.maximum(shutter, lids)
    return np.clip(light, 0, 1), shutter


def mouth_light(face: Floats, side: float, height: int, width: int) -> tuple[Floats, Floats]:
    """Where the mouth is open, (H, W), 0 to 1, and how bright the light in it is."""
    inside = blur(polygon_mask(face[INNER_LIPS], height, width), 0.012 * side)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    middle = face[[13, 14], :2].mean(axis=0)
    away = np.hypot((columns - middle[0]) / (0.20 * side), (rows - middle[1]) / (0.12 * side))
    return inside, np.asarray(inside * np.exp(-np.square(away)), np.float32)
