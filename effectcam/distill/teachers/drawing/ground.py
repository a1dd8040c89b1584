"""What every drawn look starts from: a checked picture, its light put right, its grain removed."""

import math

import cv2
import numpy as np
import numpy.typing as npt

from effectcam.distill.teachers.head.face_parts import Landmarks, Picture
from effectcam.errors import UsageError

Pixels = npt.NDArray[np.uint8]


def check(image: Pixels, landmarks: Landmarks | None, /, *, look: str) -> None:
    """Raises UsageError, in the name of ``look``, unless image is uint8 (H, W, 3) of at least 32 px and
    landmarks are None or finite and float32 (478, 2 or 3)."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or min(image.shape[:2]) < 32:
        raise UsageError(
            f"{look} needs uint8 RGB (H, W, 3) of at least 32 px, not {image.dtype} {image.shape}; convert it"
        )
    if landmarks is not None and (landmarks.ndim != 2 or landmarks.shape[0] != 478 or landmarks.shape[1] < 2):
        raise UsageError(
            f"{look} needs 478 landmarks, not {landmarks.shape}; turn on refined landmarks, or pass None"
        )
    if landmarks is not None and not np.isfinite(landmarks).all():
        raise UsageError(
            f"{look} needs finite landmarks, but some are NaN or infinite; pass None for a lost face"
        )


def balanced(image: Pixels, /, *, share: float = 1.0) -> Picture:
    """Lab picture, float32 (H, W, 3), of an RGB one, with the light's colour and the exposure put right.

    Both are judged by the highlights, never by the face: a dark-skinned person stays dark
    in a well-lit picture. ``share``: how much of the correction is made; less keeps more of the evening's
    gloom and of the lamp's colour.
    """
    rgb = image.astype(np.float32) / 255
    small = np.asarray(cv2.resize(rgb, (64, 64), interpolation=cv2.INTER_AREA)).reshape(-1, 3)
    # Shades of grey (Finlayson and Trezzi 2004): the sixth norm leans on highlights. Strongly coloured pixels
    # (a green screen, a shirt) say nothing about the light.
    spread = small.max(axis=1) - small.min(axis=1)
    weight = np.clip(1.2 - spread / (small.max(axis=1) + 0.05) * 3.0, 0.02, 1)[:, None]
    light = ((small**6 * weight).sum(axis=0) / weight.sum()) ** (1 / 6) + 1e-3
    gain = np.clip((light.mean() / light) ** (0.4 * share), 0.8, 1.25)
    # Light is warmer or colder far more often than it is green.
    gain[1] = gain[1] ** 0.5
    rgb = rgb * (gain / (gain @ np.array([0.3, 0.59, 0.11]))).astype(np.float32)
    lab = np.asarray(cv2.cvtColor(np.clip(rgb, 0, 1).astype(np.float32), cv2.COLOR_RGB2LAB), dtype=np.float32)
    lightness = lab[..., 0]
    top = float(np.percentile(lightness, 97))
    lightness *= np.float32(np.clip((88 / max(top, 1)) ** 0.7, 1.0, 1.7) ** share)
    # Scenes dim even in their lights are opened up; black stays black.
    middle = float(np.percentile(lightness, 75))
    gamma = float(np.clip(math.log(0.62) / math.log(min(max(middle, 20), 70) / 100), 0.8, 1.0))
    lab[..., 0] = 100 * np.clip(lightness / 100, 0, 1) ** np.float32(gamma**share)
    return lab


def calm(lab: Picture, unit: float, /) -> Picture:
    """Grain, pores and weave removed, outlines kept; ``unit`` is the shorter side in units of 256 px."""
    out = np.asarray(cv2.GaussianBlur(lab, (0, 0), 0.55 * unit), dtype=np.float32)
    for _ in range(2):
        out = np.asarray(cv2.bilateralFilter(out, -1, 5.0, 2.0 * unit), dtype=np.float32)
    return out


def to_pixels(lab: Picture, /) -> Pixels:
    """RGB uint8 (H, W, 3) of a Lab picture."""
    rgb = np.asarray(cv2.cvtColor(np.asarray(lab, dtype=np.float32), cv2.COLOR_LAB2RGB))
    return np.ascontiguousarray(np.clip(rgb * 255 + 0.5, 0, 255).astype(np.uint8))
