"""What a student costs on each way to a processor: here, in a worker, on the GPU; and to a thread beside it.

    python -m benchmarks.accelerators
    python -m benchmarks.accelerators --effect toon --place frame --rounds 50

All take turns, picture by picture. ``here`` and ``worker`` run the same kernels, so their difference is the
way to a process of its own and back. ``pause`` is the longest time for which a thread beside the student
did not come to its turn: a camera or a sink would stand still for so long. ``opening`` is what the first
frame after a failed GPU waits for.
"""

from __future__ import annotations

import contextlib
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import click
import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.command import run
from benchmarks.machine import this_machine
from effectcam.effect import load_effect
from effectcam.errors import StudentError
from effectcam.student.choice import PlacedStudent
from effectcam.student.parity import parity_pictures
from effectcam.student.remote import RemoteStudent

_TICK = 0.001


@dataclass(slots=True)
class Way:
    name: str
    student: PlacedStudent | RemoteStudent
    times: list[float] = field(default_factory=list)
    """Milliseconds a picture."""
    pauses: list[float] = field(default_factory=list)
    """Milliseconds: the longest pause of the thread beside, of each picture."""


class Beside:
    """A thread that wants to run every millisecond, and remembers its longest wait."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        before = time.perf_counter()
        while not self._ended.is_set():
            time.sleep(_TICK)
            now = time.perf_counter()
            self.longest = max(self.longest, now - before)
            before = now

    def close(self) -> None:
        self._ended.set()
        self._thread.join()


@contextlib.contextmanager
def open_ways(
    effect: str, place: Literal["face", "frame"], threads: int
) -> Iterator[tuple[list[Way], float]]:
    """The ways that this machine has, and the milliseconds that opening a student here took at best."""
    network = load_effect(effect).network(place)
    openings = []
    for _ in range(5):
        begun = time.perf_counter()
        network.open(threads).close()
        openings.append(1000 * (time.perf_counter() - begun))
    with contextlib.ExitStack() as stack:
        ways = [
            Way("here", stack.enter_context(network.open(threads))),
            Way("worker", stack.enter_context(RemoteStudent(network, "cpu", threads=threads))),
        ]
        with contextlib.suppress(StudentError):
            gpu = stack.enter_context(RemoteStudent(network, "gpu", threads=threads))
            ways.append(Way(f"gpu: {gpu.placement.device}", gpu))
        yield ways, min(openings)


def measure(ways: list[Way], rounds: int) -> None:
    pictures = parity_pictures(ways[0].student.size)
    beside = Beside()
    with contextlib.closing(beside):
        for turn in range(-2, rounds):
            for way in ways:
                beside.longest = 0.0
                begun = time.perf_counter()
                way.student.run(pictures[turn % len(pictures)])
                taken = time.perf_counter() - begun
                if turn >= 0:
                    way.times.append(1000 * taken)
                    # A wait that has not ended yet counts as well, at the thread's next turn.
                    time.sleep(2 * _TICK)
                    way.pauses.append(1000 * beside.longest)


@click.command()
@click.option("--effect", default="zombie", show_default=True)
@click.option("--place", type=click.Choice(["face", "frame"]), default="face", show_default=True)
@click.option("--threads", type=click.IntRange(1, 64), default=1, show_default=True)
@click.option("--rounds", type=click.IntRange(3), default=100, show_default=True)
def main(effect: str, place: Literal["face", "frame"], threads: int, rounds: int) -> None:
    """Measure one student of an effect on every way that this machine has."""
    machine = this_machine()
    console = Console(highlight=False)
    with open_ways(effect, place, threads) as (ways, opening):
        measure(ways, rounds)
    table = Table(box=box.SIMPLE_HEAD)
    for column in ("way", "best ms", "p50 ms", "pause p50 ms"):
        table.add_column(column, justify="left" if column == "way" else "right")
    for way in ways:
        figures = (min(way.times), statistics.median(way.times), float(np.median(way.pauses)))
        table.add_row(way.name, *(f"{figure:.1f}" for figure in figures))
    console.print(f"{machine.cpu}, {machine.cores} cores, {effect}/{place}, {threads} threads")
    console.print(table)
    console.print(f"opening here: {opening:.0f} ms")
    if machine.busy:
        console.print("others were running: compare the rows, not with another machine")


if __name__ == "__main__":
    sys.exit(run(main, "accelerators"))
