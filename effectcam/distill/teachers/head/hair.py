"""The hair of the head: what lies beyond an edge from the skin, and looks like hair.

Colour alone does not tell it: fair hair has the skin's colours, and black hair those of skin in deep shade.
But a bald crown runs on from the forehead without an edge, and hair does not: a pixel belongs to whichever is
nearer (:func:`nearer`), the skin of forehead and cheeks or the surest hair.
"""

from __future__ import annotations

import cv2
import numpy as np

from effectcam.distill.teachers.head.brush import Floats, blur, step
from effectcam.distill.teachers.head.complexion import LUMA
from effectcam.distill.teachers.head.geodesic import Mask, gaps, lab_steps, nearer, shades, unveiled
from effectcam.distill.teachers.head.head_matte import HeadMatte, Pixels, plain_skin
from effectcam.distill.teachers.head.uv import FACE_OVAL, polygon_mask

_BLACK = 0.25
"""Below this share of the skin's luma even shade is not skin, where the head is lit at all."""
_ENOUGH = (0.08, 0.20)
"""Surest hair, in squares of the eyes' distance, under which a crown is bald and over which it is not."""


def find_hair(image: Pixels, landmarks: Floats, matte: HeadMatte) -> Floats:
    """Where the hair of a head is, float32 (H, W), 0 to 1.

    ``image`` RGB uint8 (H, W, 3) and ``landmarks`` float32 (478, 3) are what ``matte`` was cut out of.
    Nothing of a bald or close-shaven head; a hat is hair.
    """
    height, width = image.shape[:2]
    clear = unveiled(image)
    look = _looks(clear, matte)
    plain = plain_skin(landmarks, height, width)
    to_skin = gaps(look, _skin(look[plain]))
    oval = blur(polygon_mask(landmarks[FACE_OVAL], height, width), 0.03 * matte.side)
    above = (oval < 0.05) & (matte.at[..., 1] < -0.55)
    # The rim is half background, which would be taken for hair; but short hair is hardly more than a rim.
    inner, thin = (_within(matte, reach) & above for reach in (0.05, 0.02))
    if inner.sum() < 30:
        return np.zeros_like(matte.head)
    brightness = np.asarray(clear @ LUMA, np.float32)
    relative = blur(brightness / max(float(np.median(brightness[plain])), 1.0), 0.01 * matte.side)
    unlike = inner & (to_skin > max(2.0, 0.6 * float(np.percentile(to_skin[inner], 85))))
    black = thin & (relative < _BLACK)
    surest = unlike | black
    if surest.sum() < 30:
        return np.zeros_like(matte.head)
    # What is black is surer than what is merely unlike.
    amount = step(*_ENOUGH, np.float32((unlike.sum() + black.sum()) / matte.side**2))
    share, off = matte.head, 3 * (1 - matte.head)
    # Once more with what the first round found: a lock in the light is hair as well.
    for _ in range(2):
        to_hair = gaps(look, shades(look[surest], 6))
        alike = 1 / (1 + np.exp(np.clip(1.5 * (to_hair - to_skin), -20, 20)))
        share = nearer(look, surest, plain, 0.5 * (1 - alike) + off, 0.5 * alike + off, matte.side)
        surest = surest | (inner & (share > 0.6))
    fitted = cv2.ximgproc.guidedFilter(image, share, max(3, round(0.05 * matte.side)), 80.0)
    hair = step(0.55, 0.85, np.asarray(fitted, np.float32)) * matte.head * amount
    # A strip of plain skin along the hairline would go grey with the hair.
    beside_face = step(0.12, 0.4, blur(oval, 0.16 * matte.side))
    return np.asarray(hair * (1 - beside_face * (1 - step(1.5, 2.8, to_skin))), np.float32)


def _within(matte: HeadMatte, reach: float) -> Mask:
    """The head without a rim, ``reach`` of the eyes' distance wide."""
    side = 2 * max(1, round(reach * matte.side)) + 1
    return cv2.erode((matte.head > 0.8).astype(np.uint8), np.ones((side, side), np.uint8)) > 0


def _looks(image: Pixels, matte: HeadMatte) -> Floats:
    """Colour and the fine texture's strength, (H, W, 4): hair is rough where skin is smooth."""
    lightness = lab_steps(image, 0.0)[..., 0]
    # The background's edge is no texture of the head's.
    weight = blur(matte.head, 0.05 * matte.side) + 1e-3
    mean = blur(lightness * matte.head, 0.05 * matte.side) / weight
    grain = np.sqrt(blur((lightness - mean) ** 2 * matte.head, 0.05 * matte.side) / weight)
    look = np.dstack([lab_steps(image, 0.015 * matte.side), np.minimum(grain, 0.8) / 0.2])
    return np.asarray(look, np.float32)


def _skin(sample: Floats) -> Floats:
    """Skin from shade to light, and further into the shade along the same line, as rough as it is."""
    found = shades(sample, 5)
    down = found[0] - found[2]
    down[3] = 0
    deeper = found[:1] + down * np.array([[0.5], [1.1], [1.8]], np.float32)
    deeper[:, 0] = np.maximum(deeper[:, 0], 1.6)
    return np.asarray(np.concatenate([found, deeper]), np.float32)
