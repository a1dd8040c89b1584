from __future__ import annotations

import json

import pytest

from effectcam.cli import main
from effectcam.source.devices import CameraDevice, CaptureMode, Holder, VirtualCameraDevice

CAMERA = CameraDevice(
    0,
    "/dev/video0",
    "USB Cam [HD]",
    "uvcvideo",
    (
        CaptureMode("YUYV", 640, 480, 30.0),
        CaptureMode("YUYV", 1280, 720, 10.0),
        CaptureMode("MJPG", 1280, 720, 60.0),
        CaptureMode("MJPG", 1920, 1080, 30.0),
    ),
    (),
)
VIRTUAL = VirtualCameraDevice("/dev/video9", "effectcam", "v4l2 loopback", False, True, (Holder(7, "obs"),))


def show(
    monkeypatch: pytest.MonkeyPatch, cameras: list[CameraDevice], virtual: list[VirtualCameraDevice]
) -> None:
    monkeypatch.setattr("effectcam.source.devices.list_cameras", lambda: cameras)
    monkeypatch.setattr("effectcam.source.devices.list_virtual_cameras", lambda: virtual)


def test_devices_with_what_each_can_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    show(monkeypatch, [CAMERA], [VIRTUAL])
    assert main(["devices"]) == 0
    told = capsys.readouterr().out
    assert "USB Cam [HD]" in told
    assert "YUYV 1280x720 at 10, 640x480 at 30; MJPG 1920x1080 at 30" in told
    assert "in use by obs (process 7)" in told


def test_devices_as_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    show(monkeypatch, [CAMERA], [VIRTUAL])
    assert main(["devices", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["schema"] == "effectcam.devices/1"
    assert told["cameras"][0]["modes"][3] == {
        "pixel_format": "MJPG",
        "width": 1920,
        "height": 1080,
        "fps": 30.0,
    }
    assert told["virtual_cameras"][0]["holders"] == [{"pid": 7, "name": "obs"}]


def test_no_devices(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    show(monkeypatch, [], [])
    assert main(["devices"]) == 0
    told = capsys.readouterr().out
    assert "no camera found; plug one in" in told
    assert "effectcam doctor" in told
