"""What holds the tail when an encoder has the other core: threads, runtime, OpenCV's threads, priority.

    python -m benchmarks.tail
    python -m benchmarks.tail --effect toon --under-load 2 --frames 600

Frames come at 30 a second, as a camera's do, and each goes to the next variant in turn: so all meet the
same encoders, neighbours and moments. A higher priority needs the right to it, and is left out without.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import click
import cv2
import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

import effectcam
from benchmarks.command import run
from effectcam.bench.footage import EndlessClip, load_footage
from effectcam.bench.load import Competitors
from effectcam.bench.neighbours import Neighbours
from effectcam.bench.words import encoder_line
from effectcam.effect.package import Effect, load_effect
from effectcam.frame import Frame
from effectcam.live.feed import paced
from effectcam.live.loop import short_collections
from effectcam.live.stop import StopFlag
from effectcam.pipeline import Pipeline
from effectcam.student.threads import usable_cores

_DEMO = Path(effectcam.__file__).with_name("media") / "demo.mp4"
_BURN_IN = 10
_RAISED = -5


@dataclass(slots=True)
class Variant:
    name: str
    pipeline: Pipeline
    opencv_threads: int
    stamps: Iterator[int]
    """Of its pipeline's frames, in nanoseconds: blending goes by how long ago the one before was, and each
    variant has only every so many."""
    raised: bool = False
    """Runs at a priority above the encoders'."""
    times: list[float] = field(default_factory=list)
    """Milliseconds of each frame that counts."""
    cpu: float = 0.0

    def run(self, frame: Frame, *, counts: bool) -> None:
        cv2.setNumThreads(self.opencv_threads)
        with _priority(_RAISED) if self.raised else contextlib.nullcontext():
            begun, cpu = time.perf_counter(), time.process_time()
            self.pipeline.process(Frame(frame.pixels, frame.index, next(self.stamps)))
            if counts:
                self.times.append(1000 * (time.perf_counter() - begun))
                self.cpu += time.process_time() - cpu


@contextlib.contextmanager
def _priority(change: int) -> Iterator[None]:
    """All threads of this process at another niceness: on Linux each thread has its own."""
    before = os.getpriority(os.PRIO_PROCESS, 0)
    _set_priority(before + change)
    try:
        yield
    finally:
        _set_priority(before)


def _set_priority(niceness: int) -> None:
    for thread in os.listdir("/proc/self/task"):
        with contextlib.suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, int(thread), niceness)


def may_raise() -> bool:
    """Whether this process may go before others; a user's usually may not."""
    try:
        with _priority(_RAISED):
            return True
    except OSError:
        return False


def variants(effect: Effect, stack: contextlib.ExitStack, *, fps: float = 30.0) -> list[Variant]:
    """One pipeline for each number of threads and runtime; the others differ in what is set around them. Each
    pipeline's frames are ``fps`` a second."""
    made = []
    cores = usable_cores()
    for threads in (1, 2):
        for beside in (False, True):
            pipeline = stack.enter_context(Pipeline(effect, threads=threads, beside=beside))
            runtime = "interpreter" if beside else "CompiledModel"
            stamps = (round(number * 1e9 / fps) for number in itertools.count())
            made.append(Variant(f"{threads} thread(s), {runtime}", pipeline, cores, stamps))
    one, two = made[0], made[2]
    made.append(replace(one, name="1 thread(s), OpenCV on 1 too", opencv_threads=1, times=[]))
    if may_raise():
        for usual in (one, two):
            name = usual.name.replace("CompiledModel", f"niceness {_RAISED}")
            made.append(replace(usual, name=name, raised=True, times=[]))
    return made


@click.command()
@click.option("--effect", "-e", "name", default="zombie", show_default=True, help="Name or path.")
@click.option("--under-load", default=1, show_default=True, type=click.IntRange(0, 16), help="Encoders.")
@click.option(
    "--frames", default=300, show_default=True, type=click.IntRange(20), help="Measured, of each variant."
)
@click.option("--fps", default=30.0, show_default=True, type=click.FloatRange(1, 240), help="Frames offered.")
def tail(name: str, under_load: int, frames: int, fps: float) -> None:
    """Measure the chain's tail beside encoders, one variant a frame in turn."""
    console = Console(highlight=False, soft_wrap=True, width=110)
    effect = load_effect(name)
    footage = load_footage(_DEMO, (1280, 720))
    with contextlib.ExitStack() as stack:
        competitors = stack.enter_context(Competitors(under_load, _DEMO))
        shown = variants(effect, stack, fps=fps)
        competitors.wait()
        stream = paced(EndlessClip(footage.pictures, fps), StopFlag(), restamp=True)
        with short_collections():
            for number, frame in zip(range(_BURN_IN * len(shown)), stream, strict=False):
                shown[number % len(shown)].run(frame, counts=False)
            competitors.measure()
            before, begun, neighbours = competitors.cpu_seconds(), time.perf_counter(), Neighbours()
            cpu = time.process_time()
            for number, frame in zip(range(frames * len(shown)), stream, strict=False):
                shown[number % len(shown)].run(frame, counts=True)
        seconds = time.perf_counter() - begun
        own = time.process_time() - cpu + competitors.cpu_seconds() - before
        conditions = neighbours.conditions(own)
        load = competitors.finish()
    console.print(
        f"{effect.name} {effect.version} at {fps:g} fps beside {under_load} encoder(s)", style="bold"
    )
    console.print(_table(shown))
    for encoder in load:
        console.print(encoder_line(encoder, seconds))
    for note in conditions.notes:
        console.print(note)


def _table(shown: list[Variant]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("variant", no_wrap=True)
    for heading in ("p50 ms", "p95", "p99", "max", "over 33.3 ms", "CPU ms"):
        table.add_column(heading, justify="right", no_wrap=True)
    for variant in shown:
        times = np.array(variant.times)
        p50, p95, p99 = np.percentile(times, (50, 95, 99))
        figures = (p50, p95, p99, times.max())
        missed = f"{100 * (times > 33.3).mean():.1f} %"
        cpu = f"{1000 * variant.cpu / len(times):.1f}"
        table.add_row(variant.name, *(f"{value:.1f}" for value in figures), missed, cpu)
    return table


if __name__ == "__main__":
    sys.exit(run(tail, "tail"))
