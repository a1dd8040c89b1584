"""Train one student on its pairs: read a batch, draw, compare, mend; until the time is up.

Stopping it (Ctrl-C, a crash, an empty battery) costs a few minutes at most: starting it again with
the same folder goes on from the last checkpoint, with the same learning rate and sampling.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from effectcam.distill import losses
from effectcam.distill.augment import Augmentation, NoAugmentation
from effectcam.distill.net import NetConfig, Student
from effectcam.distill.origin import Origin
from effectcam.distill.pairs import SHOWN, PairStore


@dataclass(frozen=True)
class TrainConfig:
    """How to train. The bundled effects began with batches of 8 and more wear, and ended on these."""

    minutes: float = 60.0
    """Of training time, over all restarts. The learning rate falls to zero exactly then, so half
    the time is a complete, slightly worse student, not half of one."""
    batch: int = 4
    """Larger batches make steadier and fewer steps; in an hour on a CPU steps are what is short."""
    rate: float = 2.5e-3
    """Peak learning rate; there are no normalisation layers to forgive a much larger one. Going on
    from a trained student it is halved, so as not to undo what that one knows."""
    decay: float = 1e-3
    average: float = 0.998
    """Decay of the running mean of weights that is kept in the end, steadier than the last step. It
    starts shorter, so that the first, ignorant steps are soon forgotten."""
    seed: int = 0
    threads: int = 1
    """On a machine with other work, two spinning threads are slower than one."""
    transpose: bool = False
    """Lay half of the batches on their side: for frame students, which draw upright frames lying."""
    emphasis: Mapping[str, float] = field(default_factory=dict)
    """How many times as often as evenly a tone band comes; those not named count 1. What one band gains
    the others lose, so raise only a band that the card shows behind."""
    bfloat16: bool = field(default_factory=lambda: has_bfloat16())
    """Halves the time on CPUs with bfloat16 units, and costs nothing one can see; on others, which
    have to imitate them, a step takes thirteen times as long."""
    save_every: float = 120.0
    """Seconds between checkpoints."""


@dataclass(frozen=True)
class Progress:
    """Where training stands, for whoever prints it."""

    step: int
    minutes: float
    loss: float
    psnr: float
    """On the held-out people, dB."""


def train(
    store: PairStore,
    net: NetConfig,
    folder: Path,
    *,
    config: TrainConfig | None = None,
    augmentation: Augmentation | None = None,
    weights: losses.Weights | None = None,
    origin: Origin | None = None,
) -> Iterator[Progress]:
    """Train, yielding the progress after each checkpoint. ``folder`` gets ``student.pt`` (weights,
    averaged weights, optimiser, time spent) and ``preview.png`` (held-out input, teacher, student).
    ``origin`` is where to begin when ``folder`` holds no checkpoint yet; None: from nothing."""
    config, weights = config or TrainConfig(), weights or losses.Weights()
    augmentation = augmentation or _augmentation(net)
    torch.set_num_threads(config.threads)
    cv2.setNumThreads(1)
    torch.manual_seed(config.seed)
    # Typed as nn.Module.to in every form but the one with a memory format.
    student = Student(net).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if origin is not None:
        student.load_state_dict(origin.student.state_dict())
    averaged = torch.optim.swa_utils.AveragedModel(student, avg_fn=_running_mean(config.average))
    optimiser = torch.optim.AdamW(
        student.parameters(), lr=config.rate, weight_decay=config.decay, betas=(0.9, 0.98)
    )
    step, spent, begun_from = 0, 0.0, origin.name if origin else ""
    checkpoint = folder / "student.pt"
    folder.mkdir(parents=True, exist_ok=True)
    if checkpoint.is_file():
        state = torch.load(checkpoint, weights_only=True)
        student.load_state_dict(state["student"])
        averaged.load_state_dict(state["averaged"])
        optimiser.load_state_dict(state["optimiser"])
        step, spent, begun_from = state["step"], state["seconds"], state["origin"]

    peak = config.rate / 2 if begun_from else config.rate
    rng = np.random.default_rng((config.seed, step))
    batches = _batches(store, augmentation, config, rng)
    budget, begun, saved = config.minutes * 60, time.monotonic() - spent, time.monotonic()
    running = 0.0
    student.train()
    while spent < budget:
        _set_rate(optimiser, peak, spent / budget, step)
        image, target = next(batches)
        with torch.autocast("cpu", torch.bfloat16, enabled=config.bfloat16):
            drawn = student(image)
        loss = losses.total(drawn.float(), target, image, weights)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimiser.step()
        averaged.update_parameters(student)
        step += 1
        running += 0.02 * (float(loss.detach()) - running) if step > 1 else float(loss.detach())
        spent = time.monotonic() - begun
        if time.monotonic() - saved >= config.save_every or spent >= budget:
            saved = time.monotonic()
            _save(checkpoint, student, averaged, optimiser, step, spent, begun_from)
            yield Progress(
                step, spent / 60, running, _check(_averaged(averaged), store, folder / "preview.png")
            )


def has_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 numbers itself."""
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16") or able.get("bf16"))


def load_student(folder: Path, net: NetConfig) -> Student:
    """The averaged student of a training folder, ready to draw."""
    state = torch.load(folder / "student.pt", weights_only=True)
    student = Student(net)
    weights = {k.removeprefix("module."): v for k, v in state["averaged"].items() if k.startswith("module.")}
    student.load_state_dict(weights)
    return student.eval()


