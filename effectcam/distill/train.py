"""Train one student on its pairs: read a batch, draw, compare, mend; until the time is up.

Stopping it (Ctrl-C, a crash, an empty battery) costs a few minutes at most: starting it again with
the same folder goes on from the last checkpoint, with the same learning rate and sampling.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from effectcam.distill import losses
from effectcam.distill.augment import Augmentation
from effectcam.distill.batches import batches, plain, plain_photograph, some_pictures, to_tensor
from effectcam.distill.checkpoint import AveragedModel, Training, load_student
from effectcam.distill.criterion import Criterion
from effectcam.distill.net import NetConfig, Student
from effectcam.distill.optimiser import Optimiser
from effectcam.distill.origin import Origin
from effectcam.distill.pairs import SHOWN, PairStore
from effectcam.distill.prune import carried, pruned
from effectcam.distill.recurrence import draw_in_turn
from effectcam.errors import StudentError

__all__ = [
    "Progress",
    "TrainConfig",
    "beginning",
    "has_bfloat16",
    "learn",
    "load_student",
    "train",
    "usual_augmentation",
]


@dataclass(frozen=True)
class TrainConfig:
    """How to train. The bundled effects began with batches of 8 and more wear, and ended on these."""

    minutes: float = 60.0
    """Of training time, over all restarts. The learning rate falls to zero exactly then, so half
    the time is a complete, slightly worse student, not half of one."""
    steps: int | None = None
    """Ends after so many steps instead, however long they take: to compare what is learnt from equally
    many pictures, where ``minutes`` compares what is learnt in equal time."""
    batch: int = 4
    """Larger batches make steadier and fewer steps; in an hour on a CPU steps are what is short."""
    rate: float = 2.5e-3
    """Peak learning rate; there are no normalisation layers to forgive a much larger one. Going on
    from a trained student it is halved, so as not to undo what that one knows."""
    decay: float = 1e-3
    muon: float = 2.0
    """How many times as long as AdamW's the steps of matrices are, see `optimiser`; 0 is AdamW alone."""
    average: float = 0.998
    """Decay of the running mean of weights that is kept in the end, steadier than the last step. It
    starts shorter, so that the first, ignorant steps are soon forgotten."""
    seed: int = 0
    threads: int = 1
    """On a machine with other work, two spinning threads are slower than one."""
    lying: float = 0.0
    """Share of the batches that lie on their side: for frame students, which draw upright frames lying."""
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
    share: float
    """Of the whole training that is done, 0 to 1."""
    left: float
    """Minutes to the end by the wall clock, as fast as it went since it was started."""


def train(
    store: PairStore,
    net: NetConfig,
    folder: Path,
    *,
    config: TrainConfig | None = None,
    augmentation: Augmentation | None = None,
    weights: losses.Weights | None = None,
    origin: Origin | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Progress]:
    """Train, yielding the progress after each checkpoint. ``folder`` gets ``student.pt`` (weights,
    averaged weights, optimisers, critic, time spent) and ``preview.png`` (held-out input, teacher,
    student).

    ``origin`` is where to begin when ``folder`` holds no checkpoint yet, pruned if its expansion is larger
    than that of ``net``; None: from nothing. ``clock``
    gives the seconds that ``config.minutes`` counts: with ``time.thread_time`` a busy machine makes the
    student later and not worse. What passes between two rounds of the caller's loop is left out, so
    that several trainings can take turns. Raises UsageError when the checkpoint is another net's or had
    other losses, pairs or ``origin``, StudentError when it cannot be written or the student runs away.
    """
    config = config or TrainConfig()
    torch.manual_seed(config.seed)
    augmentation = augmentation or usual_augmentation(net)
    student = Student(net)
    if origin is not None:
        student.load_state_dict(beginning(origin, net, store, augmentation.side).state_dict())
    yield from learn(
        student,
        lambda module: [cast(Student, module)],
        [store],
        folder / "student.pt",
        config=config,
        augmentation=augmentation,
        weights=weights or losses.Weights(),
        origin=origin.name if origin else "",
        clock=clock,
    )


def learn(
    module: nn.Module,
    students: Callable[[nn.Module], Sequence[Student]],
    stores: Sequence[PairStore],
    checkpoint: Path,
    *,
    config: TrainConfig,
    augmentation: Augmentation,
    weights: losses.Weights,
    clock: Callable[[], float],
    origin: str = "",
    looks: str = "",
) -> Iterator[Progress]:
    """Train what one or several ``students`` of ``module`` are made of, each on the store at its place;
    where they are several they take turns, a step each. See `train` for the rest."""
    torch.set_num_threads(config.threads)
    cv2.setNumThreads(1)
    # Typed as nn.Module.to in every form but the one with a memory format.
    module = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    criterion = Criterion(weights)
    averaged = AveragedModel(module, multi_avg_fn=_running_mean(config.average))
    optimiser = Optimiser(
        module, others=criterion.parameters, rate=config.rate, decay=config.decay, muon=config.muon
    )
    lesson = _lesson(stores, config, augmentation)
    at = Training(module, averaged, optimiser, criterion, origin=origin, looks=looks, lesson=lesson)
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    if checkpoint.is_file():
        at.resume(checkpoint)

    peak = config.rate / 2 if at.origin else config.rate
    rng = np.random.default_rng((config.seed, at.step))
    recurrent = students(module)[0].config.recurrent
    frames = criterion.pairs_of_frames or recurrent
    endless = [
        batches(
            store,
            augmentation,
            rng,
            size=config.batch,
            frames=frames,
            lying=config.lying,
            emphasis=config.emphasis,
        )
        for store in stores
    ]
    progress = begun = _progress(config, at)
    running, waited, saved = 0.0, 0.0, at.seconds
    since, watch = clock(), time.monotonic()
    module.train()
    while progress < 1:
        turn = at.step % len(stores)
        batch = next(endless[turn])
        image, steps = batch.image, batch.steps
        with torch.autocast("cpu", torch.bfloat16, enabled=config.bfloat16):
            student = students(module)[turn]
            drawn = draw_in_turn(student, image, steps) if recurrent else student(image)
        drawn = drawn.float()
        loss = criterion(drawn, batch.wanted(drawn), image, steps, progress=progress)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimiser.step(_rate(peak, progress, at.step))
        averaged.update_parameters(module)
        criterion.learn()
        at.step += 1
        worth = float(loss.detach())
        if not math.isfinite(worth):
            raise StudentError(
                f"the loss became {worth} in step {at.step}; start again, from the last checkpoint, with a "
                "lower rate or without the loss that was added last"
            )
        running += 0.02 * (worth - running) if running else worth
        now = clock()
        at.seconds, since = at.seconds + now - since, now
        progress = _progress(config, at)
        if at.seconds - saved >= config.save_every or progress >= 1:
            saved = at.seconds
            at.save(checkpoint)
            shown = students(averaged.module)[turn]
            psnr = _check(shown, stores[turn], augmentation.side, checkpoint.with_name("preview.png"))
            waited += time.monotonic() - watch
            left = waited * max(0.0, 1 - progress) / (progress - begun)
            yield Progress(at.step, at.seconds / 60, running, psnr, min(1.0, progress), left / 60)
            since, watch = clock(), time.monotonic()


