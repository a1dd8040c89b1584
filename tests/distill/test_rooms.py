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
