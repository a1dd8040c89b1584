"""Heads of marble and bronze: where they end, what stays of the light and the relief, and what does not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from effectcam.distill.skin import darken_skin
from effectcam.distill.teachers.bronze import Bronze
from effectcam.distill.teachers.head.head_matte import cut_out
from effectcam.distill.teachers.head.head_normals import head_normals
from effectcam.distill.teachers.head.sitter import take_seat
from effectcam.distill.teachers.head.uv import (
    EYES,
    FACE_OVAL,
    OUTER_LIPS,
    Floats,
    load_face_space,
    polygon_mask,
)
from effectcam.distill.teachers.marble import Marble
from effectcam.distill.teachers.surface.carved_eyes import carve_eyes
from effectcam.distill.teachers.surface.stone_veins import lay_on_head, paint_veins
from effectcam.errors import UsageError
from tests.distill.demo_face import SIDE, Pixels, demo_face, gap, laid, moved

Statue = Marble | Bronze


@pytest.fixture(scope="module")
def marble() -> Marble:
    return Marble()


@pytest.fixture(scope="module", params=["marble", "bronze"])
def statue(request: pytest.FixtureRequest) -> Statue:
    return Marble() if request.param == "marble" else Bronze()


def forehead(layer: Pixels, landmarks: Floats, index: int = 151, radius: int = 6) -> float:
    x, y = np.round(landmarks[index, :2]).astype(int)
    patch = layer[y - radius : y + radius + 1, x - radius : x + radius + 1, :3]
    return float(patch.astype(np.float32).mean())


def test_head_and_hair_turn_and_clothes_and_wall_do_not(statue: Statue) -> None:
    image, landmarks = demo_face()
    before = image.copy()
    layer = statue(image, landmarks)
    assert layer.shape == (SIDE, SIDE, 4) and layer.dtype == np.uint8
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(layer, type(statue)()(image, landmarks))
    alpha = layer[:, :, 3]
    face = polygon_mask(landmarks[FACE_OVAL], SIDE, SIDE) > 0.9
    assert alpha[face].min() > 250
    hair_above, wall = (150, 25), (300, 20)
    assert alpha[hair_above[1], hair_above[0]] > 250
    assert alpha[wall[1], wall[0]] == 0
    green = image[..., 1] > image[..., 0].astype(int) + 12
    assert alpha[260:][green[260:]].mean() < 40, "the dress"
    np.testing.assert_array_equal(layer[20:40, 300:, :3], image[20:40, 300:])


def test_hair_is_of_the_same_stuff_as_the_face(statue: Statue) -> None:
    image, landmarks = demo_face()
    layer = statue(image, landmarks)[:, :, :3].astype(np.float32)
    matte = cut_out(image, landmarks)
    hair = (matte.head > 0.99) & (matte.face < 0.01) & (matte.skin < 0.05)
    skin = matte.skin * matte.face > 0.9
    seen = [image[mask].mean() for mask in (hair, skin)]
    drawn = [layer[mask].mean() for mask in (hair, skin)]
    assert seen[0] < 0.45 * seen[1]
    assert drawn[0] > 0.85 * drawn[1]


def test_dark_and_light_skin_become_the_same_stone(marble: Marble) -> None:
    image, landmarks = demo_face()
    dark = darken_skin(image, landmarks, 1.6)
    assert forehead(dark, landmarks) < 0.75 * forehead(image, landmarks)
    assert forehead(marble(dark, landmarks), landmarks) > 0.85 * forehead(marble(image, landmarks), landmarks)


def test_light_from_the_side_shows(statue: Statue) -> None:
    image, landmarks = demo_face()
    ramp = np.linspace(1.15, 0.4, SIDE)[None, :, None]
    lit = np.clip(image * ramp, 0, 255).astype(np.uint8)
    sides = [
        [forehead(statue(face, landmarks), landmarks, point) for point in (117, 346)] for face in (image, lit)
    ]
    assert sides[1][0] / sides[1][1] > 1.12 * sides[0][0] / sides[0][1]


def test_dim_room_gives_a_dim_statue(statue: Statue) -> None:
    image, landmarks = demo_face()
    dim = (image * 0.3).astype(np.uint8)
    assert forehead(statue(dim, landmarks), landmarks) < 0.75 * forehead(statue(image, landmarks), landmarks)


def test_a_small_shift_changes_little(statue: Statue) -> None:
    image, landmarks = demo_face()
    layer = laid(image, statue(image, landmarks))
    shifted = moved(image, landmarks, 0.5, 0.25)
    answer = laid(shifted[0], statue(*shifted))
    expected, _ = moved(layer, landmarks, 0.5, 0.25)
    inner = np.s_[8:-8, 8:-8]
    assert gap(answer[inner], expected[inner]) < 2.5


def test_marble_is_pale_and_bronze_is_warm(statue: Statue) -> None:
    image, landmarks = demo_face()
    colour = (
        statue(image, landmarks)[:, :, :3][cut_out(image, landmarks).face > 0.9]
        .astype(np.float32)
        .mean(axis=0)
    )
    if isinstance(statue, Marble):
        assert colour.min() > 130 and np.ptp(colour) < 14
    else:
        assert colour[0] > 1.25 * colour[1] > 1.25 * colour[2]


def test_glasses_stay_as_relief(statue: Statue) -> None:
    image, landmarks = demo_face()
    worn = image.copy()
    for eye in EYES:
        x, y = np.round(landmarks[eye, :2].mean(axis=0)).astype(int).tolist()
        cv2.ellipse(worn, (x, y), (32, 25), 0, 0, 360, (25, 22, 24), 5, cv2.LINE_AA)
    plain, carved = statue(image, landmarks), statue(worn, landmarks)
    frame = np.abs(worn.astype(np.float32) - image).mean(axis=2) > 60
    assert carved[frame][:, :3].mean() < 0.75 * plain[frame][:, :3].mean()
    mouth = polygon_mask(landmarks[OUTER_LIPS], SIDE, SIDE) > 0.5
    assert gap(carved[mouth], plain[mouth]) < 12


def test_irises_are_carved_where_the_eyes_look() -> None:
    _, landmarks = demo_face()
    plain = np.ones((SIDE, SIDE), np.float32)
    drilled = carve_eyes(plain, plain, landmarks, depth=1.0)
    aside = landmarks.copy()
    aside[468:478, 0] += 4
    looking = carve_eyes(plain, plain, aside, depth=1.0)
    for shade, points in ((drilled, landmarks), (looking, aside)):
        x, y = np.round(points[468, :2]).astype(int)
        ball = polygon_mask(points[EYES[0]], SIDE, SIDE) > 0.9
        assert shade[y, x] < 0.6 * float(np.median(shade[ball]))


def test_shut_eyes_stay_shut() -> None:
    _, landmarks = demo_face()
    landmarks = landmarks.copy()
    for eye in EYES:
        landmarks[eye, 1] = landmarks[eye, 1].mean()
    plain = np.ones((SIDE, SIDE), np.float32)
    shut = carve_eyes(plain, plain, landmarks, depth=1.0)
    assert np.abs(shut - plain).max() < 0.1


def test_surface_looks_left_on_the_left_and_at_the_camera_on_the_nose() -> None:
    image, landmarks = demo_face()
    sitter = take_seat(image, landmarks, load_face_space())
    normals = head_normals(sitter)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=-1), 1, atol=1e-3)
    left, right, tip = (np.round(landmarks[i, :2]).astype(int) for i in (50, 280, 168))
    assert normals[left[1], left[0], 0] < -0.25 and normals[right[1], right[0], 0] > 0.25
    assert normals[tip[1], tip[0], 2] < -0.8
    row = np.abs(normals[120, :, 0])
    rim = np.flatnonzero(sitter.matte.head[120] > 0.5)[[0, -1]]
    assert row[rim].min() > 0.5, "the hair turns away at its rim"


def test_veins_run_on_from_the_face_into_the_hair() -> None:
    image, landmarks = demo_face()
    sitter = take_seat(image, landmarks, load_face_space())
    ramp = np.linspace(0, 1, 512, dtype=np.float32)
    across = np.broadcast_to(ramp[None, :, None], (512, 512, 2)).copy()
    found = lay_on_head(across, sitter)[..., 0]
    assert np.percentile(np.abs(np.diff(found[:, 20:-20], axis=1)), 99.5) < 0.012
    assert (np.diff(found[60:260:20, 20:-20:20], axis=1) > 0).mean() > 0.9


def test_veins_are_few_and_the_same_every_time() -> None:
    veins = paint_veins(seed=17)
    np.testing.assert_array_equal(veins, paint_veins(seed=17))
    assert 0.02 < (veins[..., 0] > 0.5).mean() < 0.15
    assert np.abs(veins - paint_veins(seed=18)).mean() > 0.05


def test_face_outside_the_picture_leaves_it_alone(statue: Statue) -> None:
    image, landmarks = demo_face()
    layer = statue(image, landmarks + np.array([4 * SIDE, 0, 0], np.float32))
    assert layer[:, :, 3].max() == 0
    np.testing.assert_array_equal(layer[:, :, :3], image)


@pytest.mark.parametrize("landmarks", [None, np.zeros((468, 3), np.float32)])
def test_without_a_whole_mesh_it_is_refused(statue: Statue, landmarks: Floats | None) -> None:
    with pytest.raises(UsageError, match="478"):
        statue(np.zeros((64, 64, 3), np.uint8), landmarks)
