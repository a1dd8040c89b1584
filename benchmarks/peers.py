"""effectcam beside others that do the same or a part of it: one run, turn by turn, medians and ratios.

    python -m benchmarks.peers clip.mp4
    python -m benchmarks.peers clip.mp4 --landmarker face_landmarker.task --python mediapipe-1/bin/python \\
        --tflite-python tflite/bin/python

Every line of the table was measured in turns with the one above it that has a ratio of 1: the same frames
or crops, decoded beforehand, the same number of threads. What is not installed is left out, with the
reason. Peers that want other libraries than ours run in an environment of their own, named by its
interpreter.
"""

from __future__ import annotations

import contextlib
import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import click
import cv2
import numpy as np
from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.chain import read_frames, to_and_fro
from benchmarks.command import run
from benchmarks.machine import this_machine
from benchmarks.peer import PeerPipeline
from effectcam.effect import Effect, load_effect
from effectcam.errors import UsageError
from effectcam.face.crop import cut, fit_head
from effectcam.face.mesh import FaceMesh
from effectcam.frame import Frame, Pixels
from effectcam.pipeline import Pipeline
from effectcam.student.litert import LiteRtStudent

WORKER = Path(__file__).with_name("peer_worker.py")
BURN_IN = 10
"""Turns that do not count."""


class Side(Protocol):
    """One who is measured."""

    name: str

    def run(self, number: int) -> float:
        """Seconds for the picture of that number."""


@dataclass
class Local:
    """In this process."""

    name: str
    work: Callable[[int], object]

    def run(self, number: int) -> float:
        begun = time.perf_counter()
        self.work(number)
        return time.perf_counter() - begun


