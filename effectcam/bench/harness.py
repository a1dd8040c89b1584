"""Runs an effect over a clip as a live run would, and makes the report of it."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import cast

import numpy as np

import effectcam
from effectcam.bench import memory
from effectcam.bench.cold_start import Job, measure_cold_starts
from effectcam.bench.energy import EnergyMeter
from effectcam.bench.fingerprint import accelerator, fingerprint
from effectcam.bench.footage import EndlessClip, Footage, load_footage
from effectcam.bench.load import Competitors
from effectcam.bench.neighbours import Neighbours
from effectcam.bench.own import OwnProcesses
from effectcam.bench.plan import Plan, Tell
from effectcam.bench.report import (
    SCHEMA,
    ColdStarts,
    Conditions,
    Cpu,
    Device,
    Drops,
    EffectUsed,
    Encoder,
    Energy,
    FramesSeen,
    Memory,
    Report,
    Settings,
    StudentSpeed,
)
from effectcam.bench.series import (
    DEADLINES_MS,
    FrameLedger,
    deadline,
    percentiles,
    rates,
    series,
    windows,
)
from effectcam.bench.steady import Steady
from effectcam.bench.students import student_speed
from effectcam.bench.turns import Alone, Turns
from effectcam.effect.manifest import Place
from effectcam.errors import BenchError, EffectcamError, SourceError, UsageError
from effectcam.frame import Frame
from effectcam.live.cores import keep_to
from effectcam.live.feed import paced, unpaced
from effectcam.live.priority import raise_priority
from effectcam.live.stop import StopFlag
from effectcam.pipeline import Pipeline
from effectcam.student.choice import PlacedStudent

LEAST_FRAMES = 10
"""Fewer have no percentiles worth the name."""


def run(
    plan: Plan,
    *,
    tell: Tell = lambda what, share: None,
    turns: Turns | None = None,
    footage: Footage | None = None,
    device: Device | None = None,
) -> Report:
    """Measure ``plan`` on this machine; leaves the process with the cores and the
    priority of the run.

    ``turns`` says when others go on (None: `Alone`); the students are then not measured by themselves.
    ``footage`` and ``device`` spare their making, for the plan's clip and size and for this machine.

    Ctrl-C ends the steady state early, with a report of what was measured by then. Raises SourceError for a
    clip that will not do, BenchError when there is nothing to measure or a helper fails, and what a
    `Pipeline` raises.
    """
    return _Run(plan, tell, turns or Alone()).run(footage, device)


class _Run:
    def __init__(self, plan: Plan, tell: Tell, turns: Turns) -> None:
        self._plan = plan
        self._tell = tell
        self._turns = turns
        self._ledger = FrameLedger()
        self._stop = StopFlag()
        self._told: list[str] = []

    def run(self, footage: Footage | None, device: Device | None) -> Report:
        plan = self._plan
        if footage is None:
            self._tell("reading the clip", 0)
            footage = load_footage(plan.clip, plan.size, faces=plan.faces, burn_in=plan.burn_in)
        self._tell("starting from cold", 0)
        job = Job(
            str(plan.effect.path),
            plan.tier,
            plan.accelerator,
            plan.threads,
            plan.faces,
            cores=plan.cores,
            raised=plan.priority == "raised",
        )
        cold_starts = measure_cold_starts(job, footage.pictures[0], plan.cold_starts)
        if device is None:
            self._tell("measuring the machine", 0)
            device = fingerprint()
        with ExitStack() as stack:
            competitors = stack.enter_context(Competitors(plan.under_load, plan.clip))
            # They were started first, and use all cores as OBS does.
            cores = keep_to(plan.cores)
            if plan.priority == "raised" and not raise_priority():
                raise UsageError(
                    "this system does not let this user go before others; leave --priority raised out, or "
                    "allow it as docs/streamers.md says"
                )
            self._tell("starting the effect", 0)
            pipeline = stack.enter_context(
                Pipeline(
                    plan.effect,
                    tier=plan.tier,
                    accelerator=plan.accelerator,
                    max_faces=plan.faces,
                    threads=plan.threads or (max(1, cores // 2) if plan.overlap else None),
                    ledger=self._ledger,
                    beside=plan.overlap,
                    tell=self._told.append,
                )
            )
            competitors.wait()
            frames = self._frames(footage)
            with self._stop:
                self._burn_in(pipeline, frames)
                self._turns.wait()
                competitors.measure()
                own = OwnProcesses(without=competitors.pids)
                competing, neighbours, energy = competitors.cpu_seconds(), Neighbours(), EnergyMeter()
                steady = Steady(plan, self._tell, self._turns, own)
                steady.run(pipeline, frames, neighbours, energy)
                joules = energy.result(steady.seconds, max(1, len(steady.done)))
                competing = competitors.cpu_seconds() - competing
                conditions = neighbours.conditions(steady.cpu_seconds + competing)
            load = competitors.finish()
            if len(steady.done) < LEAST_FRAMES:
                raise self._nothing(steady)
            opened = cast(Mapping[Place, PlacedStudent], pipeline.students)
            students: list[StudentSpeed] = []
            if self._turns.length is None:
                try:
                    self._tell("measuring the students", 0)
                    for place, student in opened.items():
                        students.append(student_speed(plan.effect, plan.tier, place, student, device))
                except KeyboardInterrupt:
                    self._told.append("not every student was measured by itself: ended early")
            placements = dict.fromkeys(student.placement for student in opened.values())
        return self._report(
            footage,
            cores,
            replace(device, accelerators=[accelerator(placement) for placement in placements]),
            steady,
            cold_start=cold_starts,
            conditions=replace(conditions, notes=[*conditions.notes, *self._notes(steady)]),
            energy=joules,
            load=load,
            students=students,
        )

    def _frames(self, footage: Footage) -> Iterator[Frame]:
        fps = self._plan.pace_fps
        source = EndlessClip(footage.pictures, fps or 30.0)
        return unpaced(source, self._stop) if fps is None else paced(source, self._stop, restamp=True)

    def _burn_in(self, pipeline: Pipeline, frames: Iterator[Frame]) -> None:
        """Raises what the last frame raised, or SourceError when no face was ever seen."""
        seen, failure = False, None
        for number in range(max(1, self._plan.burn_in)):
            self._tell("burning in", number / max(1, self._plan.burn_in))
            frame = next(frames, None)
            if frame is None:
                raise KeyboardInterrupt
            try:
                pipeline.process(frame)
                failure = None
            except EffectcamError as error:
                failure = error
            seen = seen or bool(pipeline.faces)
        if failure is not None:
            raise failure
        if not seen and "frame" not in pipeline.effect.places and self._plan.burn_in:
            raise SourceError(
                f"{self._plan.clip}: no face was found in {self._plan.burn_in} frames, and without one "
                f"{pipeline.effect.name} does nothing; choose a clip with a face, or a larger --size"
            )
        self._ledger.clear()

    def _nothing(self, steady: Steady) -> BenchError:
        why = f"; the last failure: {steady.failure}" if steady.failed else ""
        return BenchError(
            f"only {len(steady.done)} frames were finished, and less than {LEAST_FRAMES} tell nothing{why}"
        )

    def _notes(self, steady: Steady) -> Iterator[str]:
        yield from self._told
        plan = self._plan
        seen = sum(steady.faces) / len(steady.faces)
        if "face" in plan.effect.places and seen < 0.9 * plan.faces:
            yield f"{seen:.1f} of {plan.faces} faces were seen on average: give --size more, or another clip"
        if steady.failed:
            yield f"{steady.failed} frames failed: {steady.failure}"
        if self._stop.is_set:
            yield "was ended early by the user"

    def _report(
        self,
        footage: Footage,
        cores: int,
        device: Device,
        steady: Steady,
        *,
        cold_start: ColdStarts | None,
        conditions: Conditions,
        energy: Energy,
        load: list[Encoder],
        students: list[StudentSpeed],
    ) -> Report:
        plan, times = self._plan, self._ledger.times()
        chain, count = times["chain"], len(steady.done)
        done_s = np.array(steady.done, np.float64) / 1e9
        # Overlapped, a frame waits for the one before: what a viewer sees is the time between two. The first
        # has none before it.
        gaps_ms = np.asarray(1000 * np.diff(done_s), np.float64)
        delay_ms = np.array(steady.delay, np.float64) / 1e6 if steady.delay else None
        faces = np.array(steady.faces)
        tracks = "face" in plan.effect.places
        first, last = steady.samples[0], steady.samples[-1]
        growth = memory.growth_per_minute(
            [sample.at_s for sample in steady.samples], [sample.memory_mb for sample in steady.samples]
        )
        return Report(
            schema=SCHEMA,
            effectcam=effectcam.__version__,
            made_at=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            device=device,
            settings=Settings(
                effect=EffectUsed(
                    name=plan.effect.name,
                    version=plan.effect.version,
                    tier=plan.tier,
                    space=plan.effect.space,
                ),
                accelerator=plan.accelerator,
                threads=plan.threads,
                cores=cores,
                priority=plan.priority,
                clip=footage.used,
                width=plan.size[0],
                height=plan.size[1],
                faces=plan.faces,
                pace_fps=plan.pace_fps,
                burn_in=plan.burn_in,
                frames=plan.frames,
                seconds=plan.seconds,
                under_load=plan.under_load,
                turn=self._turns.length,
                overlap=plan.overlap,
            ),
            conditions=conditions,
            cold_start=cold_start,
            seconds=round(steady.seconds, 3),
            frames=FramesSeen(
                measured=count,
                without_face=int((faces == 0).sum()) if tracks else 0,
                faces_mean=round(float(faces.mean()), 3),
            ),
            drops=Drops(late=steady.late, failed=steady.failed),
            stages_ms={stage: percentiles(column) for stage, column in times.items()},
            delay_ms=None if delay_ms is None else percentiles(delay_ms),
            rates=rates(count, steady.seconds, gaps_ms if plan.overlap else chain),
            deadlines=[deadline(chain, ms) for ms in DEADLINES_MS],
            cpu=Cpu(
                seconds=round(steady.cpu_seconds, 3),
                seconds_per_frame=steady.cpu_seconds / count,
                cores=round(steady.cpu_seconds / steady.seconds, 3),
            ),
            memory=Memory(
                start_mb=round(first.memory_mb, 1),
                end_mb=round(last.memory_mb, 1),
                peak_mb=round(memory.peak_mb(), 1),
                clip_mb=round(footage.megabytes, 1),
                growth_mb_per_minute=growth,
            ),
            energy=energy,
            students=students,
            load=load,
            windows=windows(done_s, chain, steady.seconds, steady.samples),
            series=series(done_s, times, delay_ms),
        )
