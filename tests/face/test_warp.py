from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from effectcam.face.crop import cut, fit_head
from effectcam.face.warp import enlarge_eyes, enlarged_landmarks, eyes
from effectcam.frame import Pixels
from tests.face.clips import demo_landmarks, demo_pixels

SIZE = 512
HALF = 45.0
RIM = 2.05
POINTS = np.array([(160.5, 200.25), (160.5 - HALF, 200.25), (356.0, 210.0), (356.0 + HALF, 210.0)])
"""Centre and corner of two eyes, far enough from one another."""


def noise(size: int = SIZE) -> Pixels:
    return np.random.default_rng(1).integers(0, 256, (size, size, 3), np.uint8)


def dot(x: float, y: float) -> Pixels:
    v, u = np.mgrid[0:SIZE, 0:SIZE]
    spot = 255 * np.exp(-((u - x) ** 2 + (v - y) ** 2) / (2 * 1.5**2))
    return np.repeat(spot.round().astype(np.uint8)[:, :, None], 3, axis=2)


def place(picture: Pixels) -> NDArray[np.float64]:
    weight = picture[:, :, 0].astype(np.float64)
    v, u = np.mgrid[0:SIZE, 0:SIZE]
    return np.asarray(((u * weight).sum(), (v * weight).sum())) / float(weight.sum())


def landmarks_at(*places: tuple[float, float]) -> NDArray[np.float32]:
    return np.array([(x, y, 5) for x, y in places], np.float32)


def test_factor_one_changes_nothing() -> None:
    picture = noise()
    np.testing.assert_array_equal(enlarge_eyes(picture, POINTS, 1.0), picture)
    points = landmarks_at((170, 205), (300, 220), (10, 10))
    np.testing.assert_allclose(enlarged_landmarks(points, POINTS, 1.0, SIZE), points, atol=1e-3)


@pytest.mark.parametrize("factor", [1.15, 1.33, 1.6])
def test_the_eyes_grow_by_the_factor(factor: float) -> None:
    radius = 20
    picture = np.zeros((SIZE, SIZE, 3), np.uint8)
    for x, y in POINTS[[0, 2]]:
        cv2.circle(picture, (round(x * 16), round(y * 16)), radius * 16, (255, 255, 255), -1, shift=4)
    before = picture[:, :256].sum() / 765, picture[:, 256:].sum() / 765
    after = enlarge_eyes(picture, POINTS, factor)
    for half, area in zip((after[:, :256], after[:, 256:]), before, strict=True):
        assert half.sum() / 765 == pytest.approx(area * factor**2, rel=0.02)
        rows, columns = np.nonzero(half[:, :, 0] > 127)
        assert np.ptp(rows) == pytest.approx(np.ptp(columns), abs=1)


def test_outside_the_rims_nothing_moves() -> None:
    picture = noise()
    warped = enlarge_eyes(picture, POINTS, 1.6)
    v, u = np.mgrid[0:SIZE, 0:SIZE]
    outside = np.all([np.hypot(u - x, v - y) >= RIM * HALF for x, y in POINTS[[0, 2]]], axis=0)
    np.testing.assert_array_equal(warped[outside], picture[outside])
    assert (warped[~outside] != picture[~outside]).mean() > 0.5


def test_the_input_is_only_read() -> None:
    picture = noise()
    picture.flags.writeable = False
    enlarge_eyes(picture, POINTS, 1.6)


@pytest.mark.parametrize("factor", [1.2, 1.33, 1.6])
def test_landmarks_go_where_the_picture_goes(factor: float) -> None:
    rng = np.random.default_rng(4)
    places = [
        (x + r * HALF * np.cos(t), y + r * HALF * np.sin(t))
        for x, y in POINTS[[0, 2]]
        for r, t in zip(np.linspace(0.05, 2.0, 14), rng.uniform(0, 6.28, 14), strict=True)
    ]
    moved = enlarged_landmarks(landmarks_at(*places), POINTS, factor, SIZE)
    for before, after in zip(places, moved, strict=True):
        seen = place(enlarge_eyes(dot(*before), POINTS, factor))
        assert np.hypot(*(after[:2] - seen)) < 0.5, f"{before} -> {after[:2]}, seen at {seen}"
    assert (moved[:, 2] == 5).all()


@pytest.mark.parametrize("factor", [1.33, 1.6])
def test_the_way_of_a_landmark_is_the_exact_inverse(factor: float) -> None:
    """Along a ray from the eye's centre: order is kept, and nothing jumps at the rim."""
    radii = np.linspace(0, 2.3, 300) * HALF
    moved = enlarged_landmarks(
        landmarks_at(*((POINTS[0, 0] + r, POINTS[0, 1]) for r in radii)), POINTS, factor, SIZE
    )
    way = moved[:, 0] - POINTS[0, 0]
    assert (np.diff(way) > 0).all()
    assert way[20] == pytest.approx(factor * radii[20], rel=1e-3)
    np.testing.assert_allclose(way[radii >= RIM * HALF], radii[radii >= RIM * HALF], atol=1e-3)


def test_where_two_eyes_meet_picture_and_landmarks_agree() -> None:
    """A narrow face: the discs overlap and the stronger pull wins, in both. (Between the two is a
    strip that is in nobody's picture any more.)"""
    points = np.array([(200.0, 250), (155, 250), (330, 250), (375, 250)])
    for x in (210.0, 225.0, 240.0, 292.0, 305.0):
        moved = enlarged_landmarks(landmarks_at((x, 252)), points, 1.33, SIZE)[0]
        seen = place(enlarge_eyes(dot(x, 252), points, 1.33))
        assert np.hypot(*(moved[:2] - seen)) < 0.5, f"{x}: {moved[:2]}, seen at {seen}"


@pytest.mark.parametrize("centre", [(0.0, 0.0), (-30.0, 500.0), (511.0, 3.0), (-500.0, 900.0)])
def test_eyes_at_and_beyond_the_edge(centre: tuple[float, float]) -> None:
    points = np.array([centre, (centre[0] + HALF, centre[1]), *POINTS[2:]])
    warped = enlarge_eyes(noise(), points, 1.5)
    assert warped.shape == (SIZE, SIZE, 3)


def test_eyes_of_a_face_lie_between_their_corners() -> None:
    crop = fit_head(demo_landmarks()).scaled(2)
    points = eyes(demo_landmarks(), crop.to_crop(256))
    left, left_corner, right, right_corner = points
    assert left_corner[0] < left[0] < right[0] < right_corner[0]
    assert np.abs(points[:, 1] - points[:, 1].mean()).max() < 15
    picture = cut(demo_pixels()[0], crop, 256)
    # The dark pupil and lashes are there, and larger afterwards.
    x, y = left.round().astype(int)
    around = (slice(y - 12, y + 12), slice(x - 24, x + 24))
    warped = enlarge_eyes(picture, points, 1.4)
    assert (warped[around].min(axis=2) < 70).sum() > 1.2 * (picture[around].min(axis=2) < 70).sum() > 0


def test_an_eye_seen_from_the_side_keeps_a_size() -> None:
    points = POINTS.copy()
    points[1] = points[0]
    warped = enlarge_eyes(noise(), points, 1.4)
    assert (warped[195:205, 155:165] != noise()[195:205, 155:165]).any()
