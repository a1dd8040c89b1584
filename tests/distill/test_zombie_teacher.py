"""The face's flat space and the zombie painted in it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from effectcam.distill.teachers.head import uv
from effectcam.distill.teachers.zombie import Zombie
from effectcam.errors import UsageError

Pixels = NDArray[np.uint8]
SIDE = 256
PORTRAITS = Path(__file__).resolve().parents[2] / "../shared/data/portraits"


@pytest.fixture(scope="module")
def zombie() -> Zombie:
    return Zombie()


def mean_landmarks(angle: float = 0.0, scale: float = 0.5 * SIDE) -> uv.Floats:
    """The mean face with irises as landmarks in a picture of SIDE pixels, turned by ``angle`` degrees."""
    shape = uv.load_face_space().shape[: uv.MESH_POINTS]
    irises = []
    for opening in uv.EYES:
        centre = shape[opening].mean(axis=0)
        steps = np.array([[0, 0, 0], [1, 0, 0], [0, -1, 0], [-1, 0, 0], [0, 1, 0]], np.float32) * 0.035
        irises.append(centre + steps)
    points = np.concatenate([shape, *irises])
    a = np.deg2rad(angle)
    turn = np.array([[np.cos(a), np.sin(a), 0], [-np.sin(a), np.cos(a), 0], [0, 0, 1]])
    return np.asarray(scale * points @ turn + np.array([SIDE / 2, SIDE * 0.45, 0]), np.float32)


def flat_face(skin: tuple[int, int, int]) -> Pixels:
    """A head of one colour over a white collar on a blue ground."""
    image = np.full((SIDE, SIDE, 3), (40, 60, 140), np.uint8)
    cv2.rectangle(image, (60, 236), (196, SIDE), (235, 235, 235), -1)
    cv2.ellipse(image, (SIDE // 2, int(SIDE * 0.48)), (70, 98), 0, 0, 360, skin, -1)
    noise = np.random.default_rng(3).normal(0, 2, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def inside(answer: Pixels, points: uv.Floats, index: int, radius: int = 5) -> NDArray[np.float64]:
    x, y = np.round(points[index, :2]).astype(int)
    patch = answer[y - radius : y + radius + 1, x - radius : x + radius + 1]
    return np.asarray(patch.reshape(-1, patch.shape[2]).mean(axis=0), np.float64)


def test_layout_is_symmetric_and_fits_the_texture() -> None:
    space = uv.load_face_space()
    assert space.uv.shape == (504, 2) and space.shape.shape == (504, 3)
    assert space.uv.min() > 0 and space.uv.max() < 1
    mirrored = np.stack([1 - space.uv[:, 0], space.uv[:, 1]], axis=1)
    nearest = np.linalg.norm(space.uv[:, None] - mirrored[None], axis=2).min(axis=1)
    assert nearest.max() < 1e-4


def test_every_mesh_point_finds_its_own_place() -> None:
    space = uv.load_face_space()
    points = space.extend(mean_landmarks())
    found, covered = space.warp_map(points, SIDE, SIDE)
    visible = [9, 151, 50, 280, 152, 18, 205, 425, 117, 346]
    at = np.round(points[visible, :2]).astype(int)
    assert covered[at[:, 1], at[:, 0]].all()
    assert np.abs(found[at[:, 1], at[:, 0]] - space.uv[visible]).max() < 0.012


def test_mesh_has_no_gaps_and_no_jumps() -> None:
    space = uv.load_face_space()
    points = space.extend(mean_landmarks(angle=20))
    found, covered = space.warp_map(points, SIDE, SIDE)
    face = uv.polygon_mask(points[uv.FACE_OVAL], SIDE, SIDE) == 1
    assert covered[face].all()
    cheek = uv.polygon_mask(points[[117, 118, 101, 205, 187, 123]], SIDE, SIDE) == 1
    jump = np.abs(np.diff(found, axis=1)).max(axis=2)
    assert jump[cheek[:, 1:]].max() < 0.03


def test_face_outside_the_picture_is_no_accident(zombie: Zombie) -> None:
    image = flat_face((200, 150, 130))
    away = mean_landmarks() + np.array([3 * SIDE, 0, 0], np.float32)
    answer = zombie(image, away)
    assert answer[:, :, 3].max() == 0
    np.testing.assert_array_equal(answer[:, :, :3], image)


def test_similarity_is_recovered() -> None:
    source = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
    turn = cv2.Rodrigues(np.array([0.2, -0.4, 0.9]))[0].astype(np.float32)
    scale, rotation, shift = uv.fit_similarity(source, 2.5 * source @ turn.T + np.float32(7))
    assert scale == pytest.approx(2.5, rel=1e-4)
    np.testing.assert_allclose(rotation, turn, atol=1e-4)
    np.testing.assert_allclose(shift, 7, atol=1e-3)


def test_layout_can_be_built_again_and_saved(tmp_path: Path) -> None:
    connections = pytest.importorskip("mediapipe.python.solutions.face_mesh_connections")
    faces = [mean_landmarks(angle=a) for a in (-3.0, 0.0, 4.0)]
    built = uv.build_face_space(faces, sorted(connections.FACEMESH_TESSELATION))
    kept = uv.load_face_space()
    np.testing.assert_array_equal(built.triangles, kept.triangles)
    assert np.abs(built.uv - kept.uv).max() < 0.01
    uv.save_face_space(built, tmp_path / "face.npz")
    assert [p.name for p in tmp_path.iterdir()] == ["face.npz"]


def test_answer_is_rgba_and_deterministic(zombie: Zombie) -> None:
    image, points = flat_face((214, 168, 146)), mean_landmarks()
    before = image.copy()
    answer = zombie(image, points)
    assert answer.shape == (SIDE, SIDE, 4) and answer.dtype == np.uint8
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(answer, Zombie()(image, points))
    assert answer[:8, :, 3].max() == 0 and answer[-8:, :, 3].max() == 0
    np.testing.assert_array_equal(answer[:8, :, :3], image[:8])
    for index in (9, 50, 280, 199, 4, 159, 13):
        assert inside(answer, points, index, 2)[3] > 245


def test_everybody_turns_equally_pale(zombie: Zombie) -> None:
    points = mean_landmarks()
    tones = [(236, 200, 184), (190, 140, 110), (120, 80, 60), (70, 46, 36)]
    answers = [zombie(flat_face(tone), points) for tone in tones]
    for index in (50, 151, 199):
        seen = np.array([inside(answer, points, index)[:3] for answer in answers])
        assert np.ptp(seen, axis=0).max() < 70
        assert (seen[:, 1] >= seen[:, 0] - 12).all(), "skin must not stay red or brown"


def test_light_of_the_scene_is_kept(zombie: Zombie) -> None:
    points = mean_landmarks()
    ramp = np.linspace(1.15, 0.45, SIDE)[None, :, None]
    lit = np.clip(flat_face((200, 150, 130)) * ramp, 0, 255).astype(np.uint8)
    even = zombie(flat_face((200, 150, 130)), points)
    answer = zombie(lit, points)
    left = inside(answer, points, 117)[:3].sum() / inside(even, points, 117)[:3].sum()
    right = inside(answer, points, 346)[:3].sum() / inside(even, points, 346)[:3].sum()
    assert left > 1.25 * right


def test_dim_room_gives_a_dim_zombie(zombie: Zombie) -> None:
    points = mean_landmarks()
    bright = flat_face((200, 150, 130))
    dim = (bright * 0.25).astype(np.uint8)
    ratio = (
        inside(zombie(dim, points), points, 50)[:3].mean()
        / inside(zombie(bright, points), points, 50)[:3].mean()
    )
    assert 0.25 < ratio < 0.75


def test_hair_over_the_forehead_stays(zombie: Zombie) -> None:
    points = mean_landmarks()
    image = flat_face((214, 168, 146))
    x, y = np.round(points[10, :2]).astype(int)
    cv2.rectangle(image, (x - 60, y - 60), (x, y + 16), (30, 20, 15), -1)
    alpha = zombie(image, points)[:, :, 3]
    assert alpha[y + 4, x - 25] < 60
    assert alpha[y + 4, x + 25] > 200


def test_closed_eyes_get_no_iris(zombie: Zombie) -> None:
    image, points = flat_face((200, 150, 130)), mean_landmarks()
    for opening in uv.EYES:
        points[opening, 1] = points[opening, 1].mean()
    lids = inside(zombie(image, points), points, 468, 1)[:3]
    assert lids.max() < 110


@pytest.mark.parametrize(
    ("image", "landmarks", "word"),
    [
        (np.zeros((64, 64), np.uint8), np.zeros((478, 3), np.float32), r"\(64, 64\)"),
        (np.zeros((64, 64, 3), np.float32), np.zeros((478, 3), np.float32), "float32"),
        (np.zeros((64, 64, 3), np.uint8), np.zeros((468, 3), np.float32), r"\(468, 3\)"),
    ],
)
def test_wrong_input_is_refused(zombie: Zombie, image: Pixels, landmarks: uv.Floats, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        zombie(image, landmarks)


def test_portraits_become_zombies(zombie: Zombie) -> None:
    files = sorted(PORTRAITS.glob("*.jpg"))[::60]
    if not files:
        pytest.skip(f"no portraits at {PORTRAITS}")
    face_mesh = pytest.importorskip("mediapipe").solutions.face_mesh
    with face_mesh.FaceMesh(static_image_mode=True, refine_landmarks=True) as mesh:
        for file in files:
            image = np.ascontiguousarray(cv2.imread(str(file))[:, :, ::-1]).astype(np.uint8)
            height, width = image.shape[:2]
            marks = mesh.process(image).multi_face_landmarks[0].landmark
            points = np.array([[p.x * width, p.y * height, p.z * width] for p in marks], np.float32)
            answer = zombie(image, points)
            alpha = answer[:, :, 3] > 127
            assert 0.06 < alpha.mean() < 0.5, file.name
            changed = np.abs(answer[:, :, :3].astype(int) - image)[alpha].mean()
            assert changed > 25, file.name
