"""A robust loss that finds out by itself how robust to be (Barron, "A General and Adaptive Robust Loss
Function", CVPR 2019, arXiv 1701.03077)."""

from __future__ import annotations

import functools
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

BANDS = 4
"""Sizes at which errors are looked at: details of 1, 2 and 4 pixels, and all that is coarser."""

_SHAPES = (0.001, 1.999)
"""Where shapes may go: those from 0 to 2 belong to a distribution whose integral is finite."""

# BT.601: lightness and two differences of colour, whose errors are less alike than red's and green's.
_TO_YUV = ((0.299, 0.587, 0.114), (-0.169, -0.331, 0.5), (0.5, -0.419, -0.081))


def robust(error: Tensor, shape: Tensor, scale: Tensor) -> Tensor:
    """The paper's equation 1: half the square near 0, in units of ``scale``, and beyond about one
    ``scale`` what ``shape`` (strictly between 0 and 2) says: near 2 the square goes on, at 1 it becomes
    a slope, at 0 a logarithm that hardly pulls at all."""
    away = 2 - shape
    return away / shape * (((error / scale) ** 2 / away + 1) ** (shape / 2) - 1)


def log_partition(shape: Tensor) -> Tensor:
    """The logarithm of the integral of exp(-robust(x, shape, 1)) over all x, which makes the loss a
    negative log-likelihood: without it every shape would go where the loss is flattest. Interpolated
    between integrals; the gradient goes back to ``shape``."""
    table = _partitions().to(shape.dtype)
    position = (shape - _SHAPES[0]) / (_SHAPES[1] - _SHAPES[0]) * (len(table) - 1)
    below = position.detach().floor().clamp(0, len(table) - 2).long()
    return table[below] + (table[below + 1] - table[below]) * (position - below)


@functools.lru_cache(maxsize=1)
def _partitions(nodes: int = 1024) -> Tensor:
    shapes = torch.linspace(*_SHAPES, nodes, dtype=torch.float64)[:, None]
    # x = tan(angle) brings the whole axis into a finite range, where even the logarithm's tail ends.
    angles = (torch.arange(4000, dtype=torch.float64) + 0.5) / 4000 * math.pi - math.pi / 2
    x = angles.tan()
    density = torch.exp(-robust(x, shapes, torch.ones(1, dtype=torch.float64))) * (1 + x * x)
    return (density.mean(dim=1) * math.pi).log()


class AdaptiveLoss(nn.Module):
    """The negative log-likelihood of the error, with a shape and a scale of its own for lightness and
    two colours at ``BANDS`` sizes. Both are learnt along with the student.

    The paper splits pictures into wavelets; these bands are plainer, each what averages over 2 x 2
    leave out, and do the same: fine errors are many and small, coarse ones few and heavy.
    """

    def __init__(self) -> None:
        super().__init__()
        # Shape 1 and a scale of 5 % of the range: where errors are after the first hundred steps.
        self.latent_shape = nn.Parameter(torch.zeros(BANDS, 3))
        self.log_scale = nn.Parameter(torch.full((BANDS, 3), math.log(0.05)))
        self.to_yuv: Tensor
        self.register_buffer("to_yuv", torch.tensor(_TO_YUV)[:, :, None, None], persistent=False)

    @property
    def shape(self) -> Tensor:
        """(BANDS, 3), each within 0 to 2."""
        return _SHAPES[0] + (_SHAPES[1] - _SHAPES[0]) * torch.sigmoid(self.latent_shape)

    @property
    def scale(self) -> Tensor:
        """(BANDS, 3), in units of the picture's range. Never below half a step of 8 bits, under which
        there is nothing to gain and the loss would only steepen."""
        return self.log_scale.exp() + 0.5 / 255

    def forward(self, drawn: Tensor, target: Tensor) -> Tensor:
        """A number that falls below 0 as errors shrink. Pictures (N, 3, H, W) with sides that 8 divides."""
        error = F.conv2d(drawn - target, self.to_yuv)
        shapes, scales, partitions = self.shape, self.scale, log_partition(self.shape)
        loss = (scales.log() + partitions).mean()
        for band in range(BANDS):
            if band < BANDS - 1:
                coarse = F.avg_pool2d(error, 2)
                seen, error = error - F.interpolate(coarse, scale_factor=2.0), coarse
            else:
                seen = error
            loss = (
                loss + robust(seen, shapes[band, :, None, None], scales[band, :, None, None]).mean() / BANDS
            )
        return loss
