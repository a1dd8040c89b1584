"""The layers under the graphic looks: flats, shades, skin, the figure, features, inks."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from effectcam.distill.teachers.drawing.flats import flat_colour, shades
from effectcam.distill.teachers.drawing.graphic_features import graphic_features, no_features
from effectcam.distill.teachers.drawing.ground import balanced, calm
from effectcam.distill.teachers.drawing.palette import colour, laid, ramp
from effectcam.distill.teachers.drawing.sketch import Sketch
from effectcam.distill.teachers.head.blink import shut_eyes
from effectcam.distill.teachers.head.face_parts import FaceParts
from effectcam.distill.teachers.head.figure import figure
from effectcam.distill.teachers.head.flesh import flesh, own_flesh
from effectcam.distill.teachers.head.uv import Floats
from tests.distill.demo_face import SIDE, demo_face

Pixels = NDArray[np.uint8]


def ball(side: int = 128) -> tuple[Pixels, NDArray[np.bool_]]:
    """A ball lit from the upper left before a blue wall, and where it is."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    picture = np.full((side, side, 3), (70, 90, 150), np.float32)
    inside = np.hypot(x - 0.5, y - 0.5) < 0.3
    shade = np.clip(1.15 - 1.2 * np.hypot(x - 0.38, y - 0.36), 0.45, 1)[..., None]
    picture[inside] = (np.array([215.0, 150.0, 120.0]) * shade)[inside]
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.7)).clip(0, 255).astype(np.uint8), inside


