"""What makes a picture unfit to learn from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")

import effectcam
from effectcam.distill.data import Person, people
from effectcam.distill.fitness import Limits, fitness
from effectcam.distill.skin import darken_skin
from effectcam.errors import UsageError
from effectcam.frame import Pixels

Spoil = Callable[[Person], tuple[Pixels, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]]


@pytest.fixture(scope="module")
def person() -> Person:
    """Half as large as in the clip, to be quick."""
    found = next(people(Path(effectcam.__file__).parent / "media", every=200))
    image = np.asarray(cv2.resize(found.image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
    return replace(found, image=image, landmarks=found.landmarks * np.float32(0.5))


def test_a_good_picture_passes_light_or_dark(person: Person) -> None:
    assert Limits().refusal(fitness(person.image, person.landmarks)) is None
    dark = darken_skin(person.image, person.landmarks, 1.8)
    assert Limits().refusal(fitness(dark, person.landmarks)) is None


def _blurred(person: Person) -> tuple[Pixels, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    eyes = float(np.hypot(*(person.landmarks[263] - person.landmarks[33])[:2]))
    return np.asarray(cv2.GaussianBlur(person.image, (0, 0), 0.035 * eyes), np.uint8), person.landmarks


def _grey(person: Person, tint: tuple[float, float, float]) -> Pixels:
    grey = cv2.cvtColor(person.image, cv2.COLOR_RGB2GRAY).astype(np.float32)[..., None]
    return np.clip(grey * np.array(tint, np.float32), 0, 255).astype(np.uint8)


SPOILT: dict[str, tuple[str, Spoil]] = {
    "blurred": ("blur", _blurred),
    "in the dark": ("exposure", lambda p: ((p.image * 0.1).astype(np.uint8), p.landmarks)),
    "burnt out": (
        "exposure",
        lambda p: (np.clip(p.image.astype(int) * 3, 0, 255).astype(np.uint8), p.landmarks),
    ),
    "fog": ("exposure", lambda p: ((p.image * 0.06 + 160).astype(np.uint8), p.landmarks)),
    "grey": ("no colour", lambda p: (_grey(p, (1, 1, 1)), p.landmarks)),
    "sepia": ("no colour", lambda p: (_grey(p, (1, 0.85, 0.65)), p.landmarks)),
    "tiny": (
        "too small",
        lambda p: (
            np.asarray(cv2.resize(p.image, None, fx=0.15, fy=0.15, interpolation=cv2.INTER_AREA), np.uint8),
            p.landmarks * np.float32(0.15),
        ),
    ),
    "half a face": (
        "cut off",
        lambda p: (
            np.ascontiguousarray(p.image[:, int(p.landmarks[1, 0]) :]),
            p.landmarks - np.array([int(p.landmarks[1, 0]), 0, 0], np.float32),
        ),
    ),
    "lying": (
        "pose",
        lambda p: (
            np.ascontiguousarray(p.image[::-1].transpose(1, 0, 2)),
            (p.landmarks[:, [1, 0, 2]] * np.array([-1, 1, 1], np.float32))
            + np.array([p.image.shape[0] - 1, 0, 0], np.float32),
        ),
    ),
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_spoilt_picture_is_refused_for_what_is_wrong(person: Person, how: str) -> None:
    reason, spoil = SPOILT[how]
    refusal = Limits().refusal(fitness(*spoil(person)))
    assert refusal is not None
    assert refusal.reason == reason, refusal


def test_pose_has_its_signs(person: Person) -> None:
    mirrored = person.landmarks.copy()
    mirrored[:, 0] = person.image.shape[1] - 1 - mirrored[:, 0]
    # Mirrored, the corner of the left eye is where the mesh has that of the right one.
    mirrored[[33, 263]] = mirrored[[263, 33]]
    plain = fitness(person.image, person.landmarks)
    other = fitness(np.ascontiguousarray(person.image[:, ::-1]), mirrored)
    assert other.yaw == pytest.approx(-plain.yaw, abs=0.2)
    nodding = person.landmarks.copy()
    # The chin comes forward: the head looks up.
    nodding[152, 2] -= 0.5 * np.ptp(person.landmarks[:, 1])
    assert fitness(person.image, nodding).pitch > plain.pitch + 10


@pytest.mark.parametrize("wrong", [{"smallest": 2.0}, {"yaw": 0.0}, {"yaw": 120.0}])
def test_senseless_limits_are_told(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        Limits(**wrong)
