"""Other skin for the same face: a folder of portraits is never balanced, and a student falls behind on
whomever it has seen least.

Melanin takes light away, most of it at the blue end (Jacques, "Optical properties of biological tissues",
2013: absorption falls as wavelength to the -3.5, which dermal blood and scatter flatten for a camera's
broad channels), while what the surface reflects stays. So the skin's diffuse light is weakened channel by
channel in linear light, and part of the highlights is kept, which is why dark skin looks glossier.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.distill.teachers.head.uv import EYES, FACE_OVAL, INNER_LIPS, polygon_mask
from effectcam.distill.tones import TONES, tone
from effectcam.errors import UsageError
from effectcam.frame import Pixels

Floats = NDArray[np.float32]

_ABSORPTION = np.array([1.0, 1.32, 1.55], np.float32)
"""Red, green, blue, relative to red."""
_CHEEKS = (50, 101, 280, 330, 117, 346, 205, 425)


def darken_skin(image: Pixels, landmarks: Floats, melanin: float) -> Pixels:
    """The same picture with darker skin: (H, W, 3) RGB uint8 in, new memory out.

    ``landmarks`` (478, 3) in pixels. ``melanin`` 0 leaves the picture alone, 0.5 takes light skin to tan,
    1 to brown, 1.8 to dark. Hair, eyes, teeth and what does not look like the cheeks stay as they are.
    Raises UsageError below 0, since skin made lighter would be made of noise.
    """
    if melanin < 0:
        raise UsageError(f"melanin is {melanin}: give 0 (unchanged) or more")
    linear = _to_linear(image)
    share = _skin(image, landmarks)[:, :, None]
    luma = linear @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    usual = float(np.percentile(luma[share[:, :, 0] > 0.7], 70)) if (share > 0.7).any() else 1.0
    gloss = np.maximum(luma - usual, 0)[:, :, None] * np.float32(0.3)
    gain = np.exp(-np.float32(melanin) * _ABSORPTION)
    dark = linear * gain + gloss * (1 - gain)
    return _to_encoded(linear + (dark - linear) * share)


def darken_into_last_band(image: Pixels, landmarks: Floats) -> Pixels:
    """The same picture with skin dark enough for the last of ``TONES``, and no darker."""
    for melanin in np.arange(0.0, 3.0, 0.1):
        darker = darken_skin(image, landmarks, float(melanin))
        if tone(darker, landmarks) == TONES[-1]:
            break
    return darker


def _skin(image: Pixels, landmarks: Floats) -> Floats:
    """How sure a pixel is this person's skin, 0 to 1, (H, W)."""
    height, width = image.shape[:2]
    oval = landmarks[FACE_OVAL, :2]
    centre = oval.mean(axis=0)
    extent = float(np.ptp(oval[:, 0]))
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    lab = cv2.GaussianBlur(lab, (0, 0), max(1.0, extent * 0.008))
    at = np.clip(np.rint(landmarks[list(_CHEEKS), :2]), 0, [width - 1, height - 1]).astype(int)
    usual = np.median(lab[at[:, 1], at[:, 0]], axis=0)
    # Shade changes lightness far more than hue.
    away = ((lab - usual) / np.array([38, 11, 14], np.float32)) ** 2
    alike = np.exp(-np.clip(away.sum(axis=2) - 1, 0, None))
    # Ears and neck count where they look alike; beyond them begin walls of the skin's colour.
    reach = polygon_mask((oval - centre) * np.array([1.35, 1.6], np.float32) + centre, height, width)
    inside = polygon_mask(oval, height, width)
    share = reach * np.maximum(alike, inside * np.sqrt(alike))
    for opening in (*EYES, INNER_LIPS):
        share = share * (1 - polygon_mask(landmarks[opening], height, width))
    return np.asarray(cv2.GaussianBlur(share, (0, 0), max(0.8, extent * 0.006)), np.float32)


def _to_linear(image: Pixels) -> Floats:
    encoded = image.astype(np.float32) / np.float32(255)
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )


def _to_encoded(linear: Floats) -> Pixels:
    linear = np.clip(linear, 0, 1)
    encoded = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(encoded * 255), np.uint8)
