"""Puts back what averaging takes away: pores, irises, light in the eyes, single hairs."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

from .matte import fill_outward
from .picture import Image, Points, blur, noise, polygon, rgb, smoothstep
from .regions import FACE_OVAL, LEFT_EYE, OUTER_LIPS, RIGHT_EYE


def finish(image: Image, alpha: Image, points: Points, *, seed: int = 11) -> tuple[Image, Image]:
    """Add skin texture, eyes and single hairs; ``points`` (478, 3) are the face's landmarks."""
    rng = np.random.default_rng(seed)
    skin = polygon(alpha.shape, points[list(FACE_OVAL)])
    for ring in (RIGHT_EYE, LEFT_EYE, OUTER_LIPS):
        skin *= 1 - polygon(alpha.shape, points[list(ring)])
    skin = blur(skin, 5) * smoothstep(0.35, 0.6, image[..., 0])
    pores = noise(rng, alpha.shape, 1.3)
    pores = pores - blur(pores, 3.5)
    blotch = noise(rng, alpha.shape, 9) * 9
    image = image + (pores * 0.048 * skin)[..., None] * np.array([0.9, 1.0, 1.0], np.float32)
    image = image + (blotch * 0.010 * skin)[..., None] * np.array([0.5, 1.0, 0.9], np.float32)
    for eye, iris in ((RIGHT_EYE, (468, 469, 470, 471, 472)), (LEFT_EYE, (473, 474, 475, 476, 477))):
        image = paint_eye(image, points[list(eye), :2], points[list(iris), :2])
    return flyaway(np.clip(image, 0, 1).astype(np.float32), alpha, rng)


def flyaway(image: Image, alpha: Image, rng: np.random.Generator, count: int = 260) -> tuple[Image, Image]:
    """Single hairs along the outline, which no matte of a small picture keeps."""
    height = alpha.shape[0]
    outlines, _ = cv2.findContours((alpha > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(outlines, key=len)[:, 0].astype(np.float64)
    outline = gaussian_filter1d(outline, 6, axis=0, mode="wrap")
    hairs = np.zeros(alpha.shape, np.uint8)
    for _ in range(count):
        start = int(rng.integers(len(outline)))
        length = int(rng.integers(50, 150))
        sign = 1 if rng.random() < 0.5 else -1
        path = outline[(start + sign * np.arange(length)) % len(outline)]
        if path[:, 1].max() > height * 0.84:
            continue
        along = np.gradient(path, axis=0)
        normal = np.column_stack([along[:, 1], -along[:, 0]]) / (
            np.linalg.norm(along, axis=1, keepdims=True) + 1e-6
        )
        probe = (path[0] + 8 * normal[0]).astype(int)
        if alpha[int(np.clip(probe[1], 0, height - 1)), probe[0]] > 0.5:
            normal = -normal
        t = np.linspace(0, 1, length)[:, None]
        lift = float(rng.uniform(2, 13)) * np.sin(np.pi * t * float(rng.uniform(0.5, 1.0))) - 3.0 * (1 - t)
        strand = ((path + normal * lift) * 16).round().astype(np.int32)
        cv2.polylines(hairs, [strand], False, (int(rng.integers(70, 190)),), 1, cv2.LINE_AA, 4)
    strands = blur(hairs.astype(np.float32) / 255, 0.6)
    near = fill_outward(image, (alpha > 0.9).astype(np.float32), 7)
    both = alpha + strands * (1 - alpha)
    share = (strands * (1 - alpha) / np.maximum(both, 1e-4))[..., None]
    return (image + (near * 1.15 - image) * share).clip(0, 1).astype(np.float32), both.astype(np.float32)


def paint_eye(image: Image, ring: Points, iris: Points) -> Image:
    """Colour the iris, deepen its rim and pupil, put one catchlight from the window at its upper left."""
    height, width = image.shape[:2]
    opening = blur(polygon(image.shape, ring), 1.5)
    centre = iris[0]
    radius = float(np.linalg.norm(iris[1:] - centre, axis=1).mean())
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    dx, dy = (x - centre[0]) / radius, (y - centre[1]) / radius
    r = np.sqrt(dx**2 + dy**2).astype(np.float32)
    angle = np.arctan2(dy, dx)
    fibre = 1 + 0.09 * np.sin(angle * 23 + 2 * np.sin(angle * 5)) * smoothstep(0.3, 0.6, r)
    tint = np.where((r < 0.62)[..., None], rgb(0.42, 0.29, 0.15), rgb(0.29, 0.29, 0.21))
    tint = blur(tint.astype(np.float32), 2.0) * fibre[..., None].astype(np.float32)
    # Lit from the upper left, an iris glows at the lower right.
    tint *= (0.85 + 0.45 * np.clip((dx + dy) * 0.6, -0.6, 1))[..., None].astype(np.float32)
    tint *= (1 - 0.55 * smoothstep(0.78, 1.0, r))[..., None]
    tint *= (1 - 0.93 * smoothstep(0.42, 0.33, r))[..., None]
    shade = smoothstep(-1.15, -0.25, dy.astype(np.float32)) * 0.6 + 0.4
    inside = smoothstep(1.05, 0.93, r) * opening
    white = opening * smoothstep(1.0, 1.12, r) * smoothstep(0.25, 0.5, image.mean(2))
    image = image * (1 + 0.10 * white[..., None])
    image = image + (tint * shade[..., None] - image) * (inside * 0.72)[..., None]
    window = smoothstep(
        0.20, 0.11, np.maximum(np.abs(dx + 0.30), np.abs(dy + 0.34) * 0.85).astype(np.float32)
    )
    window = blur(window, 1.0) * opening
    return np.asarray(image + (0.97 - image) * (window * 0.85)[..., None], np.float32)
