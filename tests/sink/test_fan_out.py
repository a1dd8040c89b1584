from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from effectcam.errors import SinkError, UsageError
from effectcam.frame import Frame
from effectcam.sink import FanOut, NullSink, Sink, Stills, VideoFile
from tests import media
from tests.sink.frames import feed, moving


class Hanging(NullSink):
    """Does not come back from its first frame until it is let go."""

    def __init__(self, *, lossless: bool = False) -> None:
        super().__init__()
        self.lossless = lossless
        self.entered, self.let_go = threading.Event(), threading.Event()

    @property
    def name(self) -> str:
        return "hanging"

    def write(self, frame: Frame) -> None:
        self.entered.set()
        self.let_go.wait(60)


class Keeper(NullSink):
    """Takes its time, remembers what it got, and fails on one frame if told to."""

    def __init__(
        self, label: str, *, lossless: bool = False, pause: float = 0.0, fails_at: int | None = None
    ) -> None:
        super().__init__()
        self.label, self.lossless, self.pause, self.fails_at = label, lossless, pause, fails_at
        self.indexes: list[int] = []
        self.threads: set[int] = set()
        self.ended: list[str] = []

    @property
    def name(self) -> str:
        return self.label

    def write(self, frame: Frame) -> None:
        self.threads.add(threading.get_ident())
        time.sleep(self.pause)
        if frame.index == self.fails_at:
            raise SinkError(f"{self.label}: failed at {frame.index}; plug it in again")
        self.indexes.append(frame.index)

    def close(self) -> None:
        self.ended.append("close")

    def abort(self) -> None:
        self.ended.append("abort")


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("sink ")] == []


def test_a_slow_live_sink_holds_nobody_back_and_gets_the_latest() -> None:
    quick, slow = Keeper("quick"), Keeper("slow", pause=0.05)
    start = time.perf_counter()
    with FanOut([quick, slow]) as sinks:
        for frame in moving(40):
            sinks.write(frame)
            time.sleep(0.005)
        taken = time.perf_counter() - start
    assert taken < 1.5, "forty frames of 50 ms each: somebody waited for the slow sink"
    assert len(quick.indexes) > len(slow.indexes) >= 3
    assert slow.indexes == sorted(slow.indexes)
    assert slow.indexes[-1] == 39
    for delivery in sinks.deliveries:
        assert delivery.written + delivery.dropped == 40
        assert delivery.error is None
    assert quick.ended == slow.ended == ["close"]
    assert len(quick.threads | slow.threads) == 2
    assert threading.get_ident() not in quick.threads


def test_a_live_sink_gets_its_last_frame_again_while_nothing_new_comes() -> None:
    camera, silent = Keeper("camera"), Keeper("silent")
    camera.keep_alive = 0.01
    frames = list(moving(2))
    with FanOut([camera, silent]) as sinks:
        time.sleep(0.05)
        assert camera.indexes == [], "there is nothing to send again yet"
        for frame in frames:
            sinks.write(frame)
            seen = len(camera.indexes)
            end = time.monotonic() + 5
            while len(camera.indexes) < seen + 4 and time.monotonic() < end:
                time.sleep(0.005)
        assert [delivery.written for delivery in sinks.deliveries] == [2, 2]
    assert camera.indexes.count(0) >= 3 <= camera.indexes.count(1)
    assert camera.indexes == sorted(camera.indexes)
    assert silent.indexes == [0, 1] and camera.ended == ["close"]


def test_a_lossless_sink_gets_every_frame_and_bounds_what_waits() -> None:
    slow = Keeper("slow", lossless=True, pause=0.01)
    with FanOut([slow], depth=4) as sinks:
        for frame in moving(50):
            sinks.write(frame)
            assert frame.index - len(slow.indexes) <= 5
    assert slow.indexes == list(range(50))
    assert sinks.lossless
    assert sinks.deliveries[0].dropped == 0


def test_real_files_beside_a_slow_live_sink_are_complete(tmp_path: Path) -> None:
    live = Keeper("live", pause=0.03)
    with FanOut([VideoFile(tmp_path / "a.mp4", 64, 48), Stills(tmp_path / "shots", every=10), live]) as sinks:
        for frame in moving(40):
            sinks.write(frame)
    assert media.times(tmp_path / "a.mp4") == [Fraction(index, 25) for index in range(40)]
    assert len(os.listdir(tmp_path / "shots")) == 4
    assert live.indexes[-1] == 39
    assert len(live.indexes) < 40


def test_a_failing_sink_is_told_at_once_and_at_the_end_while_others_go_on(tmp_path: Path) -> None:
    told: list[tuple[str, str]] = []
    good = Keeper("good", lossless=True)
    bad = Keeper("bad", lossless=True, fails_at=3)
    worse = Keeper("worse", lossless=True, fails_at=5)
    sinks = FanOut([bad, good, worse], on_failure=lambda sink, error: told.append((sink.name, str(error))))
    for frame in moving(20):
        sinks.write(frame)
    with pytest.raises(SinkError, match=r"bad: failed at 3.*; worse: failed at 5"):
        sinks.close()
    sinks.close()
    assert sorted(name for name, _ in told) == ["bad", "worse"]
    assert good.indexes == list(range(20))
    assert good.ended == ["close"]
    assert bad.indexes == [0, 1, 2]
    assert bad.ended == ["abort"]
    assert [type(delivery.error) for delivery in sinks.deliveries] == [SinkError, type(None), SinkError]


