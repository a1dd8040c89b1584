"""The Monk scale: swatches, and faces under other lamps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")

import effectcam
from effectcam.distill.augment import Augmentation, relight
from effectcam.distill.data import Person, people
from effectcam.distill.monk import BANDS, SWATCHES, monk_tone, nearest_band
from effectcam.distill.skin import darken_skin


@pytest.fixture(scope="module")
def person() -> Person:
    """Half as large as in the clip, to be quick."""
    found = next(people(Path(effectcam.__file__).parent / "media", every=200))
    image = np.asarray(cv2.resize(found.image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
    return replace(found, image=image, landmarks=found.landmarks * np.float32(0.5))


def test_each_swatch_is_its_own_band() -> None:
    found = [nearest_band(np.array(swatch, float)) for swatch in SWATCHES]
    assert [tone.band for tone in found] == list(BANDS)
    assert max(tone.distance for tone in found) == 0


def test_darker_skin_falls_into_later_bands(person: Person) -> None:
    bands = [
        monk_tone(darken_skin(person.image, person.landmarks, melanin), person.landmarks).band
        for melanin in (0, 0.5, 1, 1.8)
    ]
    assert bands == sorted(bands)
    assert bands[-1] >= bands[0] + 2


@pytest.mark.parametrize(
    ("light", "off"),
    [
        ({"warmth": 0.3}, 0),
        ({"exposure": (0.5, 0.5)}, 1),
    ],
    ids=["another lamp", "half the light"],
)
def test_the_light_is_corrected(person: Person, light: dict[str, object], off: int) -> None:
    still = Augmentation(
        relight_share=1, side_light_share=0, saturation=(1, 1), contrast=(1, 1), gamma=(1, 1), exposure=(1, 1)
    )
    parameters = replace(still, cast=0, **({"warmth": 0.0} | light))  # type: ignore[arg-type]
    lit = relight(person.image, np.random.default_rng(3), parameters=parameters)
    plain = monk_tone(person.image, person.landmarks)
    assert abs(monk_tone(lit, person.landmarks).band - plain.band) <= off


def test_a_face_at_the_picture_s_edge_is_measured_too(person: Person) -> None:
    middle = int(person.landmarks[1, 0])
    half, moved = person.image[:, middle:], person.landmarks - np.array([middle, 0, 0], np.float32)
    band = monk_tone(np.ascontiguousarray(half), moved).band
    assert abs(band - monk_tone(person.image, person.landmarks).band) <= 1
