"""The alien's skin is one on everybody, its eyes are large and dark, and look and shut with the person's."""

from __future__ import annotations

import numpy as np
import pytest

from effectcam.distill.skin import darken_skin
from effectcam.distill.teachers.alien import Alien
from effectcam.distill.teachers.head.complexion import LUMA
from effectcam.distill.teachers.head.head_matte import cut_out
from effectcam.distill.teachers.head.uv import EYES, FACE_OVAL, Floats, load_face_space, polygon_mask
from effectcam.distill.teachers.surface.alien_eyes import AlienEyes
from effectcam.distill.teachers.surface.alien_skin import paint_skin
from effectcam.errors import UsageError
from tests.distill.demo_face import SIDE, Pixels, demo_face, gap, laid, moved


@pytest.fixture(scope="module")
def alien() -> Alien:
    return Alien()


def patch(layer: Pixels, landmarks: Floats, index: int, radius: int = 5) -> Floats:
    x, y = np.round(landmarks[index, :2]).astype(int)
    part = layer[y - radius : y + radius + 1, x - radius : x + radius + 1, :3]
    return np.asarray(part.reshape(-1, 3).mean(axis=0), np.float32)


def covers(landmarks: Floats) -> list[Floats]:
    space = load_face_space()
    return [eye.ball for eye in AlienEyes(space)(landmarks, space.extend(landmarks), SIDE, SIDE)]


def test_the_whole_head_turns_and_nothing_else(alien: Alien) -> None:
    image, landmarks = demo_face()
    layer = alien(image, landmarks)
    np.testing.assert_array_equal(layer, alien(image.copy(), landmarks))
    alpha = layer[:, :, 3]
    assert alpha[polygon_mask(landmarks[FACE_OVAL], SIDE, SIDE) > 0.9].min() > 250
    assert alpha[25, 150] > 250, "the hair"
    assert alpha[20, 300] == 0, "the wall"
    np.testing.assert_array_equal(layer[10:30, 305:, :3], image[10:30, 305:])


def test_skin_is_green_grey_whatever_it_was(alien: Alien) -> None:
    image, landmarks = demo_face()
    dark = darken_skin(image, landmarks, 1.6)
    for index in (205, 425, 199):
        seen = [patch(alien(person, landmarks), landmarks, index) for person in (image, dark)]
        for colour in seen:
            assert colour[1] > colour[0] + 8 and colour[1] > colour[2] + 2
        assert np.abs(seen[0] - seen[1]).max() < 45


def test_eyes_are_larger_than_peoples_and_nearly_black(alien: Alien) -> None:
    image, landmarks = demo_face()
    layer = alien(image, landmarks)[:, :, :3].astype(np.float32)
    for ball, opening in zip(covers(landmarks), EYES, strict=True):
        own = polygon_mask(landmarks[opening], SIDE, SIDE) > 0.5
        assert (ball > 0.5).sum() > 3 * own.sum()
        assert ball[own].mean() > 0.9
        luma = layer[ball > 0.9] @ LUMA
        assert np.median(luma) < 60 and luma.max() > 110, "dark, with a light in them"


def test_eyes_shut_with_the_lids() -> None:
    _, landmarks = demo_face()
    shut = landmarks.copy()
    for opening in EYES:
        middle = shut[opening, 1].mean()
        shut[opening, 1] = middle + 0.15 * (shut[opening, 1] - middle)
    for before, after in zip(covers(landmarks), covers(shut), strict=True):
        assert after.sum() < 0.35 * before.sum()


def test_eyes_look_where_the_person_looks() -> None:
    _, landmarks = demo_face()
    space = load_face_space()
    aside = landmarks.copy()
    aside[468:478, 0] += 5
    middles = []
    for points in (landmarks, aside):
        for eye in AlienEyes(space)(points, space.extend(points), SIDE, SIDE):
            violet = np.clip(eye.colour[..., 2] - eye.colour[..., 1], 0, None) * (eye.ball > 0.5)
            middles.append(float((violet.sum(axis=0) * np.arange(SIDE)).sum() / violet.sum()))
    assert middles[2] > middles[0] + 0.8 and middles[3] > middles[1] + 0.8


def test_mouth_opens_dark(alien: Alien) -> None:
    image, landmarks = demo_face()
    layer = alien(image, landmarks)
    luma = layer[:, :, :3].astype(np.float32) @ LUMA
    inside = luma[np.round(landmarks[[13, 14], 1].mean()).astype(int), int(landmarks[13, 0])]
    assert inside < 0.6 * float(patch(layer, landmarks, 199) @ LUMA)


def test_light_from_the_side_shows(alien: Alien) -> None:
    image, landmarks = demo_face()
    lit = np.clip(image * np.linspace(1.15, 0.4, SIDE)[None, :, None], 0, 255).astype(np.uint8)
    ratio = [
        float(patch(layer, landmarks, 205).sum() / patch(layer, landmarks, 425).sum())
        for layer in (alien(image, landmarks), alien(lit, landmarks))
    ]
    assert ratio[1] > 1.12 * ratio[0]


def test_a_small_shift_changes_little(alien: Alien) -> None:
    image, landmarks = demo_face()
    shifted = moved(image, landmarks, 0.5, 0.25)
    answer = laid(shifted[0], alien(*shifted))
    expected, _ = moved(laid(image, alien(image, landmarks)), landmarks, 0.5, 0.25)
    assert gap(answer[8:-8, 8:-8], expected[8:-8, 8:-8]) < 2.5


def test_beard_and_brows_are_grown_over(alien: Alien) -> None:
    image, landmarks = demo_face()
    bearded = image.copy()
    chin = (
        polygon_mask(landmarks[[172, 136, 150, 149, 152, 378, 379, 365, 397, 291, 17, 61]], SIDE, SIDE) > 0.5
    )
    bearded[chin] = (bearded[chin] * 0.3).astype(np.uint8)
    before, after = (float((alien(face, landmarks)[chin][:, :3] @ LUMA).mean()) for face in (image, bearded))
    assert after > 0.72 * before


def test_marks_are_symmetric_and_the_same_every_time() -> None:
    skin = paint_skin(seed=4)
    np.testing.assert_array_equal(skin, paint_skin(seed=4))
    assert np.abs(skin - skin[:, ::-1]).max() < 1e-4
    assert cut_out(*demo_face()).head.max() == 1


def test_without_landmarks_it_is_refused(alien: Alien) -> None:
    with pytest.raises(UsageError, match="478"):
        alien(np.zeros((64, 64, 3), np.uint8), None)
