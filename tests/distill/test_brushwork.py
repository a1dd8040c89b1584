"""Dabs keep what matters and drop what does not; the brush's hair follows the grain."""

from __future__ import annotations

import numpy as np
import pytest

from effectcam.distill.teachers.drawing.brushwork import combed, dabs, nearness, slope
from effectcam.distill.teachers.drawing.kuwahara import kuwahara
from effectcam.distill.teachers.head.uv import Floats


def edge(side: int = 80) -> Floats:
    """Lab: light grey beside dark red, with grain."""
    picture = np.zeros((side, side, 3), np.float32)
    picture[:, : side // 2] = (75, 0, 0)
    picture[:, side // 2 :] = (35, 40, 20)
    grain = np.random.default_rng(2).normal(0, 2, (side, side)).astype(np.float32)
    return picture + grain[..., None]


def test_kuwahara_smooths_grain_and_keeps_an_edge() -> None:
    before, after = edge(), kuwahara(edge(), radius=5.0)
    assert after[10:70, 5:30, 0].std() < 0.5 * before[10:70, 5:30, 0].std()
    jump = after[20:60, 42].mean(axis=0) - after[20:60, 37].mean(axis=0)
    np.testing.assert_allclose(jump, (-40, 40, 20), atol=6)


def test_kuwahara_leaves_a_flat_alone() -> None:
    flat = np.full((40, 50, 3), (60, 10, -20), np.float32)
    np.testing.assert_allclose(kuwahara(flat, radius=4.0), flat, atol=1e-3)


@pytest.mark.parametrize("stretch", [0.0, 1.0])
def test_dabs_stretch_along_the_edge(stretch: float) -> None:
    """A speck beside an edge is wiped away sooner by dabs that are longer along it."""
    picture = edge()
    picture[38:42, 30:38] += (12, 0, 0)
    left = kuwahara(picture, radius=4.0, stretch=stretch)[38:42, 32:38, 0].mean()
    round_ = kuwahara(picture, radius=4.0, stretch=0.0)[38:42, 32:38, 0].mean()
    assert left <= round_ + 1e-3 if stretch else left == pytest.approx(round_)


def test_the_fine_brush_is_taken_up_where_the_broad_one_loses_something() -> None:
    picture = np.full((96, 96, 3), (70, 5, 10), np.float32)
    picture[46:50, 20:76] = (20, 5, 10)
    kept, lost = (
        dabs(picture, 1.0, fine=1.5, broad=8.0, keep=keep)[48, 30:66, 0].mean()
        for keep in ((3.0, 8.0), (300.0, 800.0))
    )
    assert kept < 30 < lost


def test_combing_runs_along_hair_and_not_on_flats_or_beside_outlines() -> None:
    x = np.arange(96, dtype=np.float32)
    hair = np.repeat((50 + 8 * np.sin(x * 1.1))[None], 96, axis=0)
    trace = combed(hair, 1.0, grain=1.1)[20:76, 20:76]
    assert trace.std() > 0.15
    assert np.abs(np.diff(trace, axis=0)).mean() < 0.1 * np.abs(np.diff(trace, axis=1)).mean()
    assert np.abs(combed(np.full((64, 64), 50, np.float32), 1.0, grain=1.1)).max() < 1e-3
    step = np.where(x < 48, 20, 80).astype(np.float32)[None].repeat(96, axis=0)
    assert np.abs(combed(step, 1.0, grain=1.1)).max() < 0.5 * np.abs(trace).max()


def test_nearness_falls_away_from_an_outline() -> None:
    tone = np.where(np.arange(160) < 80, 30, 70).astype(np.float32)[None].repeat(120, axis=0)
    near = nearness(slope(tone, 1.0), 1.0)[60]
    assert near[80] > 0.6
    assert (np.diff(near[80:150]) <= 1e-6).all()
    assert near[150] < 0.1
