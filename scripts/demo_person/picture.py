"""Small typed operations on float pictures, shared by every stage."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]  # RGB (H, W, 3) or one channel (H, W), 0 to 1
Points = NDArray[np.float64]  # (N, 2) or (N, 3), pixels


def rgb(red: float, green: float, blue: float) -> Image:
    """One colour that broadcasts over pictures."""
    return np.array([red, green, blue], np.float32)


def blur(image: Image, sigma: float) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.float32)


def polygon(shape: tuple[int, ...], corners: Points) -> Image:
    """1 inside the polygon (N, 2), 0 outside, over the first two axes of ``shape``."""
    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(mask, [corners[:, :2].round().astype(np.int32)], (1,))
    return mask.astype(np.float32)


def grow(mask: Image, side: int) -> Image:
    """Widen what is bright by a round brush ``side`` pixels across."""
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return np.asarray(cv2.dilate(mask, brush), np.float32)


def shrink(mask: Image, side: int) -> Image:
    """Narrow what is bright by a round brush ``side`` pixels across."""
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return np.asarray(cv2.erode(mask, brush), np.float32)


def resize(image: Image, width: int, height: int, interpolation: int = cv2.INTER_LINEAR) -> Image:
    return np.asarray(cv2.resize(image, (width, height), interpolation=interpolation), np.float32)


def sample(image: Image, x: Image, y: Image, interpolation: int = cv2.INTER_LINEAR) -> Image:
    """The picture read at fractional pixel positions; beyond its borders, the nearest border pixel."""
    return np.asarray(cv2.remap(image, x, y, interpolation, borderMode=cv2.BORDER_REPLICATE), np.float32)


def smoothstep(low: float, high: float, value: NDArray[np.float32]) -> Image:
    """0 below ``low``, 1 above ``high``, a cubic between; ``low`` above ``high`` falls instead of rising."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def saturation(image: Image) -> Image:
    return np.asarray(image.max(2) - image.min(2), np.float32)


def noise(rng: np.random.Generator, shape: tuple[int, ...], sigma: float) -> Image:
    """White noise blurred by ``sigma`` pixels."""
    return blur(rng.standard_normal(shape[:2]).astype(np.float32), sigma)
