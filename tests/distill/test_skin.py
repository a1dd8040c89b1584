"""Darker skin for the synthetic person: the skin changes, and nothing else does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")

import effectcam
from effectcam.distill.data import Person, people
from effectcam.distill.skin import darken_into_last_band, darken_skin
from effectcam.distill.tones import TONES, tone, typology_angle
from effectcam.errors import UsageError


@pytest.fixture(scope="module")
def person() -> Person:
    return next(people(Path(effectcam.__file__).parent / "media", every=150))


def test_more_melanin_makes_darker_skin(person: Person) -> None:
    shades = [darken_skin(person.image, person.landmarks, melanin) for melanin in (0, 0.5, 1.0, 1.8)]
    angles = [typology_angle(shade, person.landmarks) for shade in shades]
    assert angles == sorted(angles, reverse=True)
    assert angles[0] - angles[2] > 30 and angles[2] < 10


def test_only_the_skin_changes(person: Person) -> None:
    darker = darken_skin(person.image, person.landmarks, 1.0)
    change = np.abs(darker.astype(int) - person.image).max(axis=2)
    face = person.landmarks
    left, right = int(face[:, 0].min()), int(face[:, 0].max())
    reach = (right - left) // 2
    assert change[:, : left - reach].max() == 0 and change[:, right + reach :].max() == 0
    iris_x, iris_y = np.rint(person.landmarks[468, :2]).astype(int)
    assert change[iris_y, iris_x] < 12
    cheek_x, cheek_y = np.rint(person.landmarks[50, :2]).astype(int)
    assert change[cheek_y, cheek_x] > 40


def test_no_melanin_changes_nothing_and_less_is_refused(person: Person) -> None:
    assert np.array_equal(darken_skin(person.image, person.landmarks, 0), person.image)
    with pytest.raises(UsageError, match=r"-0\.5"):
        darken_skin(person.image, person.landmarks, -0.5)


def test_the_last_band_is_reached_and_hardly_passed(person: Person) -> None:
    darkest = darken_into_last_band(person.image, person.landmarks)
    assert tone(darkest, person.landmarks) == TONES[-1]
    assert typology_angle(darkest, person.landmarks) > -45
