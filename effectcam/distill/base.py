"""A base: one student taught many looks at once, from which each effect is tuned in minutes.

What a face is made of, where its parts end and how light falls on it is the same for every look. All
but the head, which mixes the last features into colours, is therefore shared while each look has a head
of its own, and the sum of all looks decides what is worth knowing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from effectcam.distill import losses
from effectcam.distill.augment import Augmentation
from effectcam.distill.checkpoint import AveragedModel, read_checkpoint, write_checkpoint
from effectcam.distill.criterion import Criterion
from effectcam.distill.net import NetConfig, Student
from effectcam.distill.pairs import PairStore
from effectcam.distill.train import (
    Progress,
    TrainConfig,
    check,
    random_batches,
    running_mean,
    set_rate,
    usual_augmentation,
)
from effectcam.errors import StudentError, UsageError


class Looks(nn.Module):
    """Students, one a look, that have everything but their heads in common."""

    def __init__(self, net: NetConfig, names: list[str]) -> None:
        super().__init__()
        self.students = nn.ModuleDict({name: Student(net) for name in names})
        first = self[names[0]]
        for name in names[1:]:
            for part, module in first.named_children():
                if part != "head":
                    setattr(self[name], part, module)

    def __getitem__(self, name: str) -> Student:
        student = self.students[name]
        assert isinstance(student, Student)
        return student


def train_base(
    stores: Mapping[str, PairStore],
    net: NetConfig,
    folder: Path,
    *,
    config: TrainConfig,
    augmentation: Augmentation | None = None,
    weights: losses.Weights | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Progress]:
    """Train on all ``stores``, one look a step and each as often as the others; yields the progress after
    each checkpoint. ``folder`` gets ``base.pt`` and ``preview.png``, of the looks in turn.

    Stopped, it goes on from the last checkpoint. Raises UsageError when that is of other looks or another
    net or there are fewer than two looks, StudentError when it cannot be written or training runs away.
    """
    names = sorted(stores)
    if len(names) < 2:
        raise UsageError("a base is taught two looks or more; name another recipe")
    augmentation = augmentation or usual_augmentation(net)
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    looks = Looks(net, names).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    averaged = AveragedModel(looks, avg_fn=running_mean(config.average))
    # Heads of the looks whose turn it is not have no gradient, and are left alone.
    optimiser = torch.optim.AdamW(
        looks.parameters(), config.rate, weight_decay=config.decay, betas=(0.9, 0.98)
    )
    criterion = Criterion(weights or losses.Weights())
    folder.mkdir(parents=True, exist_ok=True)
    path, identity = folder / "base.pt", [names, str(net)]
    step, seconds = 0, 0.0
    if path.is_file():
        state = read_checkpoint(path, ("looks", "averaged", "optimiser", "step", "seconds", "identity"))
        if state["identity"] != identity:
            raise UsageError(
                f"{path} is a base of other looks or another net; use another folder, or delete it"
            )
        looks.load_state_dict(state["looks"])
        averaged.load_state_dict(state["averaged"])
        optimiser.load_state_dict(state["optimiser"])
        step, seconds = state["step"], state["seconds"]

    rng = np.random.default_rng((config.seed, step))
    batches = {
        name: random_batches(store, augmentation, config, rng, frames=criterion.pairs_of_frames)
        for name, store in stores.items()
    }
    progress = begun = _share(config, step, seconds)
    running, saved = 0.0, seconds
    since, watch = clock(), time.monotonic()
    looks.train()
    while progress < 1:
        set_rate(optimiser, config.rate, progress, step)
        name = names[step % len(names)]
        image, target, steps = next(batches[name])
        loss = criterion(looks[name](image), target, image, steps, progress=progress)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(looks.parameters(), 1.0)
        optimiser.step()
        averaged.update_parameters(looks)
        step += 1
        worth = float(loss.detach())
        if not math.isfinite(worth):
            raise StudentError(f"the loss became {worth} in step {step}; lower the rate and start again")
        running += 0.02 * (worth - running) if running else worth
        now = clock()
        seconds, since = seconds + now - since, now
        progress = _share(config, step, seconds)
        if seconds - saved >= config.save_every or progress >= 1:
            saved = seconds
            write_checkpoint(
                path,
                {
                    "looks": looks.state_dict(),
                    "averaged": averaged.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "step": step,
                    "seconds": seconds,
                    "identity": identity,
                },
            )
            shown = _averaged(averaged)[name]
            psnr = check(shown, stores[name], augmentation.side, folder / "preview.png")
            left = (time.monotonic() - watch) * max(0.0, 1 - progress) / (progress - begun)
            yield Progress(step, seconds / 60, running, psnr, min(1.0, progress), left / 60)
            since = clock()


def finished_base(folder: Path, net: NetConfig) -> tuple[Student, list[str]]:
    """What a training in ``folder`` made: the averaged student, its head as good as new, and the looks
    that it was taught. Raises UsageError when there is none of that net."""
    path = folder / "base.pt"
    if not path.is_file():
        raise UsageError(f"{path} is missing; train the base first")
    state = read_checkpoint(path, ("averaged", "identity"))
    names, shape = state["identity"]
    if shape != str(net):
        raise UsageError(f"{path} is a base of another net ({shape})")
    averaged = AveragedModel(Looks(net, names))
    averaged.load_state_dict(state["averaged"])
    student, fresh = _averaged(averaged)[names[0]], Student(net)
    student.head = fresh.head
    return student.eval(), names


def _share(config: TrainConfig, step: int, seconds: float) -> float:
    return step / config.steps if config.steps else seconds / (config.minutes * 60)


def _averaged(averaged: Any) -> Looks:
    module = averaged.module
    assert isinstance(module, Looks)
    return module
