from __future__ import annotations

import time

import pytest

from effectcam.ledger import STAGES, FrameTimes, Ledger

MS = 1_000_000


def fill(ledger: Ledger, stage: str, milliseconds: list[float]) -> None:
    for each in milliseconds:
        frame = FrameTimes()
        frame.note(stage, round(each * MS))
        ledger.add(frame)


def test_percentiles() -> None:
    ledger = Ledger()
    fill(ledger, "mesh", [float(n) for n in range(101)])
    assert ledger.percentiles("mesh") == {"p50": 50.0, "p95": 95.0, "p99": 99.0}


def test_a_stage_that_never_ran_took_no_time() -> None:
    ledger = Ledger()
    assert ledger.percentiles("student") == {"p50": 0.0, "p95": 0.0, "p99": 0.0}
    assert ledger.last("student") == 0
    assert list(ledger.summary()) == list(STAGES)


def test_a_stage_that_runs_twice_in_a_frame_counts_once() -> None:
    ledger, frame = Ledger(), FrameTimes()
    frame.note("student", 2 * MS)
    frame.note("student", 3 * MS)
    assert ledger.last("student") == 0
    ledger.add(frame)
    assert ledger.last("student") == 5


def test_the_latest_frame_has_no_time_of_a_stage_that_it_did_without() -> None:
    ledger = Ledger()
    fill(ledger, "student", [7.0])
    fill(ledger, "mesh", [2.0])
    assert (ledger.last("mesh"), ledger.last("student")) == (2, 0)
    ledger.clear()
    assert ledger.last("mesh") == 0


def test_time_measures_the_block() -> None:
    frame = FrameTimes()
    with frame.time("crop"):
        time.sleep(0.01)
    assert 10 * MS <= frame.stages["crop"] < 1000 * MS


def test_a_block_that_raises_is_not_noted() -> None:
    frame = FrameTimes()
    with pytest.raises(KeyError), frame.time("crop"):
        raise KeyError
    assert not frame.stages


@pytest.mark.parametrize("keep", [1, 2, 7, 10])
def test_memory_is_bounded_and_recent(keep: int) -> None:
    ledger = Ledger(keep=keep)
    fill(ledger, "mesh", [1.0] * 100 + [9.0] * keep)
    assert ledger.percentiles("mesh") == {"p50": 9, "p95": 9, "p99": 9}
    for number in range(3 * keep):
        fill(ledger, "mesh", [float(number)])
        assert ledger.last("mesh") == number
        # Across the place where memory begins anew too.
        assert ledger.percentiles("mesh", last=1)["p50"] == number
    assert ledger.percentiles("mesh", last=2)["p50"] == (3 * keep - 1.5 if keep > 1 else 2)


def test_clear_forgets_everything() -> None:
    ledger = Ledger()
    fill(ledger, "mesh", [1.0])
    ledger.clear()
    assert ledger.summary() == Ledger().summary()


def test_the_latest_frames_are_the_same_for_every_stage() -> None:
    ledger = Ledger()
    fill(ledger, "student", [9.0] * 5)
    fill(ledger, "mesh", [1.0] * 10)
    assert ledger.percentiles("student")["p50"] == 9
    assert ledger.percentiles("student", last=10) == {"p50": 0.0, "p95": 0.0, "p99": 0.0}
    fill(ledger, "student", [3.0])
    assert ledger.percentiles("student", last=10)["p50"] == 3
    assert ledger.percentiles("mesh", last=10)["p50"] == 1


def test_a_frame_that_is_skipped_has_no_times_and_leaves_the_figures_alone() -> None:
    ledger = Ledger()
    fill(ledger, "mesh", [4.0])
    ledger.skip()
    assert ledger.last("mesh") == 0
    assert ledger.percentiles("mesh")["p50"] == 4
