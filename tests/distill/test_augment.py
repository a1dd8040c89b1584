"""Augmentation: input and target stay in step, nothing else moves, and it is quick."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from effectcam.distill.augment import Augmentation, NoAugmentation, degrade, relight, similarity, wear
from effectcam.errors import UsageError
from effectcam.frame import Pixels


def _picture(side: int = 256) -> Pixels:
    """Soft colours with edges: mid tones, so that gains in either direction show."""
    y, x = np.mgrid[0:side, 0:side] / side
    picture = np.stack([90 + 90 * x, 80 + 80 * y, 150 - 60 * x * y], -1).astype(np.uint8)
    cv2.circle(picture, (side // 3, side // 2), side // 5, (190, 140, 120), -1)
    cv2.line(picture, (0, side // 4), (side, side // 3), (30, 30, 40), 3)
    return np.asarray(picture, np.uint8)


@pytest.mark.parametrize("turn", [0.0, 0.06])
def test_points_and_pictures_move_alike(turn: float) -> None:
    base = np.zeros((320, 300), np.uint8)
    cv2.circle(base, (180, 130), 6, (255,), -1, cv2.LINE_AA)
    rng = np.random.default_rng(3)
    for _ in range(20):
        geometry = Augmentation(turn=turn).geometry(base.shape, rng)
        ((x, y),) = geometry.points(np.array([[180.0, 130.0]]))
        moments = cv2.moments(geometry.apply(base))
        # A reflected copy can only be in the picture if the dot is far from the centre; it is not.
        assert moments["m10"] / moments["m00"] == pytest.approx(x, abs=0.3)
        assert moments["m01"] / moments["m00"] == pytest.approx(y, abs=0.3)


def test_input_and_target_stay_in_step() -> None:
    base = _picture(300)
    target = np.dstack([base, base[..., 0]])
    geometry = Augmentation().geometry(base.shape, np.random.default_rng(1))
    moved, moved_target = geometry.apply(base), geometry.apply(target)
    assert moved.shape == (256, 256, 3) and moved_target.shape == (256, 256, 4)
    assert np.array_equal(moved, moved_target[..., :3]) and np.array_equal(
        moved[..., 0], moved_target[..., 3]
    )


def test_geometry_keeps_to_its_ranges() -> None:
    limits = Augmentation(wide_tilt_share=0.0)
    rng = np.random.default_rng(0)
    flips = 0
    for _ in range(300):
        affine = limits.geometry((256, 256, 3), rng).affine
        linear = affine[:, :2]
        flipped = np.linalg.det(linear) < 0
        flips += int(flipped)
        zoom = np.sqrt(abs(np.linalg.det(linear)))
        assert 0.85 - 1e-9 <= zoom <= 1.25 + 1e-9
        assert abs(np.rad2deg(np.arctan2(linear[0, 1], linear[1, 1]))) <= 25 + 1e-9
        centre = linear @ [127.5, 127.5] + affine[:, 2]
        assert np.abs(centre - 127.5).max() <= 0.08 * 256 + 1e-9
    assert 100 < flips < 200


def test_wide_tilts_come_but_seldom() -> None:
    rng = np.random.default_rng(0)
    tilts = []
    for _ in range(1000):
        linear = Augmentation(flip=0.0).geometry((256, 256), rng).affine[:, :2]
        tilts.append(abs(np.rad2deg(np.arctan2(linear[1, 0], linear[0, 0]))))
    wide = np.mean(np.array(tilts) > 25)
    assert 0.02 < wide < 0.12 and max(tilts) <= 60 + 1e-9


def test_a_turn_moves_the_middle_and_leaves_the_rim() -> None:
    base = _picture()
    turned = replace(similarity(base.shape), turn=(0.05, -0.02))
    centre = np.array([[127.5, 127.5]])
    assert turned.points(centre) - centre == pytest.approx(np.array([[0.05, -0.02]]) * 256, abs=0.4)
    moved = turned.apply(base)
    assert np.array_equal(moved[0], base[0]) and np.array_equal(moved[:, -1], base[:, -1])
    assert not np.array_equal(moved, base)


def test_shown_takes_the_middle_of_the_base() -> None:
    base = _picture(320)
    crop = similarity(base.shape, side=160, shown=0.5).apply(base)
    assert np.array_equal(crop, base[80:240, 80:240])


def test_null_version_changes_nothing() -> None:
    picture, rng = _picture(), np.random.default_rng(0)
    none = NoAugmentation()
    for _ in range(10):
        assert np.array_equal(none.geometry(picture.shape, rng).apply(picture), picture)
        assert np.array_equal(none.relight(picture, rng), picture)
        assert np.array_equal(none.wear(picture, rng), picture)
        assert np.array_equal(degrade(picture, rng, parameters=none), picture)


@pytest.mark.parametrize("act", [relight, wear, degrade])
def test_new_memory_same_generator_same_bytes(act: Callable[[Pixels, np.random.Generator], Pixels]) -> None:
    picture = _picture()
    before = picture.copy()
    changed = 0
    for seed in range(20):
        one, two = (act(picture, np.random.default_rng(seed)) for _ in range(2))
        assert one.shape == picture.shape and one.dtype == np.uint8 and one.flags["C_CONTIGUOUS"]
        assert np.array_equal(one, two) and not np.shares_memory(one, picture)
        changed += int(not np.array_equal(one, picture))
    assert np.array_equal(picture, before)
    assert changed >= 10


def test_relight_keeps_edges_in_place_and_spans_the_exposures() -> None:
    picture = np.full((64, 64, 3), 128, np.uint8)
    limits = Augmentation(
        relight_share=1.0, side_light_share=0.0, warmth=0.0, cast=0.0, contrast=(1, 1), gamma=(1, 1)
    )
    rng = np.random.default_rng(0)
    means = np.array([relight(picture, rng, parameters=limits).mean() for _ in range(300)])
    # 128 encoded is 0.216 linear: times 0.35 and 1.6 that is 79 and 159 encoded.
    assert means.min() == pytest.approx(79, abs=8) and means.max() == pytest.approx(159, abs=8)
    assert np.ptp(relight(picture, rng, parameters=limits), axis=(0, 1)).max() == 0


def test_a_tint_brings_colour_and_keeps_the_luma() -> None:
    picture = np.full((64, 64, 3), 128, np.uint8)
    limits = Augmentation(relight_share=0.0, tint=90.0)
    rng = np.random.default_rng(0)
    tinted = [relight(picture, rng, parameters=limits).astype(int) for _ in range(90)]
    strengths = np.array([np.ptp(each, axis=2).max() for each in tinted])
    assert 15 < (strengths > 0).sum() < 45, "a third of the pictures"
    assert strengths.max() > 60
    for each in tinted:
        assert np.abs(each @ [0.299, 0.587, 0.114] - 128).max() < 1.5
    assert max(each[..., 1].max() for each in tinted) > 160, "as green as a screen"
    assert np.array_equal(relight(picture, rng, parameters=Augmentation(relight_share=0.0)), picture)


def test_warmth_moves_red_against_blue() -> None:
    picture = np.full((32, 32, 3), 120, np.uint8)
    limits = Augmentation(relight_share=1.0, side_light_share=0.0, cast=0.0, saturation=(1, 1))
    rng = np.random.default_rng(0)
    lean = np.array(
        [np.subtract(*relight(picture, rng, parameters=limits)[0, 0, [0, 2]].astype(int)) for _ in range(200)]
    )
    assert lean.max() > 20 and lean.min() < -20
    assert abs(lean.mean()) < 6


def test_side_light_leaves_one_side_darker() -> None:
    picture = np.full((128, 128, 3), 128, np.uint8)
    limits = Augmentation(relight_share=1.0, side_light_share=1.0)
    rng = np.random.default_rng(0)
    ratios = []
    for _ in range(50):
        lit = relight(picture, rng, parameters=limits).mean(-1)
        sides = lit[:, :20].mean(), lit[:, -20:].mean(), lit[:20].mean(), lit[-20:].mean()
        ratios.append(max(sides) / min(sides))
    assert min(ratios) > 1.05 and max(ratios) > 1.8


def test_noise_follows_its_parameters() -> None:
    picture = np.full((256, 256, 3), 128, np.uint8)
    limits = replace(NoAugmentation(), noise_share=1.0, read_noise=(5, 5), shot_noise=(0, 0))
    rng = np.random.default_rng(0)
    spreads = [wear(picture, rng, parameters=limits).astype(float).std() for _ in range(60)]
    assert 4.0 < max(spreads) < 5.6
    means = [wear(picture, rng, parameters=limits).mean() for _ in range(20)]
    assert np.mean(means) == pytest.approx(128, abs=0.3)


def test_blur_and_compression_lose_detail_but_keep_the_mean() -> None:
    picture = _picture()
    blurred = wear(picture, np.random.default_rng(0), parameters=replace(NoAugmentation(), defocus_share=1.0))
    smeared = wear(
        picture,
        np.random.default_rng(0),
        parameters=replace(NoAugmentation(), motion_share=1.0),
    )
    for worn in (blurred, smeared):
        assert cv2.Laplacian(worn, cv2.CV_64F).var() < 0.7 * cv2.Laplacian(picture, cv2.CV_64F).var()
        assert worn.mean() == pytest.approx(picture.mean(), abs=1.0)


def test_compression_keeps_the_channel_order() -> None:
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[..., 0] = 200
    worn = wear(
        picture,
        np.random.default_rng(0),
        parameters=replace(NoAugmentation(), compress_share=1.0, quality=(90, 90)),
    )
    assert worn[..., 0].mean() > 190 and worn[..., 2].mean() < 10


def test_a_crop_that_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="zoom 0"):
        similarity((10, 10, 3), zoom=0)


def test_quick_enough_for_the_training_loop() -> None:
    picture, rng = _picture(), np.random.default_rng(0)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        spent = []
        for turn in range(120):
            start = time.thread_time()
            degrade(picture, rng)
            if turn >= 20:
                spent.append(time.thread_time() - start)
    finally:
        cv2.setNumThreads(threads)
    assert np.median(spent) < 0.008, (
        "twice the promised 4 ms: a slow machine may take its time, a slow path may not"
    )