class Worker:
    """In a process of its own, see ``benchmarks/peer_worker.py``. Raises UsageError, with the reason, when
    the peer cannot be had there."""

    def __init__(self, python: Path, kind: str, pictures: Path, *arguments: str) -> None:
        # A file, since nobody reads a pipe meanwhile: a library that says much would wait for it.
        self._told = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115 - closed in __exit__
        self._process = subprocess.Popen(
            [str(python), str(WORKER), kind, str(pictures), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._told,
            text=True,
        )
        try:
            self.name = self._answer()
        except BaseException:
            self.__exit__()
            raise

    def run(self, number: int) -> float:
        assert self._process.stdin is not None
        print(number, file=self._process.stdin, flush=True)
        return float(self._answer())

    def _answer(self) -> str:
        assert self._process.stdout is not None
        said = self._process.stdout.readline().strip()
        if not said:
            self._process.wait()
            self._told.seek(0)
            told = self._told.read().strip()
            raise UsageError(told.splitlines()[-1] if told else "it ended without a word")
        return said

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._told.close()


@dataclass
class Line:
    """A row of the table; ``ratio`` is to the first of its group."""

    what: str
    name: str
    p50: float
    p95: float
    ratio: float


class Peers:
    """Measures groups of sides and remembers what had to be left out."""

    def __init__(self, frames: Sequence[Frame], folder: Path, *, rounds: int, threads: int) -> None:
        self._frames = frames
        self.folder = folder
        self._rounds = rounds
        self.threads = threads
        self.lines: list[Line] = []
        self.absent: list[str] = []

    def keep(self, name: str, pictures: Sequence[Pixels]) -> Path:
        """Pictures where a worker finds them."""
        path = self.folder / f"{name}.npy"
        np.save(path, np.stack(pictures))
        return path

    @contextlib.contextmanager
    def worker(self, python: Path, kind: str, pictures: Path, *arguments: str) -> Iterator[list[Side]]:
        """The peer, or nobody where there is none."""
        try:
            worker = Worker(python, kind, pictures, *arguments)
        except (UsageError, OSError) as error:
            self.absent.append(f"{kind} by {python}: {error}")
            yield []
            return
        with worker:
            yield [worker]

    def compare(self, what: str, count: int, sides: Sequence[Side]) -> None:
        """Let ``sides`` take turns on ``count`` pictures, to and fro, each turn begun by another."""
        seconds: list[list[float]] = [[] for _ in sides]
        order = itertools.cycle([*range(count), *range(count - 2, 0, -1)])
        turns = track(range(BURN_IN + self._rounds), what, console=Console(stderr=True))
        for turn, number in zip(turns, order, strict=False):
            for place in range(len(sides)):
                who = (place + turn) % len(sides)
                taken = sides[who].run(number)
                if turn >= BURN_IN:
                    seconds[who].append(taken)
        first = float(np.median(seconds[0]))
        for side, each in zip(sides, seconds, strict=True):
            p50, p95 = (float(np.percentile(each, q)) for q in (50, 95))
            self.lines.append(Line(what, side.name, 1000 * p50, 1000 * p95, p50 / first))

    def table(self) -> Table:
        table = Table("what", "who", "p50 ms", "p95 ms", "times ours", box=box.MARKDOWN)
        for line in self.lines:
            table.add_row(line.what, line.name, f"{line.p50:.1f}", f"{line.p95:.1f}", f"{line.ratio:.2f}")
        return table


def chains(peers: Peers, frames: Sequence[Frame], effect: Effect) -> None:
    """The whole way of a frame, and the plain pipeline's."""
    size = f"{frames[0].width}x{frames[0].height}"
    with Pipeline(effect) as ours, PeerPipeline(effect) as plain:
        streams = [to_and_fro(list(frames)) for _ in range(2)]
        sides = [
            Local(f"effectcam, {effect.name}", lambda _: ours.process(next(streams[0]))),
            Local("plain pipeline of the same parts", lambda _: plain.process(next(streams[1]))),
        ]
        peers.compare(f"{effect.name}, {size}", len(frames), sides)


def students(peers: Peers, crops: Sequence[Pixels], effect: Effect, tflite: Path | None) -> None:
    """One face at 256 x 256: the network alone."""
    file = effect.model("face", "standard").file
    model = peers.folder / file
    model.write_bytes(effect.read(file))
    kept, threads = peers.keep("crops", crops), str(peers.threads)
    student = LiteRtStudent(model, channels=4, threads=peers.threads)
    with contextlib.ExitStack() as stack:
        stack.enter_context(student)
        sides: list[Side] = [Local(f"effectcam, {effect.name}'s student", lambda n: student.run(crops[n]))]
        sides += stack.enter_context(peers.worker(Path(sys.executable), "style", kept, threads))
        if tflite is not None:
            sides += stack.enter_context(peers.worker(tflite, "tflite", kept, str(model), threads))
        peers.compare("a crop of 256x256", len(crops), sides)


def whole_frames(peers: Peers, frames: Sequence[Frame], effect: Effect) -> None:
    """A drawn frame: our chain with frame and face student, and a style at 512 pixels."""
    pictures = [_square(frame.pixels, 512) for frame in frames]
    kept = peers.keep("squares", pictures)
    with Pipeline(effect) as ours, contextlib.ExitStack() as stack:
        stream = to_and_fro([Frame(p, f.index, f.captured_at) for p, f in zip(pictures, frames, strict=True)])
        sides: list[Side] = [Local(f"effectcam, {effect.name}", lambda _: ours.process(next(stream)))]
        sides += stack.enter_context(peers.worker(Path(sys.executable), "style", kept, str(peers.threads)))
        peers.compare("a frame of 512x512", len(frames), sides)


def meshes(peers: Peers, frames: Sequence[Frame], model: Path | None, pythons: Sequence[Path]) -> None:
    """Where the face is."""
    if model is None:
        peers.absent.append("Face Landmarker: name its bundle with --landmarker")
        return
    kept = peers.keep("frames", [frame.pixels for frame in frames])
    stream = to_and_fro(list(frames))
    with FaceMesh() as mesh, contextlib.ExitStack() as stack:
        sides: list[Side] = [Local("effectcam's graph", lambda _: mesh.process(next(stream)))]
        for python in (Path(sys.executable), *pythons):
            sides += stack.enter_context(peers.worker(python, "landmarker", kept, str(model)))
        peers.compare(f"face mesh, {frames[0].width}x{frames[0].height}", len(frames), sides)


def _square(picture: Pixels, side: int) -> Pixels:
    """The middle square, ``side`` pixels wide."""
    height, width = picture.shape[:2]
    shorter = min(height, width)
    top, left = (height - shorter) // 2, (width - shorter) // 2
    middle = picture[top : top + shorter, left : left + shorter]
    return np.asarray(cv2.resize(middle, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def _crops(frames: Sequence[Frame], effect: Effect) -> list[Pixels]:
    with FaceMesh() as mesh:
        found = [(frame, mesh.process(frame)) for frame in frames]
    margin, size = effect.crop.margin, effect.model("face", "standard").size
    crops = [
        cut(f.pixels, fit_head(faces[0].landmarks).scaled(margin), size[0]) for f, faces in found if faces
    ]
    if not crops:
        raise UsageError("no face in the clip; choose one that shows a face")
    return crops


_PYTHON = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("clip", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--rounds", default=150, show_default=True, type=click.IntRange(10), help="Turns that count.")
@click.option(
    "--threads",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    help="Of each network alone; pipelines choose.",
)
@click.option("--landmarker", type=_PYTHON, help="Face Landmarker's bundle, a .task file.")
@click.option(
    "--python", "pythons", type=_PYTHON, multiple=True, help="An environment with another MediaPipe."
)
@click.option("--tflite-python", type=_PYTHON, help="An environment with tflite-runtime.")
def peers(
    clip: Path,
    rounds: int,
    threads: int,
    landmarker: Path | None,
    pythons: tuple[Path, ...],
    tflite_python: Path | None,
) -> None:
    """Measure effectcam and its peers on CLIP, in turns."""
    frames = read_frames(clip, 90)
    zombie, toon = load_effect("zombie"), load_effect("toon")
    machine = this_machine()
    with tempfile.TemporaryDirectory() as folder:
        run = Peers(frames, Path(folder), rounds=rounds, threads=threads)
        chains(run, frames, zombie)
        chains(run, frames, toon)
        students(run, _crops(frames, zombie), zombie, tflite_python)
        whole_frames(run, frames, toon)
        meshes(run, frames, landmarker, pythons)
    console = Console(width=110, highlight=False, soft_wrap=True)
    console.print(f"{machine.cpu}, {machine.cores} cores, {machine.system}, Python {machine.python}")
    if machine.busy:
        console.print(f"busy (load {machine.load:.1f}): trust the ratios, not the milliseconds")
    console.print(run.table())
    for reason in run.absent:
        console.print(f"left out: {reason}")


if __name__ == "__main__":
    sys.exit(run(peers, "peers"))