def test_a_lit_ball_is_one_flat_and_stays_apart_from_the_wall() -> None:
    image, inside = ball()
    lab = calm(balanced(image), 0.5)
    flat = flat_colour(lab, 0.5)
    core = cv2.erode(inside.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    wall = cv2.dilate(inside.astype(np.uint8), np.ones((7, 7), np.uint8)) == 0
    assert flat[core, 0].std() < 0.6 * lab[core, 0].std()
    apart, before = (np.abs(p[core].mean(axis=0) - p[wall].mean(axis=0)) for p in (flat, lab))
    assert np.all(apart[1:] > 0.8 * before[1:])


def test_shades_lie_where_the_light_is_not() -> None:
    image = np.full((128, 128, 3), (190, 135, 110), np.uint8)
    image[20:50, 20:50], image[70:100, 70:100] = (225, 168, 142), (150, 102, 80)
    sketch = Sketch(image, None, look="test")
    lit, dark = (35, 35), (85, 85)
    assert sketch.shades.light[lit] > 0.9 > 0.1 > sketch.shades.light[dark]
    assert sketch.shades.shade[dark] > 0.9 > 0.1 > sketch.shades.shade[lit]
    assert np.all(sketch.shades.deep <= sketch.shades.shade + 1e-6)
    assert np.all(sketch.shades.gloss <= sketch.shades.light + 1e-6)


def test_shades_are_in_proportion() -> None:
    fair, dark = (np.full((32, 32), lightness, np.float32) for lightness in (70, 30))
    assert shades(dark - 6, dark, 1.0).shade.min() > 0.9
    assert shades(fair - 6, fair, 1.0).shade.max() < 0.1
    assert shades(fair - 12, fair, 1.0).shade.min() > 0.9


@pytest.mark.parametrize("skin", ["#f6d7c3", "#e0ac8a", "#c68863", "#8d5a3c", "#5c3a28", "#3d2619"])
def test_skin_of_every_tone_is_skin(skin: str) -> None:
    assert flesh(np.tile(colour(skin), (4, 4, 1))).min() > 0.9


@pytest.mark.parametrize("other", ["#808080", "#f4f4f0", "#101012", "#2f5fb0", "#3f9a5f", "#d01020"])
def test_walls_cloth_and_hair_are_not(other: str) -> None:
    assert flesh(np.tile(colour(other), (4, 4, 1))).max() < 0.1


def test_under_a_violet_lamp_the_cheeks_tell_what_is_skin() -> None:
    image, landmarks = demo_face()
    violet = np.clip(image * np.array([0.75, 0.6, 1.1], np.float32), 0, 255).astype(np.uint8)
    plain, told = Sketch(violet, None, look="test"), Sketch(violet, landmarks, look="test")
    x, y = np.rint(landmarks[[50, 280], :2]).astype(int).T
    assert told.skin[y, x].min() > 0.9 > plain.skin[y, x].max()
    assert told.parts is not None
    assert own_flesh(told.flat, told.parts)[:, :10].max() < 0.1


def test_the_figure_is_the_person() -> None:
    image, landmarks = demo_face()
    lab = calm(balanced(image), SIDE / 256)
    mask = figure(image, lab, SIDE / 256)
    x, y = np.rint(landmarks[[1, 10, 152, 50, 280], :2]).astype(int).T
    assert mask[y, x].min() > 0.95
    assert max(mask[5:40, 5:40].max(), mask[5:40, -40:-5].max()) < 0.05
    np.testing.assert_array_equal(mask, figure(image, lab, SIDE / 256))


def test_behind_the_person_there_is_nothing_of_the_person() -> None:
    image, landmarks = demo_face()
    sketch = Sketch(image, landmarks, look="test")
    ground = sketch.figure < 0.02
    assert sketch.behind(sketch.figure, 2.0)[ground].max() < 0.2
    np.testing.assert_allclose(sketch.behind(np.full_like(sketch.figure, 0.6), 2.0)[ground], 0.6, atol=0.03)


def features_of(image: Pixels, landmarks: Floats, ink: Floats) -> tuple[float, float, Floats]:
    parts = FaceParts(landmarks[:, :2], *image.shape[:2])
    features = graphic_features(parts, balanced(image), ink)
    return float(features.whites.sum()), float(features.irises.sum()), features.ink


def test_open_eyes_have_whites_and_shut_ones_a_line() -> None:
    image, landmarks = demo_face()
    none = np.zeros((SIDE, SIDE), np.float32)
    open_white, open_iris, ink = features_of(image, landmarks, none)
    assert open_white > 20 and open_iris > 20
    shut, lids = shut_eyes(image, landmarks, (1.0, 1.0))
    white, iris, line = features_of(shut, lids, none)
    assert white < 0.1 * open_white and iris < 0.1 * open_iris
    x, y = np.rint(lids[[159, 386], :2]).astype(int).T
    assert line[y, x].min() > 0.7 and ink.max() > 0.9


def test_features_clear_the_eyes_of_stray_lines() -> None:
    image, landmarks = demo_face()
    full = np.ones((SIDE, SIDE), np.float32)
    _, _, ink = features_of(image, landmarks, full)
    assert ink[10, 10] == 1
    x, y = np.rint(landmarks[[33, 263], :2] * 0.45 + landmarks[[468, 473], :2] * 0.55).astype(int).T
    assert ink[y, x].max() < 0.5


def test_without_landmarks_there_are_only_the_lines() -> None:
    ink = np.random.default_rng(0).random((16, 16)).astype(np.float32)
    features = no_features(np.zeros_like(ink), ink)
    np.testing.assert_array_equal(features.ink, ink)
    assert max(plane.max() for plane in (features.whites, features.lips, features.teeth, features.wires)) == 0


def test_blacks_take_dark_cloth_and_leave_dark_skin() -> None:
    skin, cloth = (74, 48, 36), (42, 44, 48)
    image = np.full((96, 128, 3), 200, np.uint8)
    image[16:80, 16:56], image[16:80, 72:112] = skin, cloth
    black = Sketch(image, None, look="test").blacks(ground=27.0, skin=0.5, least=11.0)
    assert black[48, 36] < 0.1 < 0.9 < black[48, 92]


def test_a_ramp_passes_through_its_inks_without_a_jump() -> None:
    stops = ((20.0, "#102040"), (60.0, "#e04060"), (90.0, "#fff0c0"))
    across = np.linspace(0, 100, 401, dtype=np.float32)[None]
    inks = ramp(across, stops)
    np.testing.assert_allclose(inks[0, 80], colour("#102040"), atol=0.1)
    np.testing.assert_allclose(inks[0, 240], colour("#e04060"), atol=0.1)
    assert np.abs(np.diff(inks, axis=1)).max() < 1
    half = laid(inks, colour("#000000"), np.full((1, 401), 0.5, np.float32))
    np.testing.assert_allclose(half, inks / 2, atol=1e-4)
