"""Does structured pruning pay? A published student with fewer hidden channels, beside its rivals.

    python -m benchmarks.pruning marble --pairs work/face/pairs --minutes 3
    python -m benchmarks.pruning marble --pairs work/face/pairs --expansion 1 --json report.json

Pruned is what each block does in between, see `effectcam.distill.prune`.

Its rivals learn for as long: the whole student, the same pruned by chance, and one of the pruned shape that
begins from nothing. Trainings take turns, minutes are CPU time; so are the milliseconds, on one thread and
through the runtime that users run, in turns too.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import click
import numpy as np
import torch
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.ablation import Score, score, some_of
from benchmarks.command import run
from effectcam.distill.batches import some_pictures
from effectcam.distill.export import export
from effectcam.distill.net import NetConfig, Student
from effectcam.distill.origin import Origin, origin_in
from effectcam.distill.pairs import PairStore
from effectcam.distill.prune import carried, pruned
from effectcam.distill.recipe import load_recipe
from effectcam.distill.train import Progress, TrainConfig, load_student, train
from effectcam.errors import UsageError
from effectcam.sink.part_file import reserved
from effectcam.student.litert import LiteRtStudent
from effectcam.student.past import with_past

SCHEMA = "effectcam.pruning/1"
_TURN = 20.0
_ROUNDS = 31


def milliseconds(students: dict[str, Student], side: int, folder: Path) -> dict[str, float]:
    """Median CPU time of a picture on one thread, all taking turns."""
    taken: dict[str, list[float]] = {name: [] for name in students}
    with contextlib.ExitStack() as stack:
        opened: dict[str, LiteRtStudent] = {}
        for name, student in students.items():
            path = folder / f"{len(opened)}.tflite"
            export(student, (side, side), path)
            opened[name] = stack.enter_context(
                LiteRtStudent(path, channels=student.config.channels, threads=1, name=name)
            )
        picture = np.full((side, side, 3), 127, np.uint8)
        for turn in range(-2, _ROUNDS):
            for name, running in opened.items():
                begun = time.thread_time()
                running.run(with_past(picture, None, running.inputs))
                if turn >= 0:
                    taken[name].append(1000 * (time.thread_time() - begun))
    return {name: statistics.median(times) for name, times in taken.items()}


def _trained(
    store: PairStore, rivals: dict[str, tuple[NetConfig, Origin | None]], config: TrainConfig, folder: Path
) -> dict[str, tuple[Student, int]]:
    """Each trained for as long, in turns, and the steps that it took."""
    turns: dict[str, Iterator[Progress]] = {
        name: train(store, net, folder / str(number), config=config, origin=origin, clock=time.thread_time)
        for number, (name, (net, origin)) in enumerate(rivals.items())
    }
    latest: dict[str, Progress] = {}
    while turns:
        for name, turn in list(turns.items()):
            at = next(turn, None)
            if at is None:
                del turns[name]
            else:
                latest[name] = at
    return {
        name: (load_student(folder / str(number), net), latest[name].step)
        for number, (name, (net, _)) in enumerate(rivals.items())
    }


@click.command(help="Prune EFFECT's face student, train it on, and compare it with its rivals.")
@click.argument("effect")
@click.option("--pairs", type=click.Path(path_type=Path, exists=True), required=True, help="Finished pairs.")
@click.option("--expansion", type=click.IntRange(1), default=2, show_default=True, help="Of the pruned one.")
@click.option("--minutes", type=click.FloatRange(0, min_open=True), default=3.0, show_default=True)
@click.option("--learn", type=click.IntRange(8), default=3000, show_default=True, help="Pairs to learn from.")
@click.option("--json", "report", type=click.Path(path_type=Path), help="Write the figures here too.")
def main(effect: str, pairs: Path, expansion: int, minutes: float, learn: int, report: Path | None) -> None:
    recipe = load_recipe(effect).students.get("face")
    if recipe is None:
        raise UsageError(f"{effect} has no face student")
    if expansion >= recipe.net.expansion:
        raise UsageError(f"--expansion {expansion} prunes nothing: {effect} has {recipe.net.expansion}")
    side = recipe.size[0]
    store = some_of(PairStore.load(pairs), learn, 0)
    whole = origin_in(effect, recipe)
    worth = carried(whole.student, some_pictures(store, side))
    chance = [torch.rand(len(each), generator=torch.Generator().manual_seed(0)) for each in worth]
    small = replace(recipe.net, expansion=expansion)
    config = TrainConfig(minutes=minutes, emphasis=recipe.emphasis, save_every=_TURN)
    with tempfile.TemporaryDirectory() as temporary, reserved(report) as file:
        by_worth, by_chance = (pruned(whole.student, expansion, each) for each in (worth, chance))
        trained = _trained(
            store,
            {
                "whole, trained on": (recipe.net, whole),
                "pruned, trained on": (small, Origin("pruned", by_worth)),
                "pruned by chance, trained on": (small, Origin("pruned", by_chance)),
                "pruned shape from nothing": (small, None),
            },
            config,
            Path(temporary),
        )
        rows = {"whole": (whole.student, 0), "pruned": (by_worth, 0), **trained}
        ms = milliseconds({name: rows[name][0] for name in ("whole", "pruned")}, side, Path(temporary))
        shown = Table(title=f"{effect}, expansion {recipe.net.expansion} to {expansion}", box=box.MARKDOWN)
        shown.add_column("student")
        for heading in ("weights", "ms", "gap %", "crisp %", "steps"):
            shown.add_column(heading, justify="right")
        figures = []
        for name, (student, steps) in rows.items():
            found: Score = score(student.eval(), store, side, steps=steps, seconds=0.0)
            weights = sum(weight.numel() for weight in student.parameters())
            time_of = ms["whole" if student.config == recipe.net else "pruned"]
            shown.add_row(
                name, f"{weights}", f"{time_of:.1f}", f"{found.gap:.1f}", f"{found.crispness:.0f}", f"{steps}"
            )
            figures.append({"name": name, "weights": weights, "ms": time_of, **asdict(found)})
        if file is not None:
            file.fill(json.dumps({"schema": SCHEMA, "minutes": minutes, "rows": figures}, indent=1).encode())
    Console(width=120).print(shown)


if __name__ == "__main__":
    sys.exit(run(main, "pruning"))
