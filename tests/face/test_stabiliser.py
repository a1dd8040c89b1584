from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from effectcam.face.crop import Crop, fit_head
from effectcam.face.mesh import FaceMesh
from effectcam.face.stabiliser import NoSmoothing, OneEuro, OneEuroSmoothing, Smoothing
from effectcam.source import Clip
from tests.face.clips import DEMO, shared_clip, stream, track

FRAME = 33_333_333


def steady(smoothing: Smoothing, crops: list[Crop], moments: list[int] | None = None) -> list[Crop]:
    moments = moments or [index * FRAME for index in range(len(crops))]
    return [smoothing(0, crop, moment) for crop, moment in zip(crops, moments, strict=True)]


def centres(crops: list[Crop]) -> NDArray[np.float64]:
    """In sides of the head, (N, 2)."""
    return np.asarray([(crop.cx, crop.cy) for crop in crops]) / float(np.mean([crop.side for crop in crops]))


def jitter(crops: list[Crop]) -> float:
    """Mean second difference of the centre, in sides."""
    return float(np.hypot(*np.diff(centres(crops), 2, axis=0).T).mean())


def still(count: int, *, noise: float = 1.0) -> list[Crop]:
    rng = np.random.default_rng(5)
    values = (400, 300, 160, 0.1) + noise * rng.standard_normal((count, 4)) * (0.5, 0.5, 0.5, 0.004)
    return [Crop(*row) for row in values.tolist()]


def test_the_noise_of_a_still_head_shrinks_tenfold() -> None:
    crops = still(300)
    steadied = steady(OneEuroSmoothing(), crops)
    assert jitter(steadied) < jitter(crops) / 10
    for name in ("side", "angle"):
        raw = np.diff([getattr(crop, name) for crop in crops], 2)
        calm = np.diff([getattr(crop, name) for crop in steadied], 2)
        assert np.abs(calm).mean() < np.abs(raw).mean() / 10


def test_a_head_that_moves_fast_is_never_left_behind() -> None:
    # Four eye distances a second, across a wide picture and back.
    place = np.concatenate((np.arange(90), np.arange(90)[::-1])) * 160 * 4 / 30
    crops = [Crop(200 + x, 300, 160, 0) for x in place.tolist()]
    lag = [abs(a.cx - b.cx) / 160 for a, b in zip(crops, steady(OneEuroSmoothing(), crops), strict=True)]
    assert max(lag) < 0.21
    # Without the leash and the speed that opens the filter it is more than a whole face.
    loose = OneEuroSmoothing(beta=0, leash=math.inf)
    assert max(abs(a.cx - b.cx) / 160 for a, b in zip(crops, steady(loose, crops), strict=True)) > 1


def test_a_step_is_reached_and_not_overshot() -> None:
    crops = [Crop(100, 100, 50, 0)] * 10 + [Crop(112, 100, 60, 0.25)] * 90
    steadied = steady(OneEuroSmoothing(), crops)
    assert steadied[10].cx < 105
    last = steadied[-1]
    assert (last.cx, last.side, last.angle) == pytest.approx((112, 60, 0.25), rel=4e-3)
    assert max(crop.cx for crop in steadied) <= 112
    assert max(crop.side for crop in steadied) <= 60 + 1e-9


@pytest.mark.parametrize("then", [Crop(130, 100, 50, 0), Crop(100, 100, 75, 0), Crop(100, 100, 50, 0.4)])
def test_what_no_head_does_is_a_cut_and_followed_at_once(then: Crop) -> None:
    before = Crop(100, 100, 50, 0)
    steadied = steady(OneEuroSmoothing(), [before] * 10 + [then] * 10)
    after = (then.cx, then.cy, then.side, then.angle)
    for crop in steadied[10:]:
        assert (crop.cx, crop.cy, crop.side, crop.angle) == pytest.approx(after)
    first = steady(OneEuroSmoothing(leap=math.inf), [before] * 10 + [then])[-1]
    assert (first.cx, first.cy, first.side, first.angle) != pytest.approx(after, rel=0.01)


def test_the_angle_turns_through_the_half_turn_without_a_jump() -> None:
    turns = np.linspace(math.pi - 0.5, math.pi + 0.5, 60)
    crops = [Crop(100, 100, 50, math.remainder(turn, math.tau)) for turn in turns.tolist()]
    steadied = steady(OneEuroSmoothing(), crops)
    for crop, raw in zip(steadied, crops, strict=True):
        assert -math.pi <= crop.angle <= math.pi
        assert abs(math.remainder(crop.angle - raw.angle, math.tau)) <= 0.2 + 1e-9


def test_a_face_upside_down_is_as_calm_as_any() -> None:
    crops = [Crop(c.cx, c.cy, c.side, math.remainder(c.angle - 0.1 + math.pi, math.tau)) for c in still(200)]
    angles = np.unwrap([crop.angle for crop in steady(OneEuroSmoothing(), crops)])
    assert np.ptp(angles) < 0.02


