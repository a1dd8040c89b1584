"""The tiger's coat: orange and white with black stripes, amber irises between the person's own whites."""

from __future__ import annotations

import numpy as np
import pytest

from effectcam.distill.teachers.head.brush import SIDE, Brush
from effectcam.distill.teachers.head.uv import EYES, load_face_space
from effectcam.distill.teachers.tiger import Tiger, paint_tiger
from tests.distill.demo_face import demo_face, laid
from tests.distill.test_painted_faces import patch


@pytest.fixture(scope="module")
def tiger() -> Tiger:
    return Tiger()


def test_the_coat_is_the_same_on_both_sides() -> None:
    coat = paint_tiger(Brush(load_face_space(), seed=7), fur=3.2)
    assert coat.shape == (SIDE, SIDE, 3) and coat.min() >= 0 and coat.max() <= 1
    assert np.abs(coat - coat[:, ::-1]).mean() < 0.02


def test_cheeks_are_orange_the_chin_white_and_the_nose_black(tiger: Tiger) -> None:
    image, landmarks = demo_face()
    painted = laid(image, tiger(image, landmarks))
    cheek, chin, nose = (patch(painted, landmarks, index) for index in (101, 199, 4))
    assert cheek[0] > 1.4 * cheek[1] > 1.4 * 1.5 * cheek[2]
    assert chin.min() > 0.8 * chin.max() and chin.mean() > 140
    assert nose.max() < 90


def test_irises_turn_amber_and_whites_stay(tiger: Tiger) -> None:
    image, landmarks = demo_face()
    answer = tiger(image, landmarks)
    for iris in (468, 473):
        x, y = np.round(landmarks[iris, :2]).astype(int)
        ring = answer[y + 2 : y + 4, x - 2 : x + 3].reshape(-1, 4).mean(axis=0)
        assert ring[3] > 200 and ring[0] > 1.2 * ring[1] > 1.2 * 1.5 * ring[2]
    opening = EYES[0]
    white = landmarks[opening[8], :2] * 0.28 + landmarks[468, :2] * 0.72
    middle = landmarks[468, :2]
    away = float(np.linalg.norm(white - middle) / np.linalg.norm(landmarks[469, :2] - middle))
    if away > 1.3:
        x, y = np.round(white).astype(int)
        assert answer[y, x, 3] < 120


def test_fur_only_moves_the_edges() -> None:
    brush = Brush(load_face_space(), seed=7)
    smooth = paint_tiger(brush, fur=0.0)
    furry = paint_tiger(Brush(load_face_space(), seed=7), fur=3.2)
    changed = np.abs(smooth - furry).max(axis=2) > 0.15
    assert 0.01 < changed.mean() < 0.15
