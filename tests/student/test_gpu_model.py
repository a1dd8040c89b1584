from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from effectcam.effect import load_effect
from effectcam.student.gpu_model import count_operators, for_gpu
from effectcam.student.litert import LiteRtStudent
from effectcam.student.model_file import inspect_model
from effectcam.student.parity import parity_pictures


@pytest.mark.parametrize(("effect", "place"), [("zombie", "face"), ("toon", "frame")])
def test_a_rewritten_student_draws_the_same_bytes(effect: str, place: str) -> None:
    network = load_effect(effect).network("face" if place == "face" else "frame")
    holds = inspect_model(network.model, name=network.name)
    rewritten = for_gpu(network.model, holds)
    after = inspect_model(rewritten, name="rewritten")
    assert "RELU_0_TO_1" in holds.operators
    assert "RELU_0_TO_1" not in after.operators
    assert count_operators(rewritten) == count_operators(network.model) + 1
    with (
        network.open(1) as before,
        LiteRtStudent(rewritten, channels=network.channels, threads=1) as student,
    ):
        for picture in parity_pictures(holds.size):
            drawn = before.run(picture).copy()
            assert np.array_equal(student.run(picture), drawn)
            assert drawn.std() > 20


def test_what_a_gpu_can_do_is_left_alone(data: Path) -> None:
    model = (data / "unet.tflite").read_bytes()
    assert for_gpu(model, inspect_model(model, name="unet")) is model
