"""What an effect's temporal policy buys, and costs: steadiness and time, with it and without, frame by frame.

    python -m benchmarks.temporal clips/*.mp4 --effect toon
    python -m benchmarks.temporal clip.mp4 --effect toon --skip 200 --frames 60 --json report.json

Both pipelines get the same frames and take turns, on one thread each; who goes first changes every frame.
Metrics are those of ``effectcam replay --metrics`` that tell of steadiness, and the flow that they need is
sought once for both. One more, ``own``, is the warping error of every eighth output by its own flow instead
of the input's, over the input's by its own: where a look moves features, as enlarged eyes, or draws hard
lines on what hardly shows in the input, the input's flow is not that of the drawing. Lines that waver with
some smoothness are motion to it, though. A screen is left out, for it lies still on the frame by design;
``--eyes 1`` leaves out enlarged eyes as well, which move further than the input's by design.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import click
import cv2
import numpy as np
from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.command import run
from benchmarks.machine import Machine, this_machine
from effectcam.composite.temporal import MotionBlending, NoBlending, TemporalPolicy
from effectcam.effect import Effect, load_effect
from effectcam.effect.manifest import Screen, Warp
from effectcam.errors import UsageError
from effectcam.frame import Frame
from effectcam.pipeline import Pipeline
from effectcam.replay.metrics.drift import Drift
from effectcam.replay.metrics.flicker import Flicker
from effectcam.replay.metrics.flow import find_flow
from effectcam.replay.metrics.meters import Meters
from effectcam.replay.metrics.moment import Moment
from effectcam.replay.metrics.warping import WarpingError
from effectcam.sink.part_file import reserved
from effectcam.source.clip import Clip

SCHEMA = "effectcam.temporal/1"

_BURN_IN = 10

_EVERY = 8
"""Frames of which one is looked at for the output's own flow, which takes as long as all else."""


@dataclass(slots=True)
class Times:
    """Milliseconds of each frame."""

    chain: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    """Of all threads: what other programs take of the cores is not in it."""


@dataclass(frozen=True, slots=True)
class Side:
    """A clip under one policy."""

    figures: dict[str, float]
    """Of the clip, by the metric's name."""
    times: Times
    """Without the first frames."""


def measure(clip: Path, effect: Effect, policy: TemporalPolicy | None, frames: slice) -> list[Side]:
    """``frames`` of ``clip`` without blending, and with ``policy`` or the effect's own."""
    effect = dataclasses.replace(effect, screen=Screen())
    times = [Times(), Times()]
    with contextlib.ExitStack() as stack:
        pipelines = [
            stack.enter_context(Pipeline(effect, threads=1, temporal=each)) for each in (NoBlending(), policy)
        ]
        meters = [stack.enter_context(Meters([WarpingError(), Drift(), Flicker()])) for _ in pipelines]
        source = stack.enter_context(Clip(str(clip)))
        own: list[list[tuple[float, float]]] = [[], []]
        console = Console(stderr=True)
        chosen = itertools.islice(source, frames.start, frames.stop)
        for count, frame in enumerate(track(chosen, clip.name, console=console)):
            after = _in_turn(pipelines, frame, times if count >= _BURN_IN else None)
            moments = [
                Moment.of(pipeline, frame, drawn) for pipeline, drawn in zip(pipelines, after, strict=True)
            ]
            meters[0].see(moments[0])
            # It hangs on the input alone, and is what takes the longest.
            moments[1].__dict__["flow"] = moments[0].flow
            meters[1].see(moments[1])
            for found, moment in zip(own, moments, strict=True):
                found += _own_warping(moment)
        return [
            Side(_figures(meter, errors), spent)
            for meter, errors, spent in zip(meters, own, times, strict=True)
        ]


def _own_warping(moment: Moment) -> list[tuple[float, float]]:
    """Of the output by its own flow, and of the input; none for most frames."""
    previous = moment.previous
    if moment.before.index % _EVERY or previous is None or moment.flow is None:
        return []
    flow = find_flow(previous.drawn_grey, moment.drawn_grey)
    where = np.asarray(cv2.bitwise_and(flow.seen, moment.flow.seen), np.uint8)
    return [
        (
            cv2.norm(previous.after.pixels, flow.back(moment.after.pixels), cv2.NORM_L2SQR, where),
            cv2.norm(previous.before.pixels, moment.flow.back(moment.before.pixels), cv2.NORM_L2SQR, where),
        )
    ]


