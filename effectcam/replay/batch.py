"""Clips of a run over processes: what each is at, what failed, and nothing left half done."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Protocol

from effectcam.effect.package import Effect, read_package
from effectcam.errors import EffectcamError, reason
from effectcam.frame import Frame
from effectcam.replay.footage import Footage
from effectcam.replay.golden import Recorded
from effectcam.replay.player import Watcher
from effectcam.replay.replayer import ClipPlan, Played, Replayer, ReplaySettings
from effectcam.replay.report import ClipReport
from effectcam.replay.resume import report_beside
from effectcam.sink.part_file import clear_after
from effectcam.student.threads import usable_cores

_END_WITHIN = 20.0
"""Seconds that a process has to leave its frame and take back what it has begun to write."""


class Spectator(Protocol):
    """Is told what a batch is at. Clips are told apart by their place among the plans."""

    def begin(self, place: int, plan: ClipPlan) -> None: ...

    def advance(self, place: int, frames: int, total: int | None) -> None:
        """``frames`` are done, of ``total`` where the clip knows that."""
        ...

    def end(self, place: int, played: Played | None) -> None:
        """None for a clip that failed."""
        ...

    def tell(self, line: str) -> None:
        """What a pipeline has to say, see `Pipeline`."""
        ...


@dataclass
class Batch:
    """What came of the clips, each in the order of the plans."""

    played: dict[int, Played] = field(default_factory=dict)
    """By the place among the plans."""
    failures: dict[int, str] = field(default_factory=dict)
    """A line for each clip that did not go through."""

    @property
    def reports(self) -> list[ClipReport]:
        """Of the clips that went through."""
        return [self.played[place].report for place in sorted(self.played)]

    @property
    def lines(self) -> list[str]:
        """The failures."""
        return [self.failures[place] for place in sorted(self.failures)]

    @property
    def recorded(self) -> list[Recorded]:
        """Of the golden."""
        return [played.recorded for played in self.played.values() if played.recorded is not None]

    def skipped(self, plans: Sequence[ClipPlan]) -> list[str]:
        """Clips that were done before; their reports are among the others."""
        return [plans[place].clip for place in sorted(self.played) if self.played[place].done_before]


def run_batch(
    effect: Effect,
    settings: ReplaySettings,
    plans: Sequence[ClipPlan],
    *,
    spectator: Spectator,
    jobs: int = 1,
) -> Batch:
    """Play every plan; a clip that fails does not stop the others. With ``jobs`` above 1 so many clips at
    once, each in a process of its own; the results are the same bytes.

    Raises what opening a pipeline raises, before the first clip. Whatever ends it early, such as Ctrl-C, ends
    the processes too, and what they had begun to write is gone.
    """
    batch = Batch()
    jobs = min(jobs, len(plans))
    if jobs > 1:
        _run_beside(effect, settings, plans, batch, spectator, jobs)
        return batch
    with Replayer(effect, settings, tell=spectator.tell) as replayer:
        for place, plan in enumerate(plans):

            def watch(_before: Frame, after: Frame, clip: Footage, place: int = place) -> None:
                spectator.advance(place, after.index + 1, clip.frames)

            spectator.begin(place, plan)
            try:
                batch.played[place] = replayer.play(plan, watch=watch)
            except EffectcamError as error:
                batch.failures[place] = str(error)
            except Exception as error:
                batch.failures[place] = _unforeseen(plan, error)
            spectator.end(place, batch.played.get(place))
    return batch


def _unforeseen(plan: ClipPlan, error: Exception) -> str:
    """The line for a fault of ours, which must not cost the other clips. Raises it for whoever asks for its
    trace."""
    if os.environ.get("EFFECTCAM_TRACEBACK"):
        raise error
    return (
        f"{plan.clip}: unexpected {reason(error)}; please report it, with what it prints when "
        "EFFECTCAM_TRACEBACK=1 is set"
    )


@dataclass(frozen=True, slots=True)
class _Advance:
    frames: int
    total: int | None


@dataclass(frozen=True, slots=True)
class _Line:
    text: str


@dataclass(frozen=True, slots=True)
class _Failure:
    text: str


@dataclass(frozen=True, slots=True)
class _Closed:
    """No pipeline could be opened."""

    error: EffectcamError


class _Gone(BaseException):
    """Whoever started this process wants no more of it."""


def _run_beside(
    effect: Effect,
    settings: ReplaySettings,
    plans: Sequence[ClipPlan],
    batch: Batch,
    spectator: Spectator,
    jobs: int,
) -> None:
    waiting = deque(enumerate(plans))
    if settings.threads is None:
        # What each would choose by measuring while the others do the same is chance.
        settings = replace(settings, threads=max(1, usable_cores() // jobs))
    workers: list[_Worker] = []
    try:
        idle: list[_Worker] = []
        busy: dict[Connection, _Worker] = {}
        while waiting or busy:
            while waiting and (idle or len(busy) < jobs):
                if not idle:
                    idle.append(_Worker(effect.path, settings))
                    workers.append(idle[-1])
                worker = idle.pop()
                worker.place, plan = waiting.popleft()
                spectator.begin(worker.place, plan)
                busy[worker.connection] = worker
                worker.give(plan)
            for ready in wait([*busy]):
                worker = busy[ready]  # type: ignore[index]
                told = worker.answer()
                if isinstance(told, _Closed):
                    raise told.error
                if isinstance(told, _Line):
                    spectator.tell(told.text)
                elif isinstance(told, _Advance):
                    spectator.advance(worker.place, told.frames, told.total)
                else:
                    del busy[worker.connection]
                    if isinstance(told, Played):
                        batch.played[worker.place] = told
                    else:
                        clip = plans[worker.place].clip
                        batch.failures[worker.place] = told.text if told else f"{clip}: {worker.last_words}"
                    if told is None:
                        worker.end()
                    else:
                        idle.append(worker)
                    spectator.end(worker.place, batch.played.get(worker.place))
    finally:
        # Told at once, and only then waited for.
        for worker in workers:
            worker.connection.close()
        for worker in workers:
            worker.end()


class _Worker:
    """A process that plays one plan after another. It ends once its connection is closed: it sees that at its
    next frame, and takes back what it has begun to write."""

    def __init__(self, effect: Path, settings: ReplaySettings) -> None:
        # Not forked: MediaPipe and LiteRT have threads, which a fork would lose.
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.place = 0
        self._plan: ClipPlan | None = None
        self._process = context.Process(target=_work, args=(theirs, effect, settings), daemon=True)
        self._process.start()
        theirs.close()

    def give(self, plan: ClipPlan) -> None:
        self._plan = plan
        # Where it has ended, its answer tells why.
        with contextlib.suppress(OSError):
            self.connection.send(plan)

    def answer(self) -> _Advance | _Line | _Failure | _Closed | Played | None:
        """None when it has ended instead."""
        try:
            told: _Advance | _Line | _Failure | _Closed | Played = self.connection.recv()
        except (EOFError, OSError):
            return None
        return told

    @property
    def last_words(self) -> str:
        self._process.join(_END_WITHIN)
        return f"its process ended (exit code {self._process.exitcode}); give fewer --jobs, or the clip alone"

    def end(self) -> None:
        """Wait for its end. One that was killed could take nothing back; this does it instead."""
        self._process.join(_END_WITHIN)
        self._process.kill()
        self._process.join()
        pid, plan = self._process.pid, self._plan
        if pid is None or plan is None or self._process.exitcode == 0:
            return
        for target in (plan.output, plan.trace, plan.trace and report_beside(plan.trace)):
            if target is not None:
                clear_after(pid, target)


def _work(connection: Connection, path: Path, settings: ReplaySettings) -> None:
    # A Ctrl-C in the terminal goes to all its programs; this one ends with its parent.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch(_before: Frame, after: Frame, clip: Footage) -> None:
        if connection.poll():
            raise _Gone
        connection.send(_Advance(after.index + 1, clip.frames))

    try:
        _serve(connection, path, settings, watch=watch)
    except (_Gone, EOFError, BrokenPipeError, ConnectionResetError):
        return


def _serve(connection: Connection, path: Path, settings: ReplaySettings, *, watch: Watcher) -> None:
    try:
        replayer = Replayer(read_package(path), settings, tell=lambda line: connection.send(_Line(line)))
    except EffectcamError as error:
        connection.send(_Closed(error))
        return
    with replayer:
        while True:
            plan = connection.recv()
            try:
                played = replayer.play(plan, watch=watch)
            except EffectcamError as error:
                connection.send(_Failure(str(error)))
            except Exception as error:
                connection.send(_Failure(_unforeseen(plan, error)))
            else:
                connection.send(played)
