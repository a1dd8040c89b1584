"""The teacher that ages: folds, sagging and grey hair, on the synthetic person."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from effectcam.distill.teachers.elder import Elder
from effectcam.distill.teachers.head.brush import Brush
from effectcam.distill.teachers.head.forehead import settle_forehead
from effectcam.distill.teachers.head.uv import FACE_OVAL, load_face_space, polygon_mask
from effectcam.distill.teachers.surface.age_marks import paint_age
from effectcam.errors import UsageError
from tests.distill.demo_face import SIDE, Pixels, demo_face, gap, laid, moved

FOREHEAD = [67, 109, 10, 338, 297, 299, 337, 151, 108, 69]
CHEEKS = [[117, 118, 101, 205, 187, 123], [346, 347, 330, 425, 411, 352]]


@pytest.fixture(scope="module")
def elder() -> Elder:
    return Elder()


@pytest.fixture(scope="module")
def aged(elder: Elder) -> Pixels:
    image, landmarks = demo_face()
    return laid(image, elder(image, landmarks))


def relief(picture: Pixels, points: list[int]) -> float:
    """How strongly a part of the face is folded: its fine texture against its brightness."""
    _, landmarks = demo_face()
    mask = polygon_mask(landmarks[points], SIDE, SIDE) == 1
    luma = picture.astype(np.float32).mean(axis=2)
    fine = cv2.GaussianBlur(luma, (0, 0), 1.0) - cv2.GaussianBlur(luma, (0, 0), 4.0)
    return float(fine[mask].std() / luma[mask].mean())


def test_skin_is_folded(aged: Pixels) -> None:
    image, _ = demo_face()
    for part in (FOREHEAD, *CHEEKS):
        assert relief(aged, part) > 1.35 * relief(image, part)


def test_folds_lie_in_shade_from_nose_to_mouth(aged: Pixels) -> None:
    image, landmarks = demo_face()
    darker = aged.astype(np.float32).mean(axis=2) / image.astype(np.float32).mean(axis=2).clip(1)
    for index in (206, 426):
        x, y = np.round(landmarks[index, :2]).astype(int)
        row = darker[y, x - 9 : x + 10]
        assert row.min() < 0.85 < row.max()


def test_hair_goes_grey(elder: Elder) -> None:
    image, landmarks = demo_face()
    answer = elder(image, landmarks)
    x, y = np.round(landmarks[10, :2]).astype(int)
    above = np.s_[max(0, y - 30) : y - 12, x - 20 : x + 21]
    after = laid(image, answer)[above].reshape(-1, 3).astype(np.float32)
    before = image[above].reshape(-1, 3).astype(np.float32)

    def colourful(pixels: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> float:
        return float((np.ptp(pixels, axis=1) / pixels.mean(axis=1).clip(1)).mean())

    assert colourful(after) < 0.6 * colourful(before)
    assert after.mean() > before.mean()


def test_background_and_shoulders_are_left_alone(elder: Elder) -> None:
    image, landmarks = demo_face()
    alpha = elder(image, landmarks)[:, :, 3]
    assert alpha[:, :10].max() < 3 and alpha[-20:, :].max() < 3 and alpha[200:, 300:].max() < 3
    face = polygon_mask(landmarks[FACE_OVAL], SIDE, SIDE) == 1
    assert np.mean(alpha[face] > 200) > 0.85


@pytest.mark.parametrize("tone", [(0.62, 0.5, 0.42), (0.36, 0.27, 0.22)])
def test_skin_keeps_its_tone(elder: Elder, aged: Pixels, tone: tuple[float, ...]) -> None:
    image, landmarks = demo_face()
    darker = np.asarray(np.rint(image * np.array(tone)), np.uint8)
    answer = laid(darker, elder(darker, landmarks))
    for part in CHEEKS:
        cheek = polygon_mask(landmarks[part], SIDE, SIDE) == 1
        before, after = darker[cheek].mean(axis=0), answer[cheek].mean(axis=0)
        assert np.abs(after / before - 1).max() < 0.25
        assert after.mean() < aged[cheek].mean()
        assert after[0] > after[1] > after[2]


def test_light_of_the_scene_is_kept(elder: Elder) -> None:
    image, landmarks = demo_face()
    ramp = np.linspace(1.1, 0.5, SIDE)[None, :, None]
    lit = np.asarray(np.rint(image * ramp).clip(0, 255), np.uint8)
    answer = laid(lit, elder(lit, landmarks))
    masks = [polygon_mask(landmarks[part], SIDE, SIDE) == 1 for part in CHEEKS]
    before, after = ([picture[mask].mean() for mask in masks] for picture in (lit, answer))
    assert after[0] / after[1] == pytest.approx(before[0] / before[1], rel=0.15)


def test_same_gives_the_same_and_small_shifts_change_little(elder: Elder, aged: Pixels) -> None:
    image, landmarks = demo_face()
    np.testing.assert_array_equal(aged, laid(image, elder(image, landmarks)))
    near, points = moved(image, landmarks, 0.5, 0.3)
    again = laid(near, elder(near, points))
    expected, _ = moved(aged, landmarks, 0.5, 0.3)
    rim = np.s_[8:-8, 8:-8]
    assert gap(again[rim], expected[rim]) < 0.3 * gap(aged[rim], image[rim])


def test_marks_fit_the_texture_and_spare_eyes_and_lips() -> None:
    space = load_face_space()
    marks = paint_age(Brush(space, seed=5))
    again = paint_age(Brush(space, seed=5))
    np.testing.assert_array_equal(marks.hollow, again.hollow)
    np.testing.assert_array_equal(marks.tint, again.tint)
    assert 0.3 < marks.hollow.max() < 1.2 and marks.hollow.min() > -0.05
    columns, rows = np.round(space.uv[[159, 386, 37, 84]] * 512).astype(int).T
    assert marks.features[rows, columns].min() > 0.3
    assert not np.array_equal(marks.hollow, marks.hollow[:, ::-1])


def test_wrong_input_is_refused_and_a_face_outside_is_no_accident(elder: Elder) -> None:
    image, landmarks = demo_face()
    with pytest.raises(UsageError, match="468"):
        elder(image, landmarks[:468])
    away = elder(image, landmarks + np.array([4 * SIDE, 0, 0], np.float32))
    assert away.shape == (SIDE, SIDE, 4) and away[:, :, 3].max() == 0


def test_a_fold_lies_where_eyes_and_brows_say_and_not_where_the_mesh_guesses() -> None:
    _, landmarks = demo_face()
    space = load_face_space()
    smooth = [10, 151, 108, 337, 69, 299, 104, 333]
    settled = settle_forehead(landmarks, space.shape)
    guessed = landmarks.copy()
    eye = float(np.linalg.norm(landmarks[33, :2] - landmarks[263, :2]))
    # The mesh's own fit leans on one of these points a little, so the crop moves by a hair with the guess.
    guessed[smooth, 1] -= 0.02 * eye
    again = settle_forehead(guessed, space.shape)
    assert np.abs(again - settled)[smooth].max() < 0.005 * eye
    below = landmarks[:, 1] > landmarks[[105, 334], 1].max()
    np.testing.assert_array_equal(settled[below], landmarks[below])
    tilted = landmarks.copy()
    tilted[smooth, 1] -= 0.3 * eye
    assert np.abs(settle_forehead(tilted, space.shape) - tilted).max() < 0.07 * eye


def test_raised_brows_push_the_folds_up_half_as_far() -> None:
    _, landmarks = demo_face()
    space = load_face_space()
    brows = [46, 52, 53, 55, 63, 65, 66, 70, 105, 107, 276, 282, 283, 285, 293, 295, 296, 300, 334, 336]
    raised = landmarks.copy()
    raised[brows, 1] -= 6
    moved_by = (settle_forehead(landmarks, space.shape) - settle_forehead(raised, space.shape))[[69, 299], 1]
    np.testing.assert_allclose(moved_by, 3, atol=0.3)