def _figures(meter: Meters, own: list[tuple[float, float]]) -> dict[str, float]:
    figures = {name: summary.value for name, summary in meter.summaries.items()}
    output, floor = np.sum(own, axis=0) if own else (0.0, 0.0)
    return figures | ({"own": float(output / floor)} if floor else {})


def _in_turn(pipelines: list[Pipeline], frame: Frame, times: list[Times] | None) -> list[Frame]:
    after: dict[int, Frame] = {}
    for number in (0, 1) if frame.index % 2 else (1, 0):
        begun = time.process_time()
        after[number] = pipelines[number].process(frame)
        if times is not None:
            times[number].processor.append(1000 * (time.process_time() - begun))
            times[number].chain.append(pipelines[number].ledger.last("chain"))
    return [after[number] for number in range(len(pipelines))]


@click.command()
@click.argument(
    "clips", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@click.option("--effect", "-e", "name", default="toon", show_default=True, help="Name or path.")
@click.option("--skip", default=0, show_default=True, type=click.IntRange(0), help="Frames at the beginning.")
@click.option("--frames", type=click.IntRange(20), help="Of each clip; all if left out.")
@click.option("--weight", type=click.FloatRange(0, 0.95), help="Another than the effect's own.")
@click.option(
    "--tolerance", type=click.FloatRange(1, 64), default=14.0, show_default=True, help="With --weight."
)
@click.option("--eyes", type=click.FloatRange(1, 1.6), help="Enlarged so far, not as the effect does.")
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path), metavar="FILE", help="Write it all down."
)
def temporal(
    clips: tuple[Path, ...],
    name: str,
    skip: int,
    frames: int | None,
    weight: float | None,
    tolerance: float,
    eyes: float | None,
    json_file: Path | None,
) -> None:
    """Measure clips with an effect's temporal policy and without."""
    effect = load_effect(name)
    if eyes is not None:
        effect = dataclasses.replace(effect, warp=Warp(eyes=eyes))
    if weight is None and effect.temporal.policy == "none":
        raise UsageError(f"{effect.name} has no temporal policy; give --weight, e.g. 0.6")
    console = Console(highlight=False, soft_wrap=True, width=110)
    machine = this_machine()  # before there is a load of our own
    with reserved(json_file) as file:
        chosen = slice(skip, None if frames is None else skip + frames)
        results = {}
        for clip in clips:
            # A new one for each clip: it keeps what was drawn last.
            fine = effect.temporal.flow == "fine"
            policy = None if weight is None else MotionBlending(weight=weight, tolerance=tolerance, fine=fine)
            results[clip.stem] = measure(clip, effect, policy, chosen)
        if file is not None:
            file.fill(json.dumps(_report(effect, machine, results), indent=1).encode("ascii"))
    console.print(f"{effect.name} {effect.version}, without and with", style="bold")
    console.print(_table(results))
    for kind in ("chain", "processor"):
        times = [
            np.concatenate([getattr(sides[number].times, kind) for sides in results.values()])
            for number in (0, 1)
        ]
        before, after = (float(np.median(each)) for each in times)
        console.print(
            f"{kind}: median {before:.1f} and {after:.1f} ms a frame, of pairs "
            f"{float(np.median(times[1] - times[0])):+.1f} ms"
        )


def _report(effect: Effect, machine: Machine, results: dict[str, list[Side]]) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "effect": {"name": effect.name, "version": effect.version},
        "machine": dataclasses.asdict(machine),
        "clips": {clip: [dataclasses.asdict(side) for side in sides] for clip, sides in results.items()},
    }


_COLUMNS = {
    "E_warp ratio": "warping_ratio",
    "on faces": "face_warping_ratio",
    "own": "own",
    "drift, px": "drift",
    "drift floor": "drift_floor",
    "flicker": "flicker",
    "its floor": "flicker_floor",
}
"""Figures by what stands above them."""


def _table(results: dict[str, list[Side]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("clip", no_wrap=True)
    for heading in _COLUMNS:
        table.add_column(heading, justify="right", no_wrap=True)
    for clip, (without, with_it) in results.items():
        before, after = without.figures, with_it.figures
        table.add_row(clip, *(_both(before, after, figure) for figure in _COLUMNS.values()))
    return table


def _both(before: dict[str, float], after: dict[str, float], figure: str) -> str:
    """Of both sides; of a floor, the input's, the first, for what is drawn is nearly the same."""
    if figure not in before:
        return ""
    return f"{before[figure]:.2f}" + ("" if figure.endswith("floor") else f" to {after[figure]:.2f}")


if __name__ == "__main__":
    sys.exit(run(temporal, "temporal"))
