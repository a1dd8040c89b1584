from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from effectcam.composite.temporal import FRAME, MotionBlending, NoBlending, blending
from effectcam.face.crop import Crop, cut
from effectcam.face.warp import eyes
from effectcam.frame import Pixels
from tests.face.clips import demo_landmarks, demo_pixels

STEP = 33_333_333
SIZE = 128


@pytest.fixture(autouse=True)
def threads_as_before() -> Iterator[None]:
    before = cv2.getNumThreads()
    yield
    cv2.setNumThreads(before)


def texture(seed: int, size: int = 2 * SIZE) -> Pixels:
    """Something with as much to hold on to as skin has."""
    noise = np.random.default_rng(seed).standard_normal((size, size, 3)).astype(np.float32)
    wide = cv2.GaussianBlur(noise, (0, 0), 3)
    return np.asarray((128 + 45 * wide / wide.std()).clip(0, 255), np.uint8)


def moved(picture: Pixels, frame: int) -> Pixels:
    """A window of ``picture`` that goes right by 1.3 pixels a frame and down by 0.7."""
    affine = np.array([[1, 0, -20 + 1.3 * frame], [0, 1, -20 + 0.7 * frame]])
    return np.asarray(cv2.warpAffine(picture, affine, (SIZE, SIZE), flags=cv2.INTER_CUBIC), np.uint8)


def drawn(seen: Pixels) -> Pixels:
    """As a student might: other colours, more contrast."""
    return np.asarray(cv2.convertScaleAbs(255 - seen[:, :, ::-1], alpha=1.2, beta=-20), np.uint8)


def distance(one: Pixels, other: Pixels) -> float:
    """Mean difference but for the rim, where something new comes in."""
    inner = (slice(12, -12), slice(12, -12))
    return float(np.abs(one[inner].astype(int) - other[inner]).mean())


def test_flicker_of_the_drawing_alone_goes_and_motion_stays_sharp() -> None:
    policy, noise, ground = MotionBlending(weight=0.6), np.random.default_rng(1), texture(0)
    before, after, clean = [], [], []
    for frame in range(12):
        seen = moved(ground, frame)
        true = drawn(seen)
        # Blotches that come and go, as a student's do.
        blotches = cv2.GaussianBlur(noise.standard_normal((SIZE, SIZE, 1)).astype(np.float32), (0, 0), 4)
        flickering = np.asarray((true + 10 * (blotches / blotches.std())[:, :, None]).clip(0, 255), np.uint8)
        result = policy.blend(FRAME, flickering, seen, frame * STEP)
        sharp = policy.blend(7, true, seen, frame * STEP)
        assert result.share is not None
        if frame > 3:
            assert 0.4 < result.share <= 0.6
            before.append(distance(flickering, true))
            after.append(distance(result.drawing, true))
            clean.append(distance(sharp.drawing, true))
    assert np.mean(after) < 0.6 * np.mean(before)
    assert np.mean(clean) < 0.2 * np.mean(before)


@pytest.mark.parametrize("size", [(256, 256), (288, 512)])
def test_what_rests_stays_as_it_is_to_the_bit(size: tuple[int, int]) -> None:
    """Mixed with itself over and over it would blur if it were sampled between pixels."""
    seen = np.ascontiguousarray(demo_pixels()[0][200 : 200 + size[0], 400 : 400 + size[1]])
    policy = MotionBlending()
    for frame in range(8):
        result = policy.blend(0, drawn(seen), seen, frame * STEP)
    assert result.share == pytest.approx(0.7, abs=1e-3)
    np.testing.assert_array_equal(result.drawing, drawn(seen))


def test_nothing_is_left_after_a_cut() -> None:
    policy = MotionBlending(weight=0.9, tolerance=20)
    for frame in range(3):
        seen = moved(texture(0), frame)
        policy.blend(FRAME, drawn(seen), seen, frame * STEP)
    for other in (
        texture(5),
        np.asarray(texture(0)[::-1, ::-1], np.uint8),
        np.asarray(255 - texture(0), np.uint8),
    ):
        seen = moved(other, 3)
        result = policy.blend(FRAME, drawn(seen), seen, 3 * STEP)
        np.testing.assert_array_equal(result.drawing, drawn(seen))
        assert result.share == 0
        policy.forget(FRAME)
        for frame in range(3):
            seen = moved(texture(0), frame)
            policy.blend(FRAME, drawn(seen), seen, frame * STEP)


def test_what_something_moving_uncovers_is_bare_of_it_at_once() -> None:
    policy, ground = MotionBlending(), texture(3)[:SIZE, :SIZE]
    for frame in range(6):
        seen = np.ascontiguousarray(ground)
        centre = 20 + 14 * frame
        cv2.circle(seen, (centre, 64), 12, (240, 30, 30), -1)
        true = drawn(seen)
        result = policy.blend(FRAME, true, seen, frame * STEP).drawing
        if frame:
            was = np.zeros((SIZE, SIZE), np.uint8)
            cv2.circle(was, (centre - 14, 64), 14, (255,), -1)
            cv2.circle(was, (centre, 64), 12, (0,), -1)
            trail = np.abs(result.astype(int) - true)[was > 0].mean()
            # The disc is more than a hundred steps from the ground.
            assert trail < 10, f"frame {frame}"
            there = np.zeros((SIZE, SIZE), np.uint8)
            cv2.circle(there, (centre, 64), 10, (255,), -1)
            assert np.abs(result.astype(int) - true)[there > 0].mean() < 10


