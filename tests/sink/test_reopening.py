"""A sink that fails in the middle and comes back, with a clock of the test's own."""

from __future__ import annotations

import time

import pytest

from effectcam.errors import SinkError
from effectcam.frame import Frame
from effectcam.sink import FanOut, NullSink, Reopening, Sink
from tests.sink.frames import moving


class Driver:
    """Makes sinks that work while it is loaded."""

    def __init__(self) -> None:
        self.loaded = True
        self.made: list[Plugged] = []
        self.tried = 0

    def open(self) -> Sink:
        self.tried += 1
        if not self.loaded:
            raise SinkError("no loopback device; load the module")
        self.made.append(Plugged(self))
        return self.made[-1]


class Plugged(NullSink):
    def __init__(self, driver: Driver) -> None:
        super().__init__()
        self.driver = driver
        self.ended = ""
        self.warnings = ["a warning"]

    @property
    def name(self) -> str:
        return "virtual camera"

    def write(self, frame: Frame) -> None:
        if not self.driver.loaded:
            raise SinkError("virtual camera: stopped taking frames")
        super().write(frame)

    def close(self) -> None:
        self.ended = "closed"

    def abort(self) -> None:
        self.ended = "aborted"


class Desk:
    def __init__(self) -> None:
        self.driver = Driver()
        self.now = 100.0
        self.told: list[str] = []
        self.frames = moving(1000)
        self.sink = Reopening(
            self.driver.open, retry=(1.0, 4.0), tell=self.told.append, clock=lambda: self.now
        )

    def write(self, count: int = 1) -> None:
        for _ in range(count):
            self.sink.write(next(self.frames))


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_it_is_the_sink_while_all_is_well(desk: Desk) -> None:
    desk.write(3)
    assert (desk.sink.state, desk.sink.message, desk.sink.name) == ("open", "", "virtual camera")
    assert (desk.sink.lossless, desk.sink.own_thread, desk.sink.warnings) == (False, True, ["a warning"])
    assert desk.sink.sink is desk.driver.made[0]
    desk.sink.close()
    desk.sink.close()
    assert (desk.driver.made[0].frames, desk.driver.made[0].ended) == (3, "closed")
    assert desk.told == []


def test_the_first_opening_fails_at_once() -> None:
    driver = Driver()
    driver.loaded = False
    with pytest.raises(SinkError, match="load the module"):
        Reopening(driver.open)


def test_a_lost_sink_is_told_once_dropped_and_opened_again(desk: Desk) -> None:
    desk.write(2)
    desk.driver.loaded = False
    desk.write(5)
    assert desk.driver.made[0].ended == "aborted"
    assert (desk.sink.state, desk.sink.dropped) == ("lost", 5)
    assert desk.sink.message == "virtual camera: stopped taking frames"
    desk.now += 1
    desk.write()
    assert (desk.sink.state, desk.sink.message) == ("lost", "no loopback device; load the module")
    desk.driver.loaded = True
    desk.now += 2
    desk.write(2)
    assert (desk.sink.state, desk.sink.message, desk.sink.dropped) == ("open", "", 6)
    assert desk.driver.made[1].frames == 2
    assert desk.told == [
        "virtual camera: stopped taking frames; it is opened again as soon as it can be",
        "virtual camera: back after 3 s, 6 frames were dropped",
    ]


def test_a_frame_that_is_written_again_to_a_lost_sink_is_dropped_once(desk: Desk) -> None:
    frame = next(desk.frames)
    desk.sink.write(frame)
    desk.driver.loaded = False
    desk.sink.write(frame)
    assert desk.sink.state == "lost" and desk.sink.dropped == 0
    frame = next(desk.frames)
    for _ in range(3):
        desk.sink.write(frame)
    assert desk.sink.dropped == 1
    desk.driver.loaded = True
    desk.now += 1
    desk.write()
    assert desk.told[-1] == "virtual camera: back after 1 s, 1 frames were dropped"


@pytest.mark.parametrize("own_thread", [True, False])
def test_what_is_lost_meanwhile_is_not_called_written(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, own_thread: bool
) -> None:
    """Also where the last frame is sent again and again, and the sink is lost or comes back with that."""
    monkeypatch.setattr(Plugged, "own_thread", own_thread)
    monkeypatch.setattr(Plugged, "keep_alive", 0.01)
    sinks = FanOut([desk.sink])
    sent, end = 0, time.monotonic() + 60
    for loaded in (True, False, True):
        desk.driver.loaded = loaded
        desk.now += 10
        for _ in range(4):
            sinks.write(next(desk.frames))
            sent += 1
            while sinks.deliveries[0].written + sinks.deliveries[0].dropped < sent:
                assert time.monotonic() < end
                time.sleep(0.005)
            time.sleep(0.02)
    sinks.close()
    assert (sinks.deliveries[0].written, sinks.deliveries[0].dropped) == (8, 4)
    assert desk.sink.dropped == 4


def test_the_waits_between_tries_double_up_to_the_longest(desk: Desk) -> None:
    desk.driver.loaded = False
    desk.write()
    tries = []
    for _ in range(130):
        desk.now += 0.125
        before = desk.driver.tried
        desk.write()
        if desk.driver.tried > before:
            tries.append(desk.now - 100)
    assert tries == [1.0, 3.0, 7.0, 11.0, 15.0]
    desk.driver.loaded = True
    desk.now += 4
    desk.write()
    desk.driver.loaded = False
    desk.write()
    desk.now += 1
    desk.driver.loaded = True
    desk.write()
    assert desk.sink.state == "open", "the wait starts anew after each recovery"


def test_a_sink_that_opens_but_takes_no_frame_is_still_lost(desk: Desk) -> None:
    desk.driver.loaded = False
    desk.write()

    def open_broken() -> Sink:
        return Plugged(desk.driver)

    desk.sink._make = open_broken
    for _ in range(3):
        desk.now += 4
        desk.write()
        assert desk.sink.state == "lost"
    assert len(desk.told) == 1


def test_a_fault_of_any_kind_is_survived(desk: Desk) -> None:
    def faulty() -> Sink:
        raise ZeroDivisionError("oops")

    desk.driver.loaded = False
    desk.write()
    desk.sink._make = faulty
    desk.now += 1
    desk.write()
    assert desk.sink.message == "ZeroDivisionError: oops"


@pytest.mark.parametrize("end", ["close", "abort"])
def test_it_may_end_while_lost(desk: Desk, end: str) -> None:
    desk.driver.loaded = False
    desk.write()
    getattr(desk.sink, end)()
    desk.driver.loaded = True
    desk.now += 10
    desk.write()
    assert len(desk.driver.made) == 1
    assert desk.sink.dropped == 2