def _lesson(
    stores: Sequence[PairStore], config: TrainConfig, augmentation: Augmentation
) -> dict[str, str | float | dict[str, float]]:
    return {
        "pairs": " ".join(store.fingerprint() for store in stores),
        "emphasis": dict(config.emphasis),
        "lying": config.lying,
        "side": augmentation.side,
        "mirrored": augmentation.flip,
        "tinted": augmentation.tint,
    }


def _progress(config: TrainConfig, at: Training) -> float:
    return at.step / config.steps if config.steps else at.seconds / (config.minutes * 60)


def has_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 numbers itself."""
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16") or able.get("bf16"))


_ROOM = 90.0
"""8-bit values that a green screen's strongest channel is above its luma, and a magenta lamp's below."""


def usual_augmentation(
    net: NetConfig, scale: float = 1.0, *, mirror: bool = True, one_ink: bool = False
) -> Augmentation:
    """What fits a student: the crop takes out most tilt and size already, so little is left to learn.
    ``scale``, ``mirror`` and ``one_ink`` are `StudentRecipe`'s; crops have a side that 32 divides."""
    side = 32 * round(8 * scale)
    usual = Augmentation(
        side=side,
        shown=SHOWN * side / (256 * scale),
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
    if not mirror:
        usual = replace(usual, flip=0.0)
    if one_ink:
        usual = replace(usual, tint=_ROOM)
    if net.alpha:
        # It keeps the scene's light, and was given relit pairs instead.
        usual = replace(usual, relight_share=0.0)
    if net.position:
        # Scars that are learnt by their place must not wander, and are on one side only.
        usual = replace(
            usual, tilt=8.0, wide_tilt_share=0.0, shift=0.04, turn=0.04, zoom=(0.92, 1.1), flip=0.0
        )
    return usual


def _running_mean(decay: float) -> Callable[[Sequence[Tensor], Sequence[Tensor], Tensor | int], None]:
    """Exponential mean whose memory grows with the steps taken, up to that of ``decay``."""

    def mean(averaged: Sequence[Tensor], latest: Sequence[Tensor], steps: Tensor | int) -> None:
        keep = min(decay, (1 + float(steps)) / (10 + float(steps)))
        torch._foreach_lerp_(list(averaged), list(latest), 1 - keep)

    return mean


def _rate(peak: float, progress: float, step: int) -> float:
    """Warm up over 100 steps, then half a cosine down to nothing at the end of the time."""
    return peak * min(1.0, (step + 1) / 100) * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))


def beginning(origin: Origin, net: NetConfig, store: PairStore, side: int) -> Student:
    """The student of ``origin``, pruned to the expansion of ``net`` by what it draws on ``store``."""
    student = origin.student
    if student.config.expansion <= net.expansion:
        return student
    return pruned(student, net.expansion, carried(student, some_pictures(store, side)))


def _check(student: Student, store: PairStore, side: int, preview: Path) -> float:
    """PSNR on (up to) twelve held-out people, and their pictures side by side."""
    chosen = np.flatnonzero(np.array(store.held_out))[:12]
    pairs = [plain(store, int(index), side=side) for index in chosen]
    images, targets = to_tensor([a for a, _ in pairs]), to_tensor([b for _, b in pairs])
    student.eval()
    with torch.inference_mode():
        drawn = student(images).clamp(0, 1)
    student.train()
    # What colour a transparent pixel has is nobody's business.
    drawn, targets = losses.as_seen(drawn, images), losses.as_seen(targets, images)
    inside = torch.from_numpy(np.stack([plain_photograph(store, int(index), side=side) for index in chosen]))
    judged = inside[:, None].expand_as(drawn)
    quality = losses.psnr(drawn[judged], targets[judged])
    rows = torch.cat((images, targets, drawn), dim=3).mul(255).byte().permute(0, 2, 3, 1).numpy()
    if len(rows) % 2:
        rows = np.concatenate((rows, np.zeros_like(rows[:1])))
    grid = np.vstack([np.hstack(list(rows[i : i + 2])) for i in range(0, len(rows), 2)])
    cv2.imwrite(str(preview), cv2.cvtColor(grid, cv2.COLOR_RGB2BGR))
    return quality
