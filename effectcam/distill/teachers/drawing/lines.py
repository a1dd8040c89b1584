"""Ink lines by a flow-guided difference of Gaussians.

After H. Kang, S. Lee, C. Chui, "Coherent Line Drawing" (NPAR 2007), with the edge tangent flow taken from
the smoothed structure tensor as in J. E. Kyprianidis and J. Döllner, "Image Abstraction by Structure
Adaptive Filtering" (TPCG 2008), and a soft threshold in the spirit of H. Winnemöller, J. E. Kyprianidis and
S. Olsen, "XDoG: An eXtended Difference-of-Gaussians Compendium" (Computers & Graphics 2012).
"""

import math

import cv2
import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.float32]

# Kang's surround is 1.6 times as wide as the centre: the classic approximation of a Laplacian.
_SURROUND = 1.6


def tangent_flow(lightness: Plane, /, *, sigma: float) -> tuple[Plane, Plane, Plane]:
    """Directions along the edges of a picture, and how far they can be trusted.

    lightness: float32 (H, W), 0 to 100.
    sigma: reach in pixels over which neighbours agree on a direction; more gives longer and calmer
        strokes, and rounds corners.

    Returns (x, y, coherence), each float32 (H, W): the unit tangent in pixels, and a coherence of 0 (texture,
    flat) to 1 (a clean edge).
    """
    gx = cv2.Scharr(lightness, cv2.CV_32F, 1, 0, scale=1 / 32)
    gy = cv2.Scharr(lightness, cv2.CV_32F, 0, 1, scale=1 / 32)
    e, f, g = (cv2.GaussianBlur(p, (0, 0), sigma) for p in (gx * gx, gx * gy, gy * gy))
    angle = 0.5 * np.arctan2(2 * f, e - g) + np.float32(math.pi / 2)
    spread = np.sqrt((e - g) ** 2 + 4 * f * f)
    # The constant is the squared gradient, in lightness a pixel, below which a direction is mere noise.
    coherence = spread / (e + g + 0.3)
    return np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32), coherence.astype(np.float32)


def flow_lines(
    lightness: Plane,
    /,
    *,
    width: float,
    length: float = 4.0,
    threshold: float = 1.0,
    softness: float = 1.0,
) -> Plane:
    """Dark strokes along the edges and creases of a picture.

    lightness: float32 (H, W), 0 to 100; denoise it first, for what is in it is drawn.
    width: standard deviation of the centre Gaussian in pixels; a stroke is about three times as wide.
    length: standard deviation, in pixels, of the smoothing along the flow; more joins dashes and drops dots.
    threshold: difference of Gaussians, in lightness, from which ink starts; less draws fainter edges, and
        blur and grain.
    softness: further difference over which ink goes from none to full; small is crisp and flickers, large
        is pencil.

    Returns the ink, float32 (H, W), 0 (none) to 1 (full).
    """
    tx, ty, coherence = tangent_flow(lightness, sigma=2.2 * width)
    # Texture (gravel, knitwear, leaves) has no common direction over a wider reach: it is left undrawn.
    _, _, wide = tangent_flow(lightness, sigma=5.0 * width)
    response = (
        _across(lightness, tx, ty, width) * np.clip(coherence * 1.5, 0, 1) * np.clip(wide * 3.0 - 0.1, 0, 1)
    )
    response = along(response, tx, ty, length)
    ink = np.clip((-response - threshold) / softness, 0, 1)
    return (ink * ink * (3 - 2 * ink)).astype(np.float32)


def _across(plane: Plane, tx: Plane, ty: Plane, sigma: float) -> Plane:
    """Difference of Gaussians along the gradient, in one dimension; nought on flat ground."""
    reach = math.ceil(2.2 * sigma * _SURROUND)
    offsets = np.arange(-reach, reach + 1)
    centre = np.exp(-0.5 * (offsets / sigma) ** 2)
    surround = np.exp(-0.5 * (offsets / (sigma * _SURROUND)) ** 2)
    weights = centre / centre.sum() - surround / surround.sum()
    x, y = _grid(plane)
    total = np.zeros_like(plane)
    for offset, weight in zip(offsets, weights, strict=True):
        # The normal of the tangent (tx, ty) is (-ty, tx).
        total += np.float32(weight) * _sample(plane, x - float(offset) * ty, y + float(offset) * tx)
    return total


def along(plane: Plane, tx: Plane, ty: Plane, sigma: float) -> Plane:
    """Gaussian smoothing along the flow's curves."""
    steps = math.ceil(2.0 * sigma)
    total, norm = plane.copy(), 1.0
    start_x, start_y = _grid(plane)
    weights = [math.exp(-0.5 * (step / sigma) ** 2) for step in range(1, steps + 1)]
    for sign in (1.0, -1.0):
        x, y = start_x.copy(), start_y.copy()
        dx, dy = sign * tx, sign * ty
        for weight in weights:
            x += dx
            y += dy
            total += np.float32(weight) * _sample(plane, x, y)
            nx, ny = _sample(tx, x, y, cv2.INTER_NEAREST), _sample(ty, x, y, cv2.INTER_NEAREST)
            # A tangent has no sign of its own: keep walking the way we came.
            same = np.where(nx * dx + ny * dy < 0, np.float32(-1), np.float32(1))
            dx, dy = nx * same, ny * same
            norm += weight
    return (total / np.float32(norm)).astype(np.float32)


def _grid(plane: Plane) -> tuple[Plane, Plane]:
    height, width = plane.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return x, y


def _sample(plane: Plane, x: Plane, y: Plane, interpolation: int = cv2.INTER_LINEAR) -> Plane:
    sampled = cv2.remap(plane, x, y, interpolation, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(sampled, dtype=np.float32)
