from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from effectcam.errors import StudentError, UsageError
from effectcam.frame import Pixels
from effectcam.student import Student, engine
from effectcam.student.engine import CompiledEngine, EngineFactory, InterpreterEngine, Tensor
from effectcam.student.litert import LiteRtStudent
from effectcam.student.model_file import ModelFile
from effectcam.student.past import with_past
from tests.student.conftest import make_models


def picture(height: int = 32, width: int = 32, *, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


class FixedAnswer:
    """An engine that answers the same tensor to everything."""

    def __init__(self, answer: Tensor) -> None:
        self.answer = answer

    def invoke(self, tensor: Tensor) -> Tensor:
        return self.answer.copy()

    def close(self) -> None:
        pass


def answering(values: NDArray[np.floating[Any]]) -> EngineFactory:
    answer = np.broadcast_to(values, (1, 32, 32, 3)).astype(np.float32)
    return lambda model, holds, threads: FixedAnswer(answer)


@pytest.mark.parametrize("runtime", [CompiledEngine, InterpreterEngine])
def test_every_byte_survives_the_way_there_and_back(data: Path, runtime: EngineFactory) -> None:
    image = np.arange(32 * 32 * 3, dtype=np.uint16).astype(np.uint8).reshape(32, 32, 3)
    with LiteRtStudent(data / "identity.tflite", threads=1, engine=runtime) as student:
        assert np.array_equal(student.run(image), image)


def test_a_recurrent_student_takes_its_past_behind_the_picture(data: Path) -> None:
    image, before = picture(), picture(seed=1)
    with LiteRtStudent(data / "echo.tflite", threads=1) as student:
        assert (student.inputs, student.channels) == (6, 3)
        mixed = student.run(with_past(image, before, student.inputs)).astype(int)
        assert np.abs(mixed - (image.astype(int) + before) / 2).max() <= 0.5
        first = student.run(with_past(image, None, student.inputs)).astype(int)
        assert np.abs(first - image / 2).max() <= 0.5
        with pytest.raises(
            UsageError, match=r"echo.tflite takes uint8 of shape \(32, 32, 6\) with RGB first"
        ):
            student.run(image)
    with LiteRtStudent(data / "identity.tflite", threads=1) as plain:
        assert plain.inputs == 3 and with_past(image, before, plain.inputs) is image


def test_a_real_network_is_the_same_for_every_thread_count(data: Path) -> None:
    image = picture(128, 128)
    answers = []
    for threads in (1, 2, 3, 4):
        with LiteRtStudent(data / "unet.tflite", threads=threads) as student:
            answers.append(student.run(image).copy())
    assert all(np.array_equal(answers[0], answer) for answer in answers[1:])
    assert answers[0].std() > 20, "the network draws nothing, so equality proves nothing"


def test_both_runtimes_draw_the_same(data: Path) -> None:
    image = picture(128, 128)
    with (
        LiteRtStudent(data / "unet.tflite", threads=1, engine=CompiledEngine) as new,
        LiteRtStudent(data / "unet.tflite", threads=1, engine=InterpreterEngine) as old,
    ):
        difference = np.abs(new.run(image).astype(int) - old.run(image).astype(int))
    assert difference.max() <= 1


def test_it_keeps_the_protocol(data: Path) -> None:
    student: Student = LiteRtStudent(data / "wide.tflite", threads=1)
    assert student.size == (32, 64)
    assert student.channels == 3
    first = student.run(picture(32, 64))
    assert first.shape == (32, 64, 3)
    assert first.dtype == np.uint8
    assert student.run(picture(32, 64, seed=1)) is first, "the answer lies in the student's own buffer"
    student.close()
    student.close()


def test_rgba_gives_alpha_as_drawn(data: Path) -> None:
    image = picture()
    with LiteRtStudent(data / "rgba.tflite", channels=4, threads=1) as student:
        answer = student.run(image)
    assert np.array_equal(answer[..., :3], image)
    assert np.array_equal(answer[..., 3], image[..., 0])


def test_ranges_are_undone(data: Path) -> None:
    image = picture()
    for low, high in ((-1.0, 1.0), (0.0, 255.0), (-0.5, 0.5)):
        ranges = (low, high)
        with LiteRtStudent(
            data / "identity.tflite", input_range=ranges, output_range=ranges, threads=1
        ) as student:
            assert np.array_equal(student.run(image), image), ranges


def test_output_beyond_the_range_is_clipped_not_wrapped(data: Path) -> None:
    with LiteRtStudent(data / "contrast.tflite", threads=1) as student:
        image = picture()
        expected = np.clip(np.rint(2.0 * image - 127.5), 0, 255)
        assert np.abs(student.run(image) - expected).max() <= 1
        assert student.run(np.full((32, 32, 3), 10, np.uint8)).max() == 0
        assert student.run(np.full((32, 32, 3), 240, np.uint8)).min() == 255


@pytest.mark.parametrize(("value", "byte"), [(1e30, 255), (-1e30, 0), (3e9, 255), (-3.0, 0)])
def test_absurd_but_finite_output_is_clipped(data: Path, value: float, byte: int) -> None:
    with LiteRtStudent(data / "identity.tflite", threads=1, engine=answering(np.array([value]))) as student:
        assert set(np.unique(student.run(picture()))) == {byte}


def test_a_view_into_a_frame_is_taken(data: Path) -> None:
    frame = picture(64, 80)
    with LiteRtStudent(data / "negative.tflite", threads=1) as student:
        assert np.array_equal(student.run(frame[8:40, 20:52]), 255 - frame[8:40, 20:52])


def test_nan_is_told_and_the_next_picture_works(data: Path) -> None:
    image = np.full((32, 32, 3), 200, np.uint8)
    holed = image.copy()
    holed[31, 31, 2] = 0
    with LiteRtStudent(data / "nan_where_black.tflite", threads=1, name="ghost/face.tflite") as student:
        with pytest.raises(StudentError, match=r"ghost/face\.tflite returned NaN or infinity; install"):
            student.run(holed)
        assert student.run(image).min() == 255


@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
def test_one_bad_number_anywhere_is_found(data: Path, hole: float) -> None:
    for place in (0, 1023, 3071):
        values = np.full(32 * 32 * 3, 0.5, np.float32)
        values[place] = hole
        with (
            LiteRtStudent(
                data / "identity.tflite", threads=1, engine=answering(values.reshape(1, 32, 32, 3))
            ) as student,
            pytest.raises(StudentError, match="NaN or infinity"),
        ):
            student.run(picture())


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((32, 33, 3), np.uint8),
        np.zeros((32, 32, 4), np.uint8),
        np.zeros((32, 32), np.uint8),
        np.zeros((32, 32, 3), np.float32),
    ],
)
def test_another_picture_is_a_usage_error(data: Path, image: Pixels) -> None:
    with (
        LiteRtStudent(data / "identity.tflite", threads=1) as student,
        pytest.raises(UsageError, match=r"takes uint8 of shape \(32, 32, 3\) with RGB first, not .*; resize"),
    ):
        student.run(image)


