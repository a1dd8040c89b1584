"""The clown's ball of a nose sits on the tip and is lit from where the face is; paint hides the brows."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from effectcam.distill.teachers.clown import Clown
from effectcam.distill.teachers.head.anatomy import BROW
from effectcam.distill.teachers.head.uv import polygon_mask
from tests.distill.demo_face import SIDE, demo_face, laid


@pytest.fixture(scope="module")
def clown() -> Clown:
    return Clown()


def test_the_nose_is_a_red_ball(clown: Clown) -> None:
    image, landmarks = demo_face()
    answer = clown(image, landmarks)
    x, y = np.round(landmarks[4, :2]).astype(int)
    middle = answer[y + 4 : y + 9, x - 3 : x + 4].reshape(-1, 4).mean(axis=0)
    assert middle[3] == 255
    assert middle[0] > 110 and middle[0] > 2.5 * middle[1:3].max()


def test_a_larger_nose_covers_more(clown: Clown) -> None:
    image, landmarks = demo_face()
    larger = copy.copy(clown)
    larger.nose = 0.16
    red = [
        int(((seen[:, :, 0] > 100) & (seen[:, :, 1] < 70)).sum())
        for seen in (clown(image, landmarks), larger(image, landmarks))
    ]
    assert red[1] > red[0] + 200


def test_the_highlight_wanders_to_the_lamp(clown: Clown) -> None:
    image, landmarks = demo_face()
    x, y = np.round(landmarks[4, :2]).astype(int)
    columns = np.arange(-12, 13)
    at = []
    for ramp in (np.linspace(1.3, 0.4, SIDE), np.linspace(0.4, 1.3, SIDE)):
        lit = np.clip(image * ramp[None, :, None], 0, 255).astype(np.uint8)
        ball = clown(lit, landmarks)[y - 14 : y + 10, x - 12 : x + 13, 1].astype(np.float64)
        shine = np.clip(ball - np.percentile(ball, 80), 0, None).sum(axis=0)
        at.append(float((columns * shine).sum() / shine.sum()))
    assert at[0] < at[1] - 2


def test_brows_are_painted_over(clown: Clown) -> None:
    image, landmarks = demo_face()
    brow = polygon_mask(landmarks[BROW], SIDE, SIDE) > 0.8
    painted = laid(image, clown(image, landmarks))
    above = painted[brow].max(axis=1)
    assert np.median(above) > 150, "the brow's own dark must not show through blue and white"
