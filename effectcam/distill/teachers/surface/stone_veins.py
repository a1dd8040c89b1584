"""Veins of a stone that go on from the face over hair and neck."""

from __future__ import annotations

import cv2
import numpy as np

from effectcam.distill.teachers.head.brush import Floats, blur, step
from effectcam.distill.teachers.head.sitter import Sitter
from effectcam.distill.teachers.head.uv import sample

SIDE = 512
"""Texels along the square texture, which is twice as wide as the face's own and has it in its middle."""

_RUNS = ((0.85, 4.6, 0.36, 0.055, 1.0), (-0.5, 3.2, 0.44, 0.034, 0.6))
"""Slope, veins across the texture, how far they wander and how wide they are in spacings, strength."""


def paint_veins(*, seed: int) -> Floats:
    """Veins, and broad drifts of grey: float32 (SIDE, SIDE, 2), 0 to 1.

    A vein is where a regular ground, bent by noise, passes through whole numbers (K. Perlin, "An Image
    Synthesizer", SIGGRAPH 1985).
    """
    rng = np.random.default_rng(seed)

    def noise(scale: float) -> Floats:
        field = blur(rng.standard_normal((SIDE, SIDE)).astype(np.float32), scale)
        return np.asarray((field - field.mean()) / field.std(), np.float32)

    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float32) / SIDE
    veins = np.zeros((SIDE, SIDE), np.float32)
    for slope, spacing, bend, width, strength in _RUNS:
        way = (rows + slope * columns) * spacing + bend * noise(40) + 0.3 * bend * noise(13)
        near = np.abs(way - np.round(way))
        # Each vein swells, pales and gives out along its way.
        present = step(-1.1, 0.9, noise(36))
        wide = width * (0.5 + 1.1 * step(-1.2, 1.4, noise(20)))
        line = np.maximum(np.exp(-np.square(near / wide)), 0.6 * np.exp(-near / (3.0 * wide)))
        veins = np.maximum(veins, strength * present * line)
    drifts = step(-0.6, 1.9, noise(46) + 0.5 * noise(20))
    return np.asarray(np.stack([veins, drifts], axis=-1), np.float32)


def lay_on_head(texture: Floats, sitter: Sitter) -> Floats:
    """A texture (SIDE, SIDE, C) of the kind that `paint_veins` makes, as the picture sees it: (H, W, C).

    On the face it lies in the flat space and follows every expression; beyond the mesh it goes on without a
    seam, in the head's own frame.
    """
    matte, covered = sitter.matte, sitter.covered
    inside = covered > 0
    place = np.concatenate([matte.at, np.ones((*covered.shape, 1), np.float32)], axis=-1)
    if inside.sum() < 50:
        return np.zeros((*covered.shape, texture.shape[2]), np.float32)
    flat = np.linalg.lstsq(place[inside][::7], sitter.uv[inside][::7], rcond=None)[0].astype(np.float32)
    plain = place @ flat
    bent = (sitter.uv - plain) * covered[..., None]
    total, norm = np.zeros_like(bent), np.full((*covered.shape, 1), 1e-4, np.float32)
    for reach, share in ((0.03, 1.0), (0.12, 0.05), (0.5, 0.004)):
        total += share * np.asarray(cv2.GaussianBlur(bent, (0, 0), reach * matte.side))
        norm += share * blur(covered, reach * matte.side)[..., None]
    onward = plain + total / norm
    firm = np.minimum(blur(covered, 0.02 * matte.side), covered)[..., None]
    uv = onward + (sitter.uv - onward) * firm
    return sample(texture, (0.25 + 0.5 * uv).astype(np.float32), matte.side / 0.18)
