"""Everything that a student is told in one step, and what has to be learnt along with it to tell it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from effectcam.distill import losses, temporal
from effectcam.distill.adaptive import AdaptiveLoss
from effectcam.distill.critic import AdversarialLoss
from effectcam.distill.perceptual import perceptual_loss
from effectcam.distill.temporal import Step


class Criterion:
    """The weighed sum of all losses that are on. Those that are off are neither made nor computed."""

    def __init__(self, weights: losses.Weights) -> None:
        self.weights = weights
        self.adaptive = AdaptiveLoss() if weights.adaptive else None
        self.perceptual = perceptual_loss() if weights.perceptual else None
        self.adversarial = AdversarialLoss() if weights.critic else None

    @property
    def pairs_of_frames(self) -> bool:
        """Whether batches must hold each picture twice: see `temporal`."""
        return bool(self.weights.shift or self.weights.flicker)

    @property
    def parameters(self) -> list[torch.nn.Parameter]:
        """What the student's optimiser learns beside the student."""
        return list(self.adaptive.parameters()) if self.adaptive else []

    def __call__(
        self, drawn: Tensor, target: Tensor, image: Tensor, steps: list[Step], *, progress: float
    ) -> Tensor:
        """The loss of a batch: ``drawn`` and ``target`` (N, 3 or 4, H, W), ``image`` (N, 3, H, W).

        ``steps`` lead from the first half of the batch to the second, where `pairs_of_frames` asks for
        it; ``progress`` is 0 to 1 of the training.
        """
        weights = self.weights
        loss = losses.total(drawn, target, image, weights)
        if self.adaptive or self.perceptual or self.adversarial:
            shown, wanted = losses.as_seen(drawn, image), losses.as_seen(target, image)
            if self.adaptive:
                loss = loss + weights.adaptive * self.adaptive(shown, wanted)
            if self.perceptual:
                loss = loss + weights.perceptual * self.perceptual(shown, wanted)
            if self.adversarial:
                loss = loss + weights.critic * self.adversarial(image, shown, wanted, progress=progress)
        if weights.shift:
            loss = loss + weights.shift * temporal.unsteadiness(drawn, steps)
        if weights.flicker:
            loss = loss + weights.flicker * temporal.flicker(drawn, target)
        return loss

    def learn(self) -> None:
        """After the student's step: the critic's own."""
        if self.adversarial:
            self.adversarial.learn()

    def identity(self) -> dict[str, Any]:
        """What the losses are, to be compared with a checkpoint's."""
        return asdict(self.weights) | {"features": self.perceptual.name if self.perceptual else ""}

    def state_dict(self) -> dict[str, Any]:
        return {
            "adaptive": self.adaptive.state_dict() if self.adaptive else {},
            "adversarial": self.adversarial.state_dict() if self.adversarial else {},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if self.adaptive:
            self.adaptive.load_state_dict(state["adaptive"])
        if self.adversarial:
            self.adversarial.load_state_dict(state["adversarial"])
