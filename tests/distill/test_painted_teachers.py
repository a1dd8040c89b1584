"""Watercolour, oil, pastel, neon and stained glass draw the synthetic person: each its way, all steadily."""

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
from effectcam.distill.teachers.head.eyewear import eyewear
from effectcam.distill.teachers.head.uv import Floats, polygon_mask
from effectcam.distill.teachers.neon import Neon
from effectcam.distill.teachers.oil import Oil
from effectcam.distill.teachers.pastel import Pastel
from effectcam.distill.teachers.stained_glass import StainedGlass
from effectcam.distill.teachers.toon import Toon
from effectcam.distill.teachers.watercolour import Watercolour
from effectcam.errors import UsageError
from tests.distill.demo_face import demo_face, gap, moved
from tests.distill.small_face import SIDE, cheeks, chroma, face, lab

Pixels = NDArray[np.uint8]
LOOKS: dict[str, Teacher] = {
    "watercolour": Watercolour(),
    "oil": Oil(),
    "pastel": Pastel(),
    "neon": Neon(),
    "stained glass": StainedGlass(),
}

every_look = pytest.mark.parametrize("look", LOOKS)
in_daylight = pytest.mark.parametrize("look", [look for look in LOOKS if look != "neon"])


@functools.cache
def drawn(look: str, melanin: float = 0.0) -> Pixels:
    image, landmarks = face(melanin)
    return LOOKS[look](image, landmarks)


@functools.cache
def drawn_without_landmarks(look: str) -> Pixels:
    return LOOKS[look](face()[0], None)


def with_spectacles(image: Pixels, landmarks: Floats) -> Pixels:
    """Round dark frames, a bridge between them and arms, as wide as a pencil's line."""
    out = image.copy()
    radius = 0.62 * float(np.hypot(*(landmarks[33, :2] - landmarks[133, :2])))
    middles = [landmarks[[33, 133], :2].mean(axis=0), landmarks[[263, 362], :2].mean(axis=0)]
    across = (middles[1] - middles[0]) / np.hypot(*(middles[1] - middles[0]))
    lines = [(middles[0] + radius * across, middles[1] - radius * across)]
    lines += [
        (middles[0] - radius * across, landmarks[127, :2]),
        (middles[1] + radius * across, landmarks[356, :2]),
    ]
    for start, end in lines:
        cv2.line(out, np.rint(start).astype(int).tolist(), np.rint(end).astype(int).tolist(), (25, 20, 20), 3)
    for middle in middles:
        cv2.circle(out, np.rint(middle).astype(int).tolist(), round(radius), (25, 20, 20), 3, cv2.LINE_AA)
    return out


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
    assert gap(shifted[middle, middle], there[middle, middle]) < 0.15 * gap(drawn(look), image)


@every_look
def test_noise_is_not_drawn(look: str) -> None:
    image, landmarks = face()
    noise = np.random.default_rng(3).normal(0, 4, image.shape)
    noisy = np.clip(image + noise, 0, 255).astype(np.uint8)
    assert gap(LOOKS[look](noisy, landmarks), drawn(look)) < 0.22 * gap(drawn(look), image)


@every_look
@pytest.mark.parametrize("turned", ["mirrored", "laid down"])
def test_training_may_mirror_a_frame_and_lay_it_down(look: str, turned: str) -> None:
    def turn(picture: Pixels) -> Pixels:
        other = picture[:, ::-1] if turned == "mirrored" else picture.transpose(1, 0, 2)
        return np.ascontiguousarray(other)

    again = LOOKS[look](turn(face()[0]), None)
    share = gap(again, turn(drawn_without_landmarks(look))) / gap(drawn(look), face()[0])
    # Lead is crisp: half a pixel more or less shows.
    assert share < (0.15 if look == "stained glass" else 0.08)


@in_daylight
def test_darker_skin_is_drawn_darker(look: str) -> None:
    light, brown, dark = (cheeks(drawn(look, melanin))[:, 0].mean() for melanin in (0.0, 0.7, 1.6))
    assert light > brown + 4
    assert brown > dark + 4


