"""Hair told from skin: whole, in faded pictures too, and not on a bald head."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from effectcam.distill.teachers.head.brush import Floats
from effectcam.distill.teachers.head.geodesic import nearer
from effectcam.distill.teachers.head.hair import find_hair
from effectcam.distill.teachers.head.head_matte import cut_out
from tests.distill.demo_face import Pixels, demo_face

CHEEKS = [117, 346, 151]


def hair_of(image: Pixels) -> Floats:
    _, landmarks = demo_face()
    return find_hair(image, landmarks, cut_out(image, landmarks))


@pytest.fixture(scope="module")
def hair() -> Floats:
    return hair_of(demo_face()[0])


def above_the_face(hair: Floats) -> Floats:
    """What lies over the forehead's upper end, on the fuller side: hair on the synthetic person."""
    _, landmarks = demo_face()
    x, y = np.round(landmarks[10, :2]).astype(int)
    return np.asarray(hair[y - 30 : y - 12, x - 30 : x + 11], np.float32)


def test_hair_is_found_whole_and_the_face_is_not_hair(hair: Floats) -> None:
    _, landmarks = demo_face()
    assert np.percentile(above_the_face(hair), 5) > 0.8
    x, y = np.round(landmarks[CHEEKS, :2]).astype(int).T
    assert hair[y, x].max() < 0.05
    assert hair[:40, -40:].max() < 0.05, "the wall"


@pytest.mark.parametrize("lifted", [30, 70])
def test_a_faded_picture_has_the_same_hair(hair: Floats, lifted: int) -> None:
    image, _ = demo_face()
    faded = np.asarray(np.rint(lifted + image * 0.45), np.uint8)
    found = hair_of(faded)
    both, either = np.minimum(found, hair).sum(), np.maximum(found, hair).sum()
    assert both / either > 0.85


def test_a_bald_head_has_none(hair: Floats) -> None:
    image, landmarks = demo_face()
    x, y = np.round(landmarks[151, :2]).astype(int)
    skin = image[y - 4 : y + 5, x - 4 : x + 5].reshape(-1, 3).mean(axis=0)
    # A crown rounds off into the shade, and has no edge.
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    shade = 1 - 0.35 * np.clip(np.hypot(columns - x, rows - y) / 160, 0, 1)[:, :, None] ** 2
    grown = cv2.dilate((hair > 0.05).astype(np.float32), np.ones((15, 15)))
    amount = cv2.GaussianBlur(grown, (0, 0), 4)[:, :, None]
    bald = np.asarray(np.rint(image + (skin * shade - image) * amount), np.uint8)
    rest = hair_of(bald)
    assert above_the_face(rest).mean() < 0.1 < 0.8 < above_the_face(hair).mean()


def test_nearer_follows_what_is_alike_and_not_the_straight_way() -> None:
    picture = np.zeros((96, 96, 1), np.float32)
    picture[:, 40:48] = 6.0
    here, there = np.zeros((2, 96, 96), bool)
    here[40:56, 2:6], there[40:56, 60:64] = True, True
    plain = np.zeros((96, 96), np.float32)
    share = nearer(picture, here, there, plain, plain, 32.0)
    # The column 36 lies nearer to what is there, but beyond an edge.
    assert share[48, 36] > 0.6 and share[48, 52] < 0.4
    assert share[here].min() > 0.95 and share[there].max() < 0.05
