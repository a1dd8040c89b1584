"""A head as a sculptor sees it: one form of one stuff, lit by the scene, the picture's detail its relief.

What is dark because of its colour (hair, brows, a beard, lips, dark skin) must not stay dark in stone. So the
broad light is taken from bare skin alone and carried on over everything else along the form, and only the
fine differences of the picture, evened in strength, are carved into it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from effectcam.distill.teachers.drawing.lines import along, tangent_flow
from effectcam.distill.teachers.head.brush import Floats, blur, step
from effectcam.distill.teachers.head.complexion import LUMA
from effectcam.distill.teachers.head.head_matte import HeadMatte
from effectcam.distill.teachers.head.head_normals import head_normals, unit
from effectcam.distill.teachers.head.sitter import Sitter
from effectcam.distill.teachers.head.uv import OUTER_LIPS, polygon_mask

_LAMP = np.array([0.72, -0.10, -0.22, -0.30], np.float32)
"""A window up and to the left, which every portrait is a little lit by: ambient, then light along x, y, z."""

_STAGE = np.array([-0.32, -0.40, -0.42], np.float32)
"""Towards the lamp of `Relief.staged`, times its strength."""


@dataclass(frozen=True, slots=True)
class Relief:
    """``normals`` unit, float32 (H, W, 3), see `head_normals`; ``light`` (H, W) the scene's light on that
    form, 1 on average skin, smooth; ``carving`` (H, W) what the picture adds, -1 (deep) to 1 (raised);
    ``exposure`` how bright the room is, 1 in a well-lit one."""

    normals: Floats
    light: Floats
    carving: Floats
    exposure: float

    def staged(self) -> Floats:
        """The scene's light, and a lamp of its own up and to the left besides, so that the form shows even in
        flat light: (H, W), about 1 on plain skin that faces the camera."""
        lit = np.clip(self.normals @ _STAGE, 0, None)
        return np.asarray(self.light * (1 - 0.66 * float(np.linalg.norm(_STAGE)) + lit), np.float32)

    def bumped(self, depth: float) -> Floats:
        """The normals with the carving in them, (H, W, 3): highlights break up on it. ``depth`` in pixels."""
        slopes = [cv2.Sobel(self.carving, cv2.CV_32F, i, 1 - i, scale=depth / 8) for i in (1, 0)]
        return unit(self.normals - np.stack([*slopes, np.zeros_like(slopes[0])], axis=-1))


def model_relief(sitter: Sitter) -> Relief:
    """The relief of one head; of any use only where ``sitter.matte.head`` is above 0."""
    matte, side = sitter.matte, sitter.matte.side
    normals = head_normals(sitter)
    bare = matte.skin * matte.face
    sure = next((mask for mask in (bare > 0.6, matte.face > 0.5) if mask.sum() >= 50), bare >= 0)
    luma = sitter.picture @ LUMA
    plain = float(np.clip(np.percentile(luma[sure], 55), 0.03, 1.0))
    tone = np.log(_inward(luma, matte.head, 0.05 * side) + 0.03) - np.float32(np.log(plain + 0.03))
    # Dark and glossy skin has deeper shades and stronger lights: one spread makes one stone.
    spread = float(np.percentile(tone[sure], 92) - np.percentile(tone[sure], 8))
    tone = np.clip(tone * np.float32(np.clip(0.62 / max(spread, 0.1), 0.5, 1.15)), -2.5, 1.2)

    basis = np.concatenate([np.ones_like(normals[..., :1]), normals], axis=-1)
    lamp = _fit_lamp(basis[sure], np.exp(np.clip(tone[sure], -1.2, 0.6)))
    form = np.log(np.clip(basis @ lamp, 0.25, 1.6))
    # Well inside bare skin only: a brow's edge is half dark already.
    firm = cv2.erode(bare, np.ones((3, 3), np.uint8), iterations=max(1, round(0.02 * side)))
    carried = form + _carry(tone - form, blur(np.square(firm), 0.5), side)
    broad = carried + (blur(tone, 0.025 * side) - carried) * matte.skin
    light = np.exp(np.clip(broad, -1.5, 0.5)).astype(np.float32)

    lips = blur(polygon_mask(sitter.face[OUTER_LIPS], *luma.shape), 0.02 * side)
    brightest = max(float(np.percentile(luma, 97)), 1.4 * plain)
    exposure = float(np.clip(brightest / 0.7, 0.15, 1.0) ** 0.6)
    return Relief(normals, light, _carve(tone, matte, lips), exposure)


def _inward(plane: Floats, matte: Floats, sigma: float) -> Floats:
    """The plane with what lies beyond the head's rim replaced from inside: hair edges hold background."""
    firm = cv2.erode(matte, np.ones((3, 3), np.uint8), iterations=max(1, round(0.3 * sigma)))
    inside = step(0.6, 0.95, blur(np.asarray(firm, np.float32), 0.15 * sigma))
    total, weight = 1e-6 * plane, np.full_like(plane, 1e-6)
    for reach, share in ((0.25, 1.0), (1.0, 0.05), (4.0, 0.002)):
        total += share * blur(plane * inside, reach * sigma)
        weight += share * blur(inside, reach * sigma)
    filled = total / weight
    return np.asarray(filled + (plane - filled) * inside, np.float32)


