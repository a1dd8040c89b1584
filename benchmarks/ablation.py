"""What each loss buys, and what a base and the optimiser do: short trainings that differ in one thing.

    python -m benchmarks.ablation zombie --pairs work/face/pairs --steps 600
    python -m benchmarks.ablation zombie --pairs work/face/pairs --minutes 5 --only critic --only shift
    python -m benchmarks.ablation alien --pairs work/face/pairs --minutes 4 --side 256 --only none \
        --origin zombie --origin base

Every loss of the recipe is switched off once, and every one that is off is switched on once, from the same
seed, on the same pairs. The trainings take turns of some seconds, so that whatever else the machine does
hits all alike, and minutes are counted in this process's own CPU time. ``--steps`` shows what a loss
teaches, ``--minutes`` what it is worth: there it also has to earn the time that it takes.

A short training at a reduced size ranks losses; its figures are not those of the finished effect.
Stopped and started again with the same ``--work``, it goes on.
"""

from __future__ import annotations

import itertools
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click
import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from rich import box
from rich.console import Console
from rich.table import Table
from skimage.metrics import structural_similarity
from torch import Tensor

from benchmarks import command
from effectcam.distill import losses
from effectcam.distill.batches import plain, plain_photograph, to_tensor
from effectcam.distill.features import FixedFeatures
from effectcam.distill.losses import Weights, loss_names
from effectcam.distill.net import NetConfig, Student
from effectcam.distill.origin import Origin, origin_in
from effectcam.distill.pairs import PairStore
from effectcam.distill.perceptual import mediapipe_model
from effectcam.distill.recipe import StudentRecipe, load_recipe
from effectcam.distill.temporal import NEXT_FRAME, Step, as_it_covers, unsteadiness
from effectcam.distill.train import Progress, TrainConfig, load_student, train, usual_augmentation
from effectcam.errors import UsageError, nearest
from effectcam.sink.part_file import reserved

SCHEMA = "effectcam.ablation/1"

ON = {"adaptive": 0.5, "perceptual": 0.2, "critic": 0.1, "shift": 0.5, "flicker": 0.5}
"""Weights at which losses that a recipe leaves out are tried: where gradients were compared, on a trained
student, each then pulled between half and twice as hard as the L1 term."""

_STEPS = [Step(*step) for step in ((1, 0), (0, 3), (-5, 2), (4, -4))]
_TURN = 20.0
"""Seconds of CPU time between checkpoints, at which the trainings take turns."""


@dataclass(frozen=True)
class Variant:
    """One training, told apart by its losses, its optimiser or what it goes on from."""

    name: str
    weights: Weights
    origin: Origin | None = None
    """None: nothing."""
    muon: float = TrainConfig.muon
    """0 for AdamW alone."""


@dataclass(frozen=True)
class Score:
    """Of an averaged student, on the held-out pairs, each drawing as a viewer sees it."""

    psnr: float
    """dB against the teacher."""
    gap: float
    """Percent of the SSIM gap between input and teacher closed, inside the teacher's alpha."""
    shift: float
    """Mean change of the drawing, moved back, when its input moves by a few whole pixels; 0 to 255."""
    noise: float
    """The same when the input does not move, but has a camera's noise."""
    crispness: float
    """The drawing's differences between neighbours over the teacher's, percent: below 100 is blur."""
    features: float
    """Distance for another network than any that was trained with: MediaPipe's face detector."""
    steps: int
    seconds: float
    """Of CPU time a step."""


def variants(
    recipe: Weights, only: tuple[str, ...] = (), origin: Origin | None = None, others: Sequence[Origin] = ()
) -> Iterator[Variant]:
    """The recipe's own losses, then each of ``only`` (all when empty) the other way round, then without
    Muon, all from ``origin``; then the recipe's own from each of the ``others``.

    >>> [variant.name for variant in variants(Weights(), ("pixel", "shift", "muon"))]
    ['as the recipe', '- pixel', '+ shift', '- muon']
    """
    yield Variant("as the recipe", recipe, origin)
    for name in loss_names():
        if only and name not in only:
            continue
        if getattr(recipe, name):
            yield Variant(f"- {name}", recipe.without([name]), origin)
        else:
            yield Variant(f"+ {name}", replace(recipe, **{name: ON[name]}), origin)
    if not only or "muon" in only:
        yield Variant("- muon", recipe, origin, muon=0.0)
    for other in others:
        yield Variant(f"from {other.name}", recipe, other)


def some_of(store: PairStore, count: int, seed: int) -> PairStore:
    """``count`` pairs to learn from, at random, and (up to) 40 held out, read into memory."""
    out = np.array(store.held_out)
    rng = np.random.default_rng(seed)
    learn = np.flatnonzero(~out)
    chosen = np.concatenate((np.flatnonzero(out)[:40], rng.permutation(learn)[:count]))
    chosen.sort()
    return replace(
        store,
        inputs=store.inputs[chosen],
        targets=store.targets[chosen],
        names=[store.names[index] for index in chosen],
        tones=[store.tones[index] for index in chosen],
        held_out=[store.held_out[index] for index in chosen],
        weights=[store.weights[index] for index in chosen] if store.weights else [],
        photographed=[store.photographed[index] for index in chosen] if store.photographed else [],
    )


