"""Steadiness: the same picture a little further on must be drawn the same, a little further on.

Half of a batch shows the other half's pictures once more, moved by whole pixels and with a camera's
noise of its own, as the next frame of a clip would. The teacher is not asked again: its one drawing
moves along with the picture, steadier than the teacher itself may be.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from effectcam.distill.augment import Augmentation, Geometry, NoAugmentation

FARTHEST = 6
"""Pixels of the crop between two frames, each way, both axes. The crop follows the head, so what is left
of its motion within a frame's time is hardly more."""

NEXT_FRAME: Augmentation = NoAugmentation(noise_share=1.0, read_noise=(0.5, 3.0), shot_noise=(0.0, 0.2))
"""What sets the next frame's picture apart where nothing moves."""


@dataclass(frozen=True)
class Step:
    """From a frame to the next, in whole pixels right and down: the content moves, not the window."""

    right: int
    down: int

    @classmethod
    def random(cls, rng: np.random.Generator) -> Step:
        right, down = rng.integers(-FARTHEST, FARTHEST + 1, 2)
        return cls(int(right), int(down))

    def frames(
        self, geometry: Geometry, picture: NDArray[np.uint8]
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """``picture`` as ``geometry`` shows it, and the same moved on. Both are cut out of one wider
        picture, so that they differ by the step and by nothing else, as no two warps would."""
        affine = geometry.affine.copy()
        affine[:, 2] += FARTHEST
        side, top, left = geometry.side, FARTHEST - self.down, FARTHEST - self.right
        wider = side + 2 * FARTHEST
        turn = geometry.turn[0] * side / wider, geometry.turn[1] * side / wider
        wide = replace(geometry, affine=affine, side=wider, turn=turn).apply(picture)
        return (
            wide[FARTHEST : FARTHEST + side, FARTHEST : FARTHEST + side],
            wide[top : top + side, left : left + side],
        )

    def turned_over(self) -> Step:
        """The same for pictures with rows and columns exchanged."""
        return Step(self.down, self.right)

    def overlap(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        """The parts of two frames (..., H, W) that show the same."""
        height, width = first.shape[-2:]
        top, left = max(0, self.down), max(0, self.right)
        bottom, end = height + min(0, self.down), width + min(0, self.right)
        return (
            first[..., top - self.down : bottom - self.down, left - self.right : end - self.right],
            second[..., top:bottom, left:end],
        )


def unsteadiness(drawn: Tensor, steps: list[Step]) -> Tensor:
    """Mean absolute difference between the drawings of the first half of a batch (2 S, C, H, W), moved on
    by their ``steps``, and those of the second half, where both are in view."""
    first, second = as_it_covers(drawn).chunk(2)
    loss = drawn.new_zeros(())
    for index, step in enumerate(steps):
        here, there = step.overlap(first[index], second[index])
        loss = loss + (here - there).abs().mean()
    return loss / len(steps)


def flicker(drawn: Tensor, target: Tensor) -> Tensor:
    """How the change from frame to frame differs from that of the teacher's drawing moved along, at each
    pixel of the screen: an error that stays where it is is forgiven here, one that comes and goes is
    not. After the frame difference based loss of Xu, Xiong and Hu (2021, arXiv 2102.05822), which
    compares with the change of the bare frames."""
    first, second = (as_it_covers(drawn) - as_it_covers(target)).chunk(2)
    return (second - first).abs().mean()


def as_it_covers(drawing: Tensor) -> Tensor:
    """A drawing with alpha, its colour counting as much as it covers; one without as it is. What the
    camera's noise does to the picture behind it is left out."""
    if drawing.shape[1] == 3:
        return drawing
    alpha = drawing[:, 3:]
    return torch.cat((drawing[:, :3] * alpha, alpha), dim=1)
