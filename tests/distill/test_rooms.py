"""Made-up rooms behind the synthetic person."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")

import effectcam
from effectcam.distill import pairs, rooms
from effectcam.distill.data import Person, people
from effectcam.distill.recipe import load_recipe
from effectcam.distill.rooms import elsewhere, room
from effectcam.face.crop import Crop
from effectcam.face.mesh import FaceMesh
from effectcam.frame import Frame, Pixels


@pytest.fixture(scope="module")
def person() -> Person:
    return next(people(Path(effectcam.__file__).parent / "media", every=150))


def test_the_face_stays_and_the_room_is_another(person: Person) -> None:
    small = np.asarray(cv2.resize(person.image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
    away = elsewhere(small, person.landmarks / 2, np.random.default_rng(2))
    change = np.abs(away.astype(int) - small).max(axis=2)
    for point in (1, 50, 280, 152):
        x, y = np.rint(person.landmarks[point, :2] / 2).astype(int)
        assert change[y, x] <= 12, point
    assert np.median(change[:, :20]) > 20 and np.median(change[:, -20:]) > 20
    assert np.array_equal(away, elsewhere(small, person.landmarks / 2, np.random.default_rng(2)))


def test_rooms_are_all_different_and_some_are_dim() -> None:
    rng = np.random.default_rng(0)
    several = [room(rng, 72, 96) for _ in range(40)]
    assert all(each.shape == (72, 96, 3) and each.dtype == np.uint8 for each in several)
    light = np.array([each.mean() for each in several])
    assert (light < 50).sum() > 5 and (light > 90).sum() > 5
    means = np.stack([cv2.resize(each, (4, 3), interpolation=cv2.INTER_AREA) for each in several]).astype(
        float
    )
    apart = np.abs(means[:, None] - means[None]).mean(axis=(2, 3, 4)) + 255 * np.eye(len(several))
    assert apart.min() > 3


@pytest.mark.parametrize(("look", "space"), [("pencil", "face"), ("pencil", "frame"), ("marble", "face")])
def test_some_are_elsewhere_to_learn_from_and_nobody_who_is_held_out(
    person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, look: str, space: str
) -> None:
    def away(rng: np.random.Generator, height: int, width: int) -> Pixels:
        return np.full((height, width, 3), (200, 0, 200), np.uint8)

    monkeypatch.setattr(rooms, "room", away)
    teacher = "tests.distill.test_rooms:" + ("opaque" if look == "marble" else "as_it_is")
    recipe = replace(load_recipe(look), teacher=teacher)
    recipe = replace(recipe, students={space: replace(recipe.students[space], teacher={})})
    crowd = [replace(person, tone="dark")] * 12
    moved = []
    for out in (set[str](), {person.name}):
        folder = tmp_path / str(len(out))
        list(pairs.write_pairs(recipe, space, crowd, out, folder, darker=0))
        red, green, _ = np.load(folder / "inputs.npy")[:, :40, :40].mean(axis=(1, 2)).T
        moved.append((green < 0.2 * red).mean())
    assert 0.05 < moved[0] < (0.6 if space == "face" else 1) and moved[1] == 0


def test_a_person_drawn_small_is_alone_in_the_room(person: Person, tmp_path: Path) -> None:
    """And not among mirror images, of which a narrow picture would give several."""
    x, width = person.landmarks[:, 0].mean(), np.ptp(person.landmarks[:, 0])
    left, right = (round(float(x + end * width)) for end in (-0.9, 0.9))
    narrow = np.ascontiguousarray(person.image[:, left:right])
    alone = replace(person, image=narrow, landmarks=person.landmarks - np.array([left, 0, 0], np.float32))
    recipe = replace(load_recipe("pencil"), teacher="tests.distill.test_rooms:as_it_is")
    recipe = replace(recipe, students={"frame": replace(recipe.students["frame"], teacher={})})
    list(pairs.write_pairs(recipe, "frame", [alone] * 6, set(), tmp_path, darker=0))
    store = pairs.PairStore.load(tmp_path)
    roomy = [picture for picture, edges in zip(store.inputs, store.photographed, strict=True) if not edges]
    assert len(roomy) > 6
    found = []
    with FaceMesh(4) as mesh:
        for index, picture in enumerate(roomy):
            found.append(len(mesh.process(Frame(np.ascontiguousarray(picture), index, index))))
            mesh.reset()
    assert max(found) == 1


def as_it_is(image: Pixels, landmarks: object) -> Pixels:
    """A teacher that draws what it sees."""
    return image.copy()


def opaque(image: Pixels, landmarks: object) -> Pixels:
    return np.dstack([image, np.full(image.shape[:2], 255, np.uint8)])


def test_who_is_not_found_stays_at_home(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    image = person.image
    monkeypatch.setattr(rooms, "figure", lambda picture, lab, unit: np.zeros(picture.shape[:2], np.float32))
    assert rooms.elsewhere(image, person.landmarks, np.random.default_rng(0)) is image


def test_shoulders_that_the_photograph_cuts_off_fall_away_beside_it(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing else of the mirror image beside it is the person's."""
    cloth = np.zeros((240, 160), np.float32)
    cloth[150:] = 1
    cloth[60:, 40:120] = 1
    monkeypatch.setattr(pairs, "cut_out", lambda image, landmarks: cloth)
    half = replace(person, image=np.zeros((240, 160, 3), np.uint8))
    window = Crop(cx=79.5, cy=159.5, side=float(pairs.BASE), angle=0.0)
    edges = pairs.photographed(half.image, window)
    alone = pairs._cut_out(half, window, edges)
    assert edges == [80, 0, 239, 239] and alone is not None
    assert np.array_equal(alone[:240, 80:240] > 0.5, cloth > 0.5)
    for beyond in (5, 40, 75):
        for column in (80 - beyond, 239 + beyond):
            (rows,) = np.nonzero(alone[:240, column] > 0.5)
            assert rows.min() == pytest.approx(150 + 0.6 * beyond, abs=1) and rows.max() == 239


def test_a_portrait_is_continued_below_with_its_own_cloth() -> None:
    portrait = np.random.default_rng(0).integers(0, 255, (200, 120, 3), np.uint8)
    portrait[190:] = portrait[190:191]
    taller = rooms.longer(portrait)
    assert taller.shape == (350, 120, 3)
    np.testing.assert_array_equal(taller[:200], portrait)
    np.testing.assert_array_equal(taller[200:], np.broadcast_to(portrait[190], (150, 120, 3)))


def test_half_the_portraits_to_learn_from_show_cloth_far_below_the_face(
    person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pairs, "_ELSEWHERE", 0.0)
    monkeypatch.setattr(pairs, "_PHOTOGRAPHED", 0.0)
    cloth = person.image.copy()
    end = round(float(person.landmarks[:, 1].max()))
    cloth[end:] = (250, 0, 250)
    portrait = replace(person, image=cloth[: end + 40], tone="light", name="a-portrait.jpg")
    recipe = replace(load_recipe("pencil"), teacher="tests.distill.test_rooms:as_it_is")
    recipe = replace(recipe, students={"frame": replace(recipe.students["frame"], teacher={})})
    list(pairs.write_pairs(recipe, "frame", [portrait] * 10, set(), tmp_path, darker=0))
    store = pairs.PairStore.load(tmp_path)
    below = []
    for picture in store.inputs:
        red, green, blue = np.moveaxis(picture.astype(int), -1, 0)
        below.append(((red > 200) & (green < 60) & (blue > 200)).any(axis=1).sum())
    assert 0.2 < (np.array(below) > 60).mean() < 0.8
