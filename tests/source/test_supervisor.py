"""A camera for hours: what goes wrong on a desk, and that the frames come back each time."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from effectcam.errors import SourceError, UsageError
from effectcam.frame import Frame
from effectcam.source.devices import CameraDevice
from effectcam.source.supervisor import CameraSupervisor
from tests import media
from tests.source.desk import PATIENCE, Desk, Webcam, until

NEVER = (3600.0, 3600.0)
"""Pauses that no test outlasts: what recovers with them was not recovered by trying again and again."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "small.avi"
    return media.write_clip(path, codec="mjpeg", pix_fmt="yuvj420p", count=20)


@pytest.fixture(scope="module")
def tall_blue_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "blue.avi"
    blue = np.full((96, 64, 3), media.BLUE, np.uint8)
    return media.write_clip(
        path, width=64, height=96, codec="mjpeg", pix_fmt="yuvj420p", pictures=[blue] * 20
    )


@contextmanager
def supervised(
    desk: Desk, wanted: int | str | None = 260, *, told: list[str] | None = None, **options: Any
) -> Iterator[CameraSupervisor]:
    """A supervisor over ``desk``; its thread must be gone afterwards."""
    before = threading.enumerate()
    options = {"retry": (0.01, 0.05), "stalled_after": 10.0, **options}
    supervisor = CameraSupervisor(
        wanted,
        open_camera=desk.open,
        list_cameras=desk.cameras,
        nodes=desk.nodes,
        tell=(told if told is not None else []).append,
        **options,
    )
    with supervisor:
        yield supervisor
    until(lambda: set(threading.enumerate()) <= set(before))


def take(supervisor: CameraSupervisor) -> Frame:
    frames: list[Frame] = []

    def came() -> bool:
        frame = supervisor.take(0.1)
        frames.extend([frame] if frame is not None else [])
        return frame is not None

    until(came)
    return frames[0]


def until_reopened(supervisor: CameraSupervisor, times: int) -> None:
    until(lambda: supervisor.state.reopened == times)


