"""Shoulders and cloth beyond the portrait's frame."""

from __future__ import annotations

import numpy as np

from .matte import fill_outward
from .picture import Image, noise, smoothstep
from .portrait import SIDE

MARGIN = 150  # canvas to the left and right of the portrait, room for shoulders and for turning
FOOT = 20  # canvas below the portrait, so that a sway never lifts the person off the frame's edge
GARMENT = np.array([0.10, 0.30, 0.31], np.float32)


def dress(colour: Image, alpha: Image) -> tuple[Image, Image]:
    """Widen the canvas and paint the shoulders that the portrait's frame cut off, behind the hair."""
    height, width = SIDE + FOOT, SIDE + 2 * MARGIN
    pad = ((0, FOOT), (MARGIN, MARGIN))
    wide = np.pad(colour, (*pad, (0, 0)), mode="reflect")
    cover = np.pad(alpha, ((0, FOOT), (0, 0)), mode="edge")
    # Locks that the portrait's frame cut off end in a soft, uneven line instead of a straight one.
    y = np.arange(height, dtype=np.float32)
    left = 6 + 5 * np.sin(y / 17) + 4 * np.sin(y / 7.3 + 1) + 40 * smoothstep(560, 680, y)
    x = np.arange(SIDE, dtype=np.float32)[None]
    cover = cover * np.clip((x - left[:, None]) / 10, 0, 1) * np.clip((SIDE - 3 - x) / 10, 0, 1)
    cover = np.pad(cover, ((0, 0), (MARGIN, MARGIN)))
    gx, gy = np.meshgrid(np.arange(width, dtype=np.float32) - MARGIN, y)
    spread = np.abs(gx - 318)
    shoulder = 535 + 0.0006 * spread**2 + 0.02 * spread
    torso = smoothstep(-1.5, 1.5, gy - shoulder) * (1 - smoothstep(400, 425, spread + 0.18 * (640 - gy)))
    rng = np.random.default_rng(7)
    weave = noise(rng, (height, width), 1.1)
    fold = noise(rng, (height, width), 26) * 26
    light = 0.62 + 0.16 * smoothstep(300, -200, gx) + 0.05 * fold + 0.06 * weave
    light *= 0.55 + 0.45 * smoothstep(0, 34, gy - shoulder) + 0.12 * (1 - smoothstep(0, 14, gy - shoulder))
    cloth = GARMENT * light[..., None] * 1.25
    both = cover + torso * (1 - cover)
    mixed = (wide * cover[..., None] + cloth * (torso * (1 - cover))[..., None]) / np.maximum(both, 1e-4)[
        ..., None
    ]
    mixed = np.where(
        both[..., None] > 1e-3,
        mixed,
        fill_outward(mixed.astype(np.float32), (both > 0.5).astype(np.float32), 6),
    )
    return np.clip(mixed, 0, 1).astype(np.float32), both.astype(np.float32)
