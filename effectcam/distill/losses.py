"""What the student is told it did wrong. All losses take batches (N, C, H, W), values about 0 to 1."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Weights:
    """How much each term counts; 0 switches one off, to see what it buys."""

    pixel: float = 1.0
    """L1 on the picture as seen: right colours, and blur wherever the student is unsure."""
    edge: float = 1.0
    """L1 on differences between neighbours: clean lines in the right place."""
    structure: float = 6.0
    """1 - SSIM at two scales, the perceptual term: local contrast, whatever the tone. The
    colours are in L1's hands whatever its weight."""
    alpha: float = 0.5
    """L1 on alpha, for RGBA students: where the drawing ends."""


def total(drawn: Tensor, target: Tensor, image: Tensor, weights: Weights) -> Tensor:
    """The loss of a drawing (N, 3 or 4, ...) against the teacher's, both over the same ``image``.

    An RGBA drawing is judged as it will be seen, laid over the picture by its alpha, and its colour
    also by itself where the teacher's alpha shows it, so that a timid alpha cannot hide bad colour.
    """
    # Pooling three channels is twice as fast when they are planes.
    drawn, target, image = drawn.contiguous(), target.contiguous(), image.contiguous()
    if drawn.shape[1] == 3:
        return pictures(drawn, target, weights)
    seen, shown = _over(drawn, image), _over(target, image)
    loss = pictures(seen, shown, weights)
    loss = loss + weights.alpha * F.l1_loss(drawn[:, 3:], target[:, 3:])
    inside = target[:, 3:]
    colour = ((drawn[:, :3] - target[:, :3]).abs() * inside).mean()
    return loss + 0.5 * weights.pixel * colour


def pictures(drawn: Tensor, target: Tensor, weights: Weights) -> Tensor:
    """The terms that all drawings share, RGB against RGB."""
    loss = weights.pixel * F.l1_loss(drawn, target) + weights.edge * edges(drawn, target)
    if weights.structure:
        half = F.avg_pool2d(drawn, 2), F.avg_pool2d(target, 2)
        loss = loss + weights.structure * (0.6 * dissimilarity(drawn, target) + 0.4 * dissimilarity(*half))
    return loss


def edges(drawn: Tensor, target: Tensor) -> Tensor:
    """L1 between horizontal and vertical differences."""
    across = (drawn[..., 1:] - drawn[..., :-1]) - (target[..., 1:] - target[..., :-1])
    down = (drawn[..., 1:, :] - drawn[..., :-1, :]) - (target[..., 1:, :] - target[..., :-1, :])
    return across.abs().mean() + down.abs().mean()


def dissimilarity(drawn: Tensor, target: Tensor, *, window: int = 8) -> Tensor:
    """1 - SSIM (Wang et al. 2004) with a flat window every half window, mean over channels and places.
    Windows at every pixel would teach the same and take a third of a training step."""

    def mean(x: Tensor) -> Tensor:
        return F.avg_pool2d(x, window, stride=window // 2)

    mean_a, mean_b = mean(drawn), mean(target)
    variance_a = mean(drawn * drawn) - mean_a * mean_a
    variance_b = mean(target * target) - mean_b * mean_b
    covariance = mean(drawn * target) - mean_a * mean_b
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    contrast = (2 * covariance + c2) / (variance_a + variance_b + c2)
    return 1 - (luminance * contrast).mean()


def _over(drawing: Tensor, image: Tensor) -> Tensor:
    alpha = drawing[:, 3:]
    return image + (drawing[:, :3] - image) * alpha


def psnr(drawn: Tensor, target: Tensor) -> float:
    """Peak signal to noise in dB, for the log."""
    return float(-10 * torch.log10(F.mse_loss(drawn.clamp(0, 1), target).clamp_min(1e-10)))
