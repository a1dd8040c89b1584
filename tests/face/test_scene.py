"""What is another scene, and what only moves."""

from __future__ import annotations

import numpy as np
import pytest

from effectcam.face.scene import Scene
from effectcam.source import Clip
from tests.face.clips import demo_pixels, shared_clip


def test_a_cut_is_told_once() -> None:
    here, there = demo_pixels()[0], np.ascontiguousarray(255 - demo_pixels()[0])
    scene = Scene()
    assert [scene.changes(each) for each in (here, here, there, there, here)] == [
        *(False, False, True),
        *(False, True),
    ]


def test_a_size_of_its_own_does_not_make_a_scene() -> None:
    scene = Scene()
    picture = demo_pixels()[0]
    assert not scene.changes(picture)
    assert not scene.changes(np.ascontiguousarray(picture[::2, ::2]))
    for nothing in (np.zeros((0, 0, 3), np.uint8), np.zeros((9, 9), np.uint8)):
        assert not scene.changes(nothing)
    assert not scene.changes(np.zeros((9, 9, 3), np.int64))


def test_after_forgetting_there_is_nothing_to_compare_with() -> None:
    scene = Scene()
    assert not scene.changes(demo_pixels()[0])
    scene.forget()
    assert not scene.changes(np.zeros((720, 1280, 3), np.uint8))


@pytest.mark.parametrize("name", ["d6", "d9", "s20"])
def test_who_moves_fast_and_comes_seldom_is_no_cut(name: str) -> None:
    scene = Scene()
    with Clip(shared_clip(name)) as clip:
        told = [scene.changes(frame.pixels) for frame in clip if frame.index % 6 == 0 and frame.index < 300]
    assert not any(told)
