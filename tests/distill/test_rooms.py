"""Made-up rooms behind the synthetic person."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")

import effectcam
from effectcam.distill.data import Person, people
from effectcam.distill.pairs import write_pairs
from effectcam.distill.recipe import load_recipe
from effectcam.distill.rooms import elsewhere, room
from effectcam.frame import Pixels


@pytest.fixture(scope="module")
def person() -> Person:
    return next(people(Path(effectcam.__file__).parent / "media", every=150))


def test_the_face_stays_and_the_room_is_another(person: Person) -> None:
    small = np.asarray(cv2.resize(person.image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
    away = elsewhere(small, np.random.default_rng(2))
    change = np.abs(away.astype(int) - small).max(axis=2)
    for point in (1, 50, 280, 152):
        x, y = np.rint(person.landmarks[point, :2] / 2).astype(int)
        assert change[y, x] <= 12, point
    assert np.median(change[:, :20]) > 20 and np.median(change[:, -20:]) > 20
    assert np.array_equal(away, elsewhere(small, np.random.default_rng(2)))


def test_rooms_are_all_different_and_some_are_dim() -> None:
    rng = np.random.default_rng(0)
    rooms = [room(rng, 72, 96) for _ in range(40)]
    assert all(each.shape == (72, 96, 3) and each.dtype == np.uint8 for each in rooms)
    light = np.array([each.mean() for each in rooms])
    assert (light < 50).sum() > 5 and (light > 90).sum() > 5
    means = np.stack([cv2.resize(each, (4, 3), interpolation=cv2.INTER_AREA) for each in rooms]).astype(float)
    apart = np.abs(means[:, None] - means[None]).mean(axis=(2, 3, 4)) + 255 * np.eye(len(rooms))
    assert apart.min() > 3


def test_some_are_elsewhere_to_learn_from_and_who_is_held_out_is_at_home(
    person: Person, tmp_path: Path
) -> None:
    learnt, held = (_pictures(person, out, tmp_path / str(len(out))) for out in (set(), {person.name}))
    home = held[0]
    assert all(np.array_equal(each, home) for each in held)
    at_home = sum(np.array_equal(each, home) for each in learnt)
    assert 2 <= at_home <= 10


def _pictures(person: Person, held_out: set[str], folder: Path) -> list[Pixels]:
    """The first picture of each of twelve times the same ``person``, for a look that draws everything."""
    recipe = replace(load_recipe("pencil"), teacher="tests.distill.test_rooms:as_it_is")
    list(write_pairs(recipe, "face", [replace(person, tone="dark")] * 12, held_out, folder, darker=0))
    return list(np.load(folder / "inputs.npy")[::2])


def as_it_is(image: Pixels, landmarks: object) -> Pixels:
    """A teacher that draws what it sees."""
    return image.copy()
