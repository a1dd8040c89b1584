"""Polished metal: what a form of it mirrors, a room by its normals."""

from __future__ import annotations

import numpy as np

from effectcam.distill.teachers.head.brush import Floats, step


def reflect_room(normals: Floats, *, gloss: float) -> tuple[Floats, Floats]:
    """What a metal head mirrors: ``normals`` unit (H, W, 3) in, broad light and highlights (H, W) out.

    A room as photographers light metal: a bright ceiling, a dark band at the height of the eyes, a paler
    floor, a window up to the left and a strip to the right. ``gloss`` 0 is brushed, 1 is polished. The view
    is along z, so that a normal alone says what is mirrored (matcap; Sloan et al., "The Lit Sphere", 2001).
    """
    x, y = normals[..., 0], normals[..., 1]
    soft = 0.75 - 0.45 * gloss
    ceiling = step(0.05 - soft, 0.05 + soft, -y - 0.15 * x)
    floor = step(0.35, 0.35 + soft + 0.2, y)
    band = np.exp(-np.square((y - 0.12) / (0.22 + 0.3 * soft)))
    broad = 0.42 + 0.55 * ceiling + 0.20 * floor - 0.18 * band
    sharp = np.float32(9 + 22 * gloss)
    window = np.exp(-sharp * ((x + 0.36) ** 2 * 1.3 + (y + 0.44) ** 2 * 0.9))
    strip = np.exp(-sharp * 1.2 * (np.square(x - 0.66) * 1.5 + 0.15 * np.square(y + 0.1)))
    return np.asarray(broad, np.float32), np.asarray(window + 0.45 * strip, np.float32)
