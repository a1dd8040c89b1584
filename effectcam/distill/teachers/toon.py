"""The toon look: flat cel shading, clean dark lines, vivid colour, bright eyes.

Soft-quantised shading follows H. Winnemöller, S. Olsen, B. Gooch, "Real-Time Video Abstraction" (SIGGRAPH
2006); the lines are those of :mod:`effectcam.distill.teachers.lines`. All steps depend on the picture
nearby and on one exposure for the whole, so that a small convolutional student can learn them, and two
noisy views of a scene give one drawing.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from effectcam.distill.teachers.lines import Plane, flow_lines
from effectcam.distill.teachers.toon_features import Features, Landmarks, Picture, blur, smooth_step
from effectcam.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Toon:
    """Redraws a picture as a cel of an animated film.

    Works on a face crop with landmarks (eyes, lips, brows and teeth are then drawn with care) and on a whole
    frame without them, in the same look. Nothing is moved: enlarge the eyes before, and
    warp the landmarks with them.

    line_width: strokes' width, relative to the picture's shorter side; 1 is about 1.7 px at 256. More is
        bolder and loses small features.
    flatness: 0 keeps the smooth shading, 1 leaves pure tone steps, whose edges are harder to learn and
        crawl in video.
    vividness: gain on pale colours; 0 leaves them pale, more than 1.5 makes skin look painted.
    ink: opacity of the lines, 0 to 1.
    """

    line_width: float = 1.0
    flatness: float = 0.85
    vividness: float = 1.0
    ink: float = 0.92

    def __call__(self, image: npt.NDArray[np.uint8], landmarks: Landmarks | None) -> npt.NDArray[np.uint8]:
        """Draw one picture.

        image: uint8 (H, W, 3), RGB, sides of at least 32 px; left as it is.
        landmarks: float32 (478, 2 or 3), x and y in pixels of this very picture (after any warp), or None.

        Returns uint8 (H, W, 3), RGB. Deterministic. Raises UsageError for another shape or type.
        """
        _check(image, landmarks)
        unit = min(image.shape[:2]) / 256
        lab = _balanced(image)
        calm = _calm(lab, unit)
        lines = _ink(calm, self.line_width * unit)
        flat = _cel(calm, unit, self.flatness)
        flat = _coloured(flat, self.vividness)
        if landmarks is not None:
            points = np.asarray(landmarks[:, :2], dtype=np.float32)
            flat, lines = Features(points, image.shape[0], image.shape[1]).draw(
                lab, flat, lines, self.line_width
            )
        return _inked(flat, lines * np.float32(self.ink))


def _check(image: npt.NDArray[np.uint8], landmarks: Landmarks | None) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or min(image.shape[:2]) < 32:
        raise UsageError(
            f"toon needs uint8 RGB (H, W, 3) of at least 32 px, not {image.dtype} {image.shape}; convert it"
        )
    if landmarks is not None and (landmarks.ndim != 2 or landmarks.shape[0] != 478 or landmarks.shape[1] < 2):
        raise UsageError(
            f"toon needs 478 landmarks, not {landmarks.shape}; turn on refined landmarks, or pass None"
        )
    if landmarks is not None and not np.isfinite(landmarks).all():
        raise UsageError(
            "toon needs finite landmarks, but some are NaN or infinite; pass None for a lost face"
        )


def _lab(rgb: Picture) -> Picture:
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB), dtype=np.float32)


def _balanced(image: npt.NDArray[np.uint8]) -> Picture:
    """Lab picture with the light's colour and the exposure put right.

    Both are judged by the highlights, never by the face: a dark-skinned person stays dark
    in a well-lit picture.
    """
    rgb = image.astype(np.float32) / 255
    small = np.asarray(cv2.resize(rgb, (64, 64), interpolation=cv2.INTER_AREA)).reshape(-1, 3)
    # Shades of grey (Finlayson and Trezzi 2004): the sixth norm leans on highlights. Strongly coloured pixels
    # (a green screen, a shirt) say nothing about the light.
    spread = small.max(axis=1) - small.min(axis=1)
    weight = np.clip(1.2 - spread / (small.max(axis=1) + 0.05) * 3.0, 0.02, 1)[:, None]
    light = ((small**6 * weight).sum(axis=0) / weight.sum()) ** (1 / 6) + 1e-3
    gain = np.clip((light.mean() / light) ** 0.4, 0.8, 1.25)
    # Light is warmer or colder far more often than it is green.
    gain[1] = gain[1] ** 0.5
    rgb = rgb * (gain / (gain @ np.array([0.3, 0.59, 0.11]))).astype(np.float32)
    lab = _lab(np.clip(rgb, 0, 1).astype(np.float32))
    lightness = lab[..., 0]
    top = float(np.percentile(lightness, 97))
    lightness *= np.float32(np.clip((88 / max(top, 1)) ** 0.7, 1.0, 1.7))
    # Scenes dim even in their lights are opened up; black stays black.
    middle = float(np.percentile(lightness, 75))
    gamma = float(np.clip(math.log(0.62) / math.log(min(max(middle, 20), 70) / 100), 0.8, 1.0))
    lab[..., 0] = 100 * np.clip(lightness / 100, 0, 1) ** np.float32(gamma)
    return lab


def _calm(lab: Picture, unit: float) -> Picture:
    """Grain, pores and weave removed, outlines kept."""
    out = np.asarray(cv2.GaussianBlur(lab, (0, 0), 0.55 * unit), dtype=np.float32)
    for _ in range(2):
        out = np.asarray(cv2.bilateralFilter(out, -1, 5.0, 2.0 * unit), dtype=np.float32)
    return out


def _ink(calm: Picture, width: float) -> Plane:
    return flow_lines(
        np.ascontiguousarray(calm[..., 0]), width=0.8 * width, length=4.0 * width, threshold=0.5, softness=0.9
    )


def _cel(calm: Picture, unit: float, flatness: float) -> Picture:
    """Few large tone shapes with soft edges."""
    broad = calm
    for _ in range(2):
        broad = np.asarray(cv2.bilateralFilter(broad, -1, 7.0, 4.0 * unit), dtype=np.float32)
    lightness = blur(np.ascontiguousarray(broad[..., 0]), 0.5 * unit)
    step = np.float32(13.0)
    level = (lightness - 4) / step
    nearest = np.round(level)
    # Winnemöller: a steep edge gets a sharp step, a slow gradient a soft one, which does not crawl.
    gx, gy = (cv2.Scharr(blur(lightness, 2.0 * unit), cv2.CV_32F, i, 1 - i, scale=1 / 32) for i in (1, 0))
    slope = np.clip(np.sqrt(gx * gx + gy * gy) * np.float32(unit) * 5, 6.0, 14.0)
    rest = level - nearest
    stepped = nearest + 0.5 * np.sign(rest) * (
        1 - np.tanh(slope * (0.5 - np.abs(rest))) / np.tanh(slope * 0.5)
    )
    flat = stepped * step + 4
    out = broad.copy()
    out[..., 0] = np.clip(lightness + np.float32(flatness) * (flat - lightness), 0, 100)
    return out


def _coloured(flat: Picture, vividness: float) -> Picture:
    """Vibrance, healthy skin, lifted lights and cool shadows."""
    out = flat.copy()
    lightness, a, b = out[..., 0], out[..., 1], out[..., 2]
    chroma = np.hypot(a, b)
    hue = np.arctan2(b, a)
    # Skin of every tone has its hue near 50 degrees of Lab; warm or dim light pushes it to orange and brown.
    skin = (
        np.exp(-0.5 * ((hue - 0.8) / 0.5) ** 2)
        * smooth_step(chroma, 3, 10)
        * (1 - smooth_step(chroma, 48, 70))
        * smooth_step(lightness, 12, 30)
    )
    hue = hue + skin * (0.3 * (np.float32(0.86) - hue) + 0.6 * (np.clip(hue, 0.76, 0.95) - hue))
    pale = smooth_step(chroma, 1, 9) * smooth_step(lightness, 8, 48) / (1 + (chroma / 45) ** 2)
    gain = 1 + np.float32(vividness) * (0.9 * pale * (1 - skin) + 0.25 * pale * skin)
    chroma = chroma * gain
    chroma = chroma - skin * np.maximum(chroma - 34, 0) * 0.5
    chroma = chroma + skin * np.maximum(29 - chroma, 0) * 0.55
    # Deep darks and an open middle, but lights that stop short of white, or fair skin has no colour left.
    t = lightness / 100
    lightness = 100 * (t + 0.9 * t * (1 - t) * (t - 0.28) / (0.5 + t))
    shade = 1 - smooth_step(lightness, 15, 60)
    out[..., 0] = np.clip(lightness, 0, 100)
    out[..., 1] = chroma * np.cos(hue) + 1.5 * shade * (1 - skin)
    out[..., 2] = chroma * np.sin(hue) - 3.5 * shade * (1 - 0.6 * skin)
    return out


def _inked(flat: Picture, lines: Plane) -> npt.NDArray[np.uint8]:
    """Lines in a very dark shade of what they cross: kinder than black, as in film."""
    keep = (1 - np.clip(lines, 0, 1))[..., None]
    dark = np.empty_like(flat)
    dark[..., 0] = 6 + 0.08 * flat[..., 0]
    dark[..., 1] = 0.25 * flat[..., 1] + 4
    dark[..., 2] = 0.2 * flat[..., 2] - 3
    mixed = np.asarray(flat * keep + dark * (1 - keep), dtype=np.float32)
    rgb = np.asarray(cv2.cvtColor(mixed, cv2.COLOR_LAB2RGB))
    return np.ascontiguousarray(np.clip(rgb * 255 + 0.5, 0, 255).astype(np.uint8))
