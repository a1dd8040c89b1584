from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from effectcam.errors import UsageError
from effectcam.frame import Pixels, VirtualClock
from effectcam.latency import stamp
from effectcam.latency.clip_camera import ClipCamera, load_frames
from tests import media

PERIOD = 40_000_000


def greys(count: int) -> list[Pixels]:
    """Pictures that are told apart by any pixel."""
    return [np.full((120, 160, 3), 40 + number, np.uint8) for number in range(count)]


def test_frames_come_at_a_cameras_pace_each_with_its_time() -> None:
    start = 1_000_000_000
    camera = ClipCamera(greys(3), fps=25, clock=VirtualClock(start))
    shades = []
    for number in range(7):
        frame = next(camera)
        assert frame.captured_at == start + number * PERIOD
        assert stamp.read(frame.pixels) == stamp.code_at(frame.captured_at)
        shades.append(int(frame.pixels[-1, -1, 0]))
    assert shades == [40, 41, 42, 41, 40, 41, 42]
    assert list(camera.passages) == [start + number * PERIOD for number in range(7)]


def test_what_is_asked_for_late_is_left_out() -> None:
    clock = VirtualClock()
    camera = ClipCamera(greys(3), fps=25, clock=clock)
    next(camera)
    clock.sleep_until(10 * PERIOD + 5)
    assert [next(camera).captured_at for _ in range(2)] == [10 * PERIOD + 5, 11 * PERIOD]


def test_its_frames_are_only_read() -> None:
    frames = greys(2)
    camera = ClipCamera(frames, fps=25, clock=VirtualClock())
    for _ in range(4):
        next(camera)
    assert all(np.array_equal(frame, same) for frame, same in zip(frames, greys(2), strict=True))


@pytest.mark.parametrize("size", [(160, 120), (200, 360), (640, 200)], ids=str)
def test_a_clip_fills_the_size(tmp_path: Path, size: tuple[int, int]) -> None:
    picture = np.full((240, 320, 3), 90, np.uint8)
    clip = media.write_clip(tmp_path / "clip.mp4", count=5, pictures=[picture] * 5)
    frames = load_frames(clip, size)
    assert [frame.shape for frame in frames] == [(size[1], size[0], 3)] * 5
    # A bar at any edge would be black.
    assert min(int(frame.min()) for frame in frames) > 80


def test_a_long_clip_is_not_read_whole(tmp_path: Path) -> None:
    picture = np.full((48, 64, 3), 90, np.uint8)
    clip = media.write_clip(tmp_path / "clip.mp4", count=70, pictures=[picture] * 70)
    assert len(load_frames(clip, (160, 120))) == 60
    assert len(load_frames(clip, (3840, 2160))) == 10


@pytest.mark.parametrize("size", [(9000, 900), (8000, 8000)], ids=str)
def test_a_size_that_no_memory_holds_is_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match=f"{size[0]}x{size[1]} are too large; give at most"):
        load_frames(tmp_path / "not looked at.mp4", size)


@pytest.mark.parametrize("size", [(159, 120), (160, 119), (0, 0)], ids=str)
def test_a_size_too_small_for_stamps_is_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match=f"{size[0]}x{size[1]} is too small for the stamps.*160x120"):
        load_frames(tmp_path / "not looked at.mp4", size)
