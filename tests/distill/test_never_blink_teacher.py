"""Eyes are shut for training, and opened again by the teacher: on the synthetic person."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from effectcam.distill.teachers.head.blink import shut_eyes
from effectcam.distill.teachers.head.lids import find_eyes
from effectcam.distill.teachers.head.uv import EYES, Floats, polygon_mask
from effectcam.distill.teachers.never_blink import NeverBlink
from effectcam.errors import UsageError
from tests.distill.demo_face import SIDE, demo_face, find_landmarks, gap, laid, moved

TEACHER = NeverBlink()


def openness(landmarks: Floats | None) -> float:
    """Mean of both eyes' aspect ratio (Soukupová and Čech 2016); about 0.27 open, under 0.12 shut."""
    assert landmarks is not None
    heights = [(160, 144), (159, 145), (158, 153), (387, 373), (386, 374), (385, 380)]
    height = np.mean([np.hypot(*(landmarks[a] - landmarks[b])[:2]) for a, b in heights])
    width = np.mean([np.hypot(*(landmarks[a] - landmarks[b])[:2]) for a, b in [(33, 133), (263, 362)]])
    return float(height / width)


def inside(picture: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], landmarks: Floats) -> Floats:
    """The pixels of both eyes' openings, (N, C)."""
    mask = sum(polygon_mask(landmarks[opening], SIDE, SIDE) for opening in EYES)
    return np.asarray(picture[np.asarray(mask) > 0.9], np.float32)


def test_open_eyes_are_left_alone() -> None:
    image, landmarks = demo_face()
    answer = TEACHER(image, landmarks)
    assert answer[:, :, 3].max() == 0
    np.testing.assert_array_equal(answer[:, :, :3], image)


def test_the_mesh_sees_shut_eyes_shut_and_opened_ones_open() -> None:
    image, landmarks = demo_face()
    shut, lids = shut_eyes(image, landmarks, (1.0, 1.0))
    assert openness(find_landmarks(image)) > 0.22
    assert openness(find_landmarks(shut)) < 0.12
    opened = laid(shut, TEACHER(shut, lids))
    assert openness(find_landmarks(opened)) > 0.22
    # From the landmarks that the mesh finds, as in a clip, no less.
    found = find_landmarks(shut)
    assert found is not None
    assert openness(find_landmarks(laid(shut, TEACHER(shut, found)))) > 0.22


def test_shutting_moves_only_lids() -> None:
    image, landmarks = demo_face()
    shut, lids = shut_eyes(image, landmarks, (1.0, 0.0))
    assert max(find_eyes(lids)[0].gap, 0) < 0.01 < 0.04 < find_eyes(lids)[1].gap
    still = np.ones(len(landmarks), bool)
    still[EYES[0]] = False
    np.testing.assert_array_equal(lids[still], landmarks[still])
    changed = np.abs(shut.astype(int) - image).max(axis=2) > 0
    rows, columns = np.nonzero(changed)
    middle = landmarks[EYES[0], :2].mean(axis=0)
    assert np.hypot(columns - middle[0], rows - middle[1]).max() < 0.4 * np.ptp(landmarks[:468, 0])


def test_an_eye_has_a_dark_middle_and_a_light_glint_and_whites() -> None:
    image, landmarks = demo_face()
    shut, lids = shut_eyes(image, landmarks, (1.0, 1.0))
    opened = laid(shut, TEACHER(shut, lids))
    ball = inside(opened, landmarks).mean(axis=1)
    lid = inside(shut, landmarks).mean(axis=1)
    assert np.percentile(ball, 5) < 0.45 * np.percentile(lid, 30)
    assert np.percentile(ball, 98) > 0.8 * lid.mean()
    whites = inside(opened, landmarks)
    bright = whites[whites.mean(axis=1) > np.percentile(ball, 80)].mean(axis=0)
    skin = lid.mean()
    assert bright[0] / bright[2] < 1.5, "whites are no pink skin"
    assert bright.mean() > 0.6 * skin


