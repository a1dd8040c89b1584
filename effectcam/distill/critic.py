"""A critic that learns to tell the student's drawing from the teacher's, patch by patch (Isola et al. 2017),
with the hinge loss (Lim and Ye 2017) and spectral normalisation (Miyato et al. 2018)."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

LEARNS_FROM = 0.25
COUNTS_FROM = 0.35
COUNTS_FULLY_FROM = 0.5
"""Shares of the training. Before the first there is no critic at all, since a student that has not yet
found the colours is told apart by them; then it learns without being listened to, because an ignorant
critic points anywhere; then it gains weight slowly."""


class Critic(nn.Module):
    """How much each patch of a drawing looks like the teacher's, given the picture that was drawn:
    (N, 3, H, W) twice to (N, 1, H / 8, W / 8), a patch 38 pixels wide. Above 0 stands for the teacher."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 6
        for wider in (width, 2 * width, 4 * width):
            layers += [spectral_norm(nn.Conv2d(channels, wider, 4, 2, 1)), nn.LeakyReLU(0.2)]
            channels = wider
        self.layers = nn.Sequential(*layers, spectral_norm(nn.Conv2d(channels, 1, 3, 1, 1)))

    def forward(self, picture: Tensor, drawing: Tensor) -> Tensor:
        opinion: Tensor = self.layers(torch.cat((picture, drawing), dim=1) - 0.5)
        return opinion


class AdversarialLoss:
    """The critic, its own optimiser, and when it is listened to."""

    def __init__(self, *, rate: float = 1e-3, side: int = 128) -> None:
        """``rate`` is Adam's; ``side`` that of the window, the same for both drawings and elsewhere in
        each step, that the critic looks at: a quarter of a crop takes a quarter of the time."""
        self.critic = Critic().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimiser = torch.optim.Adam(self.critic.parameters(), lr=rate, betas=(0.0, 0.99))
        self.side = side
        self._seen: tuple[Tensor, Tensor, Tensor] | None = None

    def __call__(self, image: Tensor, drawn: Tensor, target: Tensor, *, progress: float) -> Tensor:
        """What the student is to lower, already weighed by ``progress``, 0 to 1 of the training."""
        self._seen = None
        if progress < LEARNS_FROM:
            return drawn.new_zeros(())
        image, drawn, target = self._windows(image, drawn, target)
        self._seen = image, drawn.detach(), target
        share = min(1.0, max(0.0, (progress - COUNTS_FROM) / (COUNTS_FULLY_FROM - COUNTS_FROM)))
        if not share:
            return drawn.new_zeros(())
        self.critic.requires_grad_(False)
        opinion = self.critic(image, drawn)
        self.critic.requires_grad_(True)
        told: Tensor = -share * opinion.mean()
        return told

    def learn(self) -> None:
        """One step of the critic's own, on what the student has just been told about."""
        if self._seen is None:
            return
        image, drawn, target = self._seen
        opinion = self.critic(torch.cat((image, image)), torch.cat((target, drawn)))
        true, false = opinion.chunk(2)
        loss = F.relu(1 - true).mean() + F.relu(1 + false).mean()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self._seen = None

    def _windows(self, *pictures: Tensor) -> list[Tensor]:
        height, width = (min(self.side, side) for side in pictures[0].shape[2:])
        top = int(torch.randint(pictures[0].shape[2] - height + 1, ()))
        left = int(torch.randint(pictures[0].shape[3] - width + 1, ()))
        return [picture[..., top : top + height, left : left + width] for picture in pictures]

    def state_dict(self) -> dict[str, Any]:
        return {"critic": self.critic.state_dict(), "optimiser": self.optimiser.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.critic.load_state_dict(state["critic"])
        self.optimiser.load_state_dict(state["optimiser"])
