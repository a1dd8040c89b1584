"""Drawings are asked for once, and a teacher that fails is told in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")

from effectcam.distill.recipe import StagingTeacher, load_recipe
from effectcam.distill.remembered import RememberedTeacher
from effectcam.errors import StudentError
from effectcam.frame import Pixels


class Negative:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, image: Pixels, landmarks: NDArray[np.float32] | None) -> Pixels:
        self.asked += 1
        return np.asarray(255 - image, np.uint8)


def picture(seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (32, 40, 3), np.uint8)


LANDMARKS = np.ones((478, 3), np.float32)


def test_the_same_picture_is_drawn_once_whoever_asks(tmp_path: Path) -> None:
    teacher = Negative()
    first = RememberedTeacher(teacher, tmp_path, name="negative", arguments={})
    drawn = first(picture(), LANDMARKS)
    again = RememberedTeacher(teacher, tmp_path, name="negative", arguments={})(picture(), LANDMARKS)
    assert teacher.asked == 1
    assert np.array_equal(drawn, 255 - picture())
    assert np.array_equal(again, drawn)


@pytest.mark.parametrize("alpha", [False, True])
def test_what_is_read_is_what_was_drawn(tmp_path: Path, alpha: bool) -> None:
    made = np.random.default_rng(1).integers(0, 256, (32, 40, 4 if alpha else 3), np.uint8)
    if alpha:
        # Under no alpha is the picture, whatever was drawn there.
        made[..., 3] = np.maximum(made[..., 3], 1)
    teacher = RememberedTeacher(lambda image, landmarks: made, tmp_path, name="fixed", arguments={})
    assert np.array_equal(teacher(picture(), None), made)
    assert np.array_equal(teacher(picture(), None), made)


def test_another_picture_face_or_argument_is_another_drawing(tmp_path: Path) -> None:
    teacher = Negative()
    remembered = RememberedTeacher(teacher, tmp_path, name="negative", arguments={"width": 1})
    remembered(picture(), LANDMARKS)
    remembered(picture(1), LANDMARKS)
    remembered(picture(), LANDMARKS + 1)
    remembered(picture(), None)
    RememberedTeacher(teacher, tmp_path, name="negative", arguments={"width": 2})(picture(), LANDMARKS)
    assert teacher.asked == 5


def test_a_damaged_drawing_is_made_anew(tmp_path: Path) -> None:
    teacher = Negative()
    remembered = RememberedTeacher(teacher, tmp_path, name="negative", arguments={})
    remembered(picture(), None)
    (file,) = tmp_path.rglob("*.png")
    file.write_bytes(file.read_bytes()[:40])
    assert np.array_equal(remembered(picture(), None), 255 - picture())
    assert teacher.asked == 2


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda image, landmarks: 1 / 0, "teacher bad failed: ZeroDivisionError: division by zero"),
        (lambda image, landmarks: image[:8], r"made uint8 of shape \(8, 40, 3\) from uint8 of shape"),
        (lambda image, landmarks: image * np.float32("nan"), "made float32 of shape"),
        (lambda image, landmarks: None, "made NoneType of shape"),
        (lambda image, landmarks: image[..., 0], r"made uint8 of shape \(32, 40\)"),
    ],
)
def test_a_teacher_that_fails_is_told_and_leaves_nothing(
    tmp_path: Path, answer: object, message: str
) -> None:
    teacher = RememberedTeacher(answer, tmp_path, name="bad", arguments={})  # type: ignore[arg-type]
    with pytest.raises(StudentError, match=message):
        teacher(picture(), None)
    assert not list(tmp_path.rglob("*"))


def test_what_a_teacher_stages_it_still_stages(tmp_path: Path) -> None:
    never_blink = RememberedTeacher(
        load_recipe("never-blink").make_teacher("face"), tmp_path, name="never-blink", arguments={}
    )
    assert isinstance(never_blink, StagingTeacher)
    assert not isinstance(RememberedTeacher(Negative(), tmp_path, name="n", arguments={}), StagingTeacher)


def test_a_teacher_that_cannot_stage_everybody_alike_is_told(tmp_path: Path) -> None:
    class Chancy(Negative):
        def inputs(
            self, image: Pixels, landmarks: NDArray[np.float32], rng: np.random.Generator
        ) -> tuple[Pixels, NDArray[np.float32]]:
            return image, landmarks + np.float32(rng.random())

    teacher = RememberedTeacher(Chancy(), tmp_path, name="chancy", arguments={})
    assert isinstance(teacher, StagingTeacher)
    teacher.inputs(picture(), LANDMARKS, np.random.default_rng(0))
    with pytest.raises(StudentError, match=r"teacher chancy failed: AttributeError: .*asked with rng=None"):
        teacher.inputs(picture(), LANDMARKS, None)


def test_a_teacher_may_use_its_arrays_again(tmp_path: Path) -> None:
    """As one does that draws into a buffer of its own, scales landmarks in place, or hands out a view that
    nobody may write to."""
    buffer = np.zeros((8, 8, 4), np.uint8)

    def teacher(image: Pixels, landmarks: NDArray[np.float32] | None) -> NDArray[np.uint8]:
        assert landmarks is not None
        landmarks *= 2
        buffer[...] = image.max()
        seen = buffer.view()
        seen.flags.writeable = False
        return seen

    remembered = RememberedTeacher(teacher, tmp_path, name="thrifty", arguments={})
    points = np.ones((478, 3), np.float32)
    drawn = [remembered(np.full((8, 8, 3), value, np.uint8), points) for value in (10, 20)]
    assert [int(each.max()) for each in drawn] == [10, 20] and points.max() == 1
    drawn[0][..., 3] = 0
