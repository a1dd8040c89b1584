from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from effectcam.frame import Pixels
from effectcam.live.similarity import Change, Difference, LastDrawn, difference, thumbnail
from tests.face.clips import demo_landmarks, demo_pixels

SECOND = 1_000_000_000


def changed(one: Pixels, other: Pixels) -> Difference:
    return difference(thumbnail(one), thumbnail(other))


def alike(one: Pixels, other: Pixels) -> bool:
    last = LastDrawn()
    last.compare(one, 0, None)
    last.keep(one, 1)
    change = last.compare(other, SECOND, None)
    assert change is not None
    return change.alike


def noisy(pixels: Pixels, seed: int, *, sigma: float = 4, quality: int = 75) -> Pixels:
    """As a webcam of the cheaper kind sends it: noise, and JPEG."""
    noise = np.random.default_rng(seed).normal(0, sigma, pixels.shape)
    loud = np.clip(pixels + noise, 0, 255).astype(np.uint8)
    _, packed = cv2.imencode(".jpg", loud[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(cv2.imdecode(packed, cv2.IMREAD_COLOR)[..., ::-1], np.uint8)


@pytest.mark.parametrize(
    "size", [(1280, 720), (1920, 1080), (640, 480), (720, 1280), (160, 90), (3, 2), (1, 1)]
)
def test_a_thumbnail_is_the_grey_mean_of_cells(size: tuple[int, int]) -> None:
    width, height = size
    grey = np.full((height, width, 3), (200, 100, 50), np.uint8)
    small = thumbnail(grey)
    assert small.shape[1] == min(160, max(1, width // 8)) and small.dtype == np.uint8
    assert small.shape[0] == max(1, round(height * small.shape[1] / width))
    assert np.abs(small.astype(int) - (0.299 * 200 + 0.587 * 100 + 0.114 * 50)).max() <= 1


def test_the_same_picture_has_not_changed() -> None:
    assert changed(demo_pixels()[0], demo_pixels()[0]) == (0, 0)


def test_a_cameras_own_noise_is_no_change() -> None:
    still = demo_pixels()[0]
    first = noisy(still, 0)
    others = [noisy(still, seed) for seed in range(1, 6)]
    assert max(changed(first, other).most for other in others) > 2
    assert all(alike(first, other) for other in others)


def test_neighbouring_frames_of_a_talking_head_are_a_change() -> None:
    assert not any(alike(one, other) for one, other in itertools.pairwise(demo_pixels(12)))


def test_a_blink_is_a_change() -> None:
    picture = demo_pixels()[0]
    landmarks = demo_landmarks()
    shut = picture.copy()
    for points in ([33, 160, 158, 133, 153, 144], [263, 387, 385, 362, 380, 373]):
        eye = landmarks[points, :2].round().astype(np.int32)
        x, y = landmarks[points[0], :2].round().astype(int)
        skin = picture[y + 18 : y + 22, x - 4 : x + 4].mean(axis=(0, 1))
        cv2.fillConvexPoly(shut, eye, [float(value) for value in skin])
    assert not alike(noisy(picture, 0), noisy(shut, 1))


def test_a_lamp_is_a_change_although_no_cell_stands_out() -> None:
    picture = np.minimum(demo_pixels()[0], 250)
    assert changed(picture, picture + np.uint8(2)).most == 2
    assert not alike(picture, picture + np.uint8(2))


def test_half_a_pixel_of_a_strong_edge_is_a_change() -> None:
    still = np.full((720, 1280, 3), 40, np.uint8)
    still[:, 643:] = 200
    moved = still.copy()
    moved[300:400, 642] = 120
    assert not alike(still, moved)


def frame(value: int, width: int = 160, height: int = 90) -> Pixels:
    return np.full((height, width, 3), value, np.uint8)


def test_what_creeps_adds_up() -> None:
    """Each frame is like the one before it, and the last is not like the first."""
    last = LastDrawn()
    assert last.compare(frame(100), 0, "same") is None
    last.keep(frame(100), 1)
    changes = [last.compare(frame(value), SECOND, "same") for value in (101, 102, 103)]
    assert [(change.mean, change.alike) for change in changes if change is not None] == [
        (1, True),
        (2, False),
        (3, False),
    ]


def test_rest_begins_where_a_creep_is_seen_although_each_frame_is_drawn() -> None:
    last = LastDrawn()
    rests = []
    # One step a second, then none.
    for second, value in enumerate((100, 101, 102, 103, 104, 104, 104, 104)):
        change = last.compare(frame(value), second * SECOND, "same")
        last.keep(frame(value), 1)
        if change is not None:
            assert change.alike
            rests.append(change.rest_s)
    assert rests == [1, 0, 1, 0, 1, 2, 3]


def test_only_what_was_drawn_alike_is_compared() -> None:
    last = LastDrawn()
    picture = frame(100)
    last.compare(picture, 0, ("toon", 1.0))
    last.keep(picture, 2)
    assert last.faces == 2 and last.drawn is picture
    assert last.compare(picture, SECOND, ("toon", 1.0)) == Change(0, 0, alike=True, rest_s=1)
    assert last.compare(picture, SECOND, ("toon", 0.5)) is None
    last.keep(picture, 2)
    assert last.compare(frame(100, 320, 180), SECOND, ("toon", 0.5)) is None
    last.keep(frame(100, 320, 180), 2)
    last.forget()
    assert last.drawn is None
    assert last.compare(frame(100, 320, 180), SECOND, ("toon", 0.5)) is None