def is_blue(frame: Frame) -> bool:
    centre = frame.pixels[frame.height // 2, frame.width // 2]
    return bool(np.abs(centre.astype(int) - media.BLUE).max() < 12)


def test_frames_come_in_order_and_own_their_pixels(clip: Path) -> None:
    desk, told = Desk(), list[str]()
    desk.plug(260, Webcam("Cam", clip))
    with supervised(desk, told=told, wait=False) as supervisor:
        assert (supervisor.width, supervisor.height) == (64, 48)
        assert "running" in supervisor.state.message
        frames = [take(supervisor) for _ in range(12)]
        assert [frame.index for frame in frames] == list(range(12))
        assert all(a.captured_at < b.captured_at for a, b in pairwise(frames))
        assert all(not np.shares_memory(a.pixels, b.pixels) for a, b in pairwise(frames))
        assert np.abs(frames[0].pixels[1, 1].astype(int) - media.RED).max() < 12
        # The rate that arrives: 30 were asked for, and the desk's cameras give some 200.
        assert supervisor.fps != 30
    assert supervisor.state.status == "closed"
    assert supervisor.take(PATIENCE) is None
    assert told == []
    supervisor.close()


def test_one_frame_waits_at_most_and_it_is_the_newest(clip: Path) -> None:
    desk, webcam = Desk(), Webcam("Cam", clip)
    desk.plug(260, webcam)
    with supervised(desk) as supervisor:
        first = take(supervisor)
        missed = webcam.grabs + 10
        until(lambda: webcam.grabs > missed)
        now = time.perf_counter_ns()
        # The one that waited, the one that was being decoded, and one that was not there yet.
        second, third, fourth = take(supervisor), take(supervisor), take(supervisor)
    assert first.captured_at < second.captured_at < third.captured_at
    assert fourth.captured_at > now
    assert [first.index, second.index, third.index, fourth.index] == [0, 1, 2, 3]


def test_without_a_camera_it_waits_and_says_so_once(clip: Path) -> None:
    desk, told = Desk(), list[str]()
    with supervised(desk, told=told) as supervisor:
        until(lambda: desk.listings > 10)
        state = supervisor.state
        assert (state.status, state.name, state.reopened) == ("waiting", "260", 0)
        assert (supervisor.width, supervisor.height, supervisor.fps) == (1280, 720, 30.0)
        assert supervisor.take(0) is None
        assert told == [state.message]
        assert "camera 260" in state.message
        desk.plug(260, Webcam("Cam", clip))
        assert take(supervisor).index == 0
        assert (supervisor.width, supervisor.height) == (64, 48)
        until(lambda: len(told) == 2)
        assert told[1] == supervisor.state.message == "camera /dev/video260 'Cam': running at 64x48"
        assert supervisor.state.reopened == 0
        assert supervisor.state.recovery_s is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process has open")
def test_the_virtual_camera_that_this_process_feeds_is_no_camera_to_it(clip: Path, tmp_path: Path) -> None:
    desk = Desk()
    desk.plug(260, Webcam("effectcam", clip))
    node = tmp_path / "video260"
    fed = node.open("w")
    listed = [replace(desk.cameras()[0], path=str(node))]
    desk.cameras = lambda: listed  # type: ignore[method-assign]
    with supervised(desk) as supervisor:
        until(lambda: "being opened" not in supervisor.state.message)
        assert supervisor.state.status == "waiting"
        fed.close()
        take(supervisor)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no list of cameras to choose from")
def test_the_first_camera_is_waited_for_beside_a_loopback_and_kept(clip: Path, tall_blue_clip: Path) -> None:
    """/dev/video0 is a loopback device that another program feeds, and the webcam comes later."""
    desk, told = Desk(), list[str]()
    desk.plug(260, Webcam("OBS", tall_blue_clip, bus="platform:v4l2loopback-000", driver="v4l2 loopback"))
    webcam = Webcam("Webcam", clip)
    with supervised(desk, None, told=told) as supervisor:
        until(lambda: told)
        assert "first camera: there are virtual ones alone: 260 'OBS'; plug one in" in told[0]
        assert (supervisor.state.status, supervisor.state.name) == ("waiting", "first camera")
        desk.plug(262, webcam)
        assert not is_blue(take(supervisor))
        desk.unplug(262)
        until(lambda: supervisor.state.status == "lost")
        desk.plug(261, Webcam("Another", tall_blue_clip, bus="usb-2"))
        desk.plug(263, webcam)
        assert not is_blue(take(supervisor))
        assert supervisor.state.name == "Webcam"


def test_a_size_that_was_fixed_stays_whatever_camera_comes(clip: Path) -> None:
    desk = Desk()
    with supervised(desk, width=128, height=48) as supervisor:
        assert supervisor.fix_size() == (128, 48)
        desk.plug(260, Webcam("Cam", clip))
        pixels = take(supervisor).pixels
        assert (supervisor.width, supervisor.height) == (128, 48)
    assert pixels.shape == (48, 128, 3)
    assert pixels.flags.c_contiguous
    assert not pixels[:, :32].any() and not pixels[:, 96:].any()
    assert np.abs(pixels[1, 33].astype(int) - media.RED).max() < 12
    assert np.abs(pixels[46, 94].astype(int) - media.WHITE).max() < 12


def test_a_camera_that_comes_back_with_another_size_is_fitted(clip: Path, tall_blue_clip: Path) -> None:
    desk, webcam = Desk(), Webcam("Cam", clip)
    desk.plug(260, webcam)
    with supervised(desk) as supervisor:
        assert take(supervisor).pixels.shape == (48, 64, 3)
        webcam.clip = tall_blue_clip
        desk.unplug(260)
        until(lambda: supervisor.state.status == "lost")
        desk.plug(260, webcam)
        frame = take(supervisor)
        assert (supervisor.width, supervisor.height) == (64, 48)
    assert frame.pixels.shape == (48, 64, 3)
    assert not frame.pixels[:, :16].any() and not frame.pixels[:, 48:].any()
    assert is_blue(frame)


def test_without_waiting_an_absent_camera_is_refused_at_once() -> None:
    with pytest.raises(SourceError, match="camera 260"):
        CameraSupervisor(260, list_cameras=list, tell=print, wait=False)


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize("mode", [{"width": 0}, {"height": -1}, {"fps": 0}])
def test_a_wrong_call_is_refused_whether_it_waits_or_not(mode: dict[str, int], wait: bool) -> None:
    before = threading.enumerate()
    with pytest.raises(UsageError, match="above 0"):
        CameraSupervisor(260, tell=print, wait=wait, **mode)  # type: ignore[arg-type]
    assert threading.enumerate() == before


def test_a_camera_is_found_again_under_another_number(clip: Path, tall_blue_clip: Path) -> None:
    desk, told = Desk(), list[str]()
    webcam = Webcam("Cam", clip, bus="usb-1")
    desk.plug(260, webcam)
    with supervised(desk, told=told, retry=NEVER) as supervisor:
        assert take(supervisor).index == 0
        until(lambda: webcam.grabs > 5)
        desk.unplug(260)
        # Another camera gets the number that was asked for, and one of the same make is there too.
        desk.plug(260, Webcam("Other", tall_blue_clip, bus="usb-2"))
        desk.plug(261, Webcam("Cam", tall_blue_clip, bus="usb-3"))
        desk.plug(262, Webcam("Cam", tall_blue_clip, bus="usb-4"))
        until(lambda: "plug it in again, where it was" in supervisor.state.message)
        assert supervisor.state.status == "lost"
        # What nobody took in time is old now.
        assert supervisor.take(0) is None
        last = supervisor.state.since
        desk.plug(263, webcam)
        frame = take(supervisor)
        state = supervisor.state
        assert not is_blue(frame)
        assert (state.status, state.name, state.reopened) == ("running", "Cam", 1)
        assert "/dev/video263" in state.message
        assert state.recovery_s is not None and 0 <= state.recovery_s < state.since - last
        indexes = [take(supervisor).index for _ in range(5)]
        assert indexes == list(range(frame.index + 1, frame.index + 6))


def test_a_camera_in_another_socket_is_found_by_its_name(clip: Path) -> None:
    desk, webcam = Desk(), Webcam("Cam", clip, bus="usb-1")
    desk.plug(260, webcam)
    with supervised(desk, "/dev/video260") as supervisor:
        take(supervisor)
        desk.unplug(260)
        webcam.bus = "usb-7"
        desk.plug(264, webcam)
        until_reopened(supervisor, 1)
        assert "/dev/video264" in supervisor.state.message
        # From now on that is its place, whatever is put into the old one.
        desk.unplug(264)
        desk.plug(260, Webcam("Cam", clip, bus="usb-1"))
        desk.plug(265, webcam)
        until_reopened(supervisor, 2)
        assert "/dev/video265" in supervisor.state.message


def test_whatever_was_plugged_in_ends_the_pause(clip: Path) -> None:
    """A device may come back so quickly that its name was never missed."""
    desk = Desk()
    with supervised(desk, retry=NEVER) as supervisor:
        until(lambda: "camera 260" in supervisor.state.message and supervisor.state.status == "waiting")
        webcam = Webcam("Cam", clip)
        desk.plug(260, webcam)
        for times in (1, 2, 3):
            take(supervisor)
            desk.unplug(260)
            desk.plug(260, webcam)
            until_reopened(supervisor, times)


def test_a_stalled_camera_makes_nobody_wait(clip: Path) -> None:
    desk, told, webcam = Desk(), list[str](), Webcam("Cam", clip)
    desk.plug(260, webcam)
    with supervised(desk, told=told, stalled_after=0.2) as supervisor:
        take(supervisor)
        missed = webcam.grabs + 3
        until(lambda: webcam.grabs > missed)
        webcam.flows.clear()
        until(lambda: supervisor.state.status == "stalled")
        # Not even the picture that came before.
        assert supervisor.take(0) is None
        assert supervisor.take(0.01) is None
        assert told[-1] == supervisor.state.message
        assert "no picture for 0.2 s" in told[-1]
        webcam.flows.set()
        take(supervisor)
        until(lambda: supervisor.state.status == "running")
        assert (webcam.openings, supervisor.state.reopened) == (1, 0)


def test_a_stall_that_ends_in_failure_has_the_camera_reopened(clip: Path) -> None:
    desk, webcam = Desk(), Webcam("Cam", clip)
    desk.plug(260, webcam)
    with supervised(desk, stalled_after=0.1) as supervisor:
        take(supervisor)
        webcam.flows.clear()
        until(lambda: supervisor.state.status == "stalled")
        # Nothing else opens it meanwhile: a second capture would be refused, or end the first.
        assert webcam.openings == 1
        webcam.fails = True
        webcam.flows.set()
        until(lambda: supervisor.state.status == "lost")
        webcam.fails = False
        until_reopened(supervisor, 1)
        take(supervisor)


def test_closing_waits_for_no_driver(clip: Path) -> None:
    desk, webcam = Desk(), Webcam("Cam", clip)
    desk.plug(260, webcam)
    with supervised(desk) as supervisor:
        take(supervisor)
        webcam.flows.clear()
        until(lambda: webcam.held)
        supervisor.close()
        # Still inside the driver, and the camera still its own.
        assert webcam.held and webcam.in_use == 1
        assert supervisor.state.status == "closed"
        assert supervisor.take(PATIENCE) is None
        webcam.flows.set()
        until(lambda: webcam.in_use == 0)
    assert supervisor.state.status == "closed"


def test_a_stream_that_does_not_start_the_first_time_is_started_again(clip: Path) -> None:
    desk, webcam = Desk(), Webcam("Cam", clip, refusals=1)
    desk.plug(260, webcam)
    with supervised(desk) as supervisor:
        take(supervisor)
        assert webcam.openings == 2


def test_a_reason_is_told_once_and_the_next_one_too(clip: Path) -> None:
    desk, told = Desk(), list[str]()
    desk.plug(260, Webcam("Cam", clip))
    busy = "camera /dev/video260 'Cam': busy, held by obs (process 7); close that program"
    desk.errors = [SourceError(busy)] * 20 + [cv2.error("first line\nsecond line")] * 2
    with supervised(desk, told=told) as supervisor:
        take(supervisor)
        until(lambda: len(told) == 3)
    assert told[0] == busy
    assert "error: first line)" in told[1] and "\n" not in told[1]
    assert "running" in told[2]


def test_a_loose_plug_floods_nobody(clip: Path) -> None:
    desk, told, webcam = Desk(), list[str](), Webcam("Cam", clip, pictures=2)
    desk.plug(260, webcam)
    with supervised(desk, told=told, retry=(0.001, 0.002)):
        until(lambda: webcam.openings > 15)
    assert sorted(told) == sorted(set(told))
    assert len(told) <= 2


def test_a_camera_that_ran_well_is_tried_again_as_soon_as_at_first(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were each pause twice the one before, the twentieth would be a quarter of an hour."""
    monkeypatch.setattr("effectcam.source.supervisor._STEADY", 0.0)
    desk = Desk()
    desk.plug(260, Webcam("Cam", clip, pictures=2))
    with supervised(desk, retry=(0.001, 3600.0)) as supervisor:
        until(lambda: supervisor.state.reopened > 20)


def test_where_listing_opens_every_camera_an_index_is_taken_as_it_is(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, webcam, opened = Desk(), Webcam("Cam", clip), list[CameraDevice]()
    desk.plug(260, webcam)

    def open_camera(device: CameraDevice, **mode: Any) -> Any:
        opened.append(device)
        return desk.open(device, **mode)

    monkeypatch.setattr(sys, "platform", "win32")
    with CameraSupervisor(
        "260", open_camera=open_camera, list_cameras=desk.cameras, nodes=frozenset, tell=lambda line: None
    ) as supervisor:
        take(supervisor)
        webcam.fails = True
        until(lambda: supervisor.state.status == "lost")
        webcam.fails = False
        until_reopened(supervisor, 1)
    assert desk.listings == 0
    assert [(device.index, device.path) for device in opened] == [(260, "260")] * len(opened)
