"""What turns gradients into steps: Muon for the matrices that mix channels, AdamW for all else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


class Optimiser:
    """Both, with one learning rate.

    Most of a student's weights are matrices, the kernels of its 1 x 1 convolutions. What a few minutes teach
    is bounded by the number of steps, and Muon gets more out of each; `docs/authors.md` has how much.
    """

    def __init__(
        self,
        students: nn.Module,
        *,
        others: Iterable[nn.Parameter] = (),
        rate: float,
        decay: float,
        muon: float = 2.0,
    ) -> None:
        """``others``: learnt along, such as a loss's own numbers, without decay. ``muon``: how many times as
        long as AdamW's would be its steps are; 0 leaves the matrices to AdamW too."""
        self._longer = muon
        matrices = [weight for weight in students.parameters() if muon and _is_matrix(weight)]
        rest = [weight for weight in students.parameters() if not (muon and _is_matrix(weight))]
        groups: list[dict[str, Any]] = [{"params": rest}, {"params": list(others), "weight_decay": 0.0}]
        self._muon = Muon(matrices, rate=rate, decay=decay)
        self._adamw = torch.optim.AdamW(
            groups,
            lr=rate,
            weight_decay=decay,
            betas=(0.9, 0.98),
            fused=True,
        )

    def step(self, rate: float) -> None:
        """Take one step of learning rate ``rate`` along the gradients, and forget these."""
        for group in self._adamw.param_groups:
            group["lr"] = rate
        self._muon.rate = self._longer * rate
        for optimiser in (self._muon, self._adamw):
            optimiser.step()
            optimiser.zero_grad()

    def state_dict(self) -> dict[str, Any]:
        return {"muon": self._muon.state_dict(), "adamw": self._adamw.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._muon.load_state_dict(state["muon"])
        self._adamw.load_state_dict(state["adamw"])


class Muon:
    """Momentum made orthogonal: every direction of a matrix learns as fast as every other.

    Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024), with their five rounds of
    Newton and Schulz. Steps are scaled to AdamW's by 0.2 sqrt(longer side), Liu et al. (arXiv 2502.16982).
    Matrices of one shape go through together: one by one, as in PyTorch's own, they took a tenth of a
    training step.
    """

    ROUNDS = (3.4445, -4.7750, 2.0315)
    """Coefficients of each round's polynomial; five leave singular values between 0.7 and 1.2."""

    def __init__(
        self, matrices: Iterable[nn.Parameter], *, rate: float, decay: float, momentum: float = 0.95
    ) -> None:
        """``matrices``: kernels (rows, columns, 1, 1)."""
        self.rate = rate
        self._decay = decay
        self._momentum = momentum
        self._alike: dict[tuple[int, int], list[nn.Parameter]] = defaultdict(list)
        for matrix in matrices:
            self._alike[matrix.shape[0], matrix.shape[1]].append(matrix)
        self._averages = {shape: torch.zeros(len(group), *shape) for shape, group in self._alike.items()}

    @torch.no_grad()
    def step(self) -> None:
        """One step along the gradients; all matrices must have one."""
        for shape, group in self._alike.items():
            gradient = torch.stack([_gradient(matrix) for matrix in group])
            average = self._averages[shape].lerp_(gradient, 1 - self._momentum)
            # Nesterov's look ahead.
            ahead = gradient.lerp(average, self._momentum)
            change = orthogonal(ahead) * (0.2 * max(shape) ** 0.5)
            for matrix, own in zip(group, change, strict=True):
                matrix.mul_(1 - self.rate * self._decay).sub_(own.view_as(matrix), alpha=self.rate)

    def zero_grad(self) -> None:
        for group in self._alike.values():
            for matrix in group:
                matrix.grad = None

    def state_dict(self) -> dict[str, Any]:
        return {"averages": list(self._averages.values())}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for average, kept in zip(self._averages.values(), state["averages"], strict=True):
            average.copy_(kept)


def orthogonal(matrices: Tensor) -> Tensor:
    """(N, rows, columns) to the nearest with singular values about 1, in bfloat16's precision.

    >>> u, s, v = torch.linalg.svd(orthogonal(torch.diag(torch.tensor([5.0, 1.0, 0.1]))[None])[0])
    >>> bool((s > 0.6).all() and (s < 1.3).all())
    True
    """
    a, b, c = Muon.ROUNDS
    upright = matrices.shape[1] > matrices.shape[2]
    x = matrices.bfloat16()
    x = x.mT if upright else x
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp_min(1e-7)
    for _ in range(5):
        square = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return (x.mT if upright else x).float()


def _is_matrix(weight: nn.Parameter) -> bool:
    return weight.ndim == 4 and weight.shape[2:] == (1, 1) and min(weight.shape[:2]) >= 8


def _gradient(matrix: nn.Parameter) -> Tensor:
    assert matrix.grad is not None
    return matrix.grad.flatten(1)
