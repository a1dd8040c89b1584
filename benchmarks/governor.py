"""What the governor saves where nothing moves, and what it does on a device that becomes slow.

    python -m benchmarks.governor still --effect zombie --effect toon
    python -m benchmarks.governor slow --delay 60

``still``: an effect on a clip, on one frame of it that stands still, and on the clip without a governor, in
turns of two seconds of frames. All frames have a camera's noise and JPEG. CPU time is that of all threads of
the process from when the loop takes a frame until the sinks have it; the camera's own work is not in it.

``slow``: a paced run in real time, a third as it is, a third with students that wait, a third as it is.
"""

from __future__ import annotations

import itertools
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType

import click
import cv2
import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.chain import read_frames
from benchmarks.command import run
from benchmarks.machine import this_machine
from benchmarks.slow_device import ClockFromZero, camera, slowed
from effectcam.cli.demo import demo_clip
from effectcam.effect import Effect, load_effect
from effectcam.effect.manifest import Manifest, Tier, TierName
from effectcam.effect.writer import write_package
from effectcam.frame import Frame, Pixels
from effectcam.live.controls import Controls
from effectcam.live.governor import BudgetPolicy, Cost, Governor, NoGovernor, Record
from effectcam.live.governor_trace import replay
from effectcam.live.loop import LiveLoop
from effectcam.live.options import Options
from effectcam.live.privacy import FaceGuard
from effectcam.sink.base import NullSink

FPS = 30
TURN = 2 * FPS
"""Frames."""


class Noted(NoGovernor):
    """No governor, and the costs."""

    def __init__(self) -> None:
        self.costs: list[Cost] = []

    def account(self, cost: Cost | None) -> None:
        if cost is not None:
            self.costs.append(cost)


class Side:
    """One run among those that take turns, over ``pictures`` again and again."""

    def __init__(self, name: str, effect: Effect, pictures: Sequence[Pixels], *, governed: bool) -> None:
        self.name = name
        self._noted = Noted()
        self._trace: list[Record] = []
        # A budget that holds whatever the machine does meanwhile: only the skip is looked at.
        policy: BudgetPolicy = self._noted
        if governed:
            policy = Governor(fps=FPS, budget_ms=10_000, skip_still=True, trace=self._trace.append)
        self._controls = open_controls(effect)
        height, width = pictures[0].shape[:2]
        self._loop = LiveLoop(
            self._controls,
            NullSink(),
            size=(width, height),
            guard=FaceGuard(),
            governor=policy,
            stamped=False,
        )
        self._frames = (
            Frame(picture, index, round(index * 1e9 / FPS))
            for index, picture in enumerate(itertools.cycle(pictures))
        )

    def run(self, count: int) -> None:
        self._loop.run(itertools.islice(self._frames, count))

    def forget(self) -> None:
        self._noted.costs.clear()
        self._trace.clear()

    @property
    def costs(self) -> list[Cost]:
        traced = [Cost(**record["cost"]) for record in self._trace if record.get("cost")]
        return traced or self._noted.costs

    @property
    def drawn(self) -> float:
        """Share of the frames that were drawn."""
        done = [record["did"] for record in self._trace if "did" in record]
        return sum(did != "repeat" for did in done) / len(done) if done else 1.0

    def close(self) -> None:
        self._controls.close()


def open_controls(effect: Effect, tell: list[str] | None = None) -> Controls:
    told: list[str] = [] if tell is None else tell
    return Controls(effect, Options(label=False), on_quit=lambda: None, tell=told.append)


def as_a_camera(pictures: Sequence[Pixels], count: int) -> list[Pixels]:
    """``count`` pictures, forwards and backwards through ``pictures``, with a webcam's noise and JPEG."""
    random = np.random.default_rng(0)
    order = itertools.cycle([*range(len(pictures)), *range(len(pictures) - 2, 0, -1)])
    out = []
    for place in itertools.islice(order, count):
        loud = np.clip(pictures[place] + random.normal(0, 3, pictures[place].shape), 0, 255).astype(np.uint8)
        _, packed = cv2.imencode(".jpg", loud[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])
        out.append(np.ascontiguousarray(cv2.imdecode(packed, cv2.IMREAD_COLOR)[..., ::-1]))
    return out


def measure_still(effect: Effect, pictures: Sequence[Pixels], turns: int) -> list[Side]:
    """The three sides after ``turns`` turns each, and one before that do not count; closed."""
    moving, still = as_a_camera(pictures, 2 * TURN), as_a_camera(pictures[:1], TURN)
    with ExitStack() as stack:
        sides = [
            stack.enter_context(closing(Side(name, effect, shown, governed=governed)))
            for name, shown, governed in (
                ("moving", moving, True),
                ("still", still, True),
                ("moving, no governor", moving, False),
            )
        ]
        for turn in range(turns + 1):
            for side in sides:
                side.run(TURN)
                if not turn:
                    side.forget()
    return sides