@in_daylight
@pytest.mark.parametrize("melanin", [0.0, 0.7, 1.6])
def test_skin_keeps_its_hue(look: str, melanin: float) -> None:
    seen, made = (cheeks(picture).mean(axis=0) for picture in (face(melanin)[0], drawn(look, melanin)))
    turn = np.degrees(np.arctan2(made[2], made[1]) - np.arctan2(seen[2], seen[1]))
    assert abs((turn + 180) % 360 - 180) < 30


@every_look
def test_a_dark_face_keeps_its_modelling(look: str) -> None:
    image, landmarks = face(1.6)
    inside = polygon_mask(landmarks[[109, 338, 454, 365, 136, 234]], SIDE, SIDE) > 0.5
    assert lab(image)[inside, 0].mean() < 35
    assert np.ptp(np.percentile(lab(drawn(look, 1.6))[inside, 0], (10, 90))) > 12


@every_look
def test_face_and_frame_are_one_look(look: str) -> None:
    """Landmarks change the features and what is told from the cheeks; the rim of the crop stays. Only the
    net of lead across a wide pane ends before a face."""
    a, b = drawn(look), drawn_without_landmarks(look)
    rim = np.ones((SIDE, SIDE), bool)
    rim[16:-16, 16:-16] = False
    assert gap(a[rim], b[rim]) < (0.2 if look == "stained glass" else 0.05) * gap(a, face()[0])
    assert 0.01 * gap(a, face()[0]) < gap(a, b) < 0.6 * gap(a, face()[0])


@in_daylight
def test_eyes_are_white_round_the_iris_and_dark_in_the_pupil(look: str) -> None:
    _, landmarks = face()
    lightness = lab(drawn(look))[..., 0]
    for iris, corner in ((468, 33), (473, 263)):
        pupil = landmarks[iris, :2]
        x, y = np.rint(pupil).astype(int)
        white = np.rint(pupil + (landmarks[corner, :2] - pupil) * 0.62).astype(int)
        seen = lightness[white[1] - 1 : white[1] + 2, white[0] - 1 : white[0] + 2].max()
        assert seen > lightness[y - 1 : y + 2, x - 1 : x + 2].min() + 25


def test_the_five_are_told_apart_from_each_other_and_from_toon() -> None:
    image, landmarks = face()
    looks = [drawn(look) for look in LOOKS] + [Toon()(image, landmarks)]
    small = [np.asarray(cv2.resize(d, (24, 24), interpolation=cv2.INTER_AREA), np.uint8) for d in looks]
    for a, b in itertools.combinations(small, 2):
        assert gap(a, b) > 8


def disc() -> Pixels:
    """A brown disc on a white ground."""
    y, x = np.mgrid[:128, :128].astype(np.float32) - 63.5
    inside = np.clip(40.5 - np.hypot(x, y), 0, 1)[..., None]
    return np.asarray(np.rint(245 + (np.array([120, 80, 60]) - 245) * inside), np.uint8)


def test_watercolour_leaves_paper_white_and_pools_at_the_rim() -> None:
    lightness = lab(Watercolour(pencil=0.0)(disc(), None))[64, :, 0]
    assert lightness[:12].min() > 94
    even = lab(Watercolour(pencil=0.0, pooling=0.0)(disc(), None))[64, :, 0]
    darker = even - lightness
    assert darker[22:32].max() > 3 > darker[60:68].max()


def test_oil_is_deeper_than_the_picture_and_faces_have_planes_where_walls_have_none() -> None:
    image, landmarks = face()
    assert lab(drawn("oil"))[..., 0].std() > 1.05 * lab(image)[..., 0].std()
    noise = np.random.default_rng(1).normal(0, 3, (96, 96, 3))
    wall = np.clip(np.array([120, 100, 90]) + noise, 0, 255).astype(np.uint8)
    assert np.ptp(lab(Oil()(wall, None))[..., 0]) < 2
    unplaned = Oil(planes=0.0)(wall, None)
    assert np.abs(lab(Oil()(wall, None)) - lab(unplaned))[..., 0].max() < 2
    smooth = Oil(planes=0.0)(image, landmarks)
    assert np.abs(lab(drawn("oil")) - lab(smooth))[..., 0][60:100, 40:88].mean() > 0.5


