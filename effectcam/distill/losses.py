"""What the student is told it did wrong. All losses take batches (N, C, H, W), values about 0 to 1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from effectcam.errors import UsageError, nearest


@dataclass(frozen=True)
class Weights:
    """How much each term counts; 0 switches one off, which then takes no time either. The last five are
    off unless a recipe says so: `docs/authors.md` has what each bought when it was measured."""

    pixel: float = 1.0
    """L1 on the picture as seen: right colours, and blur wherever the student is unsure."""
    edge: float = 1.0
    """L1 on differences between neighbours: clean lines in the right place."""
    structure: float = 6.0
    """1 - SSIM at two scales, the perceptual term: local contrast, whatever the tone. The
    colours are in L1's hands whatever its weight."""
    alpha: float = 0.5
    """L1 on alpha, for RGBA students: where the drawing ends."""
    adaptive: float = 0.0
    """Robust loss with learnt shape and scale a band and colour (`adaptive`), beside or instead of
    ``pixel``: outliers that no student of this size can draw stop pulling. At 0.5 it begins about as
    steep as L1 at 1, and steepens as the errors shrink."""
    perceptual: float = 0.0
    """Distance of a fixed network's features (`perceptual`): what the drawing looks like to something
    that knows pictures. 0.2 or so; it makes a step a quarter longer."""
    critic: float = 0.0
    """What a critic of patches, trained along, takes for the student's hand (`critic`): texture and
    crisp lines where the other terms settle for the mean, and inventions. 0.1 or so."""
    shift: float = 0.0
    """That a picture a few pixels on is drawn the same, a few pixels on (`temporal`): no crawling.
    Half of each batch then shows the other half's pictures again."""
    flicker: float = 0.0
    """That from one frame to the next the drawing changes as much as the teacher's drawing, moved
    along, does (`temporal`)."""

    @classmethod
    def of(cls, table: Mapping[str, object]) -> Weights:
        """From a recipe's ``[students.SPACE.losses]``; what it leaves out keeps its default.

        Raises ValueError, in one line, for a name that is no loss and for a weight below 0 or above 100.
        """
        given: dict[str, float] = {}
        for name, weight in table.items():
            if name not in loss_names():
                raise ValueError(f"no loss {name!r}: {nearest(name, loss_names())}")
            if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight <= 100:
                raise ValueError(f"the loss {name!r} weighs {weight!r}: choose a number from 0 (off) to 100")
            given[name] = float(weight)
        weights = cls(**given)
        if not weights.on():
            raise ValueError("all losses are 0, which teaches nothing: leave one on")
        return weights

    def without(self, names: Iterable[str]) -> Weights:
        """The same with these switched off. Raises UsageError for an unknown one, and when none is left."""
        off = list(names)
        for name in off:
            if name not in loss_names():
                raise UsageError(f"no loss {name!r}: {nearest(name, loss_names())}")
        weights = replace(self, **dict.fromkeys(off, 0.0))
        if not weights.on():
            raise UsageError(f"without {', '.join(off)} no loss is left to learn from: leave one on")
        return weights

    def on(self) -> list[str]:
        """The losses that count."""
        return [name for name in loss_names() if getattr(self, name)]


def loss_names() -> list[str]:
    """Every loss that a recipe can weigh."""
    return [field.name for field in fields(Weights)]


def total(drawn: Tensor, target: Tensor, image: Tensor, weights: Weights) -> Tensor:
    """The loss of a drawing (N, 3 or 4, ...) against the teacher's, both over the same ``image``.

    An RGBA drawing is judged as it will be seen, laid over the picture by its alpha, and its colour
    also by itself where the teacher's alpha shows it, so that a timid alpha cannot hide bad colour.
    """
    # Pooling three channels is twice as fast when they are planes.
    drawn, target, image = drawn.contiguous(), target.contiguous(), image.contiguous()
    if drawn.shape[1] == 3:
        return pictures(drawn, target, weights)
    loss = pictures(as_seen(drawn, image), as_seen(target, image), weights)
    loss = loss + weights.alpha * F.l1_loss(drawn[:, 3:], target[:, 3:])
    inside = target[:, 3:]
    colour = ((drawn[:, :3] - target[:, :3]).abs() * inside).mean()
    return loss + 0.5 * weights.pixel * colour


def pictures(drawn: Tensor, target: Tensor, weights: Weights) -> Tensor:
    """The terms that all drawings share, RGB against RGB."""
    loss = drawn.new_zeros(())
    if weights.pixel:
        loss = loss + weights.pixel * F.l1_loss(drawn, target)
    if weights.edge:
        loss = loss + weights.edge * edges(drawn, target)
    if weights.structure:
        half = F.avg_pool2d(drawn, 2), F.avg_pool2d(target, 2)
        loss = loss + weights.structure * (0.6 * dissimilarity(drawn, target) + 0.4 * dissimilarity(*half))
    return loss


def edges(drawn: Tensor, target: Tensor) -> Tensor:
    """L1 between horizontal and vertical differences."""
    apart = drawn - target
    across, down = apart[..., 1:] - apart[..., :-1], apart[..., 1:, :] - apart[..., :-1, :]
    return across.abs().mean() + down.abs().mean()


def dissimilarity(drawn: Tensor, target: Tensor, *, window: int = 8) -> Tensor:
    """1 - SSIM (Wang et al. 2004) with a flat window every half window, mean over channels and places.
    Windows at every pixel would teach the same and take a third of a training step."""

    def mean(x: Tensor) -> Tensor:
        # A window is two by two of its quarters; so each pixel is added up once and not four times.
        return F.avg_pool2d(F.avg_pool2d(x, window // 2), 2, stride=1)

    mean_a, mean_b = mean(drawn), mean(target)
    variance_a = mean(drawn * drawn) - mean_a * mean_a
    variance_b = mean(target * target) - mean_b * mean_b
    covariance = mean(drawn * target) - mean_a * mean_b
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    contrast = (2 * covariance + c2) / (variance_a + variance_b + c2)
    return 1 - (luminance * contrast).mean()


def as_seen(drawing: Tensor, image: Tensor) -> Tensor:
    """What a viewer sees, (N, 3, H, W): a drawing with alpha laid over the picture, one without as it is."""
    if drawing.shape[1] == 3:
        return drawing
    alpha = drawing[:, 3:]
    return image + (drawing[:, :3] - image) * alpha


def psnr(drawn: Tensor, target: Tensor) -> float:
    """Peak signal to noise in dB, for the log."""
    return float(-10 * torch.log10(F.mse_loss(drawn.clamp(0, 1), target).clamp_min(1e-10)))