def two_tiers(effect: Effect, folder: Path) -> Effect:
    """``effect`` with its standard student as its lite one too: what is slow about a tier is the delay."""
    for name in effect.files:
        (folder / name).write_bytes(effect.read(name))
    tiers: dict[TierName, Tier] = dict.fromkeys(("standard", "lite"), effect.tiers["standard"])
    values = {field.name: getattr(effect, field.name) for field in fields(Manifest)}
    return write_package(folder, Manifest(**{**values, "tiers": MappingProxyType(tiers)}))


@dataclass(frozen=True, slots=True)
class SlowRun:
    trace: list[Record]
    told: list[str]
    seconds: float


def measure_slow(
    effect: Effect, pictures: Sequence[Pixels], *, fps: float, seconds: float, delay: float
) -> SlowRun:
    """``seconds`` of a run at ``fps``, in whose second third the standard tier takes ``delay`` ms more."""
    clock = ClockFromZero()
    trace: list[Record] = []
    told: list[str] = []
    begun = 0

    def wait(tier: str) -> float:
        slow = seconds / 3 <= (clock.now() - begun) / 1e9 < 2 * seconds / 3
        return delay if slow and tier == "standard" else 0.0

    with closing(open_controls(slowed(effect, clock, wait), told)) as controls:
        height, width = pictures[0].shape[:2]
        loop = LiveLoop(
            controls,
            NullSink(),
            size=(width, height),
            guard=FaceGuard(),
            governor=Governor(fps=fps, trace=trace.append, tell=told.append),
            clock=clock,
        )
        begun = clock.now()
        first = int(begun / 1e9 * fps) + 1
        loop.run(
            camera(clock, seconds, lambda number: pictures[number % len(pictures)], fps=fps, begin=first)
        )
    return SlowRun(trace, told, seconds)


def steps(run: SlowRun) -> Iterator[tuple[float, Record]]:
    """Each step with the seconds since the run began."""
    at = first = next(record["at"] for record in run.trace if "at" in record)
    for record in run.trace:
        at = record.get("at", at)
        if "step" in record:
            yield (at - first) / 1e9, record


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", no_wrap=True)
    return table


def _load(clip: Path | None, most: int) -> list[Pixels]:
    with ExitStack() as stack:
        path = clip or stack.enter_context(demo_clip())
        return [frame.pixels for frame in read_frames(path, most)]


_clip = click.argument("clip", type=click.Path(path_type=Path), required=False)
_console = Console(highlight=False, soft_wrap=True)


@click.group()
def bench() -> None:
    """Measure the governor."""


@bench.command()
@_clip
@click.option("--effect", "-e", "names", multiple=True, default=("zombie", "toon"), show_default=True)
@click.option("--turns", default=5, show_default=True, type=click.IntRange(1), help="Of two seconds, each.")
def still(clip: Path | None, names: tuple[str, ...], turns: int) -> None:
    """CPU time of a still scene beside a moving one."""
    pictures = _load(clip, TURN)
    _introduce(pictures)
    for name in names:
        sides = measure_still(load_effect(name), pictures, turns)
        table = _table(name, "drawn", "CPU ms a frame", "of moving", "ms a frame")
        moving = statistics.mean(cost.cpu_ms for cost in sides[0].costs)
        for side in sides:
            cpu = statistics.mean(cost.cpu_ms for cost in side.costs)
            busy = statistics.mean(cost.busy_ms for cost in side.costs)
            table.add_row(side.name, f"{side.drawn:.0%}", f"{cpu:.2f}", f"{cpu / moving:.0%}", f"{busy:.2f}")
        _console.print(table)


@bench.command()
@_clip
@click.option("--effect", "-e", "name", default="zombie", show_default=True)
@click.option("--fps", default=30.0, show_default=True, type=click.FloatRange(1, 240))
@click.option(
    "--seconds", default=90.0, show_default=True, type=click.FloatRange(3), help="Of the whole run."
)
@click.option("--delay", default=60.0, show_default=True, type=click.FloatRange(0), help="Milliseconds.")
def slow(clip: Path | None, name: str, fps: float, seconds: float, delay: float) -> None:
    """What the governor does while a device is slow for a while."""
    pictures = _load(clip, TURN)
    _introduce(pictures)
    with tempfile.TemporaryDirectory() as folder:
        effect = two_tiers(load_effect(name), Path(folder))
        run = measure_slow(effect, [*pictures, *pictures[-2:0:-1]], fps=fps, seconds=seconds, delay=delay)
    table = _table("step", "second", "why")
    for at, record in steps(run):
        table.add_row(f"{record['step']:+d} to rung {record['rung']}", f"{at:.1f}", record["why"])
    _console.print(table)
    again = "the same" if replay(run.trace) == run.trace else "OTHER"
    _console.print(f"replayed from its trace of {len(run.trace)} records: {again} decisions")


def _introduce(pictures: Sequence[Pixels]) -> None:
    machine = this_machine()
    height, width = pictures[0].shape[:2]
    _console.print(f"{machine.cpu}, {machine.cores} cores, load {machine.load}; frames of {width}x{height}\n")


if __name__ == "__main__":
    sys.exit(run(bench, "governor"))
