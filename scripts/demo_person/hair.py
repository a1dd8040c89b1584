"""The hair: one portrait bent to the average face, recoloured, its outline mended."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

from .picture import Image, Points, blur, grow, polygon, saturation, shrink, smoothstep
from .portrait import SIDE, Portrait, warp_to
from .regions import FACE_OVAL


def fit_hair(portrait: Portrait, shape: Points) -> Image:
    """Bend the hair portrait until its face has the average's outline, its borders held where they are."""
    edge = np.linspace(0, SIDE, 9)
    border = np.array([(x, y) for x in edge for y in edge if x in (0, SIDE) or y in (0, SIDE)])
    outline = portrait.landmarks[list(FACE_OVAL), :2]
    # Smoothed along the contour: neighbouring landmarks that disagree would put waves into the cheek.
    shift = gaussian_filter1d(shape[list(FACE_OVAL)] - outline, 3.0, axis=0, mode="wrap")
    source = np.vstack([outline, border])
    target = np.vstack([outline + shift, border])
    return warp_to(portrait.image, source, target, smoothing=50.0)


def face_mask(hair: Image, shape: Points) -> Image:
    """Where the average face replaces the hair portrait: inside the oval, but never over locks of hair."""
    centre = shape[list(FACE_OVAL)].mean(0)
    oval = centre + (shape[list(FACE_OVAL)] - centre) * 0.965
    mask = polygon(hair.shape, oval)
    inner = shrink(mask, 51)
    # Lit locks on the left are as bright as the shaded cheek on the right: the limit between them slides.
    lit = smoothstep(300, 210, np.arange(SIDE, dtype=np.float32))[None]
    red = blur(hair[..., 0], 2.5)
    skin = smoothstep(0.0, 1.0, (red - (0.26 + 0.14 * lit)) / (0.16 + 0.06 * lit))
    skin = shrink(skin, 5)
    return blur(np.maximum(inner, mask * skin).astype(np.float32), 5.0)


def clear_gaps(alpha: Image, bent: Image, mask: Image) -> Image:
    """Take the backdrop, bright and grey, out of gaps between locks too far inside for the matte."""
    pale = smoothstep(0.46, 0.60, bent.mean(2)) * smoothstep(0.22, 0.14, saturation(bent))
    pale[:, : SIDE * 4 // 5] = 0  # lit locks on the other side come near it
    return np.asarray(alpha * (1 - blur(grow(pale, 5), 1.0) * (mask < 0.01)), np.float32)


def tidy_silhouette(alpha: Image) -> Image:
    """Mend two places of this portrait: the crown its frame cuts off, a stray loop at the lower right."""
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    trimmed = blur(grow(shrink(alpha, 45), 45), 1.2)
    lower_right = smoothstep(530, 545, x) * smoothstep(365, 395, y) * smoothstep(590, 570, y)
    alpha = alpha + (trimmed - alpha) * lower_right
    wide_brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (121, 9))
    padded = np.pad(alpha, ((12, 0), (0, 0)))
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, wide_brush)[12:]
    crown = smoothstep(46, 20, y) * smoothstep(250, 280, x) * smoothstep(430, 400, x)
    alpha = alpha + (closed - alpha) * crown
    away = np.abs(x - 345)
    dome = 1.5 + 0.0026 * away**2 * smoothstep(95, 50, away) + 0.7 * np.sin(x / 3.1) + 0.6 * np.sin(x / 7.7)
    return np.asarray(alpha * np.where(away < 95, smoothstep(-1.5, 2.0, y - dome), 1), np.float32)


def recolour_hair(image: Image, amount: Image) -> Image:
    """Dark brown becomes chestnut: luma through a three-stop ramp, mixed in by ``amount``."""
    luma = image @ np.array([0.299, 0.587, 0.114], np.float32)
    stops = np.array([0.0, 0.12, 0.3, 0.55, 1.0])
    ramp = np.array(
        [[0.035, 0.02, 0.018], [0.165, 0.092, 0.065], [0.40, 0.255, 0.175], [0.70, 0.52, 0.39], [1, 0.9, 0.8]]
    )
    new = np.stack([np.interp(luma, stops, ramp[:, c]) for c in range(3)], axis=-1).astype(np.float32)
    return (image + (new - image) * amount[..., None] * 0.9).astype(np.float32)
