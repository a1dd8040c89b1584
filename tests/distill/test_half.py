"""Weights in 16 bits: smaller, and nobody sees it."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")
pytest.importorskip("ai_edge_quantizer", reason="ai-edge-quantizer comes with effectcam[distill]")

from effectcam.distill.half import halved
from effectcam.student.litert import LiteRtStudent
from tests.cli.conftest import DATA


def test_a_smaller_file_draws_the_same() -> None:
    model = (DATA / "unet.tflite").read_bytes()
    half = halved(model)
    assert len(half) < 0.7 * len(model)
    with (
        LiteRtStudent(model, channels=3, threads=1) as student,
        LiteRtStudent(half, channels=3, threads=1) as other,
    ):
        image = np.random.default_rng(0).integers(0, 256, (*student.size, 3), np.uint8)
        assert np.abs(student.run(image).astype(int) - other.run(image)).max() <= 1
