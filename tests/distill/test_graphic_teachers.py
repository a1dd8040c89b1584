"""Comic, ink, pencil and pop-art draw the synthetic person: each in its way, and all of them steadily."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")

from effectcam.distill.recipe import Teacher
from effectcam.distill.teachers.comic import Comic
from effectcam.distill.teachers.head.uv import polygon_mask
from effectcam.distill.teachers.ink import Ink
from effectcam.distill.teachers.pencil import Pencil
from effectcam.distill.teachers.pop_art import PopArt
from effectcam.distill.teachers.toon import Toon
from effectcam.errors import UsageError
from tests.distill.demo_face import gap, moved
from tests.distill.small_face import SIDE, cheeks, chroma, face, lab

Pixels = NDArray[np.uint8]
LOOKS: dict[str, Teacher] = {"comic": Comic(), "ink": Ink(), "pencil": Pencil(), "pop-art": PopArt()}

every_look = pytest.mark.parametrize("look", LOOKS)


@functools.cache
def drawn(look: str, melanin: float = 0.0) -> Pixels:
    image, landmarks = face(melanin)
    return LOOKS[look](image, landmarks)


@functools.cache
def drawn_without_landmarks(look: str) -> Pixels:
    return LOOKS[look](face()[0], None)


@every_look
def test_same_bytes_each_time_and_the_picture_left_alone(look: str) -> None:
    image, landmarks = face()
    before = image.copy(), landmarks.copy()
    again = LOOKS[look](image, landmarks)
    assert again.shape == image.shape and again.dtype == np.uint8 and again.flags.c_contiguous
    np.testing.assert_array_equal(again, drawn(look))
    np.testing.assert_array_equal(image, before[0])
    np.testing.assert_array_equal(landmarks, before[1])


@every_look
def test_a_small_shift_moves_the_drawing_and_changes_little(look: str) -> None:
    image, landmarks = face()
    shifted = LOOKS[look](*moved(image, landmarks, 2.0, 1.0))
    there = moved(drawn(look), landmarks, 2.0, 1.0)[0]
    middle = slice(8, -8)
    change = gap(shifted[middle, middle], there[middle, middle])
    assert change < 0.15 * gap(drawn(look), image)


@every_look
def test_noise_is_not_drawn(look: str) -> None:
    image, landmarks = face()
    noise = np.random.default_rng(3).normal(0, 4, image.shape)
    noisy = np.clip(image + noise, 0, 255).astype(np.uint8)
    assert gap(LOOKS[look](noisy, landmarks), drawn(look)) < 0.15 * gap(drawn(look), image)


@every_look
def test_darker_skin_is_drawn_darker(look: str) -> None:
    light, brown, dark = (cheeks(drawn(look, melanin))[:, 0].mean() for melanin in (0.0, 0.7, 1.6))
    assert light > brown + 4
    assert brown > dark + 4


@every_look
def test_a_dark_face_keeps_its_modelling(look: str) -> None:
    image, landmarks = face(1.6)
    inside = polygon_mask(landmarks[[109, 338, 454, 365, 136, 234]], SIDE, SIDE) > 0.5
    assert lab(image)[inside, 0].mean() < 35
    assert np.ptp(np.percentile(lab(drawn(look, 1.6))[inside, 0], (10, 90))) > 12


@every_look
def test_face_and_frame_are_one_look(look: str) -> None:
    """Landmarks change the features and what is told from the cheeks; the rim of the crop stays."""
    a, b = drawn(look), drawn_without_landmarks(look)
    rim = np.ones((SIDE, SIDE), bool)
    rim[16:-16, 16:-16] = False
    assert gap(a[rim], b[rim]) < 0.05 * gap(a, face()[0])
    assert gap(a, b) < 0.35 * gap(a, face()[0])


@every_look
def test_eyes_are_white_round_the_iris_and_dark_in_the_pupil(look: str) -> None:
    _, landmarks = face()
    lightness = lab(drawn(look))[..., 0]
    for iris, corner in ((468, 33), (473, 263)):
        pupil = landmarks[iris, :2]
        radius = float(np.hypot(*(landmarks[iris + 1 : iris + 5, :2] - pupil).T).mean())
        x, y = np.rint(pupil).astype(int)
        white = np.rint(pupil + (landmarks[corner, :2] - pupil) * 0.62).astype(int)
        assert np.hypot(*(white - pupil)) > radius
        seen = lightness[white[1] - 1 : white[1] + 2, white[0] - 1 : white[0] + 2].max()
        assert seen > lightness[y - 1 : y + 2, x - 1 : x + 2].min() + 40


def test_the_four_are_told_apart_from_each_other_and_from_toon() -> None:
    image, landmarks = face()
    looks = [drawn(look) for look in LOOKS] + [Toon()(image, landmarks)]
    small = [np.asarray(cv2.resize(d, (24, 24), interpolation=cv2.INTER_AREA), np.uint8) for d in looks]
    for a, b in itertools.combinations(small, 2):
        assert gap(a, b) > 8


def test_pencil_and_ink_have_no_colour_and_leave_paper() -> None:
    for look, warmth in (("pencil", 3), ("ink", 8)):
        assert chroma(drawn(look)).max() < warmth
        assert np.mean(lab(drawn(look))[..., 0] > 85) > 0.2
    assert np.median(lab(drawn("ink"))[..., 2]) > np.median(lab(drawn("pencil"))[..., 2]) + 2


def test_ink_is_black_wash_or_paper_with_little_between() -> None:
    lightness = lab(drawn("ink"))[..., 0]
    tones = (6, 42, 57, 75, 96)
    near = [np.abs(lightness - tone) < 4 for tone in tones]
    assert np.mean(np.any(near, axis=0)) > 0.6
    assert np.mean(lightness < 20) > 0.08


def test_comic_and_pop_art_are_flat_and_loud() -> None:
    image, _ = face()
    for look in ("comic", "pop-art"):
        steps = np.abs(np.diff(lab(drawn(look))[..., 0], axis=1))
        before = np.abs(np.diff(lab(image)[..., 0], axis=1))
        assert np.mean(steps < 0.5) > 1.15 * np.mean(before < 0.5)
        assert chroma(drawn(look)).mean() > 1.15 * chroma(image).mean()
    # Inks that are loud everywhere, and flats that are as pale as paper where the scene is.
    assert chroma(drawn("pop-art")).mean() > chroma(drawn("comic")).mean() + 10


def test_pop_art_prints_skin_and_ground_in_contrasting_inks() -> None:
    _, landmarks = face()
    inks = lab(drawn("pop-art"))
    skin = polygon_mask(landmarks[[50, 101, 330, 280, 426, 206]], SIDE, SIDE) > 0.5
    ground = np.zeros_like(skin)
    ground[4:40, 4:20] = True
    assert np.hypot(*(inks[skin][:, 1:].mean(axis=0) - inks[ground][:, 1:].mean(axis=0))) > 60


@pytest.mark.parametrize(
    ("make", "less", "more"),
    [
        (lambda v: Comic(blacks=v), 5.0, 35.0),
        (lambda v: Ink(blacks=v), 5.0, 40.0),
        (lambda v: Ink(washes=v), 0.0, 1.0),
        (lambda v: Pencil(shading=v), 0.0, 1.0),
        (lambda v: Comic(line_width=v), 0.6, 1.4),
    ],
)
def test_parameters_lay_more_ink(make: Callable[[float], Teacher], less: float, more: float) -> None:
    image, landmarks = face()
    lightness = [make(value)(image, landmarks).mean() for value in (less, more)]
    assert lightness[1] < lightness[0] - 0.5


@pytest.mark.parametrize("make", [lambda v: Ink(distance=v), lambda v: Pencil(distance=v)])
def test_distance_is_for_what_is_behind_the_person(make: Callable[[float], Teacher]) -> None:
    image, landmarks = face()
    image = image.copy()
    image[:, 2:16:5] = image[:, 3:16:5] = 0
    near, far = (make(value)(image, landmarks).astype(int).mean(axis=2) for value in (1.0, 0.0))
    assert near[:, :16].mean() < far[:, :16].mean() - 5
    mouth, nose = np.rint(landmarks[[13, 1], 1]).astype(int)
    middle = slice(int(landmarks[1, 0]) - 4, int(landmarks[1, 0]) + 5)
    assert np.abs(near - far)[nose:mouth, middle].max() < 4


@every_look
def test_black_white_and_wild_landmarks_do_not_break_it(look: str) -> None:
    wild = (np.random.default_rng(0).random((478, 3)) * 600 - 200).astype(np.float32)
    for value in (0, 255):
        flat = np.full((64, 96, 3), value, np.uint8)
        assert np.ptp(LOOKS[look](flat, None).astype(int), axis=(0, 1)).max() <= 2
        assert LOOKS[look](flat, wild).shape == flat.shape
        assert LOOKS[look](flat, np.zeros((478, 3), np.float32)).shape == flat.shape


@every_look
def test_refuses_what_is_no_picture(look: str) -> None:
    image, landmarks = face()
    with pytest.raises(UsageError, match=f"{look} needs uint8 RGB"):
        LOOKS[look](image / 255.0, None)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="468"):
        LOOKS[look](image, landmarks[:468])
    with pytest.raises(UsageError, match="finite"):
        LOOKS[look](image, landmarks * np.float32("nan"))