def test_a_closed_student_says_so(data: Path) -> None:
    student = LiteRtStudent(data / "identity.tflite", threads=1)
    student.close()
    with pytest.raises(StudentError, match=r"identity\.tflite is closed"):
        student.run(picture())


def test_an_answer_outlives_its_student(data: Path) -> None:
    image = picture()
    with LiteRtStudent(data / "negative.tflite", threads=1) as student:
        answer = student.run(image)
    assert np.array_equal(answer, 255 - image)


@pytest.mark.parametrize(
    "file", ["half_size", "two_inputs", "two_outputs", "int8", "custom_operator", "grey"]
)
def test_what_is_no_picture_function_is_refused(data: Path, file: str) -> None:
    with pytest.raises(StudentError, match=rf"^{file}\.tflite .*export") as caught:
        LiteRtStudent(data / f"{file}.tflite", threads=1)
    assert "\n" not in str(caught.value)


def test_channels_must_be_those_declared(data: Path) -> None:
    with pytest.raises(StudentError, match="gives 4 channels, not the declared 3"):
        LiteRtStudent(data / "rgba.tflite", threads=1)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(StudentError, match=r"cannot read the model .*none\.tflite: No such file"):
        LiteRtStudent(tmp_path / "none.tflite", threads=1)


@pytest.mark.parametrize("values", [(1.0, 1.0), (1.0, 0.0), (float("nan"), 1.0), (0.0, float("inf"))])
def test_an_empty_range_is_a_usage_error(data: Path, values: tuple[float, float]) -> None:
    with pytest.raises(UsageError, match="output_range must be"):
        LiteRtStudent(data / "identity.tflite", output_range=values, threads=1)


