"""A person's own skin in one picture: what is divided out before paint is laid on, and what is not skin.

The skin's own colour is taken as one luma; what deviates from it is the scene's light, so that paint looks
alike on everybody while light, creases and expression stay the picture's own.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.distill.teachers.head.brush import blur, step

Floats = NDArray[np.float32]

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue, ITU-R BT.601."""


class Complexion:
    """The person's own plain skin: its luma, its colours in light and shade, how alike others are."""

    def __init__(self, picture: Floats, bare: Floats, beyond: Floats, extent: float) -> None:
        self.picture, self.extent = picture, extent
        luma = picture @ LUMA
        sure = (bare > 0.5) & (luma > 0.05)
        if sure.sum() < 16:
            sure = np.ones_like(sure)
        self.luma = float(np.clip(np.percentile(luma[sure], 55), 0.04, 1.0))
        high = float(np.percentile(luma[sure], 95)) / self.luma - 1
        self.calm = float(np.clip(0.22 / max(high, 1e-3), 0.35, 1.0))
        low = float(np.percentile(luma[sure], 10)) / self.luma
        self.lift = float(np.clip(np.log(0.66) / np.log(np.clip(low, 0.02, 0.99)), 0.6, 1.0))
        # A dim room is told from dark skin by the brightest that the picture holds.
        brightest = max(float(np.percentile(luma, 97)), 1.4 * self.luma)
        room = np.clip(brightest / 0.65, 0.15, 1.0) ** 0.5
        self.exposure = float(room * np.clip(self.luma / 0.5, 0.3, 1.2) ** 0.15)
        self.features = _features(picture, extent)
        self.skin = _shades(self.features[sure], 5, drop=0.1)
        around = beyond > 0.5
        others = _shades(self.features[around], 6) if around.sum() > 60 else self.skin[:0]
        # A bald crown is more skin, not the other class: what resembles skin, or is as smooth, is pushed
        # away, by degrees, so that nothing flips from one frame to the next.
        self.others = others
        enough = 1.25 + 0.75 * (1 - step(0.25, 0.5, others[:, 3]))
        self.handicap = np.maximum(0, enough - _gaps(others, self.skin).min(axis=-1)) * 3
        # The side turned from the light lies deeper in the shade than any cheek: on along the same line.
        deeper = self.skin[0] + (self.skin[0] - self.skin[2]) * np.array([[0.8], [1.6]], np.float32)
        deeper[:, 3] = self.skin[:, 3].max()
        self.skin = np.concatenate([deeper, self.skin]).astype(np.float32)

    def light(self, crease: float, *, hidden: Floats | None = None, pores: Floats | float = 1.0) -> Floats:
        """What an albedo is multiplied by: the picture's own shading and the room's exposure, (H, W).

        ``crease`` deepens the picture's own folds: 0 leaves them, above 1.5 pores and noise turn into dirt.
        ``hidden`` (H, W), 0 to 1: features that the paint covers, such as brows, lit like the skin
        round them. ``pores``, a number or (H, W): 0 smooths fine texture away as thick make-up does,
        wrinkles and edges stay.
        """
        luma = self.picture @ LUMA
        if hidden is not None:
            luma = luma + (_filled(luma, hidden, self.extent) - luma) * hidden
        shading = luma / self.luma
        # Dark and glossy skin carries stronger relative highlights: a common spread keeps zombies alike.
        shading = np.where(shading > 1, 1 + (shading - 1) * self.calm, shading**self.lift).astype(np.float32)
        if np.min(pores) < 1:
            smooth = cv2.bilateralFilter(shading, -1, 0.13, max(1.0, self.extent * 0.009))
            shading = np.asarray(smooth + pores * (shading - smooth), np.float32)
        base = blur(shading, self.extent * 0.022)
        fold = shading - base
        shading = shading + crease * np.where(fold < 0, fold * 1.25, fold * 0.7)
        over = np.clip(shading - 1.15, 0, None)
        held = np.clip(shading, 0.02, 1.15) + 0.45 * over / (0.45 + over)
        return np.asarray(held * self.exposure, np.float32)

    def likeness(self) -> Floats:
        """1 on skin, 0 on hair, cloth and background; edges follow the picture's, (H, W)."""
        to_skin = _gaps(self.features, self.skin).min(axis=-1)
        alike = 1 - step(3.0, 5.0, to_skin)
        if len(self.others):
            to_others = (_gaps(self.features, self.others) + self.handicap).min(axis=-1)
            alike *= step(-0.5, 0.5, to_others - to_skin)
        smooth = cv2.medianBlur(np.round(alike * 255).astype(np.uint8), 5).astype(np.float32) / 255
        # Up to the first hairs: a strip of plain skin left along the hairline would look like a mask's edge.
        kernel = np.ones((3, 3), np.uint8)
        smooth = cv2.dilate(smooth, kernel, iterations=max(1, round(self.extent * 0.009)))
        radius = max(2, round(self.extent * 0.02))
        refined = cv2.ximgproc.guidedFilter(self.picture @ LUMA, smooth, radius, 1e-3)
        return step(0.15, 0.85, np.asarray(refined, np.float32))


def _filled(luma: Floats, hidden: Floats, extent: float) -> Floats:
    """What the light would be under ``hidden``, from around it, by normalized convolution (Knutsson and
    Westin, "Normalized and differential convolution", 1993): the narrowest reach that finds any."""
    seen = (1 - hidden) ** 2
    filled = np.full_like(luma, float((luma * seen).sum() / max(float(seen.sum()), 1e-3)))
    for reach in (0.08, 0.04, 0.02):
        weight = blur(seen, extent * reach)
        near = blur(luma * seen, extent * reach) / np.maximum(weight, 1e-3)
        filled = filled + (near - filled) * step(0.05, 0.35, weight)
    return np.asarray(filled, np.float32)


def _features(picture: Floats, extent: float) -> Floats:
    """Log luma, two log chroma ratios and the fine texture's strength, in steps that tell skin from hair."""
    logs = np.log(picture + np.float32(0.03))
    luma = np.log(picture @ LUMA + np.float32(0.03))
    soft = blur(luma, max(1.0, extent * 0.008))
    grain = np.sqrt(blur((luma - soft) ** 2, max(1.2, extent * 0.012)))
    warm, yellow = logs[..., 0] - logs[..., 1], logs[..., 1] - logs[..., 2]
    # A little blur of the colours: compression leaves them coarse.
    warm, yellow = blur(warm, 1.5), blur(yellow, 1.5)
    return np.stack([luma / 0.28, warm / 0.09, yellow / 0.11, np.minimum(grain, 0.3) / 0.06], axis=-1)


def _shades(features: Floats, count: int, *, drop: float = 0.0) -> Floats:
    """Typical features from the darkest part of a sample to its brightest, (count, 4).

    ``drop`` leaves out that share of the darkest: strands of hair among the skin.
    """
    ordered = features[np.argsort(features[:, 0], kind="stable")][int(drop * len(features)) :]
    return np.stack([np.median(part, axis=0) for part in np.array_split(ordered, count)])


def _gaps(features: Floats, shades: Floats) -> Floats:
    """Distance of each of the features (..., 4) to each of the shades (N, 4): (..., N)."""
    squares = (features**2).sum(axis=-1)[..., None] - 2 * features @ shades.T + (shades**2).sum(axis=-1)
    return np.asarray(np.sqrt(np.maximum(squares, 0)), np.float32)
