"""`effectcam devices` and `effectcam doctor` about devices that are really there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.vm.devices import CAMERA, DEVICE, Feeder, Reader, capability, loopbacks, until, vivid
from tests.vm.program import Program


def told(folder: Path, *command: str) -> dict[str, Any]:
    """What a command says as JSON, and nothing beside it."""
    program = Program(folder / "effects", *command, "--json")
    program.wait(200)
    answer: dict[str, Any] = json.loads(program.told)
    return answer


def test_devices(tmp_path: Path) -> None:
    with vivid(), loopbacks((10, 11), labels=("effectcam", "Other")):
        with Feeder() as feeder:
            until(lambda: capability().captures, "the camera is fed")
            listed = told(tmp_path, "devices")
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
def test_doctor(tmp_path: Path) -> None:
    with vivid(), loopbacks():
        with Feeder() as feeder, Reader():
            findings = {each["name"]: each for each in told(tmp_path, "doctor")["findings"]}
        assert findings["v4l2loopback"]["text"] == "loaded, version 0.12.7 or older"
        assert "mends" in findings["v4l2loopback version"]["text"]
        assert f"process {feeder.pid}" in findings[f"virtual camera {DEVICE}"]["text"]
        assert "vivid" in findings["camera 0"]["text"]
        assert "exclusive_caps" not in findings
        assert {each["name"] for each in findings.values() if each["status"] == "fail"} == set()