def _carry(plane: Floats, weight: Floats, side: float) -> Floats:
    """The plane's values where ``weight`` is 1, carried on over the rest and fading to 0 far away.

    Normalised convolution (Knutsson and Westin 1993) over growing reaches.
    """
    total, norm = np.zeros_like(plane), np.full_like(plane, 1e-4)
    for reach, share in ((0.05, 1.0), (0.15, 0.08), (0.45, 0.01)):
        total += share * blur(plane * weight, reach * side)
        norm += share * blur(weight, reach * side)
    return np.asarray(total / norm, np.float32)


def _carve(tone: Floats, matte: HeadMatte, lips: Floats) -> Floats:
    """Fine differences: as they are on skin, evened in strength and drawn out into locks in hair."""
    side = matte.side
    inside = np.maximum(matte.head, 1e-3)

    def mean(plane: Floats, sigma: float) -> Floats:
        return np.asarray(blur(plane * inside, sigma) / blur(inside, sigma), np.float32)

    calm = blur(tone, 0.010 * side)
    skin = np.tanh(2.4 * (calm - mean(calm, 0.055 * side)))

    tx, ty, _ = tangent_flow(np.ascontiguousarray(40 * calm), sigma=0.035 * side)
    drawn = along(calm, tx, ty, 0.07 * side)
    coarse = drawn - mean(drawn, 0.10 * side)
    locks = np.tanh(1.1 * coarse / (0.06 + np.sqrt(mean(np.square(coarse), 0.16 * side))))

    # Brows and beard are low relief on the face, not dark bands: hardly any difference to the skin.
    small = calm - mean(calm, 0.030 * side)
    tufts = np.tanh(0.7 * small / (0.05 + np.sqrt(mean(np.square(small), 0.08 * side))))
    hair = locks + (tufts - locks) * blur(matte.face, 0.02 * side)
    return np.asarray(hair + (skin - hair) * np.maximum(matte.skin, 0.8 * lips), np.float32)


def _fit_lamp(basis: Floats, brightness: Floats) -> Floats:
    """Lambert's law with ambient and one distant light (Ramamoorthi and Hanrahan 2001, first order), fitted
    by ridge regression towards a usual light: a flatly lit or half hidden face says little."""
    weight = np.float32(0.06 * len(basis))
    normal = basis.T @ basis + weight * np.eye(4, dtype=np.float32)
    return np.asarray(np.linalg.solve(normal, basis.T @ brightness + weight * _LAMP), np.float32)
