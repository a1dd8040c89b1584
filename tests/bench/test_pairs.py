"""By how much two runs that were made in turn differ."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from effectcam.bench.pairs import log_ratio
from effectcam.bench.report import Report
from tests.bench.reports import made_report


def run(times: list[float | None], *, turn: int | None = 3, every: int = 1) -> Report:
    made = made_report(frames=20)
    return replace(
        made,
        settings=replace(made.settings, turn=turn),
        series=replace(made.series, every=every, stages_ms={"student": times}),
    )


def contended(seed: int, *, wait: float, slower: float = 1.0) -> list[float | None]:
    """Frames that are let through in 9 ms or, with the chance ``wait``, made to wait for 8 more; in which
    turns hangs on what else the machine does, and is the same for all that run then."""
    busy = np.random.default_rng(0).random(70).repeat(3)
    own = np.random.default_rng(seed).normal(1, 0.03, 210)
    return [float(9 * slower * by + 8 * (at < wait)) for by, at in zip(own, busy, strict=True)]


def test_a_median_that_jumps_is_no_difference_between_turns() -> None:
    a, b = run(contended(1, wait=0.47)), run(contended(2, wait=0.55))
    medians = [np.median(np.array(each.series.stages_ms["student"], np.float64)) for each in (a, b)]
    assert medians[1] / medians[0] > 1.5
    assert abs(log_ratio((a, b), "student", "p50")) < 0.02
    slower = run(contended(3, wait=0.55, slower=1.2))
    assert 1.08 < math.exp(log_ratio((a, slower), "student", "p50")) < 1.22
    assert log_ratio((slower, a), "student", "p50") == -log_ratio((a, slower), "student", "p50")


def test_without_turns_it_is_the_ratio_of_medians() -> None:
    first: list[float | None] = [10.0, 10.0, 10.0, 20.0, 20.0, 20.0]
    second: list[float | None] = [20.0] * 6
    assert math.exp(log_ratio((run(first), run(second)), "student", "p50")) == pytest.approx(math.sqrt(2))
    for other in (run(second, turn=None), run(second, turn=2), run(second, every=2)):
        assert math.exp(log_ratio((run(first), other), "student", "p50")) == pytest.approx(20 / 15)
    assert math.exp(log_ratio((run(first), run(second)), "student", "p99")) == pytest.approx(1)


def test_turns_in_which_a_stage_did_not_run_count_for_nothing() -> None:
    a, b = run([10.0, None, 10.0, 10.0, 10.0, 10.0]), run([90.0, 90.0, 90.0, 20.0, 20.0, 20.0, 20.0])
    assert math.exp(log_ratio((a, b), "student", "p50")) == pytest.approx(2)
    assert math.isnan(log_ratio((a, b), "mesh", "p50"))
    # What is below what a report resolves has a ratio too.
    assert log_ratio((run([0.0] * 6), run([0.0] * 6)), "student", "p50") == 0