def test_alpha_stays_by_the_eyes_and_grows_with_the_lids() -> None:
    image, landmarks = demo_face()
    shares = []
    for closing in (0.0, 0.35, 0.5, 0.7, 1.0):
        answer = TEACHER(*shut_eyes(image, landmarks, (closing, closing)))
        shares.append(float(answer[:, :, 3].mean()))
    assert shares == sorted(shares) and shares[0] == 0 < shares[-1] < 0.09 * 255
    far = polygon_mask(landmarks[[61, 291, 152]], SIDE, SIDE) > 0
    assert answer[far][:, 3].max() == 0


def test_small_shifts_change_little_and_the_same_gives_the_same() -> None:
    image, landmarks = demo_face()
    shut, lids = shut_eyes(image, landmarks, (1.0, 1.0))
    answer = laid(shut, TEACHER(shut, lids))
    np.testing.assert_array_equal(answer, laid(shut, NeverBlink()(shut, lids)))
    near, _ = moved(answer, lids, 0.5, 0.3)
    again = laid(*((pair := moved(shut, lids, 0.5, 0.3))[0], TEACHER(*pair)))
    rim = np.s_[8:-8, 8:-8]
    assert gap(again[rim], near[rim]) < 0.3 * gap(answer[rim], shut[rim])


@pytest.mark.parametrize("gain", [0.35, 0.6, 1.0])
def test_whites_follow_the_light(gain: float) -> None:
    image, landmarks = demo_face()
    dim = np.asarray(np.rint(image * gain), np.uint8)
    shut, lids = shut_eyes(dim, landmarks, (1.0, 1.0))
    ball = inside(laid(shut, TEACHER(shut, lids)), landmarks)
    assert np.percentile(ball, 90) < 1.15 * np.percentile(dim[100:220, 100:220], 97)


def test_spectacles_stay_where_they_are() -> None:
    image, landmarks = demo_face()
    image = image.copy()
    for opening in EYES:
        x, y = (float(value) for value in landmarks[opening, :2].mean(axis=0))
        cv2.circle(image, (round(x), round(y)), round(0.17 * np.ptp(landmarks[:468, 0])), (25, 20, 20), 3)
    shut, lids = shut_eyes(image, landmarks, (1.0, 1.0))
    opened = laid(shut, TEACHER(shut, lids))
    rims = (image.max(axis=2) < 30) & (polygon_mask(landmarks[[70, 300, 411, 187]], SIDE, SIDE) > 0)
    assert rims.sum() > 300
    assert np.mean(opened[rims].max(axis=1) < 70) > 0.9


def test_training_inputs_are_mostly_shut_and_told_by_the_generator() -> None:
    image, landmarks = demo_face()
    gaps = []
    for seed in range(24):
        answer, lids = TEACHER.inputs(image, landmarks, np.random.default_rng(seed))
        assert answer.shape == image.shape and lids.shape == landmarks.shape
        gaps.append(np.mean([eye.gap for eye in find_eyes(lids)]))
    share = np.mean(np.array(gaps) < 0.02)
    assert 0.4 < share < 0.95
    assert max(gaps) > 0.045
    again, _ = TEACHER.inputs(image, landmarks, np.random.default_rng(23))
    np.testing.assert_array_equal(answer, again)


def test_everybody_is_measured_with_their_eyes_wholly_shut() -> None:
    _, lids = TEACHER.inputs(*demo_face(), None)
    assert max(eye.gap for eye in find_eyes(lids)) < 0.005


def test_a_face_outside_the_picture_is_no_accident() -> None:
    image, landmarks = demo_face()
    shut, lids = shut_eyes(image, landmarks, (1.0, 1.0))
    assert TEACHER(shut, lids + np.array([4 * SIDE, 0, 0], np.float32))[:, :, 3].max() == 0
    half = TEACHER(shut, lids + np.array([-150, 0, 0], np.float32))
    assert half.shape == (SIDE, SIDE, 4)


def test_wrong_input_is_refused() -> None:
    image, landmarks = demo_face()
    with pytest.raises(UsageError, match="float64"):
        TEACHER(image / 255.0, landmarks)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="468"):
        TEACHER(image, landmarks[:468])
    with pytest.raises(UsageError, match="NaN"):
        TEACHER(image, landmarks * np.float32("nan"))
