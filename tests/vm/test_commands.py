"""`effectcam devices` and `effectcam doctor` about devices that are really there."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.vm.devices import CAMERA, DEVICE, Feeder, Reader, capability, loopbacks, until, vivid


def told(*command: str) -> dict[str, Any]:
    """What a command says as JSON, in a process of its own as people run it."""
    done = subprocess.run(
        [sys.executable, "-m", "effectcam", *command, "--json"], capture_output=True, text=True, check=False
    )
    assert not done.stderr, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_devices() -> None:
    with vivid(), loopbacks((10, 11), labels=("effectcam", "Other")):
        with Feeder() as feeder:
            until(lambda: capability().captures, "the camera is fed")
            listed = told("devices")
        cameras = {each["path"]: each for each in listed["cameras"]}
        assert set(cameras) == {CAMERA, DEVICE}
        assert cameras[CAMERA]["driver"] == "vivid" and cameras[CAMERA]["holders"] == []
        modes = {(each["pixel_format"], each["width"], each["height"]) for each in cameras[CAMERA]["modes"]}
        assert {("YUYV", 640, 360), ("YUYV", 1280, 720)} <= modes
        virtual = {each["path"]: each for each in listed["virtual_cameras"]}
        fed, idle = virtual[DEVICE], virtual["/dev/video11"]
        assert (fed["name"], fed["free"], fed["exclusive"]) == ("effectcam", False, True)
        assert [holder["pid"] for holder in fed["holders"]] == [feeder.pid]
        assert (idle["name"], idle["free"], idle["exclusive"], idle["holders"]) == ("Other", True, True, [])


@pytest.mark.limit(300)
def test_doctor() -> None:
    with vivid(), loopbacks():
        with Feeder() as feeder, Reader():
            findings = {each["name"]: each for each in told("doctor")["findings"]}
        assert findings["v4l2loopback"]["text"] == "loaded, version 0.12.7 or older"
        assert "mends" in findings["v4l2loopback version"]["text"]
        assert f"process {feeder.pid}" in findings[f"virtual camera {DEVICE}"]["text"]
        assert "vivid" in findings["camera 0"]["text"]
        assert "exclusive_caps" not in findings
        assert {each["name"] for each in findings.values() if each["status"] == "fail"} == set()
