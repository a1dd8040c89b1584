"""Frames are found where some are worn, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from effectcam.distill.teachers.head.brush import Brush
from effectcam.distill.teachers.head.face_canvas import FaceCanvas
from effectcam.distill.teachers.head.spectacles import Spectacles
from effectcam.distill.teachers.head.uv import FaceSpace, load_face_space
from effectcam.distill.teachers.head.zones import Zones, paint_zones
from tests.distill.demo_face import demo_face
from tests.distill.test_painted_faces import with_spectacles


@pytest.fixture(scope="module")
def bench() -> tuple[FaceSpace, Zones, Spectacles]:
    space = load_face_space()
    brush = Brush(space)
    return space, paint_zones(brush), Spectacles(brush)


def test_a_bare_face_wears_none(bench: tuple[FaceSpace, Zones, Spectacles]) -> None:
    space, zones, spectacles = bench
    image, landmarks = demo_face()
    assert spectacles.find(FaceCanvas(image, landmarks, space, zones)).max() < 0.05


def test_frames_are_found_and_cheeks_are_not(bench: tuple[FaceSpace, Zones, Spectacles]) -> None:
    space, zones, spectacles = bench
    image, landmarks = demo_face()
    worn = with_spectacles(image, landmarks)
    found = spectacles.find(FaceCanvas(worn, landmarks, space, zones))
    frame = (np.abs(worn.astype(int) - image).max(axis=2) > 60) & (worn.max(axis=2) < 60)
    assert np.median(found[frame]) > 0.6
    x, y = np.round(landmarks[205, :2]).astype(int)
    assert found[y - 3 : y + 4, x - 3 : x + 4].max() < 0.05