@pytest.mark.parametrize("light", [1.0, 0.35])
def test_a_shut_eye_shows_at_once(light: float) -> None:
    """In the dark as well, where lid and eye differ by little."""
    policy = MotionBlending()
    open_ = cv2.convertScaleAbs(demo_pixels()[0], alpha=light)
    points = eyes(demo_landmarks(), np.array([[1.0, 0, 0], [0, 1, 0]])).reshape(2, 2, 2)
    shut = open_.copy()
    lids = np.zeros(open_.shape[:2], np.uint8)
    for centre, corner in points:
        half = float(np.hypot(*(corner - centre)))
        middle = (round(centre[0]), round(centre[1]))
        skin = open_[round(centre[1] + 1.3 * half), round(centre[0])].tolist()
        cv2.ellipse(shut, middle, (round(1.1 * half), round(0.6 * half)), 0, 0, 360, skin, -1)
        cv2.ellipse(lids, middle, (round(0.8 * half), round(0.35 * half)), 0, 0, 360, (255,), -1)
    x, y = points[:, 0].mean(axis=0)
    crop = Crop(x, y, 420.0, 0.0)
    seen = [cut(np.asarray(each, np.uint8), crop, 256) for each in (open_, open_, shut, open_)]
    where = cut(np.repeat(lids[:, :, None], 3, axis=2), crop, 256)[:, :, 0] > 250
    results = [policy.blend(0, each, each, at * STEP).drawing for at, each in enumerate(seen)]
    for at in (2, 3):
        change = np.abs(seen[at].astype(int) - seen[at - 1])[where].mean()
        left = np.abs(results[at].astype(int) - seen[at])[where].mean()
        assert change > 5
        assert left < 0.15 * change


def test_a_crop_that_jumps_a_little_is_followed() -> None:
    """The same still picture cut out by crops as they may differ after a frame was lost."""
    policy = MotionBlending(weight=0.8)
    pixels = demo_pixels()[0]
    for frame, crop in enumerate((Crop(640, 330, 400, 0.0), Crop(648, 325, 408, 0.03))):
        seen = cut(pixels, crop, 256)
        result = policy.blend(0, drawn(seen), seen, frame * STEP)
    assert result.share is not None and result.share > 0.7
    assert distance(result.drawing, drawn(seen)) < 2


def test_a_fine_search_follows_what_is_small() -> None:
    """A patch of 16 pixels that goes its own way, on ground that lies still: an eye, a corner of a mouth."""
    ground, patch = texture(0, SIZE), texture(1, 16)
    apart = []
    for fine in (False, True):
        policy = MotionBlending(weight=0.9, tolerance=60, fine=fine)
        errors = []
        for frame in range(16):
            seen, left = ground.copy(), 40 + 2 * frame
            seen[56:72, left : left + 16] = patch
            result = policy.blend(0, drawn(seen), seen, frame * STEP).drawing
            where = (slice(58, 70), slice(left + 2, left + 14))
            errors.append(np.abs(result[where].astype(int) - drawn(seen)[where]).mean())
        apart.append(np.mean(errors[4:]))
    assert apart[1] < 0.8 * apart[0]


def test_alpha_is_blended_as_well() -> None:
    policy = MotionBlending(weight=0.5)
    seen = moved(texture(0), 0)
    for frame, alpha in enumerate((0, 200)):
        drawing = np.dstack((drawn(seen), np.full((SIZE, SIZE), alpha, np.uint8)))
        result = policy.blend(0, drawing, seen, frame * STEP).drawing
    assert result.shape == (SIZE, SIZE, 4)
    assert result[64, 64, 3] == pytest.approx(100, abs=3)


