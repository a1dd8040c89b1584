"""A recurrent student in the pipeline: it gets what it drew, and forgets with the pipeline."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from effectcam.bench.footage import load_footage
from effectcam.effect import manifest as parts
from effectcam.effect.package import Effect
from effectcam.errors import PackageError, StudentError
from effectcam.face.choice import LargestFace
from effectcam.frame import Frame, Pixels
from effectcam.overlap import overlapped
from effectcam.pipeline import Pipeline
from effectcam.student.litert import LiteRtStudent
from effectcam.student.network import Network
from effectcam.student.protocol import Student
from effectcam.student.threads import fixed_threads, usable_cores
from effectcam.student.twin import TwinStudent
from tests.face.clips import DEMO, demo_pixels, stream
from tests.tiny_effect import tiny_effect

two_cores = pytest.mark.skipif(usable_cores() < 2, reason="one core draws one face at a time")


@pytest.fixture
def echo(tmp_path: Path) -> Effect:
    """Half the picture, half of what was drawn before."""
    return tiny_effect(tmp_path / "echo", face="echo")


@pytest.fixture
def still() -> list[Frame]:
    """One picture, again and again."""
    return stream([demo_pixels(1)[0]] * 6)


def brightness(pipeline: Pipeline, frame: Frame) -> float:
    pipeline.process(frame)
    return float(pipeline.drawings["face"][0].mean())


def test_its_own_drawing_comes_back_frame_after_frame(echo: Effect, still: list[Frame]) -> None:
    with Pipeline(echo, threads=1) as pipeline:
        found = [brightness(pipeline, frame) for frame in still]
        # 1/2, 3/4, 7/8 ... of the picture.
        rising = (found[0] * 2) * (1 - 0.5 ** np.arange(1, len(still) + 1))
        assert np.allclose(found, rising, rtol=0.02)
        pipeline.reset()
        assert brightness(pipeline, still[0]) == pytest.approx(found[0], rel=0.01)


def test_after_a_gap_and_with_other_students_it_begins_anew(echo: Effect, still: list[Frame]) -> None:
    with Pipeline(echo, threads=1) as pipeline:
        first = brightness(pipeline, still[0])
        assert brightness(pipeline, still[1]) > 1.3 * first
        late = Frame(still[1].pixels, 2, still[1].captured_at + 1_000_000_000)
        assert brightness(pipeline, late) == pytest.approx(first, rel=0.02)
        pipeline.change_tier("standard", pipeline.open_tier("standard"))
        after = Frame(still[1].pixels, 3, late.captured_at + 33_000_000)
        assert brightness(pipeline, after) == pytest.approx(first, rel=0.02)


def test_overlapped_frames_are_the_same(echo: Effect) -> None:
    frames = stream(demo_pixels(8))

    def collect(result: list[Frame]) -> list[Pixels]:
        return [frame.pixels for frame in result]

    with Pipeline(echo, threads=1) as pipeline:
        one_by_one = collect([pipeline.process(frame) for frame in frames])
    with Pipeline(echo, threads=1, beside=True) as pipeline:
        at_once = collect(list(overlapped(pipeline, frames)))
    for expected, found in zip(one_by_one, at_once, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_frame_has_no_past_that_keeps_in_place(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"frame\.tflite takes its last drawing too, which only a face's"):
        tiny_effect(tmp_path / "wrong", frame="wide_echo")
    with pytest.raises(PackageError, match="takes its last drawing too"):
        tiny_effect(tmp_path / "square", frame="echo")


def counted(student: Student, calls: list[Student]) -> None:
    run = student.run

    def counting(image: Pixels) -> Pixels:
        calls.append(student)
        return run(image)

    student.run = counting  # type: ignore[method-assign]


@two_cores
@pytest.mark.parametrize("model", ["unet", "echo", "rgba"])
@pytest.mark.parametrize("faces", [2, 3])
def test_two_at_a_time_faces_are_drawn_as_one_by_one(tmp_path: Path, model: str, faces: int) -> None:
    tensor = parts.Tensor(output="rgba" if model == "rgba" else "rgb")
    effect = tiny_effect(tmp_path / model, face=model, tensor=tensor)
    frames = stream(load_footage(DEMO, (1280, 720), faces=faces).pictures[:6])
    found = {}
    for threads in (1, 2):
        with Pipeline(effect, threads=threads, max_faces=faces) as pipeline:
            twin, calls = pipeline.students["face"], list[Student]()
            assert isinstance(twin, TwinStudent) == (threads == 2)
            if isinstance(twin, TwinStudent):
                for student in (twin, *twin.lanes):
                    counted(student, calls)
            found[threads] = [pipeline.process(frame).pixels for frame in frames]
            assert len(pipeline.faces) == faces
            if isinstance(twin, TwinStudent):
                each = [calls.count(student) for student in (*twin.lanes, twin)]
                assert each == [len(frames), len(frames), (faces - 2) * len(frames)]
    for one_by_one, two in zip(found[1], found[2], strict=True):
        np.testing.assert_array_equal(two, one_by_one)


@two_cores
def test_overlapped_faces_leave_the_helper_to_other_frames(echo: Effect) -> None:
    frames = stream(load_footage(DEMO, (1280, 720), faces=2).pictures[:6])
    with Pipeline(echo, threads=1, max_faces=2) as pipeline:
        one_by_one = [pipeline.process(frame).pixels for frame in frames]
    with Pipeline(echo, threads=2, max_faces=2, beside=True) as pipeline:
        twin, calls = pipeline.students["face"], list[Student]()
        assert isinstance(twin, TwinStudent)
        for lane in twin.lanes:
            counted(lane, calls)
        at_once = [frame.pixels for frame in overlapped(pipeline, frames)]
    assert not calls
    for expected, result in zip(one_by_one, at_once, strict=True):
        np.testing.assert_array_equal(result, expected)


def test_who_chooses_one_face_or_one_thread_gets_no_twin(echo: Effect) -> None:
    with Pipeline(echo, threads=2, max_faces=4, choice=LargestFace()) as pipeline:
        assert not isinstance(pipeline.students["face"], TwinStudent)
    with Pipeline(echo, threads=1, max_faces=4) as pipeline:
        assert not isinstance(pipeline.students["face"], TwinStudent)


@two_cores
def test_a_student_that_is_faster_on_one_thread_has_a_twin_as_well(
    echo: Effect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("effectcam.student.litert.choose_threads", fixed_threads(1))
    with Pipeline(echo, max_faces=2) as pipeline:
        twin = pipeline.students["face"]
        assert isinstance(twin, TwinStudent)
        assert [student.threads for student in (twin, *twin.lanes)] == [1, 1, 1]
        pipeline.change_tier("standard", pipeline.open_tier("standard"))
        assert isinstance(pipeline.students["face"], TwinStudent)


@two_cores
def test_twins_are_closed_with_their_pipeline(echo: Effect) -> None:
    with Pipeline(echo, threads=2, max_faces=2) as pipeline:
        twin = pipeline.students["face"]
        assert isinstance(twin, TwinStudent)
    picture = np.zeros((*twin.size, twin.inputs), np.uint8)
    for student in (twin, *twin.lanes):
        with pytest.raises(StudentError, match="closed"):
            student.run(picture)


@two_cores
def test_a_twin_that_does_not_open_leaves_none_open(echo: Effect, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[LiteRtStudent] = []
    real = Network.open

    def open_two(network: Network, *given: object, **named: object) -> object:
        if len(opened) == 2:
            raise StudentError("no memory left")
        opened.append(real(network, *given, **named))  # type: ignore[arg-type]
        return opened[-1]

    monkeypatch.setattr(Network, "open", open_two)
    with pytest.raises(StudentError, match="no memory left"):
        Pipeline(echo, threads=2, max_faces=2)
    for student in opened:
        with pytest.raises(StudentError, match="closed"):
            student.run(np.zeros((*student.size, student.inputs), np.uint8))