def score(student: Student, store: PairStore, side: int, *, steps: int, seconds: float) -> Score:
    """Judge ``student`` on all that ``store`` holds out."""
    held_out = [int(index) for index in np.flatnonzero(np.array(store.held_out))]
    judge = FixedFeatures(mediapipe_model("face_detection/face_detection_short_range.tflite"), levels=3)
    rng = np.random.default_rng(0)
    rows = []
    with torch.inference_mode():
        for index in held_out:
            picture, drawing = plain(store, index, side=side)
            image, target = to_tensor([picture]), to_tensor([drawing])
            drawn = student(image)
            shown, wanted = losses.as_seen(drawn, image), losses.as_seen(target, image)
            inside = plain_photograph(store, index, side=side)
            judged = torch.from_numpy(inside).expand(shown.shape)
            if drawing.shape[2] == 4:
                inside = inside & (drawing[..., 3] > 127)
            moved = [_drawn_moved(student, picture, step) for step in _STEPS]
            noisy = student(to_tensor([NEXT_FRAME.wear(picture, rng)]))
            rows.append(
                (
                    losses.psnr(shown[judged], wanted[judged]),
                    _ssim(image, wanted, inside),
                    _ssim(shown, wanted, inside),
                    255 * float(np.mean(moved)),
                    255 * float((as_it_covers(noisy) - as_it_covers(drawn)).abs().mean()),
                    _differences(shown, inside),
                    _differences(wanted, inside),
                    float(np.mean([float((a - b).abs().mean()) for a, b in _features(judge, shown, wanted)])),
                )
            )
    psnr, before, after, shift, noise, fine, wanted_fine, features = np.mean(rows, axis=0)
    gap = 100 * (after - before) / (1 - before)
    crispness = 100 * fine / wanted_fine
    return Score(psnr, gap, shift, noise, crispness, features, steps, seconds)


def _drawn_moved(student: Student, picture: NDArray[np.uint8], step: Step) -> float:
    """How the drawing of a window differs from that of the next window, where they overlap."""
    reach = 8
    wide = cv2.copyMakeBorder(picture, reach, reach, reach, reach, cv2.BORDER_REFLECT_101)
    height, width = picture.shape[:2]
    top, left = reach - step.down, reach - step.right
    moved = wide[top : top + height, left : left + width]
    return float(unsteadiness(student(to_tensor([picture, np.ascontiguousarray(moved)])), [step]))


