"""Eyes as a sculptor leaves them: a ball under the lids, the iris a shallow ring, the pupil a hollow."""

from __future__ import annotations

import cv2
import numpy as np

from effectcam.distill.teachers.head.brush import Floats, blur, step
from effectcam.distill.teachers.head.uv import EYES, polygon_mask
from effectcam.distill.teachers.surface.painted_eyes import IRISES


def carve_eyes(shade: Floats, light: Floats, face: Floats, *, depth: float) -> Floats:
    """``shade`` (H, W) with both eyes carved, in the ``light`` (H, W) that falls on the face there.

    ``face`` landmarks (478, 3), pixels. ``depth`` of iris and pupil: 0 leaves blank balls, 1 is drilled as in
    late Roman bronzes. The hollows follow the gaze; shut eyes stay shut.
    """
    height, width = shade.shape
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    for opening, (centre, rim) in zip(EYES, IRISES, strict=True):
        points = face[opening, :2]
        across = float(np.linalg.norm(points[8] - points[0]))
        radius = float(np.linalg.norm(face[rim, :2] - face[centre, :2], axis=1).mean())
        if radius < 0.7 or across < 2:
            continue
        openness = step(0.06, 0.16, np.float32(np.linalg.norm(points[4] - points[12]) / across))
        mask = blur(polygon_mask(points, height, width), 0.18 * radius)
        if openness == 0 or mask.max() == 0:
            continue
        x, y = (columns - points[:, 0].mean()) / across, (rows - points[:, 1].mean()) / across
        form = 0.98 - 0.36 * (0.6 * x + 0.8 * y) - 0.65 * (x**2 + y**2)
        # The upper lid's shadow: by how far below it a pixel lies, in radii of the iris.
        up = (points[4] - points[12]) / max(float(np.linalg.norm(points[4] - points[12])), 1e-3) * 4 * across
        open_above = np.concatenate([points[:9], points[8:9] + up, points[:1] + up])
        uncovered = (polygon_mask(open_above, height, width) < 0.5).astype(np.uint8)
        below = np.asarray(cv2.distanceTransform(uncovered, cv2.DIST_L2, 5), np.float32) / np.float32(radius)
        form *= 1 - 0.45 * np.exp(-np.square(below / 0.55))
        x, y = (columns - face[centre, 0]) / np.float32(radius), (rows - face[centre, 1]) / np.float32(radius)
        form *= 1 + np.float32(depth) * _hollows(x, y, 1 / radius)
        shade = shade + (light * form - shade) * mask * openness
    return np.asarray(shade, np.float32)


def _hollows(x: Floats, y: Floats, pixel: float) -> Floats:
    """Relative shading of ring and pupil; ``x``, ``y`` in radii of the iris, light from up and left."""
    away = np.hypot(x, y)
    slope = (x + 1.2 * y) / np.maximum(1.56 * away, 0.2)
    ring = np.exp(-np.square((away - 0.92) / (0.10 + 0.5 * pixel)))
    pupil = 1 - step(0.42 - pixel / 2, 0.55 + pixel / 2, away)
    dish = 1 - step(0.6, 0.95, away)
    return np.asarray(-0.55 * ring + 0.14 * dish * slope + pupil * (0.25 * slope - 0.75), np.float32)
