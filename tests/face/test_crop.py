from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from effectcam.face.crop import Affine, Crop, cut, fit_head
from effectcam.frame import Pixels
from tests.face.clips import demo_landmarks, demo_pixels, turned


def crops(count: int, seed: int = 0) -> list[Crop]:
    """Anywhere in and about a 1280x720 picture, from one pixel to four pictures wide, at any angle."""
    rng = np.random.default_rng(seed)
    return [
        Crop(
            rng.uniform(-2000, 3000),
            rng.uniform(-2000, 3000),
            math.exp(rng.uniform(0, 8.5)),
            rng.uniform(-4, 4),
        )
        for _ in range(count)
    ]


def square(affine: Affine) -> Affine:
    return np.vstack((affine, (0, 0, 1)))


def ramp(width: int, height: int) -> Pixels:
    """Red rises to the right, green down: a pixel tells where it is."""
    x, y = np.meshgrid(np.linspace(20, 235, width), np.linspace(20, 235, height))
    return np.ascontiguousarray(np.stack((x, y, np.full_like(x, 128)), axis=2).round().astype(np.uint8))


def turn_error(a: float, b: float) -> float:
    return abs(math.remainder(a - b, math.tau))


@pytest.mark.parametrize("size", [1, 32, 256])
def test_the_way_out_is_the_inverse_of_the_way_in(size: int) -> None:
    for crop in crops(200):
        there_and_back = square(crop.to_picture(size)) @ square(crop.to_crop(size))
        np.testing.assert_allclose(there_and_back, np.eye(3), atol=1e-8)


def test_the_middle_of_the_crop_is_its_centre() -> None:
    for crop in crops(50):
        middle = crop.to_crop(256) @ (crop.cx, crop.cy, 1)
        np.testing.assert_allclose(middle, (127.5, 127.5), atol=1e-6)


def test_a_turned_crop_has_its_top_where_the_face_has() -> None:
    # A face lying on its right side, as seen in the picture: its top points to the right.
    crop = Crop(100, 100, 50, math.pi / 2)
    top = crop.to_picture(51) @ (25, 0, 1)
    assert top[0] > 120
    assert top[1] == pytest.approx(100)


def test_shifted_and_scaled_act_along_the_crops_own_axes() -> None:
    crop = Crop(100, 100, 50, math.pi / 2).shifted(0, -0.5).scaled(2)
    assert (crop.cx, crop.cy) == pytest.approx((125, 100))
    assert (crop.side, crop.angle) == (100, math.pi / 2)


def test_the_box_holds_every_corner_and_keeps_to_the_picture() -> None:
    width, height = 1280, 720
    seen = 0
    for crop in crops(400, seed=1):
        corners = np.array([(-0.5, -0.5, 1), (255.5, -0.5, 1), (255.5, 255.5, 1), (-0.5, 255.5, 1)])
        x, y = crop.to_picture(256) @ corners.T
        box = crop.box(width, height)
        outside = x.max() < -1 or y.max() < -1 or x.min() > width or y.min() > height
        if box is None:
            assert x.max() < 0 or y.max() < 0 or x.min() > width - 1 or y.min() > height - 1
            continue
        assert not outside
        seen += 1
        left, top, right, bottom = box
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        assert left <= max(x.min(), 0)
        assert top <= max(y.min(), 0)
        assert right >= min(x.max(), width - 1)
        assert bottom >= min(y.max(), height - 1)
    assert seen > 50


def test_no_box_outside_the_picture() -> None:
    assert Crop(-100, 50, 100, 0).box(640, 480) is None
    assert Crop(320, 600, 100, 0.3).box(640, 480) is None


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_the_fit_follows_a_turned_picture(quarters: int) -> None:
    upright = fit_head(demo_landmarks())
    lying = fit_head(turned(demo_landmarks(), quarters, 1280, 720))
    assert turn_error(lying.angle, upright.angle + quarters * math.pi / 2) < 1e-3
    assert lying.side == pytest.approx(upright.side, rel=1e-4)
    centre = np.array([[upright.cx, upright.cy, 0]], np.float32)
    expected = turned(centre, quarters, 1280, 720)[0]
    assert (lying.cx, lying.cy) == pytest.approx((expected[0], expected[1]), abs=0.02)


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_a_turned_picture_gives_the_same_crop(quarters: int) -> None:
    pixels = demo_pixels()[0]
    lying = np.ascontiguousarray(np.rot90(pixels, -quarters))
    seen = cut(lying, fit_head(turned(demo_landmarks(), quarters, 1280, 720)).scaled(2), 256)
    upright = cut(pixels, fit_head(demo_landmarks()).scaled(2), 256)
    assert np.abs(seen.astype(int) - upright).mean() < 0.5


