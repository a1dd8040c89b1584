"""The governor with a camera that does not give the same rate for ever."""

from __future__ import annotations

import itertools

import pytest

from effectcam.live.governor_trace import replay
from tests.live.test_governor import Machine, flat


def under_a_lamp(fps: float, budget_ms: float | None = None) -> Machine:
    """With a camera whose rate may be changed."""
    machine: Machine = Machine("standard", "lite", fps=fps, budget_ms=budget_ms, measured=lambda: machine.fps)
    return machine


def test_a_camera_that_gives_more_in_the_light_leaves_less_time() -> None:
    machine = under_a_lamp(15)
    machine.run(20, flat(standard=50, lite=20))
    assert machine.steps == [] and machine.governor.state["budget_ms"] == 66.7
    machine.give(30)
    machine.run(4.9, flat(standard=50, lite=20))
    assert machine.told == []
    machine.run(10, flat(standard=50, lite=20))
    assert machine.where == "lite, mesh every 2nd frame"
    assert machine.told[0] == "governor: 33 ms for a frame; 30 frames a second come, and not 15"
    rates = [record for record in machine.trace if "rate" in record]
    assert [(record["rate"], round(record["budget_ms"], 1)) for record in rates] == [(30, 33.3)]
    assert replay(machine.trace) == machine.trace
    # Of a camera that stays as it is, something else would have been decided.
    dark = [{**record, "fps": 15.0} if "frame" in record else record for record in machine.trace]
    assert not any("rate" in record or "step" in record for record in replay(dark))


def test_a_camera_that_gives_less_in_the_dark_leaves_more_time() -> None:
    machine = under_a_lamp(30)
    machine.run(20, flat(standard=20, lite=15))
    machine.give(15)
    machine.run(20, flat(standard=20, lite=15))
    assert machine.where == "standard" and machine.governor.state["budget_ms"] == 66.7
    assert replay(machine.trace) == machine.trace


def test_a_machine_that_is_pressed_is_not_taken_for_a_slower_camera() -> None:
    """A game starves the thread that reads the camera: with more time for a frame, and a better picture in
    it, still fewer would come."""
    machine = under_a_lamp(30)
    machine.run(20, flat(standard=38, lite=26))
    before = machine.where
    assert before != "standard"
    machine.give(22)
    machine.run(30, flat(standard=38, lite=26))
    assert machine.where == before
    assert not any("rate" in record for record in machine.trace)
    assert replay(machine.trace) == machine.trace


def test_a_rate_that_swings_or_is_wrong_for_a_moment_is_the_same() -> None:
    machine = under_a_lamp(30)
    for _ in range(10):
        for fps, seconds in ((12, 4), (26, 10), (35, 10)):
            machine.give(fps)
            machine.run(seconds, flat(standard=20, lite=10))
    assert not any("rate" in record for record in machine.trace)
    assert machine.governor.state["budget_ms"] == 33.3


def test_a_budget_of_ones_own_stays_at_another_rate_and_every_second_frame_is_one() -> None:
    machine = under_a_lamp(15, budget_ms=20)
    machine.run(20, flat(standard=38, lite=38))
    assert machine.where == "lite, every 2nd frame"
    machine.give(30)
    machine.run(20, flat(standard=38, lite=38))
    assert machine.where == "lite, every 2nd frame"
    assert machine.governor.state["budget_ms"] == pytest.approx(20 * 2 * 4 / 3, abs=0.1)
    gaps = [after[0] - before[0] for before, after in itertools.pairwise(machine.did[-30:])]
    assert gaps == pytest.approx([2 / 30] * 29)
    assert replay(machine.trace) == machine.trace
