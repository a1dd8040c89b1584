"""The brush that paints in the face's flat space."""

from __future__ import annotations

import numpy as np
import pytest

from effectcam.distill.teachers.head.brush import SIDE, Brush, both, curve, outline
from effectcam.distill.teachers.head.uv import load_face_space


@pytest.fixture(scope="module")
def brush() -> Brush:
    return Brush(load_face_space())


def test_a_curve_goes_through_its_points_and_stays_near_them() -> None:
    points = [(0.0, 0.0), (10.0, 0.0), (11.0, 8.0), (40.0, 9.0)]
    line = curve(points, steps=8)
    assert len(line) == 3 * 8 + 1
    for point in points:
        assert np.linalg.norm(line - np.array(point), axis=1).min() < 1e-3
    # Uniform splines would swing far out at the short piece between two long ones.
    assert line[:, 0].min() > -1 and line[:, 1].max() < 10.5


def test_a_closed_curve_comes_back_without_a_corner() -> None:
    line = curve([(0, 0), (20, 0), (20, 20), (0, 20)], closed=True)
    steps = np.diff(np.concatenate([line, line[:2]]), axis=0)
    turns = np.arctan2(steps[:, 1], steps[:, 0])
    assert np.abs(np.angle(np.exp(1j * np.diff(turns)))).max() < 0.4


def test_an_outline_is_the_same_on_both_sides() -> None:
    line = outline([(256, 100), (200, 120), (190, 180), (256, 220)])
    mirrored = line * np.array([-1, 1]) + np.array([SIDE, 0])
    gaps = np.linalg.norm(line[:, None] - mirrored[None], axis=2).min(axis=1)
    assert gaps.max() < 1e-2


def test_strokes_swell_and_thin_out(brush: Brush) -> None:
    mask = brush.swell([(100, 200), (300, 200)], 20, start=0.0, soft=0)
    widths = mask.sum(axis=0)[[104, 200, 296]]
    assert widths[1] >= 18 and widths[0] < 8 and widths[2] < 12


def test_marks_of_one_side_appear_on_both(brush: Brush) -> None:
    mask = both(brush.disc((120, 250), 10))
    assert mask[250, 120] == pytest.approx(1, abs=0.01)
    assert mask[250, SIDE - 1 - 120] == mask[250, 120]
    assert mask[250, 256] == 0


def test_noise_is_told_by_its_seed() -> None:
    space = load_face_space()
    first, same, other = (Brush(space, seed=seed).noise(8) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert np.abs(first - other).mean() > 0.5
