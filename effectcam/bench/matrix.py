"""Many cells measured in turns, so that whatever else the machine does hits all of them alike.

In each round every cell has a fresh process, since what a process got by chance (its place in memory, the
threads it chose) stays with it. The processes take turns of a few frames, in an order drawn anew each time.
So two cells of one round are a pair, and their ratio holds where their milliseconds do not (Abedi and Brecht,
"Conducting repeatable experiments in highly variable cloud computing environments", 2017).

The folder is all that is kept: ``CELL/NN.json``, a report of ``effectcam bench`` for each cell and round.
What is there is not measured again.
"""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import psutil

from effectcam.bench.cell_process import CellProcess
from effectcam.bench.cells import Cell
from effectcam.bench.fingerprint import fingerprint
from effectcam.bench.footage import load_footage
from effectcam.bench.groups import Group, read_group
from effectcam.bench.plan import Tell
from effectcam.bench.report import ClipUsed, Device, Report
from effectcam.bench.worker import Job
from effectcam.errors import BenchError, UsageError
from effectcam.live.cores import kept_cores

_CELL_MB = 450.0
"""Memory that an open cell takes, beside the frames that all share."""
_SPARE_MB = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What all cells have in common."""

    clip: Path
    faces: int = 1
    cores: int | None = None
    priority: Literal["normal", "raised"] = "normal"
    rounds: int = 12
    frames: int = 200
    """Of a cell in a round."""
    turn: int = 3
    """Frames that a cell runs before the next one has its turn. Fewer: a shorter disturbance still hits all
    alike, and the first frame of a turn, for which the caches may be cold, weighs more."""
    burn_in: int = 30
    together: int | None = None
    """Cells open at once, the others of a round have theirs later; None: as many as fit into memory."""


Footages = dict[tuple[int, int], tuple[Path, ClipUsed]]
"""By size of the frames: where they are, and what they are of."""


class Matrix:
    """``cells`` measured as ``wishes`` say, with their reports in ``folder``, which exists."""

    def __init__(self, folder: Path, cells: Sequence[Cell], wishes: Wishes) -> None:
        self.cells = cells
        self.refused: dict[str, str] = {}
        """Why a cell could not run, by its name; the others went on."""
        self._folder = folder
        self._wishes = wishes

    def run(self, *, tell: Tell = lambda what, share: None) -> None:
        """Measure what is not there yet. Ctrl-C ends it; whole rounds are kept, and the next call goes on.

        Raises SourceError for a clip that will not do, UsageError when the folder holds reports of something
        else, ReportError for a damaged one, OSError when the folder cannot be written. What goes wrong with
        one cell is in `refused`.
        """
        for cell in self.cells:
            try:
                cell.effect.tier(cell.tier)
            except UsageError as error:
                self.refused[cell.name] = str(error)
        tell("measuring the machine", 0)
        device = fingerprint()
        with tempfile.TemporaryDirectory(prefix="effectcam-", ignore_cleanup_errors=True) as kept:
            footages: Footages = {}
            for size in dict.fromkeys(cell.size for cell in self.cells):
                tell(f"reading the clip at {size[0]}x{size[1]}", 0)
                footages[size] = self._footage(size, Path(kept))
            self._check(device, footages)
            for step in self._steps():
                jobs = {
                    cell: self._job(cell, step.number, device, footages[cell.size]) for cell in step.cells
                }
                try:
                    self._measure(step, jobs, tell)
                finally:
                    for job in jobs.values():
                        Path(job.report).unlink(missing_ok=True)
                        with suppress(OSError):
                            # That of a cell which could not run is empty.
                            Path(job.report).parent.rmdir()

    def group(self, cell: Cell) -> Group | None:
        """Its reports, by round; None without any. Raises ReportError for a damaged one."""
        folder = self._folder / cell.name
        return read_group(folder) if any(folder.glob("*.json")) else None

    def _footage(self, size: tuple[int, int], kept: Path) -> tuple[Path, ClipUsed]:
        wishes = self._wishes
        footage = load_footage(wishes.clip, size, faces=wishes.faces, burn_in=wishes.burn_in)
        file = kept / f"{size[0]}x{size[1]}.npy"
        np.save(file, np.stack(footage.pictures))
        return file, footage.used

    def _check(self, device: Device, footages: Footages) -> None:
        for cell in self.cells:
            group = self.group(cell)
            for report in group.reports if group else ():
                for what, found, asked in _traits(report, cell, self._wishes, device, footages[cell.size][1]):
                    if found != asked:
                        raise UsageError(
                            f"{self._folder / cell.name} was measured with {what} {found}, not {asked}; give "
                            "what it was begun with, or another folder"
                        )

    def _steps(self) -> Iterator[_Step]:
        """What is missing, a batch of cells of one round at a time."""
        for number in range(1, self._wishes.rounds + 1):
            todo = [cell for cell in self.cells if not self._file(cell, number).exists()]
            # The same order when a stopped round is measured anew, another one in every round.
            order = random.Random(number)
            order.shuffle(todo)
            together = self._wishes.together or _fitting(len(todo))
            for begin in range(0, len(todo), together):
                cells = [cell for cell in todo[begin : begin + together] if cell.name not in self.refused]
                yield _Step(number, cells, order, begin / len(todo), min(1.0, together / len(todo)))

    def _file(self, cell: Cell, number: int) -> Path:
        return self._folder / cell.name / f"{number:02}.json"

    def _job(self, cell: Cell, number: int, device: Device, footage: tuple[Path, ClipUsed]) -> Job:
        wishes, file = self._wishes, self._file(cell, number)
        file.parent.mkdir(exist_ok=True)
        return Job(
            effect=str(cell.effect.path),
            tier=cell.tier,
            accelerator=cell.accelerator,
            threads=cell.threads,
            cores=wishes.cores,
            priority=wishes.priority,
            pictures=str(footage[0]),
            clip=footage[1],
            faces=wishes.faces,
            frames=wishes.frames,
            turn=wishes.turn,
            burn_in=wishes.burn_in,
            device=device,
            report=str(file.with_suffix(".part")),
        )

    def _measure(self, step: _Step, jobs: dict[Cell, Job], tell: Tell) -> None:
        """All cells of a step in turns. Their reports are put in place together, so that pairs are whole."""
        rounds, turns = self._wishes.rounds, -(-self._wishes.frames // self._wishes.turn)
        finished: list[Cell] = []

        def told(what: str, share: float) -> None:
            done = (step.number - 1 + step.begin + step.share * share) / rounds
            tell(f"round {step.number} of {rounds}: {what}", done)

        with ExitStack() as stack:
            playing: dict[Cell, CellProcess] = {}
            for cell, job in jobs.items():
                told(f"starting {cell.name}", 0)
                try:
                    process = stack.enter_context(CellProcess(cell.program, job))
                    process.ready()
                    playing[cell] = process
                except BenchError as error:
                    self.refused[cell.name] = str(error)
            for turn in range(turns):
                told("measuring", turn / turns)
                for cell in step.order.sample([*playing], len(playing)):
                    try:
                        if playing[cell].turn():
                            finished.append(cell)
                            del playing[cell]
                    except BenchError as error:
                        self.refused[cell.name] = str(error)
                        del playing[cell]
        for cell in finished:
            os.replace(jobs[cell].report, self._file(cell, step.number))


@dataclass(frozen=True, slots=True)
class _Step:
    number: int
    """Of the round."""
    cells: Sequence[Cell]
    order: random.Random
    begin: float
    """Share of the round that is done before."""
    share: float
    """Of the round."""


def _fitting(cells: int) -> int:
    """How many of ``cells`` may be open at once, two at least: alone, none is compared with another."""
    free = psutil.virtual_memory().available / 1e6 - _SPARE_MB
    return max(2, min(cells, int(free / _CELL_MB)))


def _traits(
    report: Report, cell: Cell, wishes: Wishes, device: Device, clip: ClipUsed
) -> Iterator[tuple[str, object, object]]:
    """What was measured beside what is asked for."""
    settings, effect = report.settings, report.settings.effect
    yield "effect", f"{effect.name} {effect.version}", f"{cell.effect.name} {cell.effect.version}"
    yield "clip", f"{settings.clip.name} ({settings.clip.sha256[:8]})", f"{clip.name} ({clip.sha256[:8]})"
    yield "--faces", settings.faces, wishes.faces
    yield "--frames", settings.frames, wishes.frames
    yield "--turn", settings.turn, wishes.turn
    yield "--burn-in", settings.burn_in, wishes.burn_in
    yield "--cores", settings.cores, kept_cores(wishes.cores)
    yield "--priority", settings.priority, wishes.priority
    yield "device", f"{report.device.cpu} ({report.device.id})", f"{device.cpu} ({device.id})"
