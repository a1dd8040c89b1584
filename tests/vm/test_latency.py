"""`effectcam latency` through a real loopback device."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import write_effect
from tests.vm.devices import DEVICE, loopbacks


@pytest.mark.limit(600)
def test_stamps_come_back_through_the_device(tmp_path: Path) -> None:
    write_effect(tmp_path / "effects", "mask", space="face")
    with loopbacks():
        done = subprocess.run(
            [
                *(sys.executable, "-m", "effectcam", "latency", "--effect", "mask", "--through", "camera"),
                *("--size", "320x180", "--fps", "4", "--seconds", "10", "--threads", "1", "--json", "-"),
            ],
            env={**os.environ, "EFFECTCAM_EFFECTS": str(tmp_path / "effects")},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout[done.stdout.index("{") :])
    print(json.dumps(report, indent=1))
    assert report["schema"] == "effectcam.latency/1"
    assert (report["through"], report["device"]) == ("camera", DEVICE)
    assert report["frames"]["read"] >= 5
    assert report["frames"]["unreadable"] == 0
