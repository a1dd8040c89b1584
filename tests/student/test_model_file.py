from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from effectcam.errors import StudentError
from effectcam.student.model_file import inspect_model


def read(data: Path, name: str) -> bytes:
    return (data / f"{name}.tflite").read_bytes()


def test_it_tells_size_channels_and_operators(data: Path) -> None:
    wide = inspect_model(read(data, "wide"), name="wide")
    assert (wide.size, wide.channels, wide.operators) == ((32, 64), 3, ("CONV_2D",))
    assert inspect_model(read(data, "rgba"), name="rgba").channels == 4
    unet = inspect_model(read(data, "unet"), name="unet")
    assert unet.operators == ("ADD", "CONV_2D", "DEPTHWISE_CONV_2D", "LOGISTIC", "RESIZE_BILINEAR")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("two_inputs", "2 input tensors, not 1"),
        ("two_outputs", "2 output tensors, not 1"),
        ("int8", "int8 as its input type, not float32"),
        ("half_size", r"shape \(1, 16, 16, 3\), not \(1, 32, 32, 3 or 4\)"),
        ("grey", r"shape \(1, 32, 32, 1\), not"),
        ("custom_operator", "custom operator 'ReadFile'"),
        ("random_operator", "operator 148, which a picture function may not"),
        ("computed_shape", "computes its shapes as it runs"),
        ("doubled_constants", "computes what never changes"),
        ("outside_weights", "weights outside the file"),
        ("placed_weights", "weights outside the file"),
    ],
)
def test_it_says_what_is_wrong(data: Path, name: str, reason: str) -> None:
    with pytest.raises(StudentError, match=f"^somewhere .*{reason}.*;"):
        inspect_model(read(data, name), name="somewhere")


@pytest.mark.parametrize("content", [b"", b"TFL3", b"PK\x03\x04 a zip, not a model", b"\0" * 100])
def test_other_files_are_no_models(content: bytes) -> None:
    with pytest.raises(StudentError, match=r"^it is not a \.tflite model"):
        inspect_model(content, name="it")


def test_every_truncation_is_found(data: Path) -> None:
    whole = read(data, "unet")
    # The root lies at the start of the file, what it leads to at the end.
    for length in [*range(8, 600), *range(600, len(whole), 97)]:
        with pytest.raises(StudentError, match=r"^cut is a damaged \.tflite file; copy"):
            inspect_model(whole[:length], name="cut")


def test_scrambled_files_raise_nothing_but_student_errors(data: Path) -> None:
    whole = read(data, "rgba")
    random = np.random.default_rng(1)
    refused = 0
    for _ in range(3000):
        scrambled = bytearray(whole)
        for place in random.integers(8, len(whole), 3):
            scrambled[place] = random.integers(0, 256)
        try:
            inspect_model(bytes(scrambled), name="scrambled")
        except StudentError:
            refused += 1
    assert refused > 500


def test_tensors_of_absurd_size_are_refused(data: Path) -> None:
    # The input of the second convolution, 64 x 64 x 16, declared with 8 million channels.
    dims = (64).to_bytes(4, "little") * 2
    whole = read(data, "unet")
    absurd = whole.replace(dims + (16).to_bytes(4, "little"), dims + (2**23).to_bytes(4, "little"))
    assert absurd != whole
    with pytest.raises(StudentError, match="absurd has more than 134217728 numbers in its tensors"):
        inspect_model(absurd, name="absurd")


def test_an_open_size_is_refused(data: Path) -> None:
    dims = (64).to_bytes(4, "little") * 2
    whole = read(data, "unet")
    opened = whole.replace(dims + (16).to_bytes(4, "little"), dims + b"\xff\xff\xff\xff")
    with pytest.raises(StudentError, match="tensor of open size; export"):
        inspect_model(opened, name="opened")


def test_a_huge_picture_is_refused_before_any_buffer(data: Path) -> None:
    sides = (1025).to_bytes(4, "little") + (32).to_bytes(4, "little")
    huge = read(data, "identity").replace((32).to_bytes(4, "little") * 2, sides)
    with pytest.raises(StudentError, match="32x1025 pixels; a side may have 1024"):
        inspect_model(huge, name="huge")


def test_endless_shapes_are_refused_before_they_are_read(data: Path) -> None:
    """Thousands of tensors may share one long shape: a small file that would fill the memory."""
    flatbuffers = pytest.importorskip("flatbuffers")
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(read(data, "identity"), 0))
    model.subgraphs[0].tensors[0].shape = [1] * 9
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    with pytest.raises(StudentError, match=r"^nine is a damaged"):
        inspect_model(bytes(builder.Output()), name="nine")
