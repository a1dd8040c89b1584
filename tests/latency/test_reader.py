"""How the reading process finds the camera that shows stamps: clips stand for the cameras here, and in the
guest it has a real one."""

from __future__ import annotations

import multiprocessing
import signal
import sys
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from effectcam.latency import reader, stamp
from effectcam.latency.reader import CameraReader, watched_cameras
from effectcam.source.devices import CameraDevice
from tests import media


def camera(index: int) -> CameraDevice:
    return CameraDevice(index, f"/dev/video{index}", "a camera", "", (), ())


def clip_of(path: Path, codes: list[int | None]) -> Path:
    """Pictures with these stamps, None for one without."""
    pictures = []
    for code in codes:
        picture = np.full((180, 320, 3), 120, np.uint8)
        if code is not None:
            stamp.write(picture, code)
        pictures.append(picture)
    return media.write_clip(
        path, width=320, height=180, count=len(codes), codec="mjpeg", pix_fmt="yuvj420p", pictures=pictures
    )


def read_by(
    monkeypatch: pytest.MonkeyPatch, clips: dict[int, Path], indexes: list[int], count: int
) -> list[int | None]:
    """The first ``count`` codes told of these cameras, of which those with a clip can be opened."""
    monkeypatch.setattr(
        reader, "open_capture", lambda device: cv2.VideoCapture(str(clips.get(device.index, "none.avi")))
    )
    # Only a process of its own may set that, and a thread stands for it here.
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    here, there = multiprocessing.Pipe()
    work = threading.Thread(target=reader._read, args=([camera(index) for index in indexes], there))
    work.start()
    codes = []
    for _ in range(count):
        assert here.poll(60)
        codes.append(here.recv()[1])
    here.send(None)
    work.join(60)
    assert not work.is_alive()
    return codes


def test_it_stays_with_the_camera_that_shows_stamps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = [*range(100, 130), None, 131]
    clips = {
        1: clip_of(tmp_path / "own.avi", [None] * 40),
        4: clip_of(tmp_path / "virtual.avi", shown),
    }
    codes = read_by(monkeypatch, clips, [0, 1, 4], reader._GLANCES - 1 + len(shown))
    # What the other camera is glanced at for belongs to none of our frames.
    assert codes[-len(shown) :] == shown
    assert not any(codes[: -len(shown)])


def test_the_only_camera_is_read_however_long_it_shows_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = [None] * 20 + [7, 8]
    clip = clip_of(tmp_path / "late.avi", shown)
    assert read_by(monkeypatch, {10: clip}, [10], 22) == shown


def test_a_camera_that_ends_is_opened_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = clip_of(tmp_path / "short.avi", [1, 2])
    assert read_by(monkeypatch, {10: clip}, [10], 6) == [1, 2] * 3


def test_without_a_camera_it_goes_on_trying_until_it_is_closed() -> None:
    with CameraReader([camera(99)]) as process:
        assert process.runs and not process.readings
    assert not process.runs


@pytest.mark.parametrize("platform", ["linux", "win32", "darwin"])
def test_where_to_read_a_virtual_camera(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    cameras = watched_cameras("/dev/video10" if platform == "linux" else "OBS Virtual Camera")
    if platform == "linux":
        assert [camera.path for camera in cameras] == ["/dev/video10"]
    else:
        assert [camera.index for camera in cameras] == list(range(6))
