"""The camera's loop over OpenCV, fed with a real Motion JPEG file in place of a device."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import pytest

from effectcam.errors import SourceError, UsageError
from effectcam.source.camera import Camera, open_capture
from effectcam.source.devices import CameraDevice
from tests import media

DEVICE = CameraDevice(263, "/dev/video263", "Test Cam", "uvcvideo", (), ())


def motion_jpeg(path: Path, count: int = 30) -> Path:
    return media.write_clip(path, codec="mjpeg", pix_fmt="yuvj420p", count=count)


def camera_on(path: Path, *, mirror: bool = False) -> Camera:
    return Camera(
        263,
        mirror=mirror,
        cameras=[DEVICE],
        opener=lambda device: cv2.VideoCapture(str(path), cv2.CAP_FFMPEG),
    )


def test_frames_are_rgb_and_stamped_with_monotonic_time(tmp_path: Path) -> None:
    before = time.perf_counter_ns()
    with camera_on(motion_jpeg(tmp_path / "a.avi")) as camera:
        assert (camera.width, camera.height) == (64, 48)
        assert camera.measured_fps is None
        assert camera.fps == 30
        frames = [next(camera) for _ in range(12)]
        assert camera.measured_fps is not None
        assert camera.fps == camera.measured_fps
    assert [frame.index for frame in frames] == list(range(12))
    assert all(a.captured_at < b.captured_at for a, b in pairwise(frames))
    assert before < frames[0].captured_at < frames[-1].captured_at < time.perf_counter_ns()
    for frame in frames:
        assert frame.pixels.shape == (48, 64, 3)
        assert frame.pixels.flags.c_contiguous
        assert np.abs(frame.pixels[1, 1].astype(int) - media.RED).max() < 12


def test_mirror_swaps_sides(tmp_path: Path) -> None:
    path = motion_jpeg(tmp_path / "a.avi")
    with camera_on(path) as plain, camera_on(path, mirror=True) as mirrored:
        assert np.array_equal(next(plain).pixels, next(mirrored).pixels[:, ::-1])


def test_the_rate_is_measured_not_asked(tmp_path: Path) -> None:
    """The file claims 25 frames a second and 30 are asked for; what arrives is slowed to 12 or so."""

    class Slow:
        def __init__(self, capture: cv2.VideoCapture) -> None:
            self._capture = capture

        def grab(self) -> bool:
            time.sleep(1 / 12)
            return self._capture.grab()

        def __getattr__(self, name: str) -> Any:
            return getattr(self._capture, name)

    path = motion_jpeg(tmp_path / "a.avi")

    def opener(device: CameraDevice) -> cv2.VideoCapture:
        return cast(cv2.VideoCapture, Slow(cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)))

    with Camera(263, cameras=[DEVICE], opener=opener) as camera:
        assert 1 < camera.measure(10) < 12.1
        assert next(camera).index == 0


def test_pictures_older_than_the_program_is_ready_are_dropped(tmp_path: Path) -> None:
    with camera_on(motion_jpeg(tmp_path / "a.avi")) as camera:
        time.sleep(0.5)  # as long as an effect takes to load
        begun = time.perf_counter_ns()
        frames = [next(camera) for _ in range(10)]
        assert frames[0].captured_at >= begun
        assert [frame.index for frame in frames] == list(range(10))
        # A rate that counted the wait would be below 18.
        assert camera.measured_fps is not None and camera.measured_fps > 25


def test_a_camera_that_falls_silent_raises(tmp_path: Path) -> None:
    says = r"/dev/video263 'Test Cam'.*(unplugged|stopped sending)"
    path = motion_jpeg(tmp_path / "a.avi", count=5)
    with camera_on(path) as camera, pytest.raises(SourceError, match=says):
        list(islice(camera, 6))


def test_a_closed_camera_has_no_more_frames(tmp_path: Path) -> None:
    camera = camera_on(motion_jpeg(tmp_path / "a.avi"))
    camera.close()
    camera.close()
    assert list(camera) == []


def test_a_device_that_does_not_open_is_refused() -> None:
    with pytest.raises(SourceError, match=r"close other programs|held by"):
        Camera(263, cameras=[DEVICE], opener=open_capture)


def test_an_absent_camera_is_refused() -> None:
    with pytest.raises(SourceError, match="camera 264"):
        Camera(264)


@pytest.mark.parametrize("mode", [{"width": 0}, {"height": -1}, {"fps": 0}])
def test_impossible_modes_are_a_wrong_call(mode: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="above 0"):
        Camera(263, cameras=[DEVICE], **mode)  # type: ignore[arg-type]


def test_a_picture_that_comes_as_one_row_of_bytes_is_laid_out_again(tmp_path: Path) -> None:
    class Row:
        def __init__(self, capture: cv2.VideoCapture, lost: int) -> None:
            self._capture, self._lost = capture, lost

        def retrieve(self) -> tuple[bool, Any]:
            received, picture = self._capture.retrieve()
            return received, picture.reshape(1, -1)[:, self._lost :]

        def __getattr__(self, name: str) -> Any:
            return getattr(self._capture, name)

    path = motion_jpeg(tmp_path / "a.avi")

    def opener(lost: int) -> cv2.VideoCapture:
        return cast(cv2.VideoCapture, Row(cv2.VideoCapture(str(path), cv2.CAP_FFMPEG), lost))

    with camera_on(path) as plain, Camera(DEVICE, opener=lambda device: opener(0)) as flat:
        assert np.array_equal(next(plain).pixels, next(flat).pixels)
    with pytest.raises(SourceError, match="which cannot be read"):
        Camera(DEVICE, opener=lambda device: opener(7))


def test_a_listed_camera_is_opened_as_it_is(tmp_path: Path) -> None:
    path = motion_jpeg(tmp_path / "a.avi")
    with Camera(DEVICE, opener=lambda device: cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)) as camera:
        assert camera.device is DEVICE
        assert next(camera).index == 0


@pytest.mark.skipif(sys.platform != "linux", reason="Video4Linux is Linux's")
@pytest.mark.parametrize(("set_to", "used"), [(None, "3"), ("7", "7")])
def test_a_stalled_driver_is_waited_for_seconds_and_the_user_may_say_how_many(
    set_to: str | None, used: str
) -> None:
    name = "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"
    environment = {key: value for key, value in os.environ.items() if key != name}
    if set_to is not None:
        environment[name] = set_to
    # What C code gets to see counts, and that is not os.environ.
    code = (
        "import ctypes, effectcam.source.camera as _\n"
        "getenv = ctypes.CDLL(None).getenv\n"
        "getenv.restype = ctypes.c_char_p\n"
        f"print(getenv({name.encode()!r}).decode())"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == used


def test_too_few_frames_measure_nothing(tmp_path: Path) -> None:
    with camera_on(motion_jpeg(tmp_path / "a.avi")) as camera, pytest.raises(UsageError, match="at least 10"):
        camera.measure(3)