def test_pastel_has_no_black_and_tinted_paper() -> None:
    assert lab(drawn("pastel"))[..., 0].min() > 12
    bare = lab(Pastel()(np.full((96, 96, 3), 128, np.uint8), None)).reshape(-1, 3).mean(axis=0)
    assert bare[2] > 3 and bare[0] > 55


@pytest.mark.parametrize("melanin", [0.0, 1.6])
def test_neon_is_dark_between_bright_tubes_on_any_skin(melanin: float) -> None:
    lightness = lab(drawn("neon", melanin))[..., 0]
    assert np.percentile(lightness, 25) < 28
    assert np.mean(lightness > 70) > 0.02
    assert chroma(drawn("neon", melanin))[lightness > 40].mean() > 25


def test_neon_bends_lips_pink_and_lids_blue() -> None:
    seen, (_, landmarks) = lab(drawn("neon")), face()

    def at(point: int) -> Floats:
        x, y = np.rint(landmarks[point, :2]).astype(int)
        return np.asarray(seen[y - 1 : y + 2, x - 1 : x + 2].reshape(-1, 3).mean(axis=0), np.float32)

    for lip in (17, 0):
        assert at(lip)[0] > 50 and at(lip)[1] > 20
    for lid in (159, 386):
        assert at(lid)[0] > 45 and at(lid)[1] < 0


def test_glass_is_lead_and_panes() -> None:
    lightness = lab(drawn("stained glass"))[..., 0]
    assert 0.08 < np.mean(lightness < 15) < 0.4
    panes = lightness > 25
    assert chroma(drawn("stained glass"))[panes].mean() > 1.3 * chroma(face()[0])[panes].mean()


def test_glass_is_leaded_where_tones_step_and_not_on_a_slope() -> None:
    slope = np.linspace(40, 220, 160)
    # In the middle of the panes' tones, 18 apart in lightness.
    steps = np.repeat([27, 64, 107, 152, 201], 32)
    for levels, cames in ((slope, 0), (steps, 4)):
        picture = np.repeat(levels[None, :, None], 128, axis=0).repeat(3, axis=2).astype(np.uint8)
        row = lab(StainedGlass(light=0.0)(picture, None))[64, 8:-8, 0]
        assert np.count_nonzero(np.diff((row < 15).astype(int)) == 1) == cames


def test_spectacles_are_found_and_leaded() -> None:
    image, landmarks = demo_face(2.9)
    wearing = with_spectacles(image, landmarks)
    assert eyewear(image, landmarks).max() < 0.1
    near = eyewear(wearing, landmarks) > 0.5
    assert 0.005 < near.mean() < 0.08
    assert np.mean(lab(StainedGlass()(wearing, landmarks))[near, 0] < 20) > 0.4


@pytest.mark.parametrize(
    ("make", "less", "more"),
    [
        (lambda v: Watercolour(pencil=v), 0.0, 1.0),
        (lambda v: Pastel(contour=v), 0.0, 1.0),
        (lambda v: Neon(glow=2 - v), 0.5, 1.5),
        (lambda v: StainedGlass(came=v), 0.6, 1.4),
    ],
)
def test_parameters_darken_the_drawing(make: Callable[[float], Teacher], less: float, more: float) -> None:
    image, landmarks = face()
    lightness = [make(value)(image, landmarks).mean() for value in (less, more)]
    assert lightness[1] < lightness[0] - 0.2


@every_look
def test_black_white_and_wild_landmarks_do_not_break_it(look: str) -> None:
    wild = (np.random.default_rng(0).random((478, 3)) * 200 - 50).astype(np.float32)
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
