"""What the times of many frames come to."""

from __future__ import annotations

import numpy as np
import pytest

from effectcam.bench.sample import Sample
from effectcam.bench.series import (
    FrameLedger,
    deadline,
    percentiles,
    rates,
    series,
    windows,
)
from effectcam.ledger import FrameTimes

MS = 1_000_000


def test_each_frame_is_a_row_and_a_stage_that_did_not_run_leaves_a_gap() -> None:
    ledger = FrameLedger()
    for stages in (
        (("mesh", 2), ("student", 3), ("student", 4), ("chain", 10)),
        (("mesh", 1), ("chain", 2)),
    ):
        frame = FrameTimes()
        for stage, ms in stages:
            frame.note(stage, ms * MS)
        ledger.add(frame)
    times = ledger.times()
    assert list(times) == ["mesh", "student", "chain"]
    assert times["mesh"].tolist() == [2, 1]
    assert times["student"][0] == 7 and np.isnan(times["student"][1])
    assert ledger.percentiles("mesh")["p50"] == 1.5
    ledger.clear()
    assert ledger.times() == {}


def test_percentiles_are_of_the_frames_in_which_a_stage_ran() -> None:
    found = percentiles(np.array([np.nan, *np.arange(1.0, 102.0)]))
    assert (found.p50, found.p95, found.p99, found.max, found.mean) == (51, 96, 100, 101, 51)


def test_the_low_is_that_of_the_slowest_hundredth() -> None:
    chain = np.full(300, 10.0)
    chain[[5, 80, 200]] = (40, 50, 60)
    found = rates(300, 4.0, chain)
    assert (found.throughput, found.low_1_percent) == (75, 20)


def test_misses_are_counted_and_so_is_their_longest_run() -> None:
    found = deadline(np.array([40, 10, 40, 40, 40, 10, 33.3, 40]), 33.3)
    assert (found.missed, found.share, found.longest) == (5, 0.625, 3)
    assert deadline(np.array([1.0, 2.0]), 33.3).longest == 0


def test_windows_hold_every_frame_once() -> None:
    rng = np.random.default_rng(0)
    chain = rng.uniform(5, 50, 4000)
    done = np.cumsum(chain) / 1000
    seconds = float(done[-1]) + 0.01
    samples = [Sample(at, 100 + at, None, None) for at in np.arange(0, seconds + 1)]
    found = windows(done, chain, seconds, samples)
    assert [window.seconds for window in found[:-1]] == [10] * (len(found) - 1)
    assert sum(window.frames for window in found) == 4000
    assert sum(window.missed for window in found) == int((chain > 33.3).sum())
    assert found[-1].start_s + found[-1].seconds == pytest.approx(seconds, abs=1e-3)
    # The memory is that of the window's end.
    assert found[0].memory_mb == 100 + found[0].seconds


def test_a_window_without_a_frame_says_so() -> None:
    found = windows(np.array([0.1, 3.6]), np.array([50.0, 60.0]), 4.0, [Sample(0, 1, 2000.0, 50.0)])
    assert [window.frames for window in found] == [1, 0, 0, 1]
    assert found[1].chain_ms is None and found[1].fps == 0
    assert (found[1].mhz, found[1].temperature_c) == (2000, 50)


def test_a_long_run_keeps_each_nth_frame() -> None:
    count = 150_000
    done = np.arange(count) / 100
    kept = series(done, {"chain": np.arange(count) * 1.0, "mesh": np.full(count, np.nan)}, None)
    assert kept.every == 3
    assert len(kept.done_ms) == len(kept.stages_ms["chain"]) == len(kept.stages_ms["mesh"]) == 50_000
    assert kept.stages_ms["chain"][:3] == [0, 3, 6] and kept.stages_ms["mesh"][0] is None
    assert kept.done_ms[1] == 30
