"""What a model's file says of the work in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from effectcam.bench.arithmetic import delegation, multiply_adds
from effectcam.bench.report import Delegation

DATA = Path(__file__).parents[1] / "data"


def model(name: str) -> bytes:
    return (DATA / f"{name}.tflite").read_bytes()


def test_multiply_adds_are_those_of_the_layers() -> None:
    assert multiply_adds(model("negative")) == 32 * 32 * 3 * 3
    stem, deep = 64 * 64 * 16 * 9 * 3, 32 * 32 * 32 * 9 * 16
    depthwise, narrow, head = 32 * 32 * 32 * 9, 32 * 32 * 16 * 32, 128 * 128 * 3 * 9 * 16
    assert multiply_adds(model("unet")) == stem + deep + depthwise + narrow + head


@pytest.mark.parametrize("name", ["negative", "unet"])
def test_plain_convolutions_are_delegated_whole(name: str) -> None:
    found = delegation(model(name))
    assert found is not None
    assert found.delegated == found.operators > 0


def test_an_operator_that_xnnpack_lacks_is_left_over() -> None:
    assert delegation(model("random_operator")) == Delegation(operators=1, delegated=0)
