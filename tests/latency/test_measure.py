"""A measurement from end to end: the real loop, its threads and a student; how it ends when it has to."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from effectcam.effect.package import Effect, load_effect
from effectcam.errors import EffectcamError, SinkError, SourceError
from effectcam.frame import Frame, Pixels
from effectcam.latency import stamp
from effectcam.latency.clip_camera import load_frames
from effectcam.latency.probe import Way, measure, through_memory
from effectcam.latency.report import latency_report
from effectcam.live.options import Options
from effectcam.sink.base import Sink
from tests.cli.conftest import write_effect
from tests.face.clips import DEMO

ONE_THREAD = Options(threads=1)


@pytest.fixture(scope="module")
def frames() -> list[Pixels]:
    return load_frames(DEMO, (320, 180))


@pytest.fixture(scope="module")
def effect(tmp_path_factory: pytest.TempPathFactory) -> Effect:
    return load_effect(str(write_effect(tmp_path_factory.mktemp("effects"), "negative", space="face")))


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        # The camera's own sleeps until its next frame is due.
        thread.join(10)
        assert not thread.is_alive(), thread


def test_the_moments_of_a_frame_follow_each_other(effect: Effect, frames: list[Pixels]) -> None:
    run = measure(effect, frames, through_memory(), seconds=1.0, options=ONE_THREAD)
    read = {reading.code: reading.at for reading in run.readings}
    followed = [each for each in run.passages if stamp.code_at(each.captured) in read]
    assert followed
    for each in followed:
        assert each.shown and each.taken and each.chain and each.handed and each.written
        assert each.captured < each.taken < each.taken + each.chain < each.handed < each.written
        assert each.written <= read[stamp.code_at(each.captured)]


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_ends_it_with_what_there_is(
    effect: Effect, frames: list[Pixels], request: pytest.FixtureRequest
) -> None:
    # Where the tests run in the background, the shell has Ctrl-C ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    counted = 0

    def tick() -> None:
        nonlocal counted
        counted += 1
        if counted == 5:
            os.kill(os.getpid(), signal.SIGINT)

    run = measure(effect, frames, through_memory(), seconds=600, options=ONE_THREAD, tick=tick)
    assert latency_report(run, ("negative", "1.2.0"))["frames"]["read"] >= 5


def test_a_face_effect_without_a_face_is_told(effect: Effect) -> None:
    grey = [np.full((120, 160, 3), 90, np.uint8)]
    with pytest.raises(SourceError, match=r"no face found within 0\.1 s, and negative .*a clip with a face"):
        measure(effect, grey, through_memory(), patience=0.1, options=ONE_THREAD)


def test_an_effect_that_fails_is_told(tmp_path: Path) -> None:
    broken = load_effect(str(write_effect(tmp_path, "broken", model="nan_where_black", space="frame")))
    black = [np.zeros((120, 160, 3), np.uint8)]
    with pytest.raises(SinkError, match=r"effect broken fails, so that there is nothing to measure: "):
        measure(broken, black, through_memory(), patience=0.1, options=ONE_THREAD)


def test_an_effect_that_leaves_no_stamp_is_told(tmp_path: Path, frames: list[Pixels]) -> None:
    """Its student sees the frame at 32x32, where a block is less than a pixel."""
    coarse = load_effect(str(write_effect(tmp_path, "coarse", space="frame")))
    with pytest.raises(SinkError, match=r"memory: no stamp could be read.*if coarse redraws"):
        measure(coarse, frames, through_memory(), patience=0.1, options=ONE_THREAD)


class Blind(Sink):
    """Takes frames that nobody reads back, and fails at the one numbered ``fails_at``."""

    name = "blind"

    def __init__(self, fails_at: int | None = None) -> None:
        self.frames = 0
        self.let_go = False
        self._fails_at = fails_at

    def write(self, frame: Frame) -> None:
        self.frames += 1
        if self.frames == self._fails_at:
            raise SinkError("blind: gone")

    def close(self) -> None:
        self.let_go = True

    def abort(self) -> None:
        self.let_go = True


def test_nothing_read_back_is_told_and_the_sink_let_go(effect: Effect, frames: list[Pixels]) -> None:
    sink = Blind()
    with pytest.raises(SinkError, match=r"blind: no picture came back within 0\.1 s.*effectcam doctor"):
        measure(effect, frames, Way(sink, []), patience=0.1, options=ONE_THREAD)
    assert sink.let_go


def test_a_sink_that_fails_ends_it(effect: Effect, frames: list[Pixels]) -> None:
    sink = Blind(fails_at=3)
    with pytest.raises(SinkError, match="blind: gone"):
        measure(effect, frames, Way(sink, []), options=ONE_THREAD)
    assert sink.let_go


def test_a_sink_is_let_go_when_the_effect_does_not_start(effect: Effect, frames: list[Pixels]) -> None:
    sink = Blind()
    with pytest.raises(EffectcamError, match="1000"):
        measure(effect, frames, Way(sink, []), options=Options(threads=1000))
    assert sink.let_go
