"""Occluders: where they sit, and whether the coverage tells the truth."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from effectcam.distill.occluder_canvas import Canvas, Relief, curve
from effectcam.distill.occluders import KINDS, USUAL, add_occluder
from effectcam.errors import UsageError
from effectcam.frame import Pixels

# Where a frontal face has the landmarks that occluders hang on, in face heights from between the eyes.
_PLAN = {
    10: (0.0, -0.38), 151: (0.0, -0.28), 9: (0.0, -0.08), 168: (0.0, 0.0), 6: (0.0, 0.05), 197: (0.0, 0.1),
    195: (0.0, 0.15), 4: (0.0, 0.23), 0: (0.0, 0.34), 17: (0.0, 0.45), 152: (0.0, 0.62),
    33: (-0.25, 0.0), 133: (-0.1, 0.01), 159: (-0.17, -0.03), 145: (-0.17, 0.03), 61: (-0.15, 0.39),
    127: (-0.4, 0.0), 234: (-0.4, 0.12), 93: (-0.39, 0.18), 132: (-0.38, 0.28), 58: (-0.35, 0.38),
    172: (-0.31, 0.45), 136: (-0.26, 0.51), 150: (-0.2, 0.55), 149: (-0.14, 0.59), 176: (-0.09, 0.61),
    148: (-0.04, 0.62), 50: (-0.22, 0.2), 205: (-0.2, 0.28), 117: (-0.24, 0.1), 118: (-0.17, 0.11),
    123: (-0.32, 0.2), 187: (-0.22, 0.34),
}  # fmt: skip
_TWINS = {
    33: 263, 133: 362, 159: 386, 145: 374, 61: 291, 127: 356, 234: 454, 93: 323, 132: 361, 58: 288, 172: 397,
    136: 365, 150: 379, 149: 378, 176: 400, 148: 377, 50: 280, 205: 425, 117: 346, 118: 347, 123: 352,
    187: 411,
}  # fmt: skip

_SIDE = 224
_SKIN = (176, 132, 110)


def _landmarks(degrees: float = 0.0) -> NDArray[np.float32]:
    plan = dict(_PLAN)
    plan.update({twin: (-_PLAN[index][0], _PLAN[index][1]) for index, twin in _TWINS.items()})
    out = np.zeros((478, 3), np.float32)
    # Landmarks outside the plan lie within the face, as the real ones do.
    out[:, 1] = 0.1
    for index, place in plan.items():
        out[index, :2] = place
    turn = math.radians(degrees)
    matrix = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    out[:, :2] = out[:, :2] @ matrix.T * 120 + [112, 95]
    return out


def _face(degrees: float = 0.0) -> Pixels:
    picture = np.full((_SIDE, _SIDE, 3), (70, 90, 120), np.uint8)
    hull = cv2.convexHull(np.ascontiguousarray(_landmarks(degrees)[:, :2])).astype(np.int32)
    cv2.fillConvexPoly(picture, hull, _SKIN)
    return picture


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("degrees", [0.0, 35.0])
def test_covers_where_it_says(kind: str, degrees: float) -> None:
    picture, landmarks = _face(degrees), _landmarks(degrees)
    before = picture.copy()
    for seed in range(3):
        covered, coverage = KINDS[kind](picture, landmarks, np.random.default_rng(seed))
        assert covered.shape == picture.shape and covered.dtype == np.uint8 and covered.flags["C_CONTIGUOUS"]
        assert coverage.shape == picture.shape[:2] and coverage.dtype == np.uint8
        assert np.array_equal(picture, before)
        assert 0.001 < (coverage > 127).mean() < 0.7
        # Bare and away from the shadow on the face, not one value may differ.
        face = cv2.dilate((before == _SKIN).all(-1).astype(np.uint8), np.ones((41, 41), np.uint8))
        assert np.array_equal(covered[(coverage == 0) & (face == 0)], before[(coverage == 0) & (face == 0)])
        # Shadows only ever darken.
        assert (covered[coverage == 0].astype(int) <= before[coverage == 0]).all()


@pytest.mark.parametrize("kind", KINDS)
def test_same_generator_same_bytes(kind: str) -> None:
    first = KINDS[kind](_face(), _landmarks(), np.random.default_rng(5))
    again = KINDS[kind](_face(), _landmarks(), np.random.default_rng(5))
    other = KINDS[kind](_face(), _landmarks(), np.random.default_rng(6))
    assert np.array_equal(first[0], again[0]) and np.array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize("degrees", [0.0, 35.0, 180.0])
def test_sunglasses_hide_the_eyes_and_eyeglasses_do_not(degrees: float) -> None:
    picture, landmarks = _face(degrees), _landmarks(degrees)
    eyes = np.rint(landmarks[[33, 133, 159, 145]].mean(0)).astype(int)
    mouth = np.rint(landmarks[17]).astype(int)
    for seed in range(6):
        dark = KINDS["sunglasses"](picture, landmarks, np.random.default_rng(seed))[1]
        clear = KINDS["eyeglasses"](picture, landmarks, np.random.default_rng(seed))[1]
        assert dark[eyes[1], eyes[0]] > 200
        assert dark[mouth[1], mouth[0]] == 0
        assert (clear > 127).sum() < 0.6 * (dark > 127).sum()


def test_face_mask_hides_the_mouth_and_leaves_the_eyes() -> None:
    landmarks = _landmarks()
    for seed in range(4):
        coverage = KINDS["face_mask"](_face(), landmarks, np.random.default_rng(seed))[1]
        for index in (0, 17, 61, 291):
            x, y = np.rint(landmarks[index, :2]).astype(int)
            assert coverage[y, x] == 255
        for index in (33, 159, 386, 263):
            x, y = np.rint(landmarks[index, :2]).astype(int)
            assert coverage[y, x] == 0


def test_hand_is_of_the_persons_skin_and_reaches_the_face() -> None:
    picture, landmarks = _face(), _landmarks()
    inside = (picture == _SKIN).all(-1)
    reached = 0
    for seed in range(8):
        covered, coverage = KINDS["hand"](picture, landmarks, np.random.default_rng(seed))
        hidden = inside & (coverage == 255)
        reached += int(hidden.mean() > 0.005)
        if hidden.any():
            red, green, blue = np.median(covered[hidden], axis=0)
            assert red > green > blue
    assert reached >= 7


def test_pictures_of_any_shape_and_faces_over_the_edge() -> None:
    landmarks = _landmarks()
    landmarks[:, :2] += [-80, 120]
    for kind, draw in KINDS.items():
        covered, coverage = draw(_face()[:151, :97].copy(), landmarks, np.random.default_rng(1))
        assert covered.shape == (151, 97, 3), kind
        assert coverage.shape == (151, 97), kind


def test_a_second_thing_adds_to_the_coverage() -> None:
    picture, landmarks = _face(), _landmarks()
    weights = {"face_mask": 1.0, "sunglasses": 1.0}
    both = add_occluder(picture, landmarks, np.random.default_rng(2), weights=weights, second=1.0)[1]
    eye, mouth = (np.rint(landmarks[index, :2]).astype(int) for index in (159, 17))
    assert both[eye[1] + 3, eye[0]] > 200 and both[mouth[1], mouth[0]] == 255


def test_a_kind_left_out_never_comes() -> None:
    picture, landmarks = _face(), _landmarks()
    eye = np.rint(landmarks[159]).astype(int)
    for seed in range(5):
        coverage = add_occluder(
            picture, landmarks, np.random.default_rng(seed), weights={"face_mask": 1.0, "hand": 0.0}
        )[1]
        assert coverage[eye[1], eye[0]] == 0 and coverage.max() == 255
    assert set(USUAL) == set(KINDS)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"hend": 1.0}, "did you mean 'hand'"),
        ({"hand": -1.0}, "give 0 or more"),
        ({"hand": float("nan")}, "give 0 or more"),
        ({}, "leave weights out"),
    ],
)
def test_wrong_weights_are_refused(weights: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        add_occluder(_face(), _landmarks(), np.random.default_rng(0), weights=weights)


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(UsageError, match="refine_landmarks"):
        add_occluder(_face(), _landmarks()[:468], np.random.default_rng(0))
    with pytest.raises(UsageError, match="RGB uint8"):
        add_occluder(_face()[..., 0], _landmarks(), np.random.default_rng(0))


def test_relief_is_brighter_towards_the_light() -> None:
    canvas = Canvas(_face(), _landmarks(), np.random.default_rng(0))
    relief = Relief(canvas)
    relief.limb((200, 200), (200, 200), (60, 60), (200, 200, 200))
    lit = relief.lit(ambient=0.3, soft=1.0)
    towards = 40 * canvas.light[:2] / np.linalg.norm(canvas.light[:2])
    near, far = (lit[int(200 + way * towards[1]), int(200 + way * towards[0]), 1] for way in (1, -1))
    assert near > 1.5 * far


def test_curve_runs_from_first_to_last_knot() -> None:
    line = curve([(0, 0), (5, 10), (10, 0)], 11)
    assert (
        line[0] == pytest.approx((0, 0))
        and line[-1] == pytest.approx((10, 0))
        and line[5] == pytest.approx((5, 5))
    )
