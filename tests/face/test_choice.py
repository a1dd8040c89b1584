from __future__ import annotations

import pytest

from effectcam.errors import UsageError
from effectcam.face.choice import CHOICES, LargestFace, OutermostFace, choose_face
from effectcam.face.crop import Crop


def head(cx: float, side: float = 60) -> Crop:
    return Crop(cx, 100, side, 0)


def test_all_takes_everybody() -> None:
    choice, count = choose_face("all")
    assert count > 1
    assert choice([3, 1], [head(10), head(90)]) == [0, 1]


def test_largest_keeps_to_one_of_two_alike() -> None:
    choice = LargestFace()
    assert choice([0, 1], [head(10, 61), head(90, 60)]) == [0]
    for side in (62, 66, 70):
        assert choice([0, 1], [head(10, 61), head(90, side)]) == [0]
    assert choice([0, 1], [head(10, 61), head(90, 90)]) == [1]
    assert choice([1, 0], [head(90, 90), head(10, 95)]) == [0]
    assert choice([0], [head(10, 20)]) == [0]


def test_outermost_goes_by_place() -> None:
    heads = [head(50), head(10), head(90)]
    assert OutermostFace()([0, 1, 2], heads) == [1]
    assert OutermostFace(right=True)([0, 1, 2], heads) == [2]


@pytest.mark.parametrize("right", [False, True])
def test_outermost_keeps_to_one_of_two_above_each_other(right: bool) -> None:
    choice = OutermostFace(right=right)
    assert choice([0, 1], [head(50), head(50)]) == [0]
    for jitter in (0.5, -0.5, 5, -5):
        assert choice([0, 1], [head(50 + jitter), head(50)]) == [0]
        assert choice([1, 0], [head(50), head(50 + jitter)]) == [1]
    away = 60 if right else -60
    assert choice([0, 1], [head(50), head(50 + away)]) == [1]


@pytest.mark.parametrize("name", CHOICES)
def test_nobody_to_choose_from(name: str) -> None:
    choice, count = choose_face(name)
    assert 1 <= count <= 16
    assert choice([], []) == []


def test_a_number_is_so_many() -> None:
    assert choose_face("3")[1] == 3


@pytest.mark.parametrize("name", ["0", "17", "-1", "", "lagest", "²"])
def test_no_choice(name: str) -> None:
    with pytest.raises(UsageError, match=r"no choice of faces .*(known: 1 to 16, all|did you mean)"):
        choose_face(name)


@pytest.mark.parametrize("name", ["largest", "leftmost"])
def test_forget_leaves_no_bonus_to_a_stranger_of_the_same_number(name: str) -> None:
    choice, _ = choose_face(name)
    heads = [head(50, 60), head(52, 64)] if name == "largest" else [head(45), head(50)]
    best = 1 if name == "largest" else 0
    assert choice([7, 8], heads) == [best]
    # The number of whoever had the effect now stands for the other one.
    assert choice([8, 7], heads) != [best]
    choice.forget()
    assert choice([8, 7], heads) == [best]
