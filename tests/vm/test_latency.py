"""`effectcam latency` through a real loopback device."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.vm.devices import DEVICE, loopbacks
from tests.vm.program import Program


@pytest.mark.limit(600)
def test_stamps_come_back_through_the_device(tmp_path: Path) -> None:
    measured = tmp_path / "latency.json"
    with loopbacks():
        program = Program(
            tmp_path / "effects",
            *("latency", "--effect", "mask", "--through", "camera", "--size", "320x180", "--fps", "4"),
            *("--seconds", "10", "--threads", "1", "--json", str(measured)),
        )
        program.wait(within=550)
    report = json.loads(measured.read_text())
    print(json.dumps(report, indent=1))
    assert report["schema"] == "effectcam.latency/1"
    assert (report["through"], report["device"]) == ("camera", DEVICE)
    assert report["frames"]["read"] >= 5
    assert report["frames"]["unreadable"] == 0
