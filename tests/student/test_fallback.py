"""An accelerator that fails in the middle of a run: the frame on which it fails is drawn too."""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path

import numpy as np
import pytest

from effectcam.errors import StudentError, UsageError
from effectcam.student.accelerator import ON_CPU
from effectcam.student.fallback import FallbackStudent
from effectcam.student.litert import LiteRtStudent
from effectcam.student.network import Network
from effectcam.student.remote import RemoteStudent
from tests.student.conftest import standing_in
from tests.student.test_litert import picture


@pytest.fixture
def network(data: Path) -> Network:
    return Network((data / "unet.tflite").read_bytes(), "zombie/face.tflite")


def backed(
    network: Network, how: str, told: list[str], *, opened: list[LiteRtStudent] | None = None
) -> tuple[FallbackStudent, RemoteStudent]:
    def second() -> LiteRtStudent:
        student = network.open(1)
        if opened is not None:
            opened.append(student)
        return student

    first = RemoteStudent(network, "gpu", command=standing_in(how))
    return FallbackStudent(first, second, name=network.name, tell=told.append), first


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("fails after 2", "VK_ERROR_DEVICE_LOST"),
        ("gives NaN after 2", "returned NaN"),
        ("hangs after 2", r"no answer within 0\.5 s"),
    ],
)
def test_the_cpu_draws_the_very_frame(network: Network, how: str, reason: str) -> None:
    told: list[str] = []
    opened: list[LiteRtStudent] = []
    images = [picture(128, 128, seed=seed) for seed in range(4)]
    student, first = backed(network, how, told, opened=opened)
    with student, network.open(1) as here:
        first.patience = 0.5
        for image in images[:2]:
            assert np.array_equal(student.run(image), here.run(image))
        assert (student.placement.accelerator, told, opened) == ("gpu", [], [])
        for image in images[2:]:
            assert np.array_equal(student.run(image), here.run(image))
        assert student.placement == ON_CPU
        assert first.closed
        assert len(opened) == 1
    (line,) = told
    assert line.startswith("gpu (GPU, LiteRT) failed on zombie/face.tflite: ")
    assert "; the cpu draws from here on" in line
    assert len(line.splitlines()) == 1
    assert re.search(reason, line)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_a_driver_that_crashes_between_frames_costs_none(network: Network) -> None:
    told: list[str] = []
    image = picture(128, 128)
    student, first = backed(network, "draws", told)
    with student, network.open(1) as here:
        student.run(image)
        os.kill(first.pid, signal.SIGKILL)
        assert np.array_equal(student.run(image), here.run(image))
    assert "its driver crashed (SIGKILL)" in told[0]


def test_a_wrong_picture_is_no_failure_of_the_gpu(network: Network) -> None:
    told: list[str] = []
    student, first = backed(network, "draws", told)
    with student:
        with pytest.raises(UsageError):
            student.run(picture(64, 64))
        assert not first.closed
    assert told == []
    with pytest.raises(StudentError, match="is closed"):
        student.run(picture(128, 128))
    assert told == [], "a closed student does not wake up on the CPU"


def test_what_no_processor_can_draw_is_told_and_the_next_is_drawn(data: Path) -> None:
    network = Network((data / "nan_where_black.tflite").read_bytes(), "ghost.tflite")
    told: list[str] = []
    student, _ = backed(network, "draws", told)
    with student:
        with pytest.raises(StudentError, match="returned NaN"):
            student.run(np.zeros((32, 32, 3), np.uint8))
        assert student.run(np.full((32, 32, 3), 200, np.uint8)).min() == 255
    assert len(told) == 1
