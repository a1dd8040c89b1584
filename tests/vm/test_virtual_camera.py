"""`VirtualCamera` on a real loopback device, seen by the programs that read it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import pyvirtualcam  # type: ignore[import-untyped]

from effectcam.doctor.loopback import check_loopback
from effectcam.errors import SinkError
from effectcam.frame import Pixels
from effectcam.sink.loopback import readers_of
from effectcam.sink.virtual_camera import VirtualCamera
from effectcam.source.devices import list_virtual_cameras
from tests.vm import pattern
from tests.vm.devices import (
    DEVICE,
    Feeder,
    Reader,
    capability,
    end,
    foreign_feeder,
    loopbacks,
    shell,
    until,
    watcher,
)

NOBODY = 65534


@pytest.fixture
def loopback() -> Iterator[None]:
    with loopbacks():
        yield


def stored(file: Path) -> list[Pixels]:
    """The pictures of a file of raw I420, RGB."""
    raw = np.fromfile(file, np.uint8).reshape(-1, pattern.HEIGHT * 3 // 2, pattern.WIDTH)
    return [np.asarray(cv2.cvtColor(each, cv2.COLOR_YUV2RGB_I420), np.uint8) for each in raw]


@pytest.mark.usefixtures("loopback")
def test_frames_arrive_in_order_and_colour_by_opencv() -> None:
    with Feeder(), Reader() as reader:
        pattern.check(reader.take(20), at_least=20)


@pytest.mark.usefixtures("loopback")
@pytest.mark.parametrize(
    "command",
    [
        "v4l2-ctl -d {device} --stream-mmap --stream-count=20 --stream-to={file}",
        # Without the last option it repeats frames until they make the rate that the device announced.
        "ffmpeg -hide_banner -loglevel error -f v4l2 -i {device} -frames:v 20 -fps_mode passthrough "
        "-f rawvideo -pix_fmt yuv420p {file}",
    ],
    ids=["v4l2-ctl", "ffmpeg"],
)
def test_frames_arrive_in_order_and_colour_by(command: str, tmp_path: Path) -> None:
    file = tmp_path / "frames.raw"
    with Feeder():
        until(lambda: capability().captures, "the camera is fed")
        shell(command.format(device=DEVICE, file=file))
    pattern.check(stored(file), at_least=20)


@pytest.mark.usefixtures("loopback")
def test_stop_and_start_again() -> None:
    for start in (0, 1000, 2000):
        with Feeder(first=start), Reader() as reader:
            assert pattern.check(reader.take(3), at_least=3)[0] >= start
        assert capability().outputs


@pytest.mark.usefixtures("loopback")
def test_start_again_while_a_program_still_watches() -> None:
    feeder = Feeder()
    with Reader() as reader:
        for start in (1000, 2000, 3000):
            pattern.check(reader.take(3), at_least=3)
            feeder.stop()
            feeder = Feeder(first=start)
            until(lambda start=start: pattern.read(reader.take(1)[0])[0] >= start, "frames of the new run")  # type: ignore[misc]
    feeder.stop()


@pytest.mark.usefixtures("loopback")
def test_start_again_after_a_run_was_killed() -> None:
    for start in (0, 1000):
        feeder = Feeder(first=start)
        with Reader() as reader:
            reader.take(2)
            feeder.kill()
    with Feeder(first=2000), Reader() as reader:
        assert pattern.check(reader.take(3), at_least=3)[0] >= 2000


@pytest.mark.usefixtures("loopback")
def test_a_device_that_another_program_left_stale_is_mended() -> None:
    with pyvirtualcam.Camera(pattern.WIDTH, pattern.HEIGHT, 10, device=DEVICE) as other:
        other.send(pattern.picture(1))
    left = capability()
    assert not left.captures and not left.outputs, "this module has no such fault; the test proves nothing"
    with pytest.raises(RuntimeError, match="not a video output device"):
        pyvirtualcam.Camera(pattern.WIDTH, pattern.HEIGHT, 10, device=DEVICE)
    (device,) = list_virtual_cameras()
    assert device.stale and device.free
    assert (
        "mends it by itself"
        in {each.name: each.text for each in check_loopback()}[f"virtual camera {DEVICE}"]
    )
    with Feeder(), Reader() as reader:
        pattern.check(reader.take(3), at_least=3)


@pytest.mark.usefixtures("loopback")
def test_a_reader_that_is_killed_disturbs_nobody() -> None:
    with Feeder() as feeder, Reader() as stays:
        other = watcher()
        stays.take(3)
        end(other)
        pattern.check(stays.take(5), at_least=5)
        with Reader() as later:
            pattern.check(later.take(5), at_least=5)
        assert feeder.runs


@pytest.mark.usefixtures("loopback")
def test_a_second_run_is_told_who_has_the_camera() -> None:
    with Feeder() as feeder:
        with pytest.raises(SinkError, match=rf"{DEVICE} in use \(.*process {feeder.pid}\).*devices=2"):
            Feeder()
        with Reader() as reader:
            pattern.check(reader.take(3), at_least=3)


@pytest.mark.usefixtures("loopback")
def test_a_camera_that_another_program_feeds_is_left_alone() -> None:
    other = foreign_feeder()
    until(lambda: capability().captures, "it feeds the camera")
    with pytest.raises(SinkError, match=r"in use \(v4l2-ctl \(process \d+\)\); close that program"):
        Feeder()
    with Reader() as reader:
        reader.take(3)
    assert other.poll() is None


@pytest.mark.usefixtures("loopback")
def test_a_size_that_a_watching_program_holds_fast_is_told() -> None:
    feeder = Feeder()
    with Reader() as reader:
        reader.take(1)
        feeder.stop()
        with pytest.raises(SinkError, match="keeps it at YU12 640x360, not YU12 320x240; close that program"):
            Feeder(size=(320, 240))
        with Feeder(first=1000):
            until(lambda: pattern.read(reader.take(1)[0])[0] >= 1000, "frames of the right size")


@pytest.mark.usefixtures("loopback")
def test_how_many_watch() -> None:
    with VirtualCamera(pattern.WIDTH, pattern.HEIGHT):
        assert readers_of(DEVICE) == 0
        watchers = [watcher(), watcher()]
        assert readers_of(DEVICE) == 2
        begun = time.perf_counter()
        readers_of(DEVICE)
        assert time.perf_counter() - begun < 0.25, "half of the time between two looks"
        for each in watchers:
            end(each)
        until(lambda: readers_of(DEVICE) == 0, "the watchers are gone")


def test_without_the_module_the_way_out_is_told() -> None:
    with pytest.raises(SinkError, match="load the loopback module: sudo modprobe v4l2loopback") as caught:
        Feeder()
    assert "\n" not in str(caught.value)
    (finding,) = check_loopback()
    assert finding.status == "warn" and "installed but not loaded" in finding.text


def test_without_exclusive_caps_it_works_and_warns() -> None:
    with loopbacks(exclusive=False):
        found = {each.name: each for each in check_loopback()}
        assert found["exclusive_caps"].status == "warn"
        with VirtualCamera(pattern.WIDTH, pattern.HEIGHT) as camera:
            assert len(camera.warnings) == 1 and "exclusive_caps is off" in camera.warnings[0]
        for _ in range(2):
            with Feeder(), Reader() as reader:
                pattern.check(reader.take(3), at_least=3)


def test_of_two_devices_the_labelled_one_is_fed_and_no_other() -> None:
    with loopbacks((8, 10), labels=("Other", "effectcam")):
        with Feeder() as feeder, Reader() as reader:
            assert feeder.device == DEVICE
            pattern.check(reader.take(3), at_least=3)
            other = capability("/dev/video8")
            assert other.outputs and not other.captures
            assert not Path("/sys/devices/virtual/video4linux/video8/format").read_text()
        with Feeder(device="other") as feeder:
            assert feeder.device == "/dev/video8"
            assert not capability().captures


@pytest.mark.usefixtures("loopback")
def test_without_permission_the_way_out_is_told() -> None:
    Path(DEVICE).chmod(0o600)
    with pytest.raises(SinkError, match=rf"may not open {DEVICE}; run: sudo usermod -aG video"):
        Feeder(user=NOBODY)
    Path(DEVICE).chmod(0o666)
    with Feeder(user=NOBODY), Reader() as reader:
        pattern.check(reader.take(3), at_least=3)