def test_the_fit_is_a_head() -> None:
    crop = fit_head(demo_landmarks())
    eyes = demo_landmarks()[[33, 263], :2]
    assert crop.side == pytest.approx(np.hypot(*(eyes[1] - eyes[0])), rel=0.15)
    assert abs(crop.angle) < 0.2
    assert np.hypot(crop.cx - eyes[:, 0].mean(), crop.cy - eyes[:, 1].mean()) < 0.6 * crop.side


def test_turning_the_head_leaves_side_and_angle_alone() -> None:
    landmarks = demo_landmarks().astype(np.float64)
    middle = landmarks.mean(axis=0)
    for yaw in np.radians((-60, -30, 30, 60)):
        cos, sin = math.cos(yaw), math.sin(yaw)
        rotation = np.array([(cos, 0, sin), (0, 1, 0), (-sin, 0, cos)])
        away = fit_head(((landmarks - middle) @ rotation.T + middle).astype(np.float32))
        assert away.side == pytest.approx(fit_head(demo_landmarks()).side, rel=1e-3)
        assert abs(away.angle) < 0.35


def test_degenerate_landmarks_give_a_pixel_and_no_error() -> None:
    crop = fit_head(np.full((468, 3), 7, np.float32))
    assert (crop.cx, crop.cy, crop.side) == pytest.approx((7, 7, 1), abs=1)
    assert math.isfinite(crop.angle)
    line = np.zeros((468, 3), np.float32)
    line[:, 0] = np.arange(468)
    flat = fit_head(line)
    assert all(map(math.isfinite, (flat.cx, flat.cy, flat.side, flat.angle)))


def test_an_upright_crop_on_whole_pixels_is_the_picture_itself() -> None:
    pixels = demo_pixels()[0]
    seen = cut(pixels, Crop(131.5, 95.5, 64, 0), 64)
    np.testing.assert_array_equal(seen, pixels[64:128, 100:164])


def test_cut_writes_into_the_memory_it_is_given() -> None:
    out = np.zeros((64, 64, 3), np.uint8)
    assert cut(demo_pixels()[0], Crop(600, 300, 90, 0.2), 64, out) is out
    assert out.any()


@pytest.mark.parametrize(
    "crop",
    [
        Crop(0, 0, 300, 0.4),
        Crop(1279, 719, 500, -2.0),
        Crop(640, -40, 200, 0),
        Crop(640, 360, 4000, 1.0),
        Crop(-900, -900, 100, 0),
        Crop(-90000, 1e6, 5000, 2.0),
    ],
)
def test_beyond_the_edge_there_is_no_black_bar(crop: Crop) -> None:
    white = np.full((720, 1280, 3), 200, np.uint8)
    assert (cut(white, crop, 64) == 200).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 700), (3, 3)])
def test_tiny_pictures_can_be_cut(shape: tuple[int, int]) -> None:
    picture = np.full((*shape, 3), 90, np.uint8)
    for side in (1, 30, 900):
        assert (cut(picture, Crop(0.3, 0.2, side, 0.5), 32) == 90).all()


def test_a_tiny_face_is_enlarged() -> None:
    seen = cut(ramp(100, 100), Crop(50, 50, 2, 0), 64)
    assert seen.shape == (64, 64, 3)
    assert seen[..., 0].min() >= 20 + 215 * 48 / 99 - 1
    assert seen[..., 0].max() <= 20 + 215 * 52 / 99 + 1


@pytest.mark.parametrize("side", [200, 639, 641, 1000, 2000])
@pytest.mark.parametrize("angle", [0.0, 0.7, math.pi])
def test_large_crops_stay_where_they_are(side: float, angle: float) -> None:
    """Halving before the warp moves nothing, at the picture's edges neither."""
    picture = ramp(1600, 1100)
    for centre in ((800.0, 550.0), (333.3, 444.4)):
        crop = Crop(*centre, side, angle)
        seen = cut(picture, crop, 256).astype(float)
        v, u = np.mgrid[0:256, 0:256]
        x, y = np.einsum("ij,jhw->ihw", crop.to_picture(256), np.stack((u, v, np.ones_like(u))))
        inside = (x > 4) & (x < 1595) & (y > 4) & (y < 1095)
        assert inside.mean() > 0.2
        # One grey level is 7 pixels of the picture.
        assert np.abs(seen[..., 0] - (20 + 215 * x / 1599))[inside].max() < 1.2
        assert np.abs(seen[..., 1] - (20 + 215 * y / 1099))[inside].max() < 1.2


def test_a_crop_much_larger_than_its_size_does_not_alias() -> None:
    rng = np.random.default_rng(3)
    noise = cv2.cvtColor(rng.integers(0, 256, (2048, 2048), np.uint8), cv2.COLOR_GRAY2RGB)
    seen = cut(np.asarray(noise, np.uint8), Crop(1023.5, 1023.5, 2000, 0.3), 64)
    # Sampled without averaging the noise would keep its deviation of 74.
    assert seen.std() < 10
    assert cut(np.asarray(noise, np.uint8), Crop(1023.5, 1023.5, 600, 0.3), 256).std() < 36
