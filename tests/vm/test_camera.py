"""`Camera` and `CameraSupervisor` on a real camera driver, through everything that befalls a webcam."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest

from effectcam.errors import SourceError
from effectcam.frame import Frame
from effectcam.source.camera import Camera
from effectcam.source.supervisor import CameraSupervisor
from tests.vm.devices import CAMERA, control, end, plug, until, vivid, watcher

pytestmark = pytest.mark.usefixtures("camera")


@pytest.fixture
def camera() -> Iterator[None]:
    with vivid():
        yield


def opened() -> Camera:
    return Camera(CAMERA, width=640, height=360)


def read_until_lost(camera: Camera, *, within: float = 30.0) -> str:
    """What a camera says when it gives no more."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            next(camera)
        except SourceError as error:
            return str(error)
    raise AssertionError(f"it still sends pictures after {within:g} s")


def test_frames_arrive() -> None:
    with opened() as camera:
        assert (camera.width, camera.height) == (640, 360)
        frames = [next(camera) for _ in range(10)]
    stamps = [frame.captured_at for frame in frames]
    assert stamps == sorted(set(stamps))
    assert [frame.index for frame in frames] == list(range(10))
    assert all(frame.pixels.shape == (360, 640, 3) for frame in frames)
    # The driver draws coloured bars under a clock.
    assert frames[0].pixels.std() > 40
    assert any(not np.array_equal(frames[0].pixels, frame.pixels) for frame in frames[1:])


def test_a_camera_in_use_is_told_with_its_user() -> None:
    other = watcher(CAMERA)
    try:
        with pytest.raises(SourceError, match=r"busy, held by v4l2-ctl \(process \d+\); close that program"):
            opened()
    finally:
        end(other)
    with opened() as camera:
        next(camera)


def test_unplugged_and_plugged_in_again() -> None:
    with opened() as camera:
        next(camera)
        plug(False)
        assert "unplugged; plug it in again" in read_until_lost(camera)
    plug(True)
    with opened() as camera:
        next(camera)


def test_the_driver_disconnects_but_the_node_stays() -> None:
    with opened() as camera:
        next(camera)
        control("disconnect", 1)
        assert "stopped sending pictures" in read_until_lost(camera)


def test_a_stall_ends_with_an_error() -> None:
    with opened() as camera:
        next(camera)
        control("percentage_of_dropped_buffers", 100)
        assert "stopped sending pictures" in read_until_lost(camera)
        control("percentage_of_dropped_buffers", 0)


def test_streaming_that_fails_to_start_once() -> None:
    control("inject_vidioc_streamon_error", 1)
    with pytest.raises(SourceError, match="gives no picture"):
        opened()
    with opened() as camera:
        next(camera)


class Supervised:
    """A supervisor and what it says; a context manager."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.camera = CameraSupervisor(
            CAMERA, width=640, height=360, stalled_after=1.0, tell=self.told.append
        )

    @property
    def status(self) -> str:
        return self.camera.state.status

    def frame(self, *, after: int = -1) -> Frame:
        """A frame with an index above ``after``."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            frame = self.camera.take(0.5)
            if frame is not None and frame.index > after:
                return frame
        raise AssertionError(f"no frame; {self.camera.state}, told {self.told}")

    def __enter__(self) -> Supervised:
        return self

    def __exit__(self, *error: object) -> None:
        self.camera.close()


def test_supervised_it_comes_back_each_time_it_is_plugged_in() -> None:
    with Supervised() as desk:
        last = desk.frame()
        for round_ in range(1, 3):
            plug(False)
            until(lambda: desk.status == "lost", "the loss is noticed")
            plug(True)
            frame = desk.frame(after=last.index)
            until(lambda: desk.status == "running", "it runs")
            assert frame.captured_at > last.captured_at
            assert desk.camera.state.reopened == round_
            recovery = desk.camera.state.recovery_s
            assert recovery is not None
            print(f"back {recovery:.2f} s after it was seen again")
            last = frame


def test_supervised_nobody_waits_for_a_stall() -> None:
    with Supervised() as desk:
        last = desk.frame()
        control("percentage_of_dropped_buffers", 100)
        until(lambda: desk.camera.take(0.1) is None and desk.status == "stalled", "the stall is noticed")
        begun = time.monotonic()
        assert desk.camera.take(0.1) is None
        assert time.monotonic() - begun < 1.5
        control("percentage_of_dropped_buffers", 0)
        desk.frame(after=last.index)


def test_supervised_it_waits_for_another_program_to_let_go() -> None:
    other = watcher(CAMERA)
    with Supervised() as desk:
        until(lambda: "v4l2-ctl" in desk.camera.state.message, "the other program is named")
        assert desk.camera.take(0.1) is None
        end(other)
        desk.frame()
