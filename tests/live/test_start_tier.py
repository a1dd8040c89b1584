from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from effectcam.effect.package import Effect, load_effect
from effectcam.errors import FaceMeshError
from effectcam.frame import Frame, VirtualClock
from effectcam.live.controls import Controls
from effectcam.live.options import Options
from effectcam.live.start_tier import TimedTier
from effectcam.pipeline import Pipeline
from tests.live.slow_effect import slow_effect

FRAMES = [Frame(np.full((48, 64, 3), 90, np.uint8), index, index * 33_000_000) for index in range(4)]


@pytest.mark.parametrize(
    ("ms", "wanted", "timed"),
    [
        ({"high": 20, "standard": 10, "lite": 5}, "high", ["high"]),
        ({"high": 30, "standard": 20, "lite": 5}, "standard", ["high", "standard"]),
        ({"high": 90, "standard": 60, "lite": 40}, "lite", ["high", "standard", "lite"]),
    ],
)
def test_the_best_tier_that_leaves_room_is_begun_with(
    tmp_path: Path, ms: dict[str, float], wanted: str, timed: list[str]
) -> None:
    clock = VirtualClock()
    tiers = {"high": "negative", "standard": "contrast", "lite": "identity"}
    effect = slow_effect(tmp_path / "slow", clock, lambda tier: ms[tier], tiers=tiers)
    with Pipeline(effect, tier="high") as pipeline:
        TimedTier(lambda: FRAMES, limit_ms=23, clock=clock)(pipeline, ("high", "standard", "lite"))
        assert pipeline.tier == wanted
        assert list(dict.fromkeys(effect.runs)) == timed
        # Nothing is left of it for the run's own figures.
        assert pipeline.ledger.last("chain") == 0 and pipeline.faces == []


def test_a_machine_that_is_far_too_slow_is_not_timed_for_long(tmp_path: Path) -> None:
    clock = VirtualClock()
    effect = slow_effect(tmp_path / "slow", clock, lambda tier: 1000)
    with Pipeline(effect) as pipeline:
        TimedTier(lambda: FRAMES, limit_ms=23, clock=clock)(pipeline, ("standard", "lite"))
        assert pipeline.tier == "lite"
    assert clock.now() <= 10e9


def test_the_first_frames_do_not_count_nor_does_a_hiccup(tmp_path: Path) -> None:
    clock = VirtualClock()
    effect = slow_effect(tmp_path / "slow", clock, lambda tier: 90 if len(effect.runs) in (1, 2, 9) else 10)
    with Pipeline(effect) as pipeline:
        TimedTier(lambda: FRAMES, limit_ms=23, clock=clock)(pipeline, ("standard", "lite"))
        assert pipeline.tier == "standard"


def test_an_effect_of_one_tier_is_not_timed(home: Path) -> None:
    def frames() -> list[Frame]:
        raise AssertionError("not needed")

    with Pipeline(load_effect("one"), threads=1) as pipeline:
        TimedTier(frames, limit_ms=23)(pipeline, ("standard",))
        assert pipeline.tier == "standard"


class Asked:
    """Begins with the lite tier where there is one."""

    def __init__(self) -> None:
        self.of: list[tuple[str, tuple[str, ...]]] = []

    def __call__(self, pipeline: Pipeline, tiers: Sequence[str]) -> None:
        self.of.append((pipeline.tier, tuple(tiers)))
        pipeline.change_tier(tiers[-1], pipeline.open_tier(tiers[-1]))


def opened(effect: Effect, tier: str | None, asked: Asked) -> Controls:
    return Controls(
        effect, Options(tier=tier, threads=1), start_tier=asked, on_quit=print, tell=lambda line: None
    )


@pytest.mark.parametrize(
    ("tier", "wanted", "tiers", "questions"),
    [
        (None, "lite", ("high", "standard", "lite"), [("high", ("high", "standard", "lite"))]),
        ("high", "high", ("high", "standard", "lite"), []),
        ("standard", "standard", ("standard", "lite"), []),
    ],
)
def test_the_policy_is_asked_where_the_tier_is_left_open(
    tmp_path: Path,
    tier: str | None,
    wanted: str,
    tiers: tuple[str, ...],
    questions: list[tuple[str, tuple[str, ...]]],
) -> None:
    names = dict.fromkeys(("lite", "standard", "high"), "negative")
    asked = Asked()
    controls = opened(
        slow_effect(tmp_path / "slow", VirtualClock(), lambda tier: 0, tiers=names), tier, asked
    )
    try:
        assert controls.tier == wanted and controls.tiers == tiers
        assert asked.of == questions
        # Opened anew, it goes on as it was.
        before = controls.settle()
        controls.set_faces("largest")
        end = time.monotonic() + 60
        while controls.settle() is before:
            assert time.monotonic() < end
            time.sleep(0.01)
        assert controls.tier == wanted and asked.of == questions
    finally:
        controls.close()


def test_a_policy_that_fails_closes_what_was_opened(tmp_path: Path) -> None:
    pipelines: list[Pipeline] = []

    def failing(pipeline: Pipeline, tiers: Sequence[str]) -> None:
        pipelines.append(pipeline)
        raise FaceMeshError("it does not start")

    effect = slow_effect(tmp_path / "slow", VirtualClock(), lambda tier: 0)
    with pytest.raises(FaceMeshError):
        Controls(effect, Options(tier=None), start_tier=failing, on_quit=print, tell=print)
    with pytest.raises(Exception, match=r"closed|shutdown"):
        pipelines[0].process(FRAMES[0])


def test_a_tier_on_its_way_when_the_run_ends_is_closed(tmp_path: Path) -> None:
    controls = opened(slow_effect(tmp_path / "slow", VirtualClock(), lambda tier: 0), "standard", Asked())
    controls.change_tier("lite")
    coming = controls._tier_change._coming
    controls.close()
    assert coming is not None
    with pytest.raises(Exception, match="closed"):
        coming.students.result()["frame"].run(np.zeros((32, 32, 3), np.uint8))
