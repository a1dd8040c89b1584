"""A picture in another size."""

from __future__ import annotations

import cv2
import numpy as np

from effectcam.frame import Pixels


def filled(pixels: Pixels, width: int, height: int) -> Pixels:
    """``pixels`` scaled evenly to ``width`` x ``height``, and cut at two sides where the shapes differ."""
    tall, wide = pixels.shape[:2]
    scale = max(width / wide, height / tall)
    across, down = min(wide, round(width / scale)), min(tall, round(height / scale))
    x, y = (wide - across) // 2, (tall - down) // 2
    part = pixels[y : y + down, x : x + across]
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(part, (width, height), interpolation=interpolation), np.uint8)
