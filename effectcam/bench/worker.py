"""One cell of a matrix, for one round, in a process of its own.

    python -m effectcam.bench.worker

Reads a `Job` as one line of JSON, opens the effect and answers ``ready``; at each line ``turn`` runs one turn
of frames and answers ``turn``, or ``report`` once all are done and the report is written. An answer is one
line of JSON, and so is what goes wrong. The process ends with its input, so it never outlives who started it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import msgspec
import numpy as np

from effectcam.bench.footage import Footage
from effectcam.bench.harness import run
from effectcam.bench.plan import Plan
from effectcam.bench.report import ClipUsed, Device
from effectcam.bench.report_file import report_json
from effectcam.effect.package import Effect, read_package
from effectcam.errors import EffectcamError
from effectcam.student.accelerator import Wish

_PAGE = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    effect: str
    """Path of the package."""
    tier: str
    accelerator: Wish
    threads: int | None
    cores: int | None
    priority: Literal["normal", "raised"]
    pictures: str
    """Path of an .npy with all frames, uint8 (count, height, width, 3)."""
    clip: ClipUsed
    """What they are of."""
    faces: int
    frames: int
    """To measure, in turns of ``turn``."""
    turn: int
    burn_in: int
    device: Device
    """The machine, measured before."""
    report: str
    """Path of the file to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    did: Literal["ready", "turn", "report", "failed"]
    error: str = ""


class _Gone(SystemExit):
    """Nobody gives turns any more."""


class _Turns:
    """Turns of ``length`` frames, given by whoever writes to ``wishes``."""

    def __init__(self, length: int, wishes: IO[bytes], answer: Callable[[Answer], None]) -> None:
        self.length: int | None = length
        self._wishes = wishes
        self._answer = answer
        self._did: Literal["ready", "turn"] = "ready"
        self._left = length

    def over(self) -> bool:
        self._left -= 1
        return self._left == 0

    def wait(self) -> None:
        self._answer(Answer(did=self._did))
        if not self._wishes.readline():
            raise _Gone
        self._did, self._left = "turn", self.length or 0


def serve(wishes: IO[bytes], answers: IO[bytes], prepare: Callable[[Effect], Effect]) -> None:
    """Do what ``wishes`` says, see the module. ``prepare`` may change the effect before it is opened."""

    def answer(told: Answer) -> None:
        answers.write(msgspec.json.encode(told) + b"\n")
        answers.flush()

    line = wishes.readline()
    if not line:
        return
    job = msgspec.json.decode(line, type=Job)
    try:
        answer(_measure(job, prepare, _Turns(job.turn, wishes, answer)))
    except EffectcamError as error:
        answer(Answer(did="failed", error=str(error)))
    except BrokenPipeError:
        return
    except OSError as error:
        answer(Answer(did="failed", error=f"{job.report}: {error.strerror or error}; free some space"))


def _measure(job: Job, prepare: Callable[[Effect], Effect], turns: _Turns) -> Answer:
    footage = _footage(job)
    height, width = footage.pictures[0].shape[:2]
    plan = Plan(
        effect=prepare(read_package(Path(job.effect))),
        tier=job.tier,
        accelerator=job.accelerator,
        threads=job.threads,
        cores=job.cores,
        priority=job.priority,
        clip=Path(job.clip.name),
        size=(width, height),
        faces=job.faces,
        frames=job.frames,
        burn_in=job.burn_in,
        cold_starts=0,
    )
    report = run(plan, turns=turns, footage=footage, device=job.device)
    Path(job.report).write_bytes(report_json(report))
    return Answer(did="report")


def _footage(job: Job) -> Footage:
    """One copy in memory serves all workers. Every page is touched, or the first round through the frames
    would be slower."""
    pictures = np.load(job.pictures, mmap_mode="c")
    pictures.reshape(-1)[::_PAGE].max()
    return Footage([np.asarray(picture) for picture in pictures], job.clip)


def main(prepare: Callable[[Effect], Effect] = lambda e: e) -> None:
    # A Ctrl-C in the terminal goes to all its programs; this one ends with its parent.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Libraries print too, and answers must stay lines of JSON.
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        serve(sys.stdin.buffer, answers, prepare)


if __name__ == "__main__":
    main()
