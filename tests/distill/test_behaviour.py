"""What is measured of an effect on a clip, on effects whose answer is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")

import effectcam
from effectcam.distill.behaviour import behave, restlessness
from effectcam.effect import load_effect

CLIP = Path(effectcam.__file__).parent / "media" / "demo.mp4"


def test_the_zombie_keeps_the_expression_and_toon_moves_the_eyes() -> None:
    zombie, toon = (behave(load_effect(name), CLIP, limit=24) for name in ("zombie", "toon"))
    assert zombie.frames == toon.frames == 24
    assert zombie.found > 0.9
    assert zombie.landmark_error is not None
    assert toon.landmark_error is not None
    assert zombie.landmark_error < 8
    assert toon.landmark_error > 0.5, "eyes a third larger are elsewhere"
    for each in (zombie, toon):
        assert each.flicker is not None and 0.3 < each.flicker < 3
        assert each.student_ms > 0
        assert each.machine


def test_restlessness_sees_what_comes_and_goes_and_hardly_what_moves() -> None:
    ramp = np.tile(np.arange(64, dtype=np.float32), (64, 1))
    moving = [np.roll(ramp, step, axis=1)[:, 8:56] for step in range(3)]
    assert restlessness(moving) < 0.001
    noise = np.random.default_rng(0)
    flickering = [ramp[:, 8:56] + noise.normal(0, 4, (64, 48)).astype(np.float32) for _ in range(3)]
    assert restlessness(flickering) > 0.1
    black = np.zeros((4, 4), np.float32)
    assert restlessness([black, black, black]) == 0
