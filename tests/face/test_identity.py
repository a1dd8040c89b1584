from __future__ import annotations

import itertools
import math

import pytest

from effectcam.face.crop import Crop
from effectcam.face.identity import IdentityTracker

FRAME = 33_333_333
SECOND = 1_000_000_000


def head(x: float, y: float = 300, side: float = 100) -> Crop:
    return Crop(x, y, side, 0)


def test_numbers_count_from_zero_in_the_order_of_first_sight() -> None:
    tracker = IdentityTracker()
    assert tracker.assign([], 0) == []
    assert tracker.assign([head(100)], FRAME) == [0]
    assert tracker.assign([head(100), head(900)], 2 * FRAME) == [0, 1]
    assert tracker.assign([head(500), head(100), head(900)], 3 * FRAME) == [2, 0, 1]
    assert tracker.known == {0, 1, 2}


def test_the_order_of_observations_does_not_matter() -> None:
    places = [120.0, 480.0, 700.0, 1100.0]
    for order in itertools.permutations(range(4)):
        tracker = IdentityTracker()
        assert tracker.assign([head(x) for x in places], 0) == [0, 1, 2, 3]
        assert tracker.assign([head(places[n] + 10) for n in order], FRAME) == list(order)


def test_two_faces_crossing_keep_their_numbers() -> None:
    tracker = IdentityTracker()
    for index in range(61):
        # One walks right, one left, half a face apart in depth, and meet in the middle.
        right, left = head(200 + 10 * index, side=100), head(800 - 10 * index, y=330, side=115)
        heads = [right, left] if index % 3 else [left, right]
        numbers = tracker.assign(heads, index * FRAME)
        if index == 0:
            first = dict(zip(("left", "right"), numbers, strict=True))
        expected = [first["right"], first["left"]] if index % 3 else [first["left"], first["right"]]
        assert numbers == expected, f"frame {index}"


@pytest.mark.parametrize("step", [0, 60, -80])
def test_a_face_lost_for_half_a_second_comes_back_as_itself(step: float) -> None:
    tracker = IdentityTracker()
    for index in range(10):
        tracker.assign([head(400)], index * FRAME)
    for index in range(10, 25):
        assert tracker.assign([], index * FRAME) == []
        assert tracker.known == {0}
    assert tracker.assign([head(400 + step)], 25 * FRAME) == [0]


def test_a_new_face_elsewhere_gets_a_new_number_while_the_old_one_is_away() -> None:
    tracker = IdentityTracker()
    tracker.assign([head(100)], 0)
    assert tracker.assign([head(1100)], FRAME) == [1]
    assert tracker.assign([head(100), head(1100)], 2 * FRAME) == [0, 1]


def test_a_face_of_quite_another_size_is_another_face() -> None:
    tracker = IdentityTracker()
    tracker.assign([head(400)], 0)
    assert tracker.assign([head(400, side=230)], FRAME) == [1]


def test_memory_expires() -> None:
    tracker = IdentityTracker(memory=1.0)
    tracker.assign([head(400)], 0)
    assert tracker.assign([head(400)], SECOND) == [0]
    tracker.assign([], 2 * SECOND + 1)
    assert tracker.known == set()
    assert tracker.assign([head(400)], 2 * SECOND + FRAME) == [1]


def test_a_fast_head_is_followed() -> None:
    tracker = IdentityTracker()
    # Faster and faster, up to two and a half faces a frame.
    x = 0.0
    for index in range(40):
        x += 6.5 * index
        assert tracker.assign([head(x)], index * FRAME) == [0]


def test_repeated_stamps_do_no_harm() -> None:
    tracker = IdentityTracker()
    for x in (100, 110, 120):
        assert tracker.assign([head(x)], 0) == [0]


def test_reset_starts_again_at_zero() -> None:
    tracker = IdentityTracker()
    tracker.assign([head(100), head(900)], 0)
    tracker.reset()
    assert tracker.known == set()
    assert tracker.assign([head(900)], 0) == [0]


def test_faces_without_size_are_told_apart_too() -> None:
    tracker = IdentityTracker()
    assert tracker.assign([Crop(5, 5, 1, math.pi), Crop(50, 5, 1, 0)], 0) == [0, 1]
