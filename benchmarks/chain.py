"""The whole chain and each of its stages, beside a plain peer pipeline, in one run.

    python -m benchmarks.chain
    python -m benchmarks.chain clip.mp4 --effect toon --frames 300 --json report.json

Both pipelines get the same frames, decoded beforehand, and take turns frame by frame; who goes first
changes every frame. So whatever else the machine does hits both alike, and the ratio holds on a busy
machine, where the milliseconds do not.
"""

from __future__ import annotations

import dataclasses
import gc
import itertools
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Table

import effectcam
from benchmarks.command import run
from benchmarks.machine import Machine, this_machine
from benchmarks.peer import PeerPipeline
from effectcam.bench.arithmetic import multiply_adds
from effectcam.bench.footage import EndlessClip
from effectcam.effect import Effect, load_effect
from effectcam.effect.catalogue import catalogue
from effectcam.effect.manifest import Place
from effectcam.errors import UsageError
from effectcam.frame import Frame
from effectcam.ledger import STAGES
from effectcam.pipeline import Pipeline
from effectcam.sink.part_file import PartFile
from effectcam.source.clip import Clip
from effectcam.student.model_file import inspect_model
from effectcam.student.past import with_past

SCHEMA = "effectcam.chain/1"

_DEMO = Path(effectcam.__file__).with_name("media") / "demo.mp4"
_PERCENTILES = ("p50", "p95", "p99")


@dataclass(frozen=True, slots=True)
class Student:
    """One network of the effect, run by itself."""

    place: str
    file: str
    threads: int
    p50_ms: float
    gflops: float
    """Billion operations a second, a multiply-add counted as two."""


@dataclass(frozen=True, slots=True)
class Result:
    effect: Effect
    tier: str
    measured: int
    """Frames."""
    effectcam: dict[str, dict[str, float]]
    """Milliseconds by stage and percentile."""
    peer: dict[str, dict[str, float]]
    difference: float
    """Between the two pipelines' last pictures, mean of 0 to 255: large means that they did not do
    the same."""
    students: list[Student]

    def ratio(self, stage: str) -> float | None:
        """How many times the peer's median is ours; None for a stage that did not run."""
        ours = self.effectcam[stage]["p50"]
        return self.peer[stage]["p50"] / ours if ours else None


def read_frames(path: Path, most: int) -> list[Frame]:
    """The first ``most`` frames of a clip, in memory."""
    with Clip(path) as clip:
        return list(itertools.islice(clip, most))


def to_and_fro(frames: list[Frame]) -> Iterator[Frame]:
    """``frames`` for ever, forwards and backwards in turn, so that no cut makes a tracker start anew."""
    step = frames[1].captured_at - frames[0].captured_at if len(frames) > 1 else 33_333_333
    return iter(EndlessClip([frame.pixels for frame in frames], 1e9 / step))


def measure(
    effect: Effect, frames: list[Frame], *, tier: str, count: int, burn_in: int, quiet: bool = False
) -> Result:
    """Run both pipelines over ``count`` frames after ``burn_in`` that do not count."""
    with Pipeline(effect, tier=tier) as ours, PeerPipeline(effect, tier=tier) as peer:
        stream = to_and_fro(frames)
        for frame in itertools.islice(stream, burn_in):
            ours.process(frame)
            peer.process(frame)
        ours.ledger.clear()
        peer.ledger.clear()
        gc.collect()
        gc.disable()
        try:
            for frame in track(
                itertools.islice(stream, count),
                effect.name,
                count,
                console=Console(stderr=True),
                disable=quiet,
            ):
                if frame.index % 2:
                    drawn, plain = ours.process(frame), peer.process(frame)
                else:
                    plain, drawn = peer.process(frame), ours.process(frame)
        finally:
            gc.enable()
        difference = float(np.abs(drawn.pixels.astype(np.int16) - plain.pixels).mean())
        return Result(
            effect,
            tier,
            count,
            ours.ledger.summary(),
            peer.ledger.summary(),
            round(difference, 2),
            [measure_student(effect, place, tier) for place in effect.places],
        )


