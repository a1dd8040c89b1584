"""The robot is steel on everybody; its eyes look and shut, its jaw and grille move with the mouth."""

from __future__ import annotations

import numpy as np
import pytest

from effectcam.distill.skin import darken_skin
from effectcam.distill.teachers.head.complexion import LUMA
from effectcam.distill.teachers.head.head_matte import cut_out
from effectcam.distill.teachers.head.uv import (
    EYES,
    FACE_OVAL,
    INNER_LIPS,
    Floats,
    load_face_space,
    polygon_mask,
)
from effectcam.distill.teachers.robot import Robot
from effectcam.distill.teachers.surface.robot_lights import eye_lights, mouth_light
from effectcam.distill.teachers.surface.robot_plates import EYE, paint_plates
from effectcam.errors import UsageError
from effectcam.face.crop import fit_head
from tests.distill.demo_face import SIDE, Pixels, demo_face, gap, laid, moved


@pytest.fixture(scope="module")
def robot() -> Robot:
    return Robot()


def patch(layer: Pixels, landmarks: Floats, index: int, radius: int = 5) -> Floats:
    x, y = np.round(landmarks[index, :2]).astype(int)
    part = layer[y - radius : y + radius + 1, x - radius : x + radius + 1, :3]
    return np.asarray(part.reshape(-1, 3).mean(axis=0), np.float32)


def cyan(layer: Pixels) -> Floats:
    """How much a pixel shines like the lamps."""
    return np.asarray(layer[..., 2].astype(np.float32) - layer[..., 0], np.float32)


def with_lids(landmarks: Floats, opened: float) -> Floats:
    changed = landmarks.copy()
    for eye in EYES:
        middle = changed[eye, 1].mean()
        changed[eye, 1] = middle + opened * (changed[eye, 1] - middle)
    return changed


def test_the_whole_head_turns_and_nothing_else(robot: Robot) -> None:
    image, landmarks = demo_face()
    layer = robot(image, landmarks)
    np.testing.assert_array_equal(layer, robot(image.copy(), landmarks))
    alpha = layer[:, :, 3]
    assert alpha[polygon_mask(landmarks[FACE_OVAL], SIDE, SIDE) > 0.9].min() > 250
    assert alpha[25, 150] > 250, "the hair"
    assert alpha[20, 300] == 0, "the wall"
    np.testing.assert_array_equal(layer[10:30, 305:, :3], image[10:30, 305:])


def test_everybody_is_of_the_same_steel(robot: Robot) -> None:
    image, landmarks = demo_face()
    dark = darken_skin(image, landmarks, 1.6)
    for index in (9, 205, 200):
        seen = [patch(robot(person, landmarks), landmarks, index) for person in (image, dark)]
        assert all(np.ptp(colour) < 45 for colour in seen), "no skin shines through"
        assert np.abs(seen[0] - seen[1]).max() < 45


def test_hair_is_darker_than_the_plates(robot: Robot) -> None:
    image, landmarks = demo_face()
    luma = robot(image, landmarks)[..., :3].astype(np.float32) @ LUMA
    matte = cut_out(image, landmarks)
    hair = (matte.head > 0.99) & (matte.face < 0.01) & (matte.skin < 0.05)
    plates = [
        float(patch(robot(image, landmarks), landmarks, index) @ LUMA) for index in (205, 425, 337, 108)
    ]
    assert np.median(luma[hair]) < 0.75 * np.mean(plates)


def test_eyes_shine_and_look_where_the_person_looks(robot: Robot) -> None:
    image, landmarks = demo_face()
    aside = landmarks.copy()
    aside[468:478, 0] += 5
    middles = []
    for points in (landmarks, aside):
        glow = np.clip(cyan(robot(image, points)) - 60, 0, None)
        for iris in (468, 473):
            x, y = np.round(landmarks[iris, :2]).astype(int)
            box = glow[y - 18 : y + 19, x - 22 : x + 23]
            assert box.max() > 60
            middles.append(float((box.sum(axis=0) * np.arange(box.shape[1])).sum() / box.sum()))
    assert middles[2] > middles[0] + 1.5 and middles[3] > middles[1] + 1.5


def test_shutters_close_with_the_lids() -> None:
    _, landmarks = demo_face()
    side = fit_head(landmarks).side
    opened, half, shut = (
        eye_lights(with_lids(landmarks, share), side, SIDE, SIDE)[0].sum() for share in (1.0, 0.5, 0.1)
    )
    assert opened > half > shut > 0
    assert shut < 0.35 * opened


def test_one_eye_can_wink() -> None:
    _, landmarks = demo_face()
    side = fit_head(landmarks).side
    wink = landmarks.copy()
    wink[EYES[0], 1] = wink[EYES[0], 1].mean()
    before, after = (eye_lights(points, side, SIDE, SIDE)[0] for points in (landmarks, wink))
    right = np.s_[:, int(landmarks[168, 0]) + 8 :]
    np.testing.assert_allclose(after[right], before[right], atol=0.05)
    assert after[:, : int(landmarks[168, 0])].sum() < 0.4 * before[:, : int(landmarks[168, 0])].sum()


def test_mouth_is_lit_only_when_it_is_open() -> None:
    _, landmarks = demo_face()
    side = fit_head(landmarks).side
    shut = landmarks.copy()
    shut[INNER_LIPS, 1] = shut[INNER_LIPS, 1].mean()
    lights = [mouth_light(points, side, SIDE, SIDE)[1].sum() for points in (landmarks, shut)]
    assert lights[0] > 40 and lights[1] < 0.25 * lights[0]


def test_jaw_plate_goes_down_with_the_chin(robot: Robot) -> None:
    space = load_face_space()
    _, landmarks = demo_face()
    dropped = landmarks.copy()
    low = space.uv[:468, 1] > 0.7
    dropped[:468][low, 1] += 9
    points, shares = space.locate(np.array([[0.5, 0.80]], np.float32))
    before, after = ((shares[..., None] * face[points]).sum(axis=1)[0, 1] for face in (landmarks, dropped))
    assert after - before > 8


def test_plates_are_symmetric_and_leave_the_eyes_open() -> None:
    plates = paint_plates()
    assert np.abs(plates - plates[:, ::-1]).max() < 1e-3
    side = plates.shape[0]
    x, y = (round((0.25 + 0.5 * place) * side) for place in EYE)
    assert plates[y, x, 3] > 0.99
    assert 0.005 < (plates[..., 2] > 0.5).mean() * 10 < 0.1, "few lamps"


def test_light_from_the_side_shows(robot: Robot) -> None:
    image, landmarks = demo_face()
    lit = np.clip(image * np.linspace(1.15, 0.4, SIDE)[None, :, None], 0, 255).astype(np.uint8)
    ratio = [
        float(patch(layer, landmarks, 205).sum() / patch(layer, landmarks, 425).sum())
        for layer in (robot(image, landmarks), robot(lit, landmarks))
    ]
    assert ratio[1] > 1.12 * ratio[0]


def test_a_small_shift_changes_little(robot: Robot) -> None:
    image, landmarks = demo_face()
    shifted = moved(image, landmarks, 0.5, 0.25)
    answer = laid(shifted[0], robot(*shifted))
    expected, _ = moved(laid(image, robot(image, landmarks)), landmarks, 0.5, 0.25)
    assert gap(answer[8:-8, 8:-8], expected[8:-8, 8:-8]) < 2.5


def test_without_landmarks_it_is_refused(robot: Robot) -> None:
    with pytest.raises(UsageError, match="478"):
        robot(np.zeros((64, 64, 3), np.uint8), None)
