"""What every face painted on the mesh owes: alpha on the face alone, light, steadiness, spectacles."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from effectcam.distill.teachers.clown import Clown
from effectcam.distill.teachers.head.uv import FACE_OVAL, INNER_LIPS, Floats, polygon_mask
from effectcam.distill.teachers.skull import Skull
from effectcam.distill.teachers.tiger import Tiger
from effectcam.distill.teachers.vampire import Vampire
from effectcam.errors import UsageError
from tests.distill.demo_face import SIDE, Pixels, demo_face, gap, laid, moved

Painter = Callable[[Pixels, Floats | None], Pixels]
MAKERS: dict[str, Callable[[], Painter]] = {
    "clown": Clown,
    "skull": Skull,
    "tiger": Tiger,
    "vampire": Vampire,
}


@pytest.fixture(scope="module", params=sorted(MAKERS))
def painter(request: pytest.FixtureRequest) -> Painter:
    return MAKERS[request.param]()


def patch(picture: Pixels, landmarks: Floats, index: int, radius: int = 3) -> Floats:
    """Mean colour round a landmark."""
    x, y = np.round(landmarks[index, :2]).astype(int)
    square = picture[y - radius : y + radius + 1, x - radius : x + radius + 1]
    return np.asarray(square.reshape(-1, picture.shape[2]).mean(axis=0), np.float32)


def with_spectacles(image: Pixels, landmarks: Floats) -> Pixels:
    """Dark frames drawn round the eyes."""
    drawn = image.copy()
    centres = [landmarks[pair, :2].mean(axis=0) for pair in ([33, 133], [263, 362])]
    half = 0.34 * float(np.linalg.norm(centres[1] - centres[0]))
    for x, y in centres:
        middle = (round(float(x)), round(float(y) + 0.2 * half))
        cv2.ellipse(drawn, middle, (round(half), round(0.75 * half)), 0, 0, 360, (25, 22, 30), 3, cv2.LINE_AA)
    left, right = (
        (round(float(x) + s * half), round(float(y))) for (x, y), s in zip(centres, (1, -1), strict=True)
    )
    return np.asarray(cv2.line(drawn, left, right, (25, 22, 30), 3, cv2.LINE_AA), np.uint8)


def test_the_same_face_is_painted_the_same_and_left_as_it_is(painter: Painter) -> None:
    image, landmarks = demo_face()
    before = image.copy()
    answer = painter(image, landmarks)
    assert answer.shape == (SIDE, SIDE, 4) and answer.dtype == np.uint8
    np.testing.assert_array_equal(answer, painter(image, landmarks))
    np.testing.assert_array_equal(image, before)


def test_paint_covers_the_face_and_nothing_beside_it(painter: Painter) -> None:
    image, landmarks = demo_face()
    answer = painter(image, landmarks)
    alpha = answer[:, :, 3]
    far = polygon_mask(landmarks[FACE_OVAL], SIDE, SIDE)
    far = cv2.dilate(far, np.ones((61, 61), np.uint8)) == 0
    assert alpha[far].max() == 0
    assert np.abs(answer[:, :, :3][far].astype(int) - image[far]).max() <= 2
    for index in (9, 50, 280, 199):
        assert patch(answer, landmarks, index, 2)[3] > 150
    face = polygon_mask(landmarks[FACE_OVAL], SIDE, SIDE) > 0.5
    assert np.abs(laid(image, answer).astype(int) - image)[face].mean() > 20


def test_a_small_shift_moves_the_paint_along(painter: Painter) -> None:
    image, landmarks = demo_face()
    painted = laid(image, painter(image, landmarks))
    there, points = moved(image, landmarks, 1.0, 0.5)
    again = laid(there, painter(there, points))
    shifted, _ = moved(painted, landmarks, 1.0, 0.5)
    inner = np.s_[8:-8, 8:-8]
    assert gap(again[inner], shifted[inner]) < 1.0


def test_unsteady_landmarks_and_noise_do_not_make_it_flicker(painter: Painter) -> None:
    image, landmarks = demo_face()
    rng = np.random.default_rng(0)
    shaken = landmarks + rng.normal(0, 0.3, landmarks.shape).astype(np.float32)
    noisy = np.clip(image + rng.normal(0, 3, image.shape), 0, 255).astype(np.uint8)
    painted = laid(image, painter(image, landmarks))
    assert gap(laid(image, painter(image, shaken)), painted) < 1.2
    # Thick paint hides grain: never more of it than the picture itself has.
    assert gap(laid(noisy, painter(noisy, landmarks)), painted) < gap(noisy, image)


def test_a_dim_room_gives_a_dim_face(painter: Painter) -> None:
    image, landmarks = demo_face()
    dim = (image * 0.3).astype(np.uint8)
    bright_face, dim_face = laid(image, painter(image, landmarks)), laid(dim, painter(dim, landmarks))
    face = polygon_mask(landmarks[FACE_OVAL], SIDE, SIDE) > 0.5
    assert 0.3 < dim_face[face].mean() / bright_face[face].mean() < 0.8


def test_the_side_turned_from_the_lamp_stays_darker(painter: Painter) -> None:
    image, landmarks = demo_face()
    ramp = np.linspace(1.2, 0.5, SIDE)[None, :, None]
    lit = np.clip(image * ramp, 0, 255).astype(np.uint8)
    even, leaning = laid(image, painter(image, landmarks)), laid(lit, painter(lit, landmarks))
    left, right = (patch(leaning, landmarks, i).sum() / patch(even, landmarks, i).sum() for i in (101, 330))
    assert left > 1.15 * right


def test_spectacles_stay_in_front(painter: Painter) -> None:
    image, landmarks = demo_face()
    worn = with_spectacles(image, landmarks)
    frame = (np.abs(worn.astype(int) - image).max(axis=2) > 60) & (worn.max(axis=2) < 60)
    painted = laid(worn, painter(worn, landmarks))
    assert painted[frame].mean() < 75


def test_teeth_in_an_open_mouth_are_dimmed_at_most(painter: Painter) -> None:
    image, landmarks = demo_face()
    mouth = cv2.erode(polygon_mask(landmarks[INNER_LIPS], SIDE, SIDE), np.ones((3, 3), np.uint8)) == 1
    painted = laid(image, painter(image, landmarks))
    assert not (painted[mouth].mean(axis=0) > image[mouth].mean(axis=0) + 20).any()


def test_a_face_outside_the_picture_is_no_accident(painter: Painter) -> None:
    image, landmarks = demo_face()
    answer = painter(image, landmarks + np.array([4 * SIDE, 0, 0], np.float32))
    assert answer[:, :, 3].max() == 0
    np.testing.assert_array_equal(answer[:, :, :3], image)


def test_a_lost_face_and_other_shapes_are_refused(painter: Painter) -> None:
    image, landmarks = demo_face()
    with pytest.raises(UsageError, match="missing"):
        painter(image, None)
    with pytest.raises(UsageError, match=r"\(468, 3\)"):
        painter(image, landmarks[:468])
    with pytest.raises(UsageError, match="float32"):
        painter(image.astype(np.float32), landmarks)
