"""Skin of any tone, told from its flat colour."""

from __future__ import annotations

import cv2
import numpy as np

from effectcam.distill.teachers.drawing.lines import Plane
from effectcam.distill.teachers.head.face_parts import FACE, FaceParts, Picture, blur, smooth_step

_CHEEKS_AND_BROW = [50, 101, 280, 330, 117, 346, 205, 425, 151]


def flesh(flat: Picture, /) -> Plane:
    """How much a colour is a skin's, float32 (H, W), 0 to 1; ``flat`` Lab (H, W, 3), see `flat_colour`.

    Skin of every tone has its hue near 50 degrees of Lab (X. Xiao et al., "Characterising the variations
    in ethnic skin colours", 2017). Wood and a peach-coloured wall are skin too by this measure: a look must
    not fall apart where it is wrong.
    """
    lightness, a, b = (np.ascontiguousarray(flat[..., i]) for i in range(3))
    chroma = np.hypot(a, b)
    # Cold light and a blush take it down to pink, a warm lamp up to olive.
    off = np.maximum(np.abs(np.arctan2(b, a) - np.float32(0.74)) - np.float32(0.28), 0)
    likely = (
        np.exp(-0.5 * (off / np.float32(0.2)) ** 2)
        * smooth_step(chroma, 4, 10)
        * (1 - smooth_step(chroma, 50, 70))
        * smooth_step(lightness, 10, 24)
    )
    return smooth_step(likely, 0.25, 0.6)


def own_flesh(flat: Picture, parts: FaceParts, /) -> Plane:
    """The skin of one face and its neck, told by what the cheeks are like: under a violet lamp or in a grey
    photograph too. Float32 (H, W), 0 to 1."""
    height, width = parts.shape
    at = np.clip(np.rint(parts.points[_CHEEKS_AND_BROW]), 0, [width - 1, height - 1]).astype(int)
    usual = np.median(flat[at[:, 1], at[:, 0]], axis=0)
    away = (((flat - usual) / np.array([26, 9, 8], np.float32)) ** 2).sum(axis=2)
    alike = np.exp(-0.5 * np.maximum(away - np.float32(0.3), 0))
    rim = parts.points[FACE]
    around = FaceParts(parts.points.copy(), height, width)
    around.points[FACE] = (rim - rim.mean(axis=0)) * np.array([1.3, 1.55], np.float32) + rim.mean(axis=0)
    return smooth_step(np.asarray(alike, np.float32), 0.3, 0.7) * around.fill(FACE, 0.06 * parts.scale)


def flesh_of(flat: Picture, parts: FaceParts | None, unit: float, /) -> Plane:
    """Either of the two, or the surer of both where there is a face."""
    skin = flesh(np.asarray(cv2.GaussianBlur(flat, (0, 0), 1.5 * unit), np.float32))
    if parts is not None:
        skin = np.maximum(skin, own_flesh(flat, parts))
    return blur(skin, 0.5 * unit)
