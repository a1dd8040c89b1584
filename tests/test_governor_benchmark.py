"""The governor's benchmark measures what it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.governor import measure_slow, measure_still, steps, two_tiers
from effectcam.effect.package import load_effect
from effectcam.live.governor_trace import replay
from tests.cli.conftest import write_effect

PICTURES = [np.random.default_rng(seed).integers(0, 256, (48, 64, 3), np.uint8) for seed in range(4)]


def test_three_sides_take_turns(tmp_path: Path) -> None:
    effect = load_effect(str(write_effect(tmp_path, "tiny", space="frame")))
    moving, still, free = measure_still(effect, PICTURES, 1)
    assert [side.name for side in (moving, still, free)] == ["moving", "still", "moving, no governor"]
    assert moving.drawn == free.drawn == 1
    assert 0 < still.drawn < 0.1
    for side in (moving, still, free):
        assert len(side.costs) == 60
        assert sum(cost.busy_ms for cost in side.costs) > 0


def test_a_slow_third_is_met_with_the_other_tier(tmp_path: Path) -> None:
    effect = load_effect(str(write_effect(tmp_path, "tiny", space="frame")))
    (tmp_path / "two").mkdir()
    both = two_tiers(effect, tmp_path / "two")
    assert set(both.tiers) == {"standard", "lite"}
    run = measure_slow(both, PICTURES, fps=20, seconds=9, delay=150)
    assert replay(run.trace) == run.trace
    down = [at for at, record in steps(run) if record["step"] == 1]
    assert down and 3 <= down[-1] <= 9
