"""The reading process where there is no device; with one, it is tried in the guest."""

from __future__ import annotations

import sys

import pytest

from effectcam.latency.reader import CameraReader, watched_cameras
from effectcam.source.devices import CameraDevice

NOTHING = CameraDevice(99, "/dev/video99", "nothing", "", (), ())


def test_without_a_camera_it_goes_on_trying_until_it_is_closed() -> None:
    with CameraReader([NOTHING]) as reader:
        assert reader.runs and not reader.readings
    assert not reader.runs


@pytest.mark.parametrize("platform", ["linux", "win32", "darwin"])
def test_where_to_read_a_virtual_camera(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    cameras = watched_cameras("/dev/video10" if platform == "linux" else "OBS Virtual Camera")
    if platform == "linux":
        assert [camera.path for camera in cameras] == ["/dev/video10"]
    else:
        assert [camera.index for camera in cameras] == list(range(6))
