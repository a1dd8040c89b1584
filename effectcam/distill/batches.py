"""What a student learns from in one step: a few pairs, each turned, lit and worn anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from effectcam.distill.augment import Augmentation, Geometry, NoAugmentation
from effectcam.distill.pairs import SHOWN, PairStore
from effectcam.distill.temporal import NEXT_FRAME, Step


@dataclass(frozen=True)
class Batch:
    """Pictures to draw, and the teacher's drawings of them."""

    image: Tensor
    """(N, 3, H, W), 0 to 1."""
    target: Tensor
    """(N, 3 or 4, H, W), 0 to 1."""
    photographed: Tensor | None
    """Bool (N, 1, H, W), see `PairStore.photographed`; None: everywhere."""
    steps: list[Step]
    """From the first half's pictures to the second's, where these are the next frames of those."""

    def wanted(self, drawn: Tensor) -> Tensor:
        """The target of the drawing ``drawn`` (N, 3 or 4, H, W): where there is no photograph whatever was
        drawn is right, by every loss."""
        if self.photographed is None:
            return self.target
        return torch.where(self.photographed, self.target, drawn.detach())

    def laid_down(self) -> Batch:
        """With rows and columns exchanged."""
        masks = None if self.photographed is None else _turned_over(self.photographed)
        steps = [step.turned_over() for step in self.steps]
        return Batch(_turned_over(self.image), _turned_over(self.target), masks, steps)


def batches(
    store: PairStore,
    augmentation: Augmentation,
    rng: np.random.Generator,
    *,
    size: int,
    frames: bool = False,
    lying: float = 0.0,
    emphasis: Mapping[str, float] | None = None,
) -> Iterator[Batch]:
    """Random pairs for ever, ``size`` at a time, rare tone bands more often than they come, nearly as often
    as common ones, because students fall behind on them first.

    With ``frames`` there are half as many, and the second half of a batch holds what the first half's
    pictures become a frame later. See `TrainConfig` for ``lying`` and ``emphasis``.
    """
    usable = np.flatnonzero(~np.array(store.held_out))
    chance = chances(store, usable, emphasis or {})
    while True:
        chosen = rng.choice(usable, max(1, size // 2) if frames else size, p=chance)
        batch = _batch(store, augmentation, rng, [int(index) for index in chosen], frames=frames)
        yield batch.laid_down() if lying and rng.random() < lying else batch


def _batch(
    store: PairStore, augmentation: Augmentation, rng: np.random.Generator, chosen: list[int], *, frames: bool
) -> Batch:
    now: list[tuple[NDArray[np.uint8], ...]] = []
    later: list[tuple[NDArray[np.uint8], ...]] = []
    steps = []
    bordered = any(store.photographed[index] for index in chosen) if store.photographed else False
    for index in chosen:
        geometry = augmentation.geometry(store.inputs[index].shape, rng)
        base, drawing = (np.ascontiguousarray(part[index]) for part in (store.inputs, store.targets))
        beside = [drawing, photograph(store, index)] if bordered else [drawing]
        if frames:
            step = Step.random(rng)
            steps.append(step)
            image, moved = step.frames(geometry, augmentation.relight(base, rng))
            twice = [step.frames(geometry, picture) for picture in beside]
            worn = augmentation.wear(NEXT_FRAME.wear(np.ascontiguousarray(moved), rng), rng)
            later.append((worn, *(second for _, second in twice)))
            here = [first for first, _ in twice]
        else:
            here = [geometry.apply(picture) for picture in beside]
            image = augmentation.relight(geometry.apply(base), rng)
        now.append((augmentation.wear(np.ascontiguousarray(image), rng), *here))
    pictures, targets, *masks = (list(column) for column in zip(*now, *later, strict=True))
    return Batch(
        to_tensor(pictures),
        to_tensor(targets),
        torch.from_numpy(np.stack(masks[0]) > 127)[:, None] if masks else None,
        steps,
    )


def photograph(store: PairStore, index: int) -> NDArray[np.uint8]:
    """(H, W): 255 where a pair is a photograph, 0 where that is mirrored."""
    mask = np.full(store.inputs[index].shape[:2], 255, np.uint8)
    if store.photographed and (corners := store.photographed[index]):
        left, top, right, bottom = corners
        rows, columns = (np.arange(length) for length in mask.shape)
        mask[(rows < top) | (rows > bottom)] = 0
        mask[:, (columns < left) | (columns > right)] = 0
    return mask


def chances(store: PairStore, usable: NDArray[np.intp], emphasis: Mapping[str, float]) -> NDArray[np.float64]:
    """How often each of the ``usable`` pairs comes, sum 1: by its own weight, and by its tone band, of
    which one that weighs half as much comes nearly as often."""
    tones = np.array(store.tones)[usable]
    weights = np.array(store.weights or [1.0] * len(store.names))[usable]
    share = {str(tone): weights[tones == tone].sum() ** -0.85 for tone in np.unique(tones)}
    wanted = weights * [share[tone] * emphasis.get(tone, 1.0) for tone in tones]
    return np.asarray(wanted / wanted.sum(), np.float64)


def plain(store: PairStore, index: int, *, side: int = 256) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """One pair as the running effect would see it: centred, upright, (side, side, C)."""
    geometry = _upright(store, index, side)
    return (
        geometry.apply(np.ascontiguousarray(store.inputs[index])),
        geometry.apply(np.ascontiguousarray(store.targets[index])),
    )


def plain_photograph(store: PairStore, index: int, *, side: int = 256) -> NDArray[np.bool_]:
    """Where the pictures of `plain` are a photograph, (side, side)."""
    return np.asarray(_upright(store, index, side).apply(photograph(store, index)) > 127)


def _upright(store: PairStore, index: int, side: int) -> Geometry:
    as_it_comes = NoAugmentation(shown=SHOWN, side=side)
    return as_it_comes.geometry(store.inputs[index].shape, np.random.default_rng(0))


def some_pictures(store: PairStore, side: int) -> Tensor:
    """Two dozen pictures to learn from, as the running effect would see them, evenly out of all:
    (24, 3, ``side``, ``side``), 0 to 1."""
    learnt = np.flatnonzero(~np.array(store.held_out))
    chosen = learnt[:: max(1, len(learnt) // 24)][:24]
    return to_tensor([plain(store, int(index), side=side)[0] for index in chosen])


def to_tensor(pictures: list[NDArray[np.uint8]]) -> Tensor:
    """(H, W, C) uint8 pictures to one (N, C, H, W) float batch, 0 to 1, channels last in memory."""
    batch = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
    return batch.to(torch.float32).mul_(1 / 255).contiguous(memory_format=torch.channels_last)


def _turned_over(pictures: Tensor) -> Tensor:
    return pictures.transpose(2, 3).contiguous(memory_format=torch.channels_last)