@pytest.mark.parametrize("alpha", [0, 255])
def test_where_nothing_is_drawn_nothing_is_mixed(alpha: int) -> None:
    """And what is drawn is mixed as if all of the picture were."""
    whole, cut_out = MotionBlending(weight=0.5), MotionBlending(weight=0.5)
    spot = np.zeros((SIZE, SIZE), np.uint8)
    spot[40:90, 30:100] = alpha
    for frame in range(4):
        seen = moved(texture(0), frame)
        colours = drawn(seen) if frame % 2 else np.asarray(255 - drawn(seen) // 4, np.uint8)
        full = whole.blend(0, np.dstack((colours, np.full_like(spot, 255))), seen, frame * STEP)
        given = np.dstack((colours, spot))
        result = cut_out.blend(0, given, seen, frame * STEP)
        if not alpha:
            np.testing.assert_array_equal(result.drawing, given)
            assert result.share == 0
            continue
        np.testing.assert_array_equal(result.drawing[:30], given[:30])
        inside = (slice(50, 80), slice(40, 90))
        apart = np.abs(result.drawing[inside].astype(int) - full.drawing[inside])[:, :, :3]
        assert apart.mean() < 1.5


def test_what_is_gone_goes_altogether() -> None:
    """Down to no opacity at all, or all that was ever drawn would be mixed and laid for ever."""
    policy, seen = MotionBlending(), moved(texture(0), 0)
    spot = np.zeros((SIZE, SIZE), np.uint8)
    spot[40:90, 30:100] = 255
    for frame in range(60):
        drawing = np.dstack((drawn(seen), spot if frame < 3 else np.zeros_like(spot)))
        result = policy.blend(0, drawing, seen, frame * STEP // 4)
        if frame == 3:
            assert result.drawing[60, 60, 3] > 128
    assert not result.drawing[:, :, 3].any()


@pytest.mark.parametrize(
    ("later", "share"),
    [
        (STEP, 0.6),
        (2 * STEP, 0.36),
        (STEP // 2, 0.7746),
        (250_000_000, 0),
        (0, 0.6),
        (-STEP, 0.6),
        (10, 0.8801),
    ],
)
def test_the_share_goes_with_time(later: int, share: float) -> None:
    policy, seen = MotionBlending(weight=0.6), moved(texture(0), 0)
    policy.blend(0, drawn(seen), seen, 10 * STEP)
    assert policy.blend(0, drawn(seen), seen, 10 * STEP + later).share == pytest.approx(share, abs=0.01)


def test_streams_know_nothing_of_each_other() -> None:
    policy, seen = MotionBlending(), moved(texture(0), 0)
    policy.blend(0, drawn(seen), seen, 0)
    assert policy.blend(1, drawn(seen), seen, STEP).share == 0
    # Of another size, as another tier's are.
    small = np.ascontiguousarray(seen[::2, ::2])
    assert policy.blend(0, drawn(small), small, STEP).share == 0
    policy.forget(0)
    assert policy.blend(0, drawn(small), small, 3 * STEP).share == 0


@pytest.mark.parametrize("fine", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (3, 40), (17, 16), (24, 512), (512, 40), (63, 512)])
def test_pictures_smaller_or_narrower_than_what_the_search_takes(size: tuple[int, int], fine: bool) -> None:
    policy, seen = MotionBlending(fine=fine), np.full((*size, 3), 90, np.uint8)
    for frame in range(3):
        result = policy.blend(0, seen, seen, frame * STEP)
    assert result.drawing.shape == seen.shape


@pytest.mark.parametrize("fine", [False, True])
@pytest.mark.parametrize(("size", "place"), [(40, 0), (266, 0), (266, 263), (512, 250), (512, 509)])
def test_what_little_is_drawn_is_searched_as_finely_as_all(size: int, place: int, fine: bool) -> None:
    """OpenCV chooses other sizes, for good, where those that it is told leave it none to begin with."""
    picture, results = texture(0, size + 8), []
    for spot in (3, 0):
        policy = MotionBlending(fine=fine, weight=0.5)
        for frame in range(4):
            seen = np.ascontiguousarray(picture[:size, frame : size + frame])
            alpha = np.full((size, size), 0 if frame < 3 else 255, np.uint8)
            alpha[place : place + spot, place : place + spot] = 255
            result = policy.blend(0, np.dstack((drawn(seen), alpha)), seen, frame * STEP)
        away = np.ones((size, size), bool)
        away[max(place - 12, 0) : place + 15, max(place - 12, 0) : place + 15] = False
        results.append(result.drawing[away])
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("fine", [False, True])
def test_opencvs_threads_change_no_byte(fine: bool) -> None:
    results = []
    for threads in (1, 2, 5):
        cv2.setNumThreads(threads)
        policy, crop = MotionBlending(fine=fine), Crop(640, 330, 420, 0.0)
        for frame, pixels in enumerate(demo_pixels(5)):
            seen = cut(pixels, crop, 256)
            small = np.asarray(cv2.resize(pixels, (512, 288), interpolation=cv2.INTER_AREA), np.uint8)
            face = policy.blend(0, drawn(seen), seen, frame * STEP)
            whole = policy.blend(FRAME, drawn(small), small, frame * STEP)
            crop = Crop(crop.cx + 1.7, crop.cy, crop.side * 1.01, 0.01 * frame)
        results.append((face, whole))
    for others in results[1:]:
        for other, first in zip(others, results[0], strict=True):
            np.testing.assert_array_equal(other.drawing, first.drawing)
            assert other.share == first.share
            assert first.share


def test_the_null_policy_and_the_one_of_a_manifest() -> None:
    seen = moved(texture(0), 0)
    assert isinstance(blending("none", 0.6, 14, "fast"), NoBlending)
    assert NoBlending().blend(0, seen, seen, 0) == (seen, None)
    assert isinstance(blending("motion-blend", 0.6, 14, "fine"), MotionBlending)
