"""Several effects, one after the other or some at once, each stage in a process of its own."""

from __future__ import annotations

import heapq
import os
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

_ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
"""For children: jobs that run side by side must not fight over cores with threads that spin."""


@dataclass(frozen=True)
class Stage:
    """One command line of ``effectcam``, such as ``distill train toon --work work/toon``."""

    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Job:
    """One effect: stages that each need the one before. A stage that is done already must notice that
    itself and end soon: that is how an interrupted queue goes on where it stood."""

    name: str
    stages: tuple[Stage, ...]
    log: Path
    """What the stages print is added here; its folder is made."""


@dataclass(frozen=True)
class Event:
    """Something to tell whoever waits."""

    job: Job
    kind: Literal["begins", "done", "failed"]
    stage: str = ""
    """That begins or has failed; empty for a job that is done."""
    message: str = ""
    """Of a failure: the one line that the stage left."""


def work_through(
    jobs: Sequence[Job],
    *,
    at_once: int = 1,
    command: Sequence[str] = (sys.executable, "-m", "effectcam"),
) -> Generator[Event, None, None]:
    """Run all ``jobs``, in order, ``at_once`` of them side by side. One that fails holds up no other.

    ``command`` is what the stages' arguments follow. Whoever stops the iteration early, be it by Ctrl-C,
    ends the processes that are still running.
    """
    waiting, running = list(jobs), list[_Running]()
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                begun = _Running(waiting.pop(0), command)
                running.append(begun)
                yield begun.next()
            for one in list(running):
                code = one.process.poll() if one.process else 0
                if code is None:
                    continue
                if code:
                    running.remove(one)
                    yield Event(one.job, "failed", one.stage, _last_line(one.job.log, one.written, code))
                elif one.left:
                    yield one.next()
                else:
                    running.remove(one)
                    yield Event(one.job, "done")
            time.sleep(0.1)
    finally:
        for one in running:
            one.stop()


def minutes_left(remaining: Sequence[float], *, at_once: int) -> float:
    """When the last of jobs that take ``remaining`` minutes each ends, taken in order by whoever is free.

    >>> minutes_left([60, 30, 30], at_once=2)
    60.0
    """
    workers = [0.0] * at_once
    for minutes in remaining:
        heapq.heappush(workers, heapq.heappop(workers) + minutes)
    return max(workers)


@dataclass
class _Running:
    """A job under way."""

    job: Job
    command: Sequence[str]
    left: list[Stage] = field(init=False)
    process: subprocess.Popen[bytes] | None = None
    stage: str = ""
    written: int = 0
    """Bytes that the log had when the stage began."""

    def __post_init__(self) -> None:
        self.left = list(self.job.stages)

    def next(self) -> Event:
        stage = self.left.pop(0)
        self.stage = stage.name
        self.job.log.parent.mkdir(parents=True, exist_ok=True)
        with self.job.log.open("ab") as log:
            self.written = log.tell()
            self.process = subprocess.Popen(
                [*self.command, *stage.arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **_ONE_THREAD, "PYTHONUNBUFFERED": "1"},
            )
        return Event(self.job, "begins", stage.name)

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _last_line(log: Path, start: int, code: int) -> str:
    with log.open("rb") as file:
        file.seek(start)
        lines = [line for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    return (
        lines[-1].strip().removeprefix("effectcam: ")
        if lines
        else f"ended with exit code {code} and said nothing"
    )
