"""How a recurrent student is trained: on two frames, the second with its own drawing of the first.

What it draws is what it gets back, so the drawing it is given must be as it will be after many frames, with
the errors that have settled in by then, and at times one that is worth nothing: nobody tells it of a hand
before the face, of a cut, or of a face that has just been found.
"""

from __future__ import annotations

import torch
from torch import Tensor

from effectcam.distill.net import Student
from effectcam.distill.temporal import Step

ROUNDS = 3
"""Frames gone before, at most, of which the drawing has come back each time."""
NOISE = 2 / 255
"""Of a camera, from one of those frames to the next."""
STRAY = 2
"""Pixels by which a moved drawing may miss the face, each way: what landmarks are uncertain by."""
STALE = 0.1
"""Share of drawings that show somebody else."""


def draw_in_turn(student: Student, image: Tensor, steps: list[Step]) -> Tensor:
    """The drawings (2 S, C, H, W) of a batch ``image`` (2 S, 3, H, W) whose second half shows what the first
    becomes by ``steps``: the first half drawn as first frames, the second in view of its own past.

    The past has no gradient: what is learnt is to make use of it, and not to prepare it. Chance comes from
    PyTorch's global generator.
    """
    first, second = image.chunk(2)
    drawn = student(first)
    with torch.no_grad():
        before = drawn.detach().float().clamp(0, 1)
        for _ in range(int(torch.randint(ROUNDS + 1, ()))):
            picture = (first + NOISE * torch.randn_like(first)).clamp(0, 1)
            before = student(torch.cat((picture, before), 1)).float().clamp(0, 1)
        before = torch.stack([moved(one, step) for one, step in zip(before, steps, strict=True)])
        stale = torch.rand(len(before)) < STALE
        before[stale] = before.roll(1, 0)[stale]
    before = before.contiguous(memory_format=torch.channels_last)
    return torch.cat((drawn, student(torch.cat((second, before), 1))))


def moved(drawing: Tensor, step: Step) -> Tensor:
    """``drawing`` (C, H, W) moved by ``step``, give or take `STRAY`; 0 where nothing is known."""
    right, down = step.right + _stray(), step.down + _stray()
    height, width = drawing.shape[-2:]
    made = torch.zeros_like(drawing)
    made[:, max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)] = drawing[
        :, max(0, -down) : height - max(0, down), max(0, -right) : width - max(0, right)
    ]
    return made


def _stray() -> int:
    return int(torch.randint(-STRAY, STRAY + 1, ()))
