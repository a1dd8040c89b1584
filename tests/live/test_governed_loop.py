"""The live loop under a governor, on devices as slow as each test wants them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks.slow_device import SlowEffect, camera
from effectcam.frame import Frame, Pixels, VirtualClock
from effectcam.live.controls import Controls
from effectcam.live.governor import Governor, NoGovernor, Record
from effectcam.live.governor_trace import replay
from effectcam.live.loop import LiveLoop
from effectcam.live.options import Options
from effectcam.live.privacy import FaceGuard
from tests.face.clips import demo_pixels
from tests.live.slow_effect import slow_effect
from tests.live.test_loop import Kept

WIDTH, HEIGHT = 64, 48
BUDGET = 1000 / 30
NOISE = [np.random.default_rng(seed).integers(40, 200, (HEIGHT, WIDTH, 3), np.uint8) for seed in range(7)]


def moving(number: int) -> Pixels:
    return NOISE[1 + number % 6]


def still(number: int) -> Pixels:
    return NOISE[0]


class Desk:
    """A governed run on a clock that only the students move."""

    def __init__(self, folder: Path, *, governed: bool = True, faces: str = "one", **options: object) -> None:
        self.clock = VirtualClock()
        self.ms = {"standard": 10.0, "lite": 4.0}
        self.effect: SlowEffect = slow_effect(
            folder / "slow",
            self.clock,
            lambda tier: self.ms[tier],
            **{name: options.pop(name) for name in ("space", "tiers") if name in options},  # type: ignore[arg-type]
        )
        self.told: list[str] = []
        self.controls = Controls(
            self.effect,
            Options(threads=1, label=False, faces=faces),
            on_quit=print,
            tell=self.told.append,
        )
        self.trace: list[Record] = []
        self.sink = Kept()
        self.governor = (
            Governor(fps=30, trace=self.trace.append, tell=self.told.append, **options)  # type: ignore[arg-type]
            if governed
            else NoGovernor()
        )
        self.guard = FaceGuard()
        self.loop = LiveLoop(
            self.controls,
            self.sink,
            size=(WIDTH, HEIGHT),
            guard=self.guard,
            governor=self.governor,
            clock=self.clock,
        )
        self.number = 0

    def run(self, seconds: float, picture: Callable[[int], Pixels] = moving) -> None:
        def frames() -> Iterator[Frame]:
            for frame in camera(self.clock, seconds, picture, begin=self.number):
                self.number = frame.index + 1
                yield frame
                if self.governor.tier not in (None, self.controls.tier):
                    # Students are opened in real time, of which a frame takes next to none here.
                    time.sleep(0.01)

        self.loop.run(frames())

    @property
    def steps(self) -> list[int]:
        return [record["step"] for record in self.trace if "step" in record]

    @property
    def frames(self) -> list[Record]:
        return [record for record in self.trace if "frame" in record]

    def busy(self, last: int) -> list[float]:
        return [record["cost"]["busy_ms"] for record in self.frames[-last:] if record.get("cost")]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.controls.close()


def test_a_slow_device_steps_down_holds_the_budget_and_recovers(desk: Desk) -> None:
    desk.run(2)
    assert desk.steps == [] and desk.controls.tier == "standard"
    desk.ms = {"standard": 60.0, "lite": 25.0}
    desk.run(12)
    assert desk.controls.tier == "lite"
    assert max(desk.busy(100)) <= BUDGET
    down = desk.steps
    assert set(down) == {1}
    # No frame is lost any more.
    indices = [record["frame"] for record in desk.frames[-100:]]
    assert indices == list(range(indices[0], indices[0] + 100))
    desk.ms = {"standard": 10.0, "lite": 4.0}
    desk.run(26)
    assert desk.controls.tier == "standard"
    assert desk.steps == down + [-1] * len(down)
    assert desk.governor.state["rung"] == desk.governor.state["start"]
    assert replay(desk.trace) == desk.trace
    # And people hear of each step, and of nothing else.
    assert len(desk.told) == len(desk.steps) and all(line.startswith("governor: ") for line in desk.told)


def test_each_picture_is_a_tier_s_own_while_tiers_change(desk: Desk) -> None:
    """Neither a bare frame nor a stalled one in between: the former tier draws until the other is there."""
    desk.ms = {"standard": 60.0, "lite": 20.0}
    desk.run(5)
    assert desk.controls.tier == "lite"
    drawn = {record["frame"]: record["cost"]["tier"] for record in desk.frames}
    assert len(desk.sink.frames) == len(drawn)
    assert set(drawn.values()) == {"standard", "lite"}
    for frame, (number, tier) in zip(desk.sink.frames, drawn.items(), strict=True):
        picture = moving(number).astype(int)
        expected = {"standard": 255 - picture, "lite": np.clip(1.5 * (picture - 127.5) + 127.5, 0, 255)}[tier]
        other = {"standard": picture, "lite": 255 - picture}[tier]
        assert np.abs(frame.pixels - expected).mean() < np.abs(frame.pixels - other).mean()
    assert desk.effect.runs == list(drawn.values())


def test_a_device_that_is_too_slow_for_every_tier_sends_fewer_frames_evenly(desk: Desk) -> None:
    desk.ms = {"standard": 90.0, "lite": 55.0}
    desk.run(10)
    assert desk.governor.state["rungs"][desk.governor.state["rung"]] == "lite, every 2nd frame"
    stamps = [frame.captured_at for frame in desk.sink.frames[-30:]]
    assert np.diff(stamps) == pytest.approx(2e9 / 30, abs=2)
    assert desk.frames[-2]["did"] == "omit" or desk.frames[-1]["did"] == "omit"
    assert replay(desk.trace) == desk.trace


def test_without_a_governor_nothing_changes(tmp_path: Path) -> None:
    desk = Desk(tmp_path, governed=False)
    desk.ms["standard"] = 60.0
    try:
        desk.run(10)
    finally:
        desk.controls.close()
    assert desk.controls.tier == "standard" and desk.told == []
    assert len(desk.effect.runs) == len(desk.sink.frames) == pytest.approx(10 * 1000 / 60, abs=3)


def test_a_fast_device_sends_the_same_with_and_without(tmp_path: Path) -> None:
    sent = []
    for governed in (True, False):
        desk = Desk(tmp_path / str(governed), governed=governed)
        desk.run(3)
        desk.controls.close()
        sent.append([(frame.captured_at, frame.pixels.tobytes()) for frame in desk.sink.frames])
    assert len(sent[0]) == 90 and sent[0] == sent[1]


@pytest.fixture
def saver(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path, skip_still=True)
    yield made
    made.controls.close()


def test_a_still_scene_is_drawn_once_a_second(saver: Desk) -> None:
    saver.run(10.5, still)
    assert len(saver.sink.frames) == 315
    # Half a second to come to rest, then one a second.
    assert len(saver.effect.runs) == pytest.approx(15 + 10, abs=2)
    assert all(np.array_equal(frame.pixels, saver.sink.frames[0].pixels) for frame in saver.sink.frames)
    before = len(saver.effect.runs)
    saver.run(1, moving)
    assert len(saver.effect.runs) == before + 30
    assert np.abs(saver.sink.frames[-30].pixels - (255.0 - moving(315))).mean() < 40
    assert replay(saver.trace) == saver.trace


def test_a_small_thing_that_moves_is_drawn(saver: Desk) -> None:
    saver.run(2, still)
    ball = still(0).copy()
    ball[20:28, 30:38] = 255
    before = len(saver.effect.runs)
    saver.run(1 / 30, lambda number: ball)
    assert len(saver.effect.runs) == before + 1


@pytest.mark.parametrize("what", ["strength", "mirror", "panic", "size"])
def test_what_people_change_shows_at_once_although_nothing_moves(saver: Desk, what: str) -> None:
    saver.run(2, still)
    before = saver.sink.frames[-1].pixels
    assert saver.frames[-1]["did"] == "repeat"
    picture: Callable[[int], Pixels] = still
    if what == "strength":
        saver.controls.set_strength(0.5)
    elif what == "mirror":
        saver.controls.set_mirror(True)
    elif what == "size":
        picture = lambda number: np.repeat(NOISE[0], 2, axis=1)  # noqa: E731
    else:
        saver.controls.set_panic("placeholder")
        saver.run(0.5, still)
        assert not np.array_equal(saver.sink.frames[-1].pixels, before)
        saver.controls.set_panic(None)
    runs = len(saver.effect.runs)
    saver.run(1 / 30, picture)
    assert len(saver.effect.runs) == runs + 1
    assert np.array_equal(saver.sink.frames[-1].pixels, before) == (what == "panic")


def test_no_bare_face_is_shown_again_or_while_tiers_change(tmp_path: Path) -> None:
    faces = demo_pixels(12)
    desk = Desk(tmp_path, space="face")
    desk.ms = {"standard": 70.0, "lite": 12.0}
    try:
        desk.run(4, lambda number: faces[abs(number % 22 - 11)])
        assert desk.controls.tier == "lite"
        crop = desk.controls.settle().faces[0].crop
        x, y = round(crop.cx), round(crop.cy)
        middle = (slice(y - 20, y + 20), slice(x - 20, x + 20))
        assert len(desk.sink.frames) > 30
        for frame in desk.sink.frames:
            bare = min(np.abs(frame.pixels[middle].astype(int) - face[middle]).mean() for face in faces)
            assert bare > 15
        assert {record["did"] for record in desk.frames} >= {"draw", "predict"}
        # The face leaves, and nothing moves: it is looked for in each frame, behind a blur.
        empty = np.full_like(faces[0], 90)
        desk.trace.clear()
        desk.run(1.5, lambda number: empty)
        assert desk.loop.showing == "blur"
        assert {record["did"] for record in desk.frames} <= {"draw", "omit"}
    finally:
        desk.controls.close()


def test_a_tier_that_does_not_open_is_told_once_and_left_out(desk: Desk) -> None:
    (desk.effect.path / "lite.tflite").unlink()
    desk.ms = {"standard": 60.0, "lite": 20.0}
    desk.run(10)
    assert desk.controls.tier == "standard"
    assert sum("lite.tflite" in line for line in desk.told) == 1
    assert desk.controls.tiers == ("standard",)
    assert desk.governor.state["rungs"][-1] == "standard, every 3rd frame"
    assert desk.governor.state["rungs"][desk.governor.state["rung"]] == "standard, every 2nd frame"
    assert replay(desk.trace) == desk.trace


def test_another_effect_begins_anew(desk: Desk, tmp_path: Path) -> None:
    desk.ms = {"standard": 60.0, "lite": 20.0}
    desk.run(5)
    assert desk.controls.tier == "lite"
    other = slow_effect(tmp_path / "other", desk.clock, lambda tier: 5.0, tiers={"standard": "identity"})
    # On its way for as long as some frames take.
    held = threading.Event()
    desk.controls._loader.submit(held.wait, 60)
    desk.controls.choose_effect(str(other.path))
    desk.run(0.1)
    held.set()
    while desk.controls.loading:
        desk.run(0.1)
    desk.run(0.1)
    assert [record["start"] for record in desk.trace if "ladder" in record] == [0, 0]
    assert desk.governor.state["rungs"][0] == "standard" and desk.governor.state["rung"] == 0
    # While it was loading, times told nothing of what a frame takes.
    assert any(record.get("did") == "draw" and record["cost"] is None for record in desk.frames)


def test_frames_that_fail_do_not_count(tmp_path: Path) -> None:
    desk = Desk(tmp_path, tiers={"standard": "nan_where_black", "lite": "identity"})
    desk.ms = {"standard": 60.0, "lite": 20.0}
    try:
        desk.run(5, lambda number: np.zeros((HEIGHT, WIDTH, 3), np.uint8))
        assert desk.steps == []
        assert {record["cost"] for record in desk.frames} == {None}
        desk.run(5)
        assert desk.controls.tier == "lite"
    finally:
        desk.controls.close()