def _augmentation(net: NetConfig) -> Augmentation:
    """What fits a student: the crop takes out most tilt and size already, so little is left to learn."""
    usual = Augmentation(
        shown=SHOWN,
        tilt=14.0,
        wide_tilt_share=0.03,
        shift=0.05,
        zoom=(0.88, 1.18),
        relight_share=0.1,
        exposure=(0.5, 1.4),
        warmth=0.22,
        cast=0.05,
        defocus_share=0.05,
        defocus=(0.5, 1.4),
        motion_share=0.02,
        resample_share=0.05,
        noise_share=0.12,
        compress_share=0.12,
    )
    if net.alpha:
        # It keeps the scene's light, and was given relit pairs instead.
        usual = replace(usual, relight_share=0.0)
    if net.position:
        # Scars that are learnt by their place must not wander, and are on one side only.
        usual = replace(
            usual, tilt=8.0, wide_tilt_share=0.0, shift=0.04, turn=0.04, zoom=(0.92, 1.1), flip=0.0
        )
    return usual


def _running_mean(decay: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """Exponential mean whose memory grows with the steps taken, up to that of ``decay``."""

    def mean(averaged: Tensor, latest: Tensor, steps: Tensor | int) -> Tensor:
        keep = min(decay, (1 + float(steps)) / (10 + float(steps)))
        return averaged + (1 - keep) * (latest - averaged)

    return mean


def _set_rate(optimiser: torch.optim.Optimizer, peak: float, progress: float, step: int) -> None:
    """Warm up over 100 steps, then half a cosine down to nothing at the end of the time."""
    rate = peak * min(1.0, (step + 1) / 100) * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
    for group in optimiser.param_groups:
        group["lr"] = rate


def _batches(
    store: PairStore, augmentation: Augmentation, config: TrainConfig, rng: np.random.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Random pairs for ever, rare tone bands more often than they come, nearly as often as common
    ones, because students fall behind on them first."""
    usable = np.flatnonzero(~np.array(store.held_out))
    tones = np.array(store.tones)[usable]
    wanted = [np.count_nonzero(tones == tone) ** -0.85 * config.emphasis.get(tone, 1.0) for tone in tones]
    chance = np.array(wanted)
    chance /= chance.sum()
    while True:
        images, targets = [], []
        for index in rng.choice(usable, config.batch, p=chance):
            geometry = augmentation.geometry(store.inputs[index].shape, rng)
            image = geometry.apply(np.ascontiguousarray(store.inputs[index]))
            targets.append(geometry.apply(np.ascontiguousarray(store.targets[index])))
            images.append(augmentation.wear(augmentation.relight(image, rng), rng))
        batch = to_tensor(images), to_tensor(targets)
        if config.transpose and rng.random() < 0.5:
            batch = _laid_down(batch[0]), _laid_down(batch[1])
        yield batch


def _laid_down(pictures: Tensor) -> Tensor:
    return pictures.transpose(2, 3).contiguous(memory_format=torch.channels_last)


def plain(store: PairStore, index: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """One pair as the running effect would see it: centred, upright, (256, 256, C)."""
    geometry = NoAugmentation(shown=SHOWN).geometry(store.inputs[index].shape, np.random.default_rng(0))
    return (
        geometry.apply(np.ascontiguousarray(store.inputs[index])),
        geometry.apply(np.ascontiguousarray(store.targets[index])),
    )


def to_tensor(pictures: list[NDArray[np.uint8]]) -> Tensor:
    """(H, W, C) uint8 pictures to one (N, C, H, W) float batch, 0 to 1, channels last in memory."""
    batch = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
    return batch.to(torch.float32).mul_(1 / 255).contiguous(memory_format=torch.channels_last)


def _averaged(averaged: torch.optim.swa_utils.AveragedModel) -> Student:
    module = averaged.module
    assert isinstance(module, Student)
    return module


def _check(student: Student, store: PairStore, preview: Path) -> float:
    """PSNR on (up to) twelve held-out people, and their pictures side by side."""
    chosen = np.flatnonzero(np.array(store.held_out))[:12]
    pairs = [plain(store, int(index)) for index in chosen]
    images, targets = to_tensor([a for a, _ in pairs]), to_tensor([b for _, b in pairs])
    student.eval()
    with torch.inference_mode():
        drawn = student(images).clamp(0, 1)
    student.train()
    quality = losses.psnr(drawn, targets)
    if drawn.shape[1] == 4:
        drawn, targets = (
            image * (1 - x[:, 3:]) + x[:, :3] * x[:, 3:] for image, x in ((images, drawn), (images, targets))
        )
    rows = torch.cat((images, targets, drawn), dim=3).mul(255).byte().permute(0, 2, 3, 1).numpy()
    grid = np.vstack([np.hstack(list(rows[i : i + 2])) for i in range(0, len(rows) - 1, 2)])
    cv2.imwrite(str(preview), cv2.cvtColor(grid, cv2.COLOR_RGB2BGR))
    return quality


def _save(
    path: Path,
    student: Student,
    averaged: torch.optim.swa_utils.AveragedModel,
    optimiser: torch.optim.Optimizer,
    step: int,
    seconds: float,
    origin: str,
) -> None:
    state = {
        "student": student.state_dict(),
        "averaged": averaged.state_dict(),
        "optimiser": optimiser.state_dict(),
        "step": step,
        "seconds": seconds,
        "origin": origin,
    }
    torch.save(state, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").replace(path)
