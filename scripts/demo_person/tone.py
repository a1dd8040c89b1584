"""Brings skin from several pictures under one light."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.interpolate import RBFInterpolator

from .picture import Image, Points, blur, resize, smoothstep


def blend(base: Image, patch: Image, mask: Image, levels: int = 5) -> Image:
    """Multi-band blend (Burt and Adelson 1983): a wide seam for coarse tones, a narrow one for detail."""
    pyramid: list[Image] = []
    for _ in range(levels):
        size, up = (base.shape[1] // 2, base.shape[0] // 2), (base.shape[1], base.shape[0])
        small = [np.asarray(cv2.pyrDown(x, dstsize=size), np.float32) for x in (base, patch, mask)]
        rough = [np.asarray(cv2.pyrUp(x, dstsize=up), np.float32) for x in small[:2]]
        detail = base - rough[0]
        pyramid.append(detail + (patch - rough[1] - detail) * mask[..., None])
        base, patch, mask = small
    result = base + (patch - base) * mask[..., None]
    for band in reversed(pyramid):
        result = np.asarray(cv2.pyrUp(result, dstsize=(band.shape[1], band.shape[0])), np.float32) + band
    return np.asarray(np.clip(result, 0, 1), np.float32)


def match_tone(face: Image, base: Image, mask: Image) -> Image:
    """Give ``face`` the mean colour that ``base`` has under ``mask``, and a little more contrast."""
    weight = mask / mask.sum()
    out = np.empty_like(face)
    soft_face, soft_base = blur(face, 20), blur(base, 20)
    for c in range(3):
        mean_f, mean_b = float((soft_face[..., c] * weight).sum()), float((soft_base[..., c] * weight).sum())
        out[..., c] = (face[..., c] - mean_f) * 1.06 + mean_b
    return np.asarray(np.clip(out, 0, 1), np.float32)


def tint(colour: Image, sample: Image, where: Image) -> Image:
    """Give skin under ``where`` the hue of ``sample``, keeping its lightness."""
    hue = sample.reshape(-1, 3).mean(0)
    tinted = blur(colour, 1.5).mean(2, keepdims=True) * (hue / hue.mean())
    return np.asarray(colour + (tinted - colour) * (where * 0.85)[..., None], np.float32)


def even_neck(colour: Image, where: Image, chin: Image) -> Image:
    """Bring the neck to the chin's hue, shaded, and soften what the old light drew there."""
    target = chin.reshape(-1, 3).mean(0)
    soft = blur(colour, 7)
    luma = soft.mean(2, keepdims=True)
    level = 0.78 * target.mean() + 0.35 * (luma - float(luma[600:630, 300:360].mean()))
    warm = target / target.mean() * level + 0.5 * (colour - soft)
    bright = smoothstep(0.16, 0.34, blur(colour, 2)[..., 0])
    amount = blur(where, 6) * blur(bright, 2)
    return np.asarray(np.clip(colour + (warm - colour) * amount[..., None] * 0.85, 0, 1), np.float32)


def relight(image: Image, landmarks: Points, where: Image, strength: float = 0.12) -> Image:
    """Lambert shading from the mesh's own depth: a warm key light at the upper left, a shaded right cheek."""
    points = landmarks[:468]
    step = 8
    height, width = where.shape
    gx, gy = np.meshgrid(np.arange(0, width, step), np.arange(0, height, step))
    spline = RBFInterpolator(
        points[:, :2], points[:, 2], smoothing=30.0, kernel="thin_plate_spline", neighbors=90
    )
    depth = (
        spline(np.column_stack([gx.ravel(), gy.ravel()]).astype(float)).reshape(gx.shape).astype(np.float32)
    )
    depth = blur(depth, 2.0)
    slope_y, slope_x = np.gradient(depth, step)
    normal = np.stack([slope_x, slope_y, -np.ones_like(depth)], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    light = np.array([-0.55, -0.42, -0.72])
    shade = (normal @ (light / np.linalg.norm(light))).astype(np.float32)
    shade = blur(resize(shade, width, height, cv2.INTER_CUBIC), 6)
    middle = float((shade * where).sum() / where.sum())
    gain = 1 + strength * np.clip((shade - middle) * 2.2, -1, 1)[..., None] * np.array(
        [1.0, 0.93, 0.86], np.float32
    )
    return np.asarray(np.clip(image * (1 + (gain - 1) * where[..., None]), 0, 1), np.float32)