def test_what_the_runtime_refuses_is_one_line(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    model = bytearray((data / "unet.tflite").read_bytes())
    # The 128 x 128 input of the first convolution, declared smaller: the shapes no longer fit.
    broken = bytes(model).replace(b"\x80\0\0\0\x80\0\0\0\x03\0\0\0", b"\x40\0\0\0\x40\0\0\0\x03\0\0\0")
    with pytest.raises(StudentError) as caught:
        LiteRtStudent(broken, threads=1, name="broken")
    assert "\n" not in str(caught.value)
    assert "broken" in str(caught.value)
    assert capfd.readouterr().err == ""


def growing(*sides: int) -> bytes:
    """A model that declares 32 x 32 throughout and resizes through ``sides`` on the way."""
    net = make_models().Net()
    tensor = net.input([1, 32, 32, 3])
    for side in sides:
        tensor = net.resize(tensor, (side, side))
        net.graph.tensors[tensor].shape = [1, 32, 32, 3]
    model: bytes = net.finish(tensor)
    return model


def test_a_small_model_cannot_take_all_memory() -> None:
    with LiteRtStudent(growing(32, 32), threads=1) as student:
        assert student.size == (32, 32)
    for sides in ((4096, 32), (64, 32), (16, 32), (64,), (16,)):
        with pytest.raises(
            StudentError, match=rf"declares the shape \(1, 32, 32, 3\) and has \(1, {sides[0]},"
        ):
            LiteRtStudent(growing(*sides), threads=1, engine=engine.open_engine)


def test_every_missing_runtime_is_named(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(engine, "import_module", absent)
    with pytest.raises(StudentError, match=r"ai_edge_litert.*tflite_runtime.*; run: .* ai-edge-litert"):
        LiteRtStudent(data / "identity.tflite", threads=1)


def test_without_a_compiled_model_the_interpreter_serves(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def older(name: str) -> object:
        if name == "ai_edge_litert.compiled_model":
            raise ImportError(name)
        return import_module(name)

    monkeypatch.setattr(engine, "import_module", older)
    model = (data / "identity.tflite").read_bytes()
    opened = engine.open_engine(model, ModelFile((32, 32), 3, 3, (), ()), 1)
    assert isinstance(opened, InterpreterEngine)
    with LiteRtStudent(model, threads=1) as student:
        image = picture()
        assert np.array_equal(student.run(image), image)


def test_threads_are_measured_by_default_and_fixed_on_request(data: Path) -> None:
    with LiteRtStudent(data / "identity.tflite") as student:
        assert 1 <= student.threads <= 4
    with LiteRtStudent(data / "identity.tflite", threads=lambda make: 2) as student:
        assert student.threads == 2
    with pytest.raises(UsageError, match="1 to 64 threads, not 0"):
        LiteRtStudent(data / "identity.tflite", threads=0)
    with pytest.raises(UsageError, match="not 100000"):
        LiteRtStudent(data / "identity.tflite", threads=100_000)


def test_the_terminal_stays_clean_from_start_to_exit(data: Path) -> None:
    program = (
        "import numpy as np\n"
        "from effectcam.student.litert import LiteRtStudent\n"
        f"kept = LiteRtStudent({str(data / 'identity.tflite')!r}, threads=2)\n"
        "kept.run(np.zeros((32, 32, 3), np.uint8))\n"
        f"LiteRtStudent({str(data / 'identity.tflite')!r}, threads=1).close()\n"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert done.stdout == ""


def test_opening_and_closing_leaks_nothing(data: Path) -> None:
    resource = pytest.importorskip("resource", reason="memory is measured with getrusage")
    model = (data / "unet.tflite").read_bytes()
    peaks = []
    for _ in range(4):
        for _ in range(15):
            with LiteRtStudent(model, threads=1) as student:
                student.run(picture(128, 128))
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    # One such model takes about 2 MB: sixty leaked ones could not hide.
    assert peaks[-1] - peaks[1] < 8_000