def measure_student(effect: Effect, place: Place, tier: str, rounds: int = 40) -> Student:
    model = effect.model(place, tier)
    times = []
    with effect.open_student(place, tier=tier) as student:
        picture = np.random.default_rng(0).integers(0, 256, (*student.size, 3), np.uint8)
        image = with_past(picture, None, student.inputs)
        for _ in range(rounds):
            begun = time.perf_counter()
            student.run(image)
            times.append(time.perf_counter() - begun)
        threads = student.threads
    median = float(np.median(times[rounds // 4 :]))
    operations = 2 * multiply_adds(effect.read(model.file))
    return Student(place, model.file, threads, round(1000 * median, 3), round(operations / median / 1e9, 1))


def report(results: list[Result], clip: Path, frames: list[Frame], machine: Machine) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "machine": dataclasses.asdict(machine),
        "clip": {
            "path": str(clip),
            "frames": len(frames),
            "width": frames[0].width,
            "height": frames[0].height,
        },
        "effects": [
            {
                "effect": {
                    "name": result.effect.name,
                    "version": result.effect.version,
                    "tier": result.tier,
                },
                "frames": result.measured,
                "effectcam": {"stages_ms": result.effectcam},
                "peer": {"stages_ms": result.peer},
                "times_faster_p50": {
                    stage: round(ratio, 2) for stage in STAGES if (ratio := result.ratio(stage)) is not None
                },
                "mean_difference": result.difference,
                "students": [dataclasses.asdict(student) for student in result.students],
            }
            for result in results
        ],
    }


def print_result(console: Console, result: Result, machine: Machine) -> None:
    console.print(
        f"{result.effect.name} {result.effect.version}, {result.tier} tier, ms a frame", style="bold"
    )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("stage", no_wrap=True)
    for heading in (*_PERCENTILES, *(f"peer {name}" for name in _PERCENTILES), "ratio"):
        table.add_column(heading, justify="right")
    for stage in STAGES:
        ratio = result.ratio(stage)
        cells = [
            f"{side[stage][name]:.2f}" for side in (result.effectcam, result.peer) for name in _PERCENTILES
        ]
        table.add_row(
            stage,
            *cells,
            "" if ratio is None else f"{ratio:.2f}",
            style="bold" if stage == "chain" else "",
        )
    console.print(table)
    if len(result.effect.places) > 1:
        console.print("mesh and crop share the cores with the frame student, so only the chain compares")
    for student in result.students:
        console.print(
            f"{student.place} student alone on {student.threads} of {machine.cores} cores: "
            f"{student.p50_ms:.2f} ms, {student.gflops:.0f} GFLOP/s; "
            f"a matrix product does {machine.sgemm_gflops:.0f} on one"
        )
    console.print(f"the two pictures differ by {result.difference} of 255 on average\n")


def _remembers(effect: Effect, place: Place, tier: str) -> bool:
    file = effect.model(place, tier).file
    return inspect_model(effect.read(file), name=file).inputs > 3


@click.command()
@click.argument("clip", type=click.Path(path_type=Path), default=_DEMO)
@click.option("--effect", "-e", "names", multiple=True, help="Name or path; may be repeated.  [default: all]")
@click.option("--tier", default="standard", show_default=True, help="Of every effect.")
@click.option(
    "--frames", "count", default=300, show_default=True, type=click.IntRange(10), help="Frames measured."
)
@click.option(
    "--burn-in", default=30, show_default=True, type=click.IntRange(1), help="Frames run before that."
)
@click.option("--json", "target", type=click.Path(path_type=Path), help="Write the figures there.")
def bench(
    clip: Path, names: tuple[str, ...], tier: str, count: int, burn_in: int, target: Path | None
) -> None:
    """Measure the chain on CLIP, the demo clip unless given, beside a plain pipeline."""
    console = Console(highlight=False, soft_wrap=True)
    effects = [load_effect(name) for name in names or catalogue()]
    if not effects:
        raise UsageError("no effect is installed; name a package with --effect PATH")
    # Tried before minutes are spent on what cannot be written.
    part = PartFile(target) if target is not None else None
    if part is not None:
        click.get_current_context().call_on_close(part.discard)
    frames = read_frames(clip, count)
    machine = this_machine()
    console.print(f"{machine.cpu}, {machine.cores} cores, {machine.system}, Python {machine.python}")
    console.print(f"{clip}: {len(frames)} frames of {frames[0].width}x{frames[0].height}")
    if machine.busy:
        console.print(
            f"the machine is busy (load {machine.load:.1f}): trust the ratios, not the milliseconds"
        )
    console.print()
    results = []
    for effect in effects:
        if any(_remembers(effect, place, tier) for place in effect.places):
            console.print(
                f"{effect.name}: left out, its student has a memory and the plain pipeline has none"
            )
            continue
        result = measure(effect, frames, tier=tier, count=count, burn_in=burn_in)
        print_result(console, result, machine)
        results.append(result)
    if part is not None:
        text = json.dumps(report(results, clip, frames, machine), indent=2) + "\n"
        part.fill(text.encode())


if __name__ == "__main__":
    sys.exit(run(bench, "chain"))
