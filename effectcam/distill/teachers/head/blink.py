"""Shuts the eyes of a picture, wholly or in part: portraits have hardly any shut eyes to learn from.

The skin over the eye is drawn down to where lids meet, as a lid unfolds; the crease is smoothed away, the lid
gets the roundness of the ball under it, and the lashes hang from its edge.
"""

from __future__ import annotations

import numpy as np

from effectcam.distill.teachers.head.brush import blur, step
from effectcam.distill.teachers.head.complexion import LUMA
from effectcam.distill.teachers.head.layer import Pixels
from effectcam.distill.teachers.head.lids import Box, Eye, Lid, find_eyes, moved_lids, shifted
from effectcam.distill.teachers.head.uv import Floats

_MEET = 0.45
"""Where lids meet, as a share of the open lower lid's depth under the line between the corners: from shut
eyes of a clip."""
_LASHES = 9


def shut_eyes(
    image: Pixels,
    landmarks: Floats,
    closing: tuple[float, float],
    *,
    lashes: float = 1.0,
    rng: np.random.Generator | None = None,
) -> tuple[Pixels, Floats]:
    """The picture with its eyes shut, and the landmarks that the mesh would find in it.

    ``image`` RGB uint8 (H, W, 3), ``landmarks`` float32 (478, 3) in its pixels. ``closing`` 0 (as they are)
    to 1 (shut) for the picture's left and right eye. ``lashes``: their length, 0 for none that are seen, 1
    for usual ones, 2 painted. ``rng`` varies where they grow, so that no student knows shut eyes by a comb.
    """
    rng = rng or np.random.default_rng(0)
    picture = image.astype(np.float32) / np.float32(255)
    eyes = find_eyes(landmarks)
    lids = []
    for eye, share in zip(eyes, closing, strict=True):
        meeting = Lid(eye.lower.coefficients * np.float32(_MEET))
        upper, lower = eye.upper.towards(meeting, share), eye.lower.towards(meeting, share)
        lids.append((upper, lower))
        box = eye.box(image.shape[0], image.shape[1], 0.13)
        if share > 0 and picture[box].size:
            picture[box] = _shut(picture[box], eye, box, upper, lower, share, _Lashes(lashes, rng))
    shut = np.asarray(np.round(np.clip(picture, 0, 1) * 255), np.uint8)
    return shut, moved_lids(landmarks, eyes, lids)


def _shut(seen: Floats, eye: Eye, box: Box, upper: Lid, lower: Lid, share: float, lashes: _Lashes) -> Floats:
    t, y = eye.place(box)
    head = np.float32(eye.head)
    edge, low, was = upper(t), lower(t), eye.upper(t)
    fade = step(-0.22, 0.02, t) * (1 - step(0.98, 1.22, t))
    start = was - 0.048 * head
    length = np.maximum(edge - start, 1.0)
    v = np.clip((y - start) / length, 0, 1)
    # The lid's edge brings its last skin down, not the lashes and the dark line on it.
    drop = np.maximum(edge - was, 0) + 0.018 * head * np.float32(share) * step(0, 0.01, (edge - was) / head)
    shift = -drop * v**1.6
    rise = (eye.lower(t) - low) * np.clip(1 - (y - low) / (0.05 * head), 0, 1) ** 2
    between = (y > edge) & (y < low)
    shift = np.asarray(np.where(y <= edge, shift, np.where(between, 0, rise)) * fade, np.float32)
    lid = shifted(seen, shift, eye.down)
    unfolded = step(0.10, 0.70, v) * fade * np.clip(drop / (0.03 * head), 0, 1) * (y <= edge + 1)
    # A shadowed fold or painted lashes would be drawn out over the lid: it gets the skin's colour near by.
    smooth = np.stack([blur(np.ascontiguousarray(lid[..., i]), 0.022 * eye.head) for i in range(3)], axis=-1)
    smooth = smooth + (0.93 * _nearby(seen, t, y, eye) - smooth) * np.float32(0.45)
    lid = lid + (smooth - lid) * (0.80 * unfolded)[:, :, None]
    bulge = 1 + 0.10 * unfolded * (np.sin(np.pi * np.clip(v, 0, 1)) * np.clip(4 * t * (1 - t), 0, 1) - 0.35)
    lid = lid * bulge[:, :, None]

    dark = 1 - np.float32(0.25 * share) * between * (1 - np.clip((y - edge) / (0.03 * head), 0, 1))
    lid = lid * dark[:, :, None]
    return _lash_line(lid, seen, t, y, eye, edge, share, lashes)


def _lash_line(
    lid: Floats, seen: Floats, t: Floats, y: Floats, eye: Eye, edge: Floats, share: float, lashes: _Lashes
) -> Floats:
    head = np.float32(eye.head)
    luma = seen @ LUMA
    near = (np.abs(y - eye.upper(t)) < 0.02 * head) & (t > 0) & (t < 1)
    ink = np.median(seen[near & (luma <= np.percentile(luma[near], 12))], axis=0) if near.any() else 0.1
    ink = np.asarray(ink, np.float32) * np.float32(0.75)
    along = step(-0.06, 0.10, t) * (1 - step(0.86, 1.02, t))
    off = (y - edge) / head
    width = 0.0048 + 0.0030 * np.clip(1 - t, 0, 1)
    # Roots that melt into one line, ragged on its lower side.
    line = np.exp(-((off / np.where(off < 0, width, 1.5 * width)) ** 2)) * along
    fringe = lashes.fringe(t, off, np.float32(eye.width) / head)
    amount = np.maximum(lashes.strength * line, fringe) * np.float32(share)
    return np.asarray(lid + (ink - lid) * amount[:, :, None], np.float32)


def _nearby(seen: Floats, t: Floats, y: Floats, eye: Eye) -> Floats:
    """(3,), the skin above the fold and under the eye."""
    head = np.float32(eye.head)
    above = (np.abs(y - eye.upper(t) + 0.05 * head) < 0.016 * head) & (t > 0.1) & (t < 0.9)
    under = (np.abs(y - eye.lower(t) - 0.06 * head) < 0.025 * head) & (t > 0.1) & (t < 0.9)
    sample = [np.median(seen[part], axis=0) for part in (above, under) if part.any()]
    return np.asarray(np.mean(sample, axis=0) if sample else seen.mean(axis=(0, 1)), np.float32)


class _Lashes:
    """Where the lashes of a shut lid grow, and how dark its edge is."""

    def __init__(self, length: float, rng: np.random.Generator) -> None:
        self.roots = np.sort(rng.uniform(0.02, 0.90, _LASHES)).astype(np.float32)
        self.length = (0.028 * length * rng.uniform(0.5, 1.2, _LASHES)).astype(np.float32)
        self.strength = float(rng.uniform(0.6, 0.9))
        self.opacity = 0.45 * float(rng.uniform(0.4, 1.0)) * min(length, 1.0)

    def fringe(self, t: Floats, off: Floats, wide: np.float32) -> Floats:
        """How much ink, 0 to 1; ``off`` below the lid's edge and ``wide``, the eye, in face widths."""
        ink = np.zeros_like(t)
        for root, reach in zip(self.roots, self.length, strict=True):
            # They fan out: those of the outer corner lean outwards.
            lean = (root - 0.62) * 0.9
            depth = np.clip(off / max(float(reach), 1e-3), 0, 1)
            x = (t - root) * wide - lean * np.clip(off, 0, reach)
            thin = 0.0055 * (1 - 0.5 * depth)
            ink = np.maximum(ink, np.exp(-((x / thin) ** 2)) * (off > 0) * (1 - depth))
        return np.asarray(self.opacity * ink, np.float32)