def test_when_all_have_failed_there_is_no_point_in_going_on() -> None:
    bad = Keeper("bad", lossless=True, fails_at=0)
    with pytest.raises(SinkError, match="bad: failed at 0"), FanOut([bad], depth=1) as sinks:
        feed(sinks, moving(1000), pause=0.001)
    assert bad.ended == ["abort"]


def test_a_feeder_that_waits_for_a_sink_that_dies_is_set_free() -> None:
    bad = Keeper("bad", lossless=True, pause=0.02, fails_at=2)
    sinks = FanOut([bad, Keeper("good")], depth=1)
    for frame in moving(10):
        sinks.write(frame)
    with pytest.raises(SinkError, match="bad: failed at 2"):
        sinks.close()


def test_a_fault_in_a_sink_is_reported_with_its_kind() -> None:
    class Faulty(Keeper):
        def write(self, frame: Frame) -> None:
            raise ZeroDivisionError("oops")

    sinks = FanOut([Faulty("faulty"), Keeper("good")])
    for frame in moving(3):
        sinks.write(frame)
    with pytest.raises(SinkError, match="faulty: ZeroDivisionError: oops"):
        sinks.close()


def test_a_failure_while_closing_is_reported_too(tmp_path: Path) -> None:
    sinks = FanOut([VideoFile(tmp_path / "empty.mp4", 64, 48), Keeper("good")])
    with pytest.raises(SinkError, match="no frame came"):
        sinks.close()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_exception_aborts_every_sink(tmp_path: Path, error: type[BaseException]) -> None:
    slow = Keeper("slow", lossless=True, pause=0.05)
    with pytest.raises(error), FanOut([VideoFile(tmp_path / "a.mp4", 64, 48), slow]) as sinks:
        feed(sinks, moving(4), error=error)
    assert slow.ended == ["abort"]
    assert len(slow.indexes) < 4
    assert os.listdir(tmp_path) == []


def test_a_sink_bound_to_its_thread_is_written_to_there() -> None:
    class Bound(Keeper):
        own_thread = False

    bound = Bound("bound", fails_at=2)
    sinks = FanOut([bound, Keeper("free")])
    assert not sinks.own_thread
    for frame in moving(5):
        sinks.write(frame)
    with pytest.raises(SinkError, match="bound: failed at 2"):
        sinks.close()
    assert bound.threads == {threading.get_ident()}
    assert bound.indexes == [0, 1]


def test_fans_can_be_nested() -> None:
    inner = Keeper("inner", lossless=True)
    sinks: Sink = FanOut([FanOut([inner]), NullSink()])
    with sinks:
        for frame in moving(5):
            sinks.write(frame)
    assert inner.indexes == list(range(5))
    assert inner.ended == ["close"]


def test_wrong_calls() -> None:
    with pytest.raises(UsageError, match="no sink given"):
        FanOut([])
    with pytest.raises(UsageError, match="depth 0"):
        FanOut([NullSink()], depth=0)


def test_a_sink_that_hangs_does_not_hang_the_program() -> None:
    hanging, keeper = Hanging(), Keeper("keeper")
    sinks = FanOut([hanging, keeper], patience=0.2)
    feed(sinks, moving(2), pause=0.01)
    assert hanging.entered.wait(5)
    sinks.abort()
    assert [str(delivery.error) for delivery in sinks.deliveries if delivery.error] == [
        "hanging: did not stop within 0.2 s; it may hang"
    ]
    assert keeper.ended == ["abort"]
    hanging.let_go.set()
    for thread in threading.enumerate():
        if thread.name == "sink hanging":
            thread.join(10)


def test_a_full_queue_keeps_no_frame_from_the_live_sinks() -> None:
    file, live = Hanging(lossless=True), Keeper("live")
    sinks = FanOut([file, live], depth=1)
    frames = list(moving(3))
    sinks.write(frames[0])
    assert file.entered.wait(5)
    sinks.write(frames[1])
    # Hand and queue of the file are full now, so that the third write has to wait for it.
    writer = threading.Thread(target=sinks.write, args=(frames[2],))
    writer.start()
    end = time.monotonic() + 10
    while live.indexes[-1:] != [2] and time.monotonic() < end:
        time.sleep(0.01)
    assert live.indexes[-1:] == [2] and writer.is_alive()
    file.let_go.set()
    writer.join(10)
    sinks.close()


def test_who_needs_the_last_frame_again_has_it_in_the_feeder_s_own_thread() -> None:
    window, still, behind = Keeper("window"), Keeper("still"), Keeper("behind")
    window.own_thread = still.own_thread = False
    window.keep_alive = behind.keep_alive = 60.0
    with FanOut([window, still, behind]) as fan:
        fan.again()
        feed(fan, moving(2))
        fan.again()
    assert window.indexes == [0, 1, 1] and window.threads == {threading.get_ident()}
    assert still.indexes == [0, 1] and behind.indexes[-1] == 1
    assert behind.indexes in ([0, 1], [1])
    assert fan.deliveries[0].written == 2