def _features(judge: FixedFeatures, shown: Tensor, wanted: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    return zip(judge(2 * shown - 1), judge(2 * wanted - 1), strict=True)


def _differences(picture: Tensor, inside: NDArray[np.bool_]) -> float:
    plane = picture[0].mean(dim=0).numpy()
    rows, columns = np.gradient(plane)
    return float(np.hypot(rows, columns)[inside].mean())


def _ssim(a: Tensor, b: Tensor, inside: NDArray[np.bool_]) -> float:
    first, second = (x[0].permute(1, 2, 0).numpy() for x in (a, b))
    _, every = structural_similarity(first, second, channel_axis=2, data_range=1.0, full=True)  # type: ignore[no-untyped-call]
    return float(every[inside].mean())


def run(
    store: PairStore,
    recipe: StudentRecipe,
    chosen: list[Variant],
    config: TrainConfig,
    work: Path,
    *,
    side: int,
    console: Console,
) -> list[Score]:
    """Train all ``chosen``, taking turns, each in its own folder of ``work``, and judge them."""
    net = replace(recipe.net, position=side) if recipe.net.position else recipe.net
    turns: dict[int, Iterator[Progress]] = {
        number: train(
            store,
            net,
            work / _folder(variant, config.seed),
            config=replace(config, muon=variant.muon),
            augmentation=replace(
                usual_augmentation(net, mirror=recipe.mirror, one_ink=recipe.one_ink), side=side
            ),
            weights=variant.weights,
            origin=variant.origin,
            clock=time.thread_time,
        )
        for number, variant in enumerate(chosen)
    }
    latest: dict[int, Progress] = {}
    while turns:
        for number, turn in list(turns.items()):
            at = next(turn, None)
            if at is None:
                del turns[number]
            else:
                latest[number] = at
        if latest:
            done = min(at.share for at in latest.values())
            console.print(f"{time.strftime('%H:%M:%S')} seed {config.seed}: {100 * done:.0f} %")
    return [_judged(store, net, work / _folder(variant, config.seed), side) for variant in chosen]


def _folder(variant: Variant, seed: int) -> str:
    return f"{variant.name.replace('+ ', 'with-').replace('- ', 'without-').replace(' ', '-')}-{seed}"


def _judged(store: PairStore, net: NetConfig, folder: Path, side: int) -> Score:
    state = torch.load(folder / "student.pt", weights_only=True)
    student = load_student(folder, net)
    return score(student, store, side, steps=state["step"], seconds=state["seconds"] / state["step"])


def table(chosen: list[Variant], scores: list[list[Score]], title: str) -> Table:
    """One row a variant, means over seeds; beside the gap how far the seeds lay apart."""
    shown = Table(title=title, box=box.MARKDOWN)
    shown.add_column("losses")
    for heading in ("PSNR dB", "gap %", "shift", "noise", "crisp %", "features", "steps", "ms/step"):
        shown.add_column(heading, justify="right")
    for number, variant in enumerate(chosen):
        rows = np.array([list(asdict(seed[number]).values()) for seed in scores])
        psnr, gap, shift, noise, crisp, features, steps, seconds = rows.mean(axis=0)
        apart = f" ± {np.ptp(rows[:, 1]) / 2:.1f}" if len(rows) > 1 else ""
        shown.add_row(
            variant.name,
            f"{psnr:.2f}",
            f"{gap:.1f}{apart}",
            f"{shift:.2f}",
            f"{noise:.2f}",
            f"{crisp:.0f}",
            f"{features:.4f}",
            f"{steps:.0f}",
            f"{1000 * seconds:.0f}",
        )
    return shown


def rows_of(chosen: list[Variant], scores: list[list[Score]]) -> list[dict[str, object]]:
    """The figures of each variant and seed, as they stand in the report."""
    return [
        {"losses": asdict(variant.weights), "name": variant.name, "seed": seed, **asdict(one[number])}
        for (seed, one), (number, variant) in itertools.product(enumerate(scores), enumerate(chosen))
    ]


@click.command(help="What each loss of RECIPE buys, and what those that it leaves out would.")
@click.argument("recipe")
@click.option("--pairs", type=click.Path(path_type=Path, exists=True), required=True, help="Finished pairs.")
@click.option("--space", type=click.Choice(["face", "frame"]), default="face", show_default=True)
@click.option("--steps", type=click.IntRange(1), help="Equally many steps for each.")
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="Equal CPU time for each instead.")
@click.option("--learn", type=click.IntRange(8), default=400, show_default=True, help="Pairs to learn from.")
@click.option("--side", type=click.Choice(["128", "256"]), default="128", show_default=True, help="Of crops.")
@click.option(
    "--from", "begin", metavar="EFFECT", help="Go on from this effect's students; needs --side 256."
)
@click.option(
    "--origin",
    "others",
    multiple=True,
    metavar="EFFECT|base|FILE",
    help="One training more, from this; needs --side 256; repeatable.",
)
@click.option("--seeds", type=click.IntRange(1), default=1, show_default=True, help="Repeat from so many.")
@click.option(
    "--only", multiple=True, help="Only this loss, or 'muon', the other way round; repeatable; 'none': none."
)
@click.option("--work", type=click.Path(path_type=Path), help="Keep the trainings here, and go on from them.")
@click.option("--json", "report", type=click.Path(path_type=Path), help="Write the figures here too.")
def main(
    recipe: str,
    pairs: Path,
    space: str,
    steps: int | None,
    minutes: float | None,
    learn: int,
    side: str,
    begin: str | None,
    others: tuple[str, ...],
    seeds: int,
    only: tuple[str, ...],
    work: Path | None,
    report: Path | None,
) -> None:
    if (steps is None) == (minutes is None):
        raise UsageError("give either --steps or --minutes")
    for name in only:
        if name not in (known := [*loss_names(), "muon", "none"]):
            raise UsageError(f"--only {name!r}: {nearest(name, known)}")
    student = load_recipe(recipe).students.get(space)
    if student is None:
        raise UsageError(f"{recipe} has no {space} student")
    if (begin or others) and side != "256":
        raise UsageError("what goes on from a student needs --side 256, the size that it learnt at")
    origin = origin_in(begin, student) if begin else None
    origins = [origin_in(other, student) for other in others]
    chosen = [
        variant
        for variant in variants(student.losses, only, origin, origins)
        if student.net.alpha or variant.name != "- alpha"
    ]
    store = some_of(PairStore.load(pairs), learn, 0)
    console = Console(stderr=True)
    scores = []
    with tempfile.TemporaryDirectory() as temporary, reserved(report) as file:
        for seed in range(seeds):
            config = TrainConfig(
                minutes=minutes or 1.0,
                steps=steps,
                seed=seed,
                emphasis=student.emphasis,
                lying=student.lying,
                save_every=_TURN,
            )
            folder = work or Path(temporary)
            scores.append(run(store, student, chosen, config, folder, side=int(side), console=console))
        length = f"{steps} steps" if steps else f"{minutes:g} min of CPU time"
        after = f" after {origin.name}" if origin else ""
        title = f"{recipe} {space}, {length}{after} at {side}², {learn} pairs, {seeds} seed(s)"
        if file is not None:
            file.fill(
                json.dumps({"schema": SCHEMA, "title": title, "rows": rows_of(chosen, scores)}).encode()
            )
    Console(width=120).print(table(chosen, scores, title))


if __name__ == "__main__":
    sys.exit(command.run(main, "ablation"))
