"""The porcelain doll: glaze, gloss and glass eyes, on the synthetic person."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from effectcam.distill.teachers.doll import Doll
from effectcam.distill.teachers.head.lids import find_eyes
from effectcam.distill.teachers.head.uv import EYES, FACE_OVAL, OUTER_LIPS, load_face_space, polygon_mask
from effectcam.distill.teachers.surface.gloss import highlight, paint_normals
from effectcam.errors import UsageError
from tests.distill.demo_face import SIDE, Pixels, demo_face, gap, laid, moved

CHEEKS = [118, 101, 36, 205, 50]


@pytest.fixture(scope="module")
def doll() -> Doll:
    return Doll()


@pytest.fixture(scope="module")
def drawn(doll: Doll) -> Pixels:
    image, landmarks = demo_face()
    return laid(image, doll(image, landmarks))


def mean_colour(picture: Pixels, points: list[int]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    _, landmarks = demo_face()
    return np.asarray(picture[polygon_mask(landmarks[points], SIDE, SIDE) == 1].mean(axis=0), np.float64)


def test_pores_and_folds_are_gone(doll: Doll) -> None:
    image, landmarks = demo_face()
    noise = np.random.default_rng(1).normal(0, 9, (SIDE, SIDE, 1))
    rough = np.clip(image + noise, 0, 255).astype(np.uint8)
    mask = polygon_mask(landmarks[CHEEKS], SIDE, SIDE) == 1

    def texture(picture: Pixels) -> float:
        luma = picture.astype(np.float32).mean(axis=2)
        return float((luma - cv2.GaussianBlur(luma, (0, 0), 2.0))[mask].std())

    assert texture(laid(rough, doll(rough, landmarks))) < 0.3 * texture(rough)


def test_cheeks_are_rosy_and_lips_are_red(drawn: Pixels) -> None:
    cheek, chin = mean_colour(drawn, [50, 101, 36, 205, 187]), mean_colour(drawn, [151, 108, 9, 337])
    assert cheek[0] / cheek[1] > 1.06 * chin[0] / chin[1]
    lips = mean_colour(drawn, [17, 84, 181, 91, 88, 178, 87, 14, 317, 402, 318, 321, 405, 314])
    assert lips[0] > 1.25 * max(lips[1], lips[2])


def test_glass_eyes_shine(doll: Doll, drawn: Pixels) -> None:
    image, landmarks = demo_face()
    for eye, opening in zip(find_eyes(landmarks), EYES, strict=True):
        inside = polygon_mask(landmarks[opening], SIDE, SIDE) == 1
        luma = drawn[inside].mean(axis=1)
        assert luma.max() > 225 and luma.min() < 60
        x, y = np.round(eye.iris).astype(int)
        assert drawn[y, x].mean() < 90
    shut = landmarks.copy()
    for opening in EYES:
        shut[opening, 1] = shut[opening, 1].mean()
    closed = laid(image, doll(image, shut))
    inside = polygon_mask(landmarks[EYES[0]], SIDE, SIDE) == 1
    assert closed[inside].mean(axis=1).max() < 225


@pytest.mark.parametrize("tone", [(0.62, 0.5, 0.42), (0.36, 0.27, 0.22)])
def test_skin_keeps_its_tone(doll: Doll, drawn: Pixels, tone: tuple[float, ...]) -> None:
    image, landmarks = demo_face()
    darker = np.asarray(np.rint(image * np.array(tone)), np.uint8)
    answer = laid(darker, doll(darker, landmarks))
    for part in ([151, 108, 9, 337], [200, 199, 208, 428]):
        before, after = mean_colour(darker, part), mean_colour(answer, part)
        assert 0.75 < after.mean() / before.mean() < 1.45
        assert after.mean() < 0.9 * mean_colour(drawn, part).mean()
        assert after[0] > after[1] > after[2]


def test_light_of_the_scene_shows_through(doll: Doll) -> None:
    image, landmarks = demo_face()
    ramp = np.linspace(1.1, 0.4, SIDE)[None, :, None]
    lit = np.asarray(np.rint(image * ramp).clip(0, 255), np.uint8)
    answer = laid(lit, doll(lit, landmarks))
    right = [347, 330, 266, 425, 280]
    assert mean_colour(answer, CHEEKS).mean() > 1.12 * mean_colour(answer, right).mean()


def test_only_the_face_is_drawn(doll: Doll) -> None:
    image, landmarks = demo_face()
    answer = doll(image, landmarks)
    alpha = answer[:, :, 3]
    assert alpha[:, :12].max() == 0 and alpha[:12].max() == 0
    assert alpha[polygon_mask(landmarks[OUTER_LIPS], SIDE, SIDE) == 1].min() > 230
    rim = landmarks[FACE_OVAL, :2]
    far = polygon_mask(rim + 0.45 * (rim - rim.mean(axis=0)), SIDE, SIDE) == 0
    assert alpha[far].max() == 0
    np.testing.assert_array_equal(answer[far][:, :3], image[far])


def test_rims_of_spectacles_stay(doll: Doll) -> None:
    image, landmarks = demo_face()
    image = image.copy()
    ends = []
    for opening in EYES:
        x, y = (float(value) for value in landmarks[opening, :2].mean(axis=0))
        cv2.circle(image, (round(x), round(y) + 3), 23, (25, 20, 20), 3, cv2.LINE_AA)
        ends.append((round(x), round(y)))
    cv2.line(
        image, (ends[0][0] + 23, ends[0][1]), (ends[1][0] - 23, ends[1][1]), (25, 20, 20), 3, cv2.LINE_AA
    )
    answer = laid(image, doll(image, landmarks))
    rims = image.max(axis=2) < 45
    rims &= polygon_mask(landmarks[[117, 346, 280, 50]], SIDE, SIDE) > 0
    assert rims.sum() > 40
    assert np.mean(answer[rims].max(axis=1) < 90) > 0.7


def test_same_gives_the_same_and_small_shifts_change_little(doll: Doll, drawn: Pixels) -> None:
    image, landmarks = demo_face()
    np.testing.assert_array_equal(drawn, laid(image, doll(image, landmarks)))
    near, points = moved(image, landmarks, 0.5, 0.3)
    again = laid(near, doll(near, points))
    expected, _ = moved(drawn, landmarks, 0.5, 0.3)
    rim = np.s_[8:-8, 8:-8]
    assert gap(again[rim], expected[rim]) < 0.25 * gap(drawn[rim], image[rim])


def test_normals_look_the_way_a_head_does() -> None:
    space = load_face_space()
    normals = paint_normals(space)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=2), 1, atol=1e-3)
    columns, rows = np.round(space.uv[[4, 234, 454, 9]] * 512).astype(int).T
    nose, left, right, brow = normals[rows, columns]
    assert nose[2] < -0.6 and brow[2] < -0.7
    assert left[0] < -0.5 and right[0] > 0.5
    mirror = highlight(normals, (0.0, 0.0, -1.0), 40)
    assert mirror[rows[3], columns[3]] > 0.3 > mirror[rows[1], columns[1]]


def test_wrong_input_is_refused_and_a_face_outside_is_no_accident(doll: Doll) -> None:
    image, landmarks = demo_face()
    with pytest.raises(UsageError, match="float32"):
        doll(image.astype(np.float32), landmarks)
    away = doll(image, landmarks + np.array([4 * SIDE, 0, 0], np.float32))
    assert away.shape == (SIDE, SIDE, 4) and away[:, :, 3].max() == 0
