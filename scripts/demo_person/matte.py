"""Cut the person out of a portrait: alpha fine enough for hair, and colours freed of the old background."""

from __future__ import annotations

import mediapipe as mp
import numpy as np

from .picture import Image, blur, grow, shrink


def rough_mask(image: Image) -> Image:
    """Selfie segmentation of an RGB float picture: (H, W) in [0, 1], soft and some pixels too wide."""
    with mp.solutions.selfie_segmentation.SelfieSegmentation(model_selection=0) as segmentation:
        found = segmentation.process(np.ascontiguousarray((image * 255).round().astype(np.uint8)))
    return np.asarray(found.segmentation_mask, np.float32)


def fill_outward(image: Image, known: Image, sigma: float) -> Image:
    """Spread the colours of ``known`` (H, W, 0 or 1) pixels over the others, about ``sigma`` pixels far."""
    total = blur(image * known[..., None], sigma)
    weight = blur(known, sigma)
    far = blur(image * known[..., None], sigma * 4)
    far_weight = blur(known, sigma * 4)
    filled = (total + 0.01 * far) / np.maximum(weight + 0.01 * far_weight, 1e-6)[..., None]
    return np.asarray(filled, np.float32)


def cut_out(image: Image, *, band: int = 19, depth: int = 49) -> tuple[Image, Image]:
    """Foreground colours (H, W, 3) and alpha (H, W) of a person before a plain, smooth, brighter background.

    From ``band`` / 2 pixels outside the rough silhouette to ``depth`` / 2 inside it, alpha is the place of
    the pixel's colour on the line from the background's colour there to the hair's. A wider band finds stray
    hairs, and specks of the backdrop; more depth finds gaps between locks, but eats into bright skin.
    """
    rough = rough_mask(image)
    inside = shrink((rough > 0.6).astype(np.float32), depth)
    outside = 1 - grow((rough > 0.3).astype(np.float32), band)
    return key(image, fit_backdrop(image, outside), inside, outside)


def key(
    image: Image, background: Image, inside: Image, outside: Image, *, reach: float = 9
) -> tuple[Image, Image]:
    """Colours and alpha between ``inside`` (alpha 1) and ``outside`` (alpha 0), both (H, W) of 0 and 1.

    The colour of the hair is taken from dark pixels inside, from about ``reach`` pixels away: farther evens
    out the locks, nearer leaves specks of the background in their gaps.
    """
    foreground = fill_outward(image, inside * (image.mean(2) < 0.45), reach)
    line = foreground - background
    alpha = ((image - background) * line).sum(2) / np.maximum((line**2).sum(2), 1e-4)
    alpha = np.clip((alpha - 0.08) / 0.72, 0, 1).astype(np.float32)
    alpha = np.where(inside > 0, 1, np.where(outside > 0, 0, alpha)).astype(np.float32)
    solved = background + (image - background) / np.maximum(alpha, 0.15)[..., None]
    solved = np.minimum(solved, foreground * 1.5 + 0.03)
    mix = alpha[..., None] ** 3
    mix = np.where(inside[..., None] > 0, 1, mix)
    solved = np.where(inside[..., None] > 0, image, solved)
    colour = np.clip(mix * np.clip(solved, 0, 1) + (1 - mix) * foreground, 0, 1)
    return colour.astype(np.float32), alpha


def fit_backdrop(image: Image, outside: Image) -> Image:
    """A smooth backdrop from its visible pixels: a cubic in x and y per channel, by least squares."""
    height, width = outside.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = x / width * 2 - 1, y / height * 2 - 1
    terms = np.stack([x**i * y**j for i in range(4) for j in range(4 - i)], axis=-1)
    chosen = outside > 0
    ridge = np.eye(terms.shape[-1]) * 1.0
    a = terms[chosen].astype(np.float64)
    solution = np.linalg.solve(a.T @ a + ridge, a.T @ image[chosen].astype(np.float64))
    return np.asarray(np.clip(terms @ solution, 0, 1), np.float32)
