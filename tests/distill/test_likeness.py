"""Copies, and people who come more than once."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")

import effectcam
from effectcam.distill.data import Person, people
from effectcam.distill.likeness import THUMBNAIL, fingerprint, largest, persons, repeats, thumbnail
from effectcam.frame import Pixels


@pytest.fixture(scope="module")
def crowd() -> list[Person]:
    return list(islice(people(Path(effectcam.__file__).parent / "media", every=2), 3))


def _copies(image: Pixels) -> list[tuple[Pixels, float]]:
    """Copies of a picture, each with its scale."""
    small = np.asarray(cv2.resize(image, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA), np.uint8)
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 50])
    bright = np.clip(image.astype(np.float32) * 1.15, 0, 255).astype(np.uint8)
    return [(small, 0.6), (np.asarray(cv2.imdecode(data, 1), np.uint8), 1.0), (bright, 1.0)]


def test_copies_are_found_whatever_their_size_and_exposure(crowd: list[Person]) -> None:
    person = crowd[0]
    first = fingerprint(person.image, person.landmarks)
    copies = [
        fingerprint(image, person.landmarks * np.float32(scale)) for image, scale in _copies(person.image)
    ]
    mirrored = fingerprint(
        np.ascontiguousarray(person.image[:, ::-1]),
        (person.landmarks * np.array([-1, 1, 1], np.float32))
        + np.array([person.image.shape[1] - 1, 0, 0], np.float32),
    )
    assert repeats([first, *copies, mirrored]) == [None, 0, 0, 0, None]
    assert repeats([]) == []


def test_a_slow_change_is_not_all_one_picture() -> None:
    bits = np.zeros((40, 256), np.uint8)
    for step in range(1, 40):
        bits[step:, 6 * (step - 1) : 6 * step] = 1
    found = repeats([row.tobytes() for row in np.packbits(bits, axis=1)])
    assert 10 <= sum(same is None for same in found) <= 14


def _noise(count: int) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (count, THUMBNAIL, THUMBNAIL, 3), np.uint8)


def test_names_folders_and_clips_tell_people_apart() -> None:
    names = ["a/anna-1.jpg", "a/anna_02.jpg", "a/Anna (3).jpg", "a/ben.jpg", "b/anna-4.jpg"]
    names += [
        "b/IMG_12.jpg",
        "b/IMG_13.jpg",
        "b/014811.jpg",
        "b/014812.jpg",
        "c1.mp4#0",
        "c1.mp4#20",
        "c2.mp4#0",
    ]
    noise = _noise(len(names))
    by_name = persons(names, noise, ["names"] * len(names))
    assert by_name[:3] == ["a/anna-1.jpg"] * 3
    assert by_name[3:9] == names[3:9]
    assert by_name[9:] == ["c1.mp4#0", "c1.mp4#0", "c2.mp4#0"]
    by_folder = persons(names, noise, ["folders"] * len(names))
    assert by_folder[:9] == [names[0]] * 4 + [names[4]] * 5
    by_look = persons(names, noise, ["look"] * len(names))
    assert len(set(by_look)) == len(names) - 1
    assert largest(by_name, 1) == [("a/anna-1.jpg", 3)]


def test_one_sitting_is_one_person(crowd: list[Person]) -> None:
    sitting = [thumbnail(person.image, person.landmarks) for person in crowd]
    names = ["p.jpg", "q.jpg", "r.jpg", "s.jpg"]
    found = persons(names, np.stack([*sitting, _noise(1)[0]]), ["names"] * len(names))
    assert found == ["p.jpg", "p.jpg", "p.jpg", "s.jpg"]