def test_repeated_stamps_are_smoothed_too() -> None:
    crops = still(100)
    steadied = steady(OneEuroSmoothing(), crops, [0] * len(crops))
    assert jitter(steadied) < jitter(crops) / 10


def test_the_filter_works_in_seconds_and_not_in_frames() -> None:
    steps = {}
    for rate in (15, 60):
        filtered = OneEuro(1.0, 0.0)
        filtered(np.zeros(1), 0)
        for index in range(1, rate + 1):
            value = filtered(np.ones(1), round(index * 1e9 / rate))
        steps[rate] = float(value[0])
    assert steps[15] == pytest.approx(steps[60], abs=0.01)


def test_near_and_far_faces_are_smoothed_alike() -> None:
    near = steady(OneEuroSmoothing(), still(60))
    far = steady(OneEuroSmoothing(), [Crop(c.cx / 8, c.cy / 8, c.side / 8, c.angle) for c in still(60)])
    np.testing.assert_allclose([c.cx / 8 for c in near], [c.cx for c in far])


def test_identities_do_not_mix() -> None:
    smoothing = OneEuroSmoothing()
    for index in range(5):
        smoothing(0, Crop(100, 100, 50, 0), index * FRAME)
        assert smoothing(1, Crop(900, 500, 80, 1), index * FRAME).cx == pytest.approx(900)


def test_forget_starts_afresh() -> None:
    smoothing = OneEuroSmoothing()
    smoothing(0, Crop(100, 100, 50, 0), 0)
    moved = Crop(110, 100, 50, 0)
    assert smoothing(0, moved, FRAME).cx < 106
    smoothing.forget(0)
    smoothing.forget(7)
    assert smoothing(0, moved, 2 * FRAME).cx == pytest.approx(110)


def test_points_are_smoothed_per_identity() -> None:
    smoothing = OneEuroSmoothing()
    rng = np.random.default_rng(2)
    smoothing(0, Crop(100, 100, 50, 0), 0)
    points = 0.4 + 0.0005 * rng.standard_normal((100, 4, 2))
    calm = np.array([smoothing.points(0, each, index * FRAME) for index, each in enumerate(points)])
    assert np.diff(calm, 2, axis=0).std() < np.diff(points, 2, axis=0).std() / 2
    np.testing.assert_array_equal(smoothing.points(5, points[0], 0), points[0])


def test_points_that_move_are_not_left_behind() -> None:
    """An eye that crosses the crop within a second: a warp beside it would be seen."""
    smoothing = OneEuroSmoothing()
    smoothing(0, Crop(100, 100, 50, 0), 0)
    points = 0.2 + np.arange(30)[:, None, None] / 30 + np.zeros((30, 4, 2))
    calm = np.array([smoothing.points(0, each, index * FRAME) for index, each in enumerate(points)])
    assert np.abs(calm - points)[10:].max() < 0.01


def test_no_smoothing_hands_everything_through() -> None:
    smoothing = NoSmoothing()
    for crop in still(5):
        assert smoothing(0, crop, 0) is crop
    points = np.ones((4, 2))
    assert smoothing.points(0, points, 0) is points
    smoothing.forget(0)


@pytest.mark.parametrize(("name", "settling"), [("demo", 5), ("s18", 0)])
def test_a_frozen_head_gives_a_still_crop(name: str, settling: int) -> None:
    """In sides of the crop that an effect uses. ``settling``: frames in which the tracker may still
    correct where the detector saw a face first."""
    with Clip(DEMO if name == "demo" else shared_clip(name)) as clip, FaceMesh() as mesh:
        frozen = stream([next(iter(clip)).pixels] * 60)
        heads = [fit_head(mesh.process(frame)[0].landmarks) for frame in frozen]
    crops = [crop.scaled(2.6) for crop in steady(OneEuroSmoothing(), heads)][settling:]
    moves = np.hypot(*np.diff(centres(crops), axis=0).T)
    assert moves.max() < 0.0005
    growth = np.abs(np.diff(np.log([crop.side for crop in crops])))
    # What a turn moves is the crop's rim, half a side away.
    turning = np.abs(np.diff([crop.angle for crop in crops])) / 2
    assert max(growth.max(), turning.max()) < 0.0005


def test_jitter_is_at_least_four_times_below_no_smoothing() -> None:
    clip = track(shared_clip("d9"))
    steadied = steady(OneEuroSmoothing(), clip.heads, clip.moments)
    assert jitter(steady(NoSmoothing(), clip.heads, clip.moments)) >= 4 * jitter(steadied)
    # ... and the head is still in the crop: in sides of the head, of which a crop has two or three.
    lag = np.hypot(*(centres(steadied) - centres(clip.heads)).T)
    assert lag.mean() < 0.05
    assert lag.max() < 0.21
