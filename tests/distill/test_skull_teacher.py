"""The skull: black sockets and glowing irises, teeth that part with the mouth."""

from __future__ import annotations

import copy
import itertools

import numpy as np
import pytest

from effectcam.distill.teachers.head.uv import EYES
from effectcam.distill.teachers.skull import Skull
from tests.distill.demo_face import demo_face, laid
from tests.distill.test_painted_faces import patch


@pytest.fixture(scope="module")
def skull() -> Skull:
    return Skull()


def test_bone_is_light_and_sockets_are_black(skull: Skull) -> None:
    image, landmarks = demo_face()
    painted = laid(image, skull(image, landmarks))
    assert patch(painted, landmarks, 50).mean() > 150
    for lid in (27, 257, 23, 253):
        assert patch(painted, landmarks, lid, 1).max() < 70


def test_irises_glow_and_shut_eyes_do_not(skull: Skull) -> None:
    image, landmarks = demo_face()
    ring = patch(laid(image, skull(image, landmarks)), landmarks, 468, 4)
    assert ring[2] > 90 and ring[2] > 1.5 * ring[0]
    shut = landmarks.copy()
    for opening in EYES:
        shut[opening, 1] = shut[opening, 1].mean()
    assert patch(laid(image, skull(image, shut)), landmarks, 468, 4).max() < 60


def test_glow_can_be_put_out(skull: Skull) -> None:
    image, landmarks = demo_face()
    out = copy.copy(skull)
    out.glow = 0.0
    lit, dark = (laid(image, maker(image, landmarks)) for maker in (skull, out))
    x, y = np.round(landmarks[468, :2]).astype(int)
    below = np.s_[y + 8 : y + 11, x - 3 : x + 4]
    assert lit[below][..., 2].mean() > dark[below][..., 2].mean() + 4


def test_teeth_are_drawn_over_the_lips(skull: Skull) -> None:
    image, landmarks = demo_face()
    painted = laid(image, skull(image, landmarks)).astype(int)
    corners = landmarks[[91, 181, 84, 17, 314, 405, 321], :2]
    lip = np.concatenate([np.linspace(a, b, 14) for a, b in itertools.pairwise(corners)])
    lip = np.round(lip).astype(int)
    row = painted[lip[:, 1], lip[:, 0]].mean(axis=1)
    dark = row < 90
    assert 4 <= int((np.diff(dark.astype(int)) == 1).sum()) <= 12, "gaps between the teeth"
    assert (row > 150).sum() > 20
