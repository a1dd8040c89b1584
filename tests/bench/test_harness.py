"""A bench of small effects on the demo clip: that every figure is there, and is what it says."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import NoReturn

import jsonschema
import numpy as np
import pytest

from effectcam.bench import harness
from effectcam.bench import report as records
from effectcam.bench.cold_start import Job, _moments
from effectcam.bench.harness import run
from effectcam.bench.plan import Plan, Tell
from effectcam.bench.report import Report
from effectcam.bench.report_file import report_json
from effectcam.effect.package import read_package
from effectcam.errors import BenchError, SourceError, StudentError, UsageError
from effectcam.frame import Frame
from effectcam.pipeline import Pipeline
from tests.cli.conftest import write_effect
from tests.face.clips import DEMO
from tests.media import write_clip

SCHEMA = json.loads(Path(records.__file__).with_name("schema.json").read_text(encoding="ascii"))


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """Quick: a face effect of one layer on small frames, without a cold start."""
    effect = read_package(write_effect(tmp_path_factory.mktemp("effects"), "plain", model="identity"))
    return Plan(effect=effect, clip=DEMO, size=(320, 180), threads=1, frames=60, burn_in=5, cold_starts=0)


@pytest.fixture(scope="module")
def made(plan: Plan) -> Report:
    return run(replace(plan, cold_starts=1))


def test_a_report_of_a_run_keeps_the_schema(made: Report) -> None:
    jsonschema.validate(json.loads(report_json(made)), SCHEMA)


def test_every_frame_is_there_and_the_summary_is_theirs(made: Report) -> None:
    assert made.frames.measured == 60 and made.frames.without_face == 0 and made.frames.faces_mean == 1
    assert list(made.stages_ms) == ["mesh", "crop", "student", "composite", "chain"]
    for stage, times in made.series.stages_ms.items():
        assert len(times) == 60
        values = np.array(times, np.float64)
        assert made.stages_ms[stage].p50 == pytest.approx(np.percentile(values, 50), abs=2e-3)
        assert made.stages_ms[stage].max == pytest.approx(values.max(), abs=2e-3)
    chain = np.array(made.series.stages_ms["chain"], np.float64)
    parts = np.array([made.series.stages_ms[s] for s in ("mesh", "crop", "student", "composite")], np.float64)
    assert (chain >= parts.sum(axis=0) - 0.01).all()
    assert np.diff(made.series.done_ms).min() > 0
    assert made.rates.throughput == pytest.approx(60 / made.seconds, rel=0.01)
    assert made.seconds * 1000 >= chain.sum()
    assert made.deadlines[0].missed == (chain > 33.3).sum()


def test_overlapped_frames_are_all_there_each_with_its_wait(plan: Plan) -> None:
    made = run(replace(plan, overlap=True, threads=None, frames=30))
    jsonschema.validate(json.loads(report_json(made)), SCHEMA)
    assert made.frames.measured == 30 and made.settings.overlap
    assert [student.threads for student in made.students] == [max(1, made.settings.cores // 2)]
    chain = np.array(made.series.stages_ms["chain"], np.float64)
    parts = np.array([made.series.stages_ms[s] for s in ("mesh", "crop", "student", "composite")], np.float64)
    assert (chain >= parts.sum(axis=0) - 0.01).all()
    # Two are on their way: together they take longer than the run.
    assert chain.sum() > 1000 * made.seconds
    assert made.rates.throughput == pytest.approx(30 / made.seconds, rel=0.01)
    # The first frame fills the way, which is no time between two.
    longest = np.diff(np.array(made.series.done_ms)).max()
    assert made.rates.low_1_percent == pytest.approx(1000 / longest, rel=0.01)


def test_what_it_took_is_told(made: Report) -> None:
    assert made.cpu.seconds_per_frame == pytest.approx(made.cpu.seconds / 60, rel=0.01)
    assert 0 < made.cpu.seconds < 100
    assert made.memory.peak_mb > made.memory.clip_mb == pytest.approx(90 * 320 * 180 * 3 / 1e6, abs=0.1)
    assert made.memory.growth_mb_per_minute is None
    assert made.energy.unread or made.energy.joules
    (student,) = made.students
    assert (student.place, student.threads, student.multiply_adds) == ("face", 1, 32 * 32 * 9)
    assert student.share is not None and student.delegation is not None


def test_a_cold_start_keeps_to_the_cores_and_the_priority_of_the_run(
    monkeypatch: pytest.MonkeyPatch, plan: Plan, tmp_path: Path
) -> None:
    asked: list[object] = []

    def keep_to(cores: int | None) -> int:
        asked.append(cores)
        raise UsageError("seen enough")

    monkeypatch.setattr("effectcam.live.cores.keep_to", keep_to)
    job = Job(str(plan.effect.path), "standard", "cpu", 1, 1, cores=1, raised=True)
    with pytest.raises(UsageError, match="seen enough"):
        _moments(asdict(job) | {"picture": "none"})
    assert asked == [1]


def test_a_cold_start_is_split_into_parts_that_add_up(made: Report) -> None:
    assert made.cold_start is not None
    (start,) = made.cold_start.runs
    parts = (
        start.interpreter_ms,
        start.imports_ms,
        start.effect_ms,
        start.graph_ms,
        start.compile_ms,
        start.first_frame_ms,
    )
    assert all(part > 0 for part in parts)
    assert sum(parts) == pytest.approx(start.total_ms, abs=0.01)
    assert start.imports_ms > start.graph_ms


def test_frames_at_a_pace_have_a_delay_and_none_is_left_out_by_a_quick_chain(plan: Plan) -> None:
    made = run(replace(plan, frames=None, seconds=2.0, pace_fps=20.0))
    assert made.delay_ms is not None and made.series.delay_ms is not None
    chain = np.array(made.series.stages_ms["chain"], np.float64)
    assert (np.array(made.series.delay_ms) >= chain - 0.01).all()
    # Of the last ones a stall may hide some.
    assert 30 <= made.frames.measured + made.drops.late <= 43
    # 43 in two seconds, when a stall before the first lets the next ones come closer.
    assert made.rates.throughput <= 21.5


def test_a_chain_that_is_slower_than_the_pace_leaves_frames_out(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = Pipeline.process

    def slow(self: Pipeline, frame: Frame) -> Frame:
        threading.Event().wait(0.05)
        return draw(self, frame)

    monkeypatch.setattr(Pipeline, "process", slow)
    made = run(replace(plan, frames=20, pace_fps=60.0))
    assert made.drops.late >= 20
    assert made.drops.failed == 0


def test_several_faces_are_seen(plan: Plan) -> None:
    made = run(replace(plan, size=(1280, 720), faces=2, frames=10, burn_in=10))
    assert made.frames.faces_mean == 2
    assert made.settings.faces == 2


def test_it_runs_beside_encoders_and_tells_what_they_achieved(plan: Plan) -> None:
    made = run(replace(plan, frames=None, seconds=1.0, under_load=1))
    (encoder,) = made.load
    assert encoder.frames + encoder.skipped > 5
    assert encoder.cpu_seconds > 0
    assert made.settings.under_load == 1


class _Others:
    """Turns of 20 frames, between which others take their time."""

    length: int | None = 20

    def __init__(self) -> None:
        self.frames = [0]

    def over(self) -> bool:
        self.frames[-1] += 1
        return self.frames[-1] == self.length

    def wait(self) -> None:
        self.frames.append(0)
        threading.Event().wait(1.0)


def test_what_others_take_in_their_turn_is_in_no_figure(plan: Plan) -> None:
    turns = _Others()
    made = run(plan, turns=turns)
    # The first wait is that for the first turn; after the last frame nobody asks.
    assert turns.frames == [0, 20, 20, 19]
    assert made.settings.turn == 20 and made.frames.measured == 60
    chain = np.array(made.series.stages_ms["chain"], np.float64)
    assert made.seconds - chain.sum() / 1000 < 1.0
    assert np.diff(made.series.done_ms).max() < 1000
    assert made.students == []


def test_a_raised_priority_that_is_not_to_be_had_is_refused(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harness, "raise_priority", lambda: False)
    with pytest.raises(UsageError, match="does not let this user go before others"):
        run(replace(plan, priority="raised"))


def test_a_clip_without_a_face_is_refused(plan: Plan, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "bare.mp4", width=320, height=180)
    with pytest.raises(SourceError, match=r"bare.mp4: no face was found in 5 frames"):
        run(replace(plan, clip=clip))


def test_an_effect_that_always_fails_is_refused(plan: Plan, tmp_path: Path) -> None:
    effect = read_package(write_effect(tmp_path, "broken", model="nan_where_black", space="frame"))
    black = [np.zeros((180, 320, 3), np.uint8)] * 12
    clip = write_clip(tmp_path / "black.mp4", width=320, height=180, pictures=black)
    with pytest.raises(StudentError, match="NaN"):
        run(replace(plan, effect=effect, clip=clip))


def test_frames_that_fail_are_counted_and_told(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = Pipeline.process

    def sometimes(self: Pipeline, frame: Frame) -> Frame:
        if frame.index % 4 == 3 and frame.index > 8:
            raise StudentError("the network had enough")
        return draw(self, frame)

    monkeypatch.setattr(Pipeline, "process", sometimes)
    made = run(replace(plan, frames=40))
    assert (made.frames.measured, made.drops.failed) == (31, 9)
    assert any("9 frames failed: the network had enough" in note for note in made.conditions.notes)


def test_a_run_in_which_everything_fails_has_no_report(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = Pipeline.process

    def dying(self: Pipeline, frame: Frame) -> Frame:
        if frame.index >= 8:
            raise StudentError("the network had enough")
        return draw(self, frame)

    monkeypatch.setattr(Pipeline, "process", dying)
    with pytest.raises(BenchError, match=r"only 3 frames were finished.*the network had enough"):
        run(plan)


@contextmanager
def interrupted(at: str) -> Iterator[Tell]:
    """Presses Ctrl-C when ``at`` is told."""
    # In the background of a shell it is ignored, and nothing would end the run.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def tell(what: str, share: float) -> None:
        if what == at:
            os.kill(os.getpid(), signal.SIGINT)

    try:
        yield tell
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(os.name != "posix", reason="sends itself a signal")
def test_ctrl_c_ends_it_early_with_what_was_measured(plan: Plan) -> None:
    with interrupted("measuring") as tell:
        made = run(replace(plan, frames=None, seconds=600.0), tell=tell)
    assert made.seconds < 30
    assert "was ended early by the user" in made.conditions.notes


@pytest.mark.skipif(os.name != "posix", reason="sends itself a signal")
def test_ctrl_c_while_the_students_are_measured_keeps_what_was(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(*args: object) -> NoReturn:
        time.sleep(20)
        raise AssertionError("was not interrupted")

    monkeypatch.setattr("effectcam.bench.harness.student_speed", slowly)
    with interrupted("measuring the students") as tell:
        made = run(replace(plan, frames=20), tell=tell)
    assert made.frames.measured == 20 and made.students == []
    assert "not every student was measured by itself: ended early" in made.conditions.notes
