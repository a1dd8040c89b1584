"""A smile is warped on: on the synthetic person, made stern first where that matters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from effectcam.distill.teachers.head.expression import fit_smile, load_smile, save_smile, smile_level, smiling
from effectcam.distill.teachers.head.mls import backward_map, warp
from effectcam.distill.teachers.head.uv import FACE_OVAL, MESH_POINTS, Floats, load_face_space, polygon_mask
from effectcam.distill.teachers.smile import Smile
from effectcam.errors import UsageError
from tests.distill.demo_face import SIDE, Pixels, demo_face, find_landmarks, gap, laid, moved


@pytest.fixture(scope="module")
def smile() -> Smile:
    return Smile()


@pytest.fixture(scope="module")
def stern(smile: Smile) -> tuple[Pixels, Floats]:
    """The person with hardly a smile, as training makes it."""
    image, landmarks = demo_face()
    made = [smile.inputs(image, landmarks, np.random.default_rng(seed)) for seed in range(12)]
    return min(made, key=lambda pair: smile_level(pair[1]))


def test_points_that_stay_leave_the_picture_alone() -> None:
    points = np.random.default_rng(0).uniform(0, 90, (12, 2)).astype(np.float32)
    where = backward_map(points, points, 80, 100)
    assert np.abs(where[..., 0] - np.arange(100)).max() < 1e-3
    assert np.abs(where[..., 1] - np.arange(80)[:, None]).max() < 1e-3


def test_a_common_similarity_is_followed() -> None:
    points = np.random.default_rng(0).uniform(0, 90, (12, 2)).astype(np.float32)
    turn = np.array([[0.95, -0.2], [0.2, 0.95]], np.float32)
    where = backward_map(points, points @ turn.T + np.float32(5), 80, 100)
    x, y = np.meshgrid(np.arange(100), np.arange(80))
    back = (np.dstack([x, y]) - 5) @ np.linalg.inv(turn).T
    assert np.abs(where - back).max() < 0.15


def test_a_moved_point_takes_its_surroundings_along_and_no_more() -> None:
    grid = np.stack(np.meshgrid(np.arange(5, 100, 15), np.arange(5, 100, 15)), axis=-1)
    source = grid.reshape(-1, 2).astype(np.float32)
    target = source.copy()
    target[24] += 4
    where = backward_map(source, target, 100, 100)
    x, y = target[24].astype(int)
    assert np.abs(where[y, x] - source[24]).max() < 0.6
    assert np.abs(where[8, 8] - 8).max() < 0.3
    ramp = np.tile(np.linspace(0, 1, 100, dtype=np.float32), (100, 1))
    assert warp(ramp, where)[y, x] == pytest.approx(ramp[y, x] - 4 / 99, abs=0.008)


def test_the_mesh_sees_a_smile(smile: Smile, stern: tuple[Pixels, Floats]) -> None:
    image, landmarks = stern
    before, after = (find_landmarks(picture) for picture in (image, laid(image, smile(image, landmarks))))
    assert before is not None and after is not None
    assert smile_level(after) > smile_level(before) + 0.8
    assert np.abs(after[[33, 263, 4, 10], :2] - before[[33, 263, 4, 10], :2]).max() < 2.5


def test_who_smiles_gets_less_of_it(smile: Smile, stern: tuple[Pixels, Floats]) -> None:
    changes = [gap(laid(image, smile(image, points)), image) for image, points in (stern, demo_face())]
    assert smile_level(stern[1]) < smile_level(demo_face()[1]) - 1
    assert changes[1] < changes[0]


def test_corners_go_up_and_out_and_come_back() -> None:
    _, landmarks = demo_face()
    landmarks = landmarks.copy()
    more = smiling(landmarks, 3.0, load_smile())
    way = more - landmarks[:MESH_POINTS]
    assert way[61, 0] < -1 and way[291, 0] > 1
    assert way[61, 1] < -1 and way[291, 1] < -1
    assert np.abs(way[[10, 33, 263], :2]).max() < 1
    landmarks[:MESH_POINTS] = more
    assert smile_level(landmarks) > smile_level(demo_face()[1]) + 2
    np.testing.assert_allclose(smiling(landmarks, -3.0, load_smile()), demo_face()[1][:MESH_POINTS], atol=0.3)


def test_background_and_forehead_are_left_alone(smile: Smile, stern: tuple[Pixels, Floats]) -> None:
    image, landmarks = stern
    answer = smile(image, landmarks)
    rim = landmarks[FACE_OVAL, :2]
    outside = polygon_mask(rim + 0.04 * (rim - rim.mean(axis=0)), SIDE, SIDE) == 0
    assert answer[outside][:, 3].max() < 25
    assert answer[: int(landmarks[105, 1]), :, 3].max() == 0
    x, y = np.round(landmarks[13, :2]).astype(int)
    assert answer[y, x, 3] > 200


def test_same_gives_the_same_and_small_shifts_change_little(
    smile: Smile, stern: tuple[Pixels, Floats]
) -> None:
    image, landmarks = stern
    answer = laid(image, smile(image, landmarks))
    np.testing.assert_array_equal(answer, laid(image, Smile()(image, landmarks)))
    near, points = moved(image, landmarks, 0.5, 0.3)
    again = laid(near, smile(near, points))
    expected, _ = moved(answer, landmarks, 0.5, 0.3)
    rim = np.s_[8:-8, 8:-8]
    assert gap(again[rim], expected[rim]) < 0.25 * gap(answer[rim], image[rim])


@pytest.mark.parametrize("tone", [(1.0, 1.0, 1.0), (0.62, 0.5, 0.42), (0.36, 0.27, 0.22)])
def test_skin_keeps_its_tone(smile: Smile, stern: tuple[Pixels, Floats], tone: tuple[float, ...]) -> None:
    image, landmarks = stern
    skin = np.asarray(np.rint(image * np.array(tone)), np.uint8)
    answer = laid(skin, smile(skin, landmarks))
    cheek = polygon_mask(landmarks[[117, 118, 101, 205, 187, 123]], SIDE, SIDE) == 1
    before, after = skin[cheek].mean(axis=0), answer[cheek].mean(axis=0)
    assert np.abs(after / before - 1).max() < 0.12


def test_training_inputs_are_sterner_and_told_by_the_generator(smile: Smile) -> None:
    image, landmarks = demo_face()
    levels = []
    for seed in range(10):
        answer, points = smile.inputs(image, landmarks, np.random.default_rng(seed))
        levels.append(smile_level(points))
    again, _ = smile.inputs(image, landmarks, np.random.default_rng(9))
    np.testing.assert_array_equal(answer, again)
    usual = smile_level(landmarks)
    _, measured = smile.inputs(image, landmarks, None)
    assert smile_level(measured) == pytest.approx(usual - 3, abs=0.3)
    assert max(levels) == pytest.approx(usual) and min(levels) < usual - 1 and min(levels) > -5


def test_a_smile_can_be_fitted_and_saved_again(tmp_path: Path) -> None:
    image, landmarks = demo_face()
    image = np.asarray(image[::2, ::2], np.uint8)
    known = load_smile()
    people: list[tuple[Pixels, Floats]] = []
    for steps in np.linspace(-2, 2, 9):
        points = landmarks.copy()
        points[:MESH_POINTS] = smiling(landmarks, float(steps), known)
        # Lips shut and apart in turn, or the fit cannot tell the two movements.
        points[14] = points[13] + np.array([0, 0.5 if len(people) % 3 else 3, 0], np.float32)
        people.append((image, points / np.array([2, 2, 2], np.float32)))
    fitted = fit_smile(people, load_face_space())
    assert fitted.offset.shape == (MESH_POINTS, 3) and fitted.shading.shape == known.shading.shape
    ratio = fitted.offset[[61, 291], 0] / known.offset[[61, 291], 0]
    np.testing.assert_allclose(ratio, 1, atol=0.25)
    path = tmp_path / "smile.npz"
    save_smile(fitted, path)
    assert path.is_file()


def test_wrong_input_is_refused(smile: Smile) -> None:
    image, landmarks = demo_face()
    with pytest.raises(UsageError, match="missing"):
        smile(image, None)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"\(320, 320\)"):
        smile(image[:, :, 0], landmarks)
    away = smile(image, landmarks + np.array([4 * SIDE, 0, 0], np.float32))
    assert away[:, :, 3].max() == 0
