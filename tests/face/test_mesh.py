from __future__ import annotations

import errno
import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import cv2
import numpy as np
import pytest
from mediapipe.framework.formats import landmark_pb2

from effectcam.errors import FaceMeshError, UsageError
from effectcam.face.crop import fit_head
from effectcam.face.mesh import LANDMARKS, FaceMesh, FaceObservation
from effectcam.frame import Frame, Pixels
from tests.face.clips import DEMO, demo_pixels, shared_clip, stream, track


def run(mesh: FaceMesh, frames: list[Frame]) -> list[list[FaceObservation]]:
    return [mesh.process(frame) for frame in frames]


def blank(width: int, height: int) -> Pixels:
    return np.full((height, width, 3), 127, np.uint8)


def twins() -> Pixels:
    """Two people beside one another, in 1280x720."""
    half = cv2.resize(demo_pixels()[0], (640, 360), interpolation=cv2.INTER_AREA)
    other = cv2.resize(demo_pixels()[8][:, ::-1], (640, 360), interpolation=cv2.INTER_AREA)
    picture = blank(1280, 720)
    picture[180:540, :640] = half
    picture[180:540, 640:] = other
    return picture


def test_a_face_in_every_frame_of_the_demo() -> None:
    clip = track(DEMO)
    assert clip.frames == len(clip.heads) == 150
    assert all(150 < head.side < 250 for head in clip.heads)


@pytest.mark.parametrize("name", ["s18", "s20", "d0", "d9", "d13"])
def test_a_face_in_nearly_every_frame(name: str) -> None:
    clip = track(shared_clip(name))
    assert len(clip.heads) >= 0.98 * clip.frames


def test_what_a_face_is() -> None:
    with FaceMesh() as mesh:
        (face,) = mesh.process(Frame(demo_pixels()[0], 0, 0))
    assert face.landmarks.shape == (LANDMARKS, 3)
    assert face.landmarks.dtype == np.float32
    left, top = face.landmarks[:, :2].min(axis=0)
    right, bottom = face.landmarks[:, :2].max(axis=0)
    assert 300 < left < right < 980
    assert 100 < top < bottom < 620
    # The rect is the graph's own crop: half as large again as the face, about its middle.
    assert 1.2 < face.rect.side / max(right - left, bottom - top) < 1.8
    assert face.rect.cx == pytest.approx((left + right) / 2, abs=0.1 * face.rect.side)
    assert face.rect.cy == pytest.approx((top + bottom) / 2, abs=0.1 * face.rect.side)
    assert abs(face.rect.angle) < 0.2


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_head_that_turns_over_is_followed(quarters: int) -> None:
    """Tracked from upright on, 5 degrees a frame, as a phone is turned."""
    picture = cv2.copyMakeBorder(demo_pixels()[0], 280, 280, 0, 0, cv2.BORDER_REPLICATE)
    with FaceMesh() as mesh:
        for index in range(18 * quarters + 1):
            turn = cv2.getRotationMatrix2D((639.5, 639.5), -5 * index, 1)
            turned = cv2.warpAffine(picture, turn, (1280, 1280), borderMode=cv2.BORDER_REPLICATE)
            (face,) = mesh.process(Frame(np.asarray(turned, np.uint8), index, index * 33_333_333))
            angle = fit_head(face.landmarks).angle
            assert abs(math.remainder(angle - math.radians(5 * index), math.tau)) < 0.35


def test_irises_add_ten_points() -> None:
    with FaceMesh(irises=True) as mesh:
        (face,) = mesh.process(Frame(demo_pixels()[0], 0, 0))
    assert face.landmarks.shape == (LANDMARKS + 10, 3)
    for iris, corners in ((468, (33, 133)), (473, (362, 263))):
        eye = face.landmarks[list(corners), :2]
        width = np.hypot(*(eye[1] - eye[0]))
        assert np.hypot(*(face.landmarks[iris, :2] - eye.mean(axis=0))) < 0.3 * width


def test_no_face_in_a_blank_frame() -> None:
    with FaceMesh() as mesh:
        assert run(mesh, stream([blank(1280, 720)] * 3)) == [[], [], []]


def test_a_face_that_leaves_is_gone_and_found_again() -> None:
    face = demo_pixels()[0]
    with FaceMesh() as mesh:
        found = run(mesh, stream([face, face, blank(1280, 720), blank(1280, 720), face]))
    assert [len(faces) for faces in found] == [1, 1, 0, 0, 1]


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (1, 4000), (3, 1)])
def test_senseless_sizes_hold_no_face(size: tuple[int, int]) -> None:
    with FaceMesh() as mesh:
        assert run(mesh, stream([blank(*size)] * 2)) == [[], []]


def test_a_face_in_8k() -> None:
    large = np.asarray(cv2.resize(demo_pixels()[0], (7680, 4320), interpolation=cv2.INTER_LINEAR), np.uint8)
    with FaceMesh() as mesh:
        (face,) = mesh.process(Frame(large, 0, 0))
        mesh.reset()
        (small,) = mesh.process(Frame(demo_pixels()[0], 0, 0))
    assert fit_head(face.landmarks).side == pytest.approx(6 * fit_head(small.landmarks).side, rel=0.02)


def test_the_size_may_change_in_mid_stream() -> None:
    face = demo_pixels()[0]
    half = np.asarray(cv2.resize(face, (640, 360), interpolation=cv2.INTER_AREA), np.uint8)
    with FaceMesh() as mesh:
        found = run(mesh, stream([face, half, face]))
    sides = [fit_head(faces[0].landmarks).side for faces in found]
    assert sides[1] == pytest.approx(sides[0] / 2, rel=0.05)


def test_two_faces() -> None:
    with FaceMesh(2) as mesh:
        for faces in run(mesh, stream([twins()] * 3)):
            left, right = sorted(fit_head(face.landmarks).cx for face in faces)
            assert left < 640 < right
    with FaceMesh(1) as mesh:
        assert [len(faces) for faces in run(mesh, stream([twins()] * 2))] == [1, 1]


ONE_AFTER_ANOTHER = """
input_stream: "image"
input_side_packet: "num_faces"
input_side_packet: "with_attention"
output_stream: "landmarks"
output_stream: "rects"
node {
  calculator: "FaceLandmarkFrontCpu"
  input_stream: "IMAGE:image"
  input_side_packet: "NUM_FACES:num_faces"
  input_side_packet: "WITH_ATTENTION:with_attention"
  output_stream: "LANDMARKS:landmarks"
  output_stream: "ROIS_FROM_LANDMARKS:rects"
}
"""


def group(*sides: int) -> Pixels:
    """Somebody on the left, in the middle and on the right, so many pixels high; 0: nobody there."""
    picture = blank(1280, 720)
    face = demo_pixels()[0][60:660, 340:940]
    for place, side in enumerate(sides):
        if side:
            left = 427 * place + (427 - side) // 2
            picture[150 : 150 + side, left : left + side] = cv2.resize(face, (side, side))
    return picture


@pytest.mark.parametrize("max_faces", [2, 3, 5])
def test_who_is_tracked_is_not_dropped_for_whom_the_detector_likes_better(
    max_faces: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More are expected for a frame then than were asked for: nobody under the effect may turn up bare."""
    frames = stream([group(250)] * 2 + [group(250, 420, 420)] * 3 + [group(250, 0, 420)] * 2)
    with FaceMesh(max_faces) as mesh:
        at_once = run(mesh, frames)
    monkeypatch.setattr("effectcam.face.mesh.face_mesh_graph", lambda faces: ONE_AFTER_ANOTHER)
    with FaceMesh(max_faces) as mesh:
        expected = run(mesh, frames)
    assert len(expected[1]) == 1 and len(expected[2]) == 3
    for found, faces in zip(at_once, expected, strict=True):
        assert [face.rect for face in found] == [face.rect for face in faces]


@pytest.mark.parametrize("max_faces", [1, 2, 3])
@pytest.mark.parametrize("irises", [False, True])
def test_faces_found_at_once_are_those_of_mediapipes_own_graph(
    max_faces: int, irises: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where one of two goes and comes, and fewer are in view than asked for."""
    both, left, right = twins(), twins(), twins()
    left[:, 640:], right[:, :640] = 127, 127
    frames = stream([both, both, left, both, right, right, both, blank(1280, 720), both])
    with FaceMesh(max_faces, irises=irises) as mesh:
        at_once = run(mesh, frames)
    monkeypatch.setattr("effectcam.face.mesh.face_mesh_graph", lambda faces: ONE_AFTER_ANOTHER)
    with FaceMesh(max_faces, irises=irises) as mesh:
        expected = run(mesh, frames)
    assert {0, min(max_faces, 2)} <= {len(faces) for faces in expected}
    for found, faces in zip(at_once, expected, strict=True):
        assert [face.rect for face in found] == [face.rect for face in faces]
        for one, other in zip(found, faces, strict=True):
            np.testing.assert_array_equal(one.landmarks, other.landmarks)


def test_one_face_is_not_seen_twice() -> None:
    with FaceMesh(3) as mesh:
        assert [len(faces) for faces in run(mesh, stream(demo_pixels(6)))] == [1] * 6


def test_repeated_and_backward_stamps_pass() -> None:
    with FaceMesh() as mesh:
        for moment in (500_000_000, 500_000_000, 500_000_400, 0):
            assert len(mesh.process(Frame(demo_pixels()[0], 0, moment))) == 1


def test_reset_makes_replays_agree_bit_for_bit() -> None:
    frames = stream(demo_pixels())
    with FaceMesh() as mesh:
        first = run(mesh, frames)
        carried_on = mesh.process(Frame(frames[0].pixels, 99, frames[-1].captured_at + 33_000_000))
        mesh.reset()
        second = run(mesh, frames)
    for (one,), (other,) in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.landmarks, other.landmarks)
        assert one.rect == other.rect
    # Without the reset the earlier frames have a say.
    assert (carried_on[0].landmarks != first[0][0].landmarks).any()


@pytest.mark.parametrize("moved", [200, 300, 500])
def test_a_face_that_moved_during_a_rest_is_found_where_it_is(moved: int) -> None:
    small = cv2.resize(demo_pixels()[0], (640, 360), interpolation=cv2.INTER_AREA)

    def at(left: int) -> Pixels:
        wall = np.full((360, 1280, 3), 120, np.uint8)
        wall[:, left : left + 640] = small
        return wall

    with FaceMesh() as mesh:
        for index in range(2):
            (before,) = mesh.process(Frame(at(0), index, index * 33_000_000))
        (after,) = mesh.process(Frame(at(moved), 2, 60_000_000_000))
    assert np.abs(after.landmarks[:, 0] - before.landmarks[:, 0] - moved).max() < 10


def test_two_graphs_agree_bit_for_bit() -> None:
    with FaceMesh() as one, FaceMesh() as other:
        for frame in stream(demo_pixels(4)):
            a, b = one.process(frame), other.process(frame)
            np.testing.assert_array_equal(a[0].landmarks, b[0].landmarks)


@pytest.mark.parametrize("irises", [False, True])
def test_the_fast_way_reads_what_protobuf_reads(irises: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    raw: list[bytes] = []
    points = FaceMesh._points

    def listen(mesh: FaceMesh, serialized: bytes, frame: Frame) -> Any:
        raw.append(serialized)
        return points(mesh, serialized, frame)

    monkeypatch.setattr(FaceMesh, "_points", listen)
    with FaceMesh(irises=irises) as mesh:
        faces = [faces[0] for faces in run(mesh, stream(demo_pixels(4)))]
        # Bytes of another length take the slow way: here, the same with a field nobody knows.
        slow = [points(mesh, serialized + b"\x78\x01", Frame(demo_pixels()[0], 0, 0)) for serialized in raw]
    for serialized, face, other in zip(raw, faces, slow, strict=True):
        parsed = landmark_pb2.NormalizedLandmarkList.FromString(serialized).landmark
        expected = np.array([(p.x, p.y, p.z) for p in parsed], np.float32)
        np.testing.assert_array_equal(face.landmarks, expected * np.array((1280, 720, 1280), np.float32))
        np.testing.assert_array_equal(face.landmarks, other)


def test_frames_are_only_read() -> None:
    pixels = demo_pixels()[0].copy()
    with FaceMesh() as mesh:
        mesh.process(Frame(pixels, 0, 0))
    np.testing.assert_array_equal(pixels, demo_pixels()[0])
    assert pixels.flags.writeable


def test_after_a_failure_the_next_frame_passes() -> None:
    with FaceMesh() as mesh:
        assert len(mesh.process(Frame(demo_pixels()[0], 0, 5_000_000))) == 1
        # What the graph never forgives: a stamp that goes back.
        mesh._stamp = 0
        with pytest.raises(FaceMeshError, match=r"failed on frame 1 .*; go on with the next") as failure:
            mesh.process(Frame(demo_pixels()[0], 1, 2))
        assert "\n" not in str(failure.value)
        assert len(mesh.process(Frame(demo_pixels()[1], 2, 2))) == 1


def test_a_graph_that_does_not_start_again_is_told_by_the_next_frame_and_tried_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nonsense = 'node { calculator: "NoSuchCalculator" }'
    with FaceMesh() as mesh:
        with monkeypatch.context() as patched:
            patched.setattr("effectcam.face.mesh.face_mesh_graph", lambda faces: nonsense)
            mesh.reset()
            with pytest.raises(FaceMeshError, match="does not start"):
                mesh.process(Frame(demo_pixels()[0], 0, 0))
        assert len(mesh.process(Frame(demo_pixels()[1], 1, 1))) == 1


def test_a_graph_starts_again_without_a_folder_for_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> NoReturn:
        raise OSError(errno.EMFILE, "Too many open files")

    with FaceMesh() as mesh:
        monkeypatch.setattr(FaceMesh, "_warned", False)
        with monkeypatch.context() as patched:
            patched.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
            mesh.reset()
            assert len(mesh.process(Frame(demo_pixels()[0], 0, 0))) == 1
        with monkeypatch.context() as patched:
            patched.setattr("effectcam.face.mesh.without_native_log", refuse)
            mesh.reset()
        assert len(mesh.process(Frame(demo_pixels()[1], 1, 1))) == 1


def test_only_until_the_first_face_a_file_is_opened_for_each_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []

    @contextmanager
    def count() -> Iterator[None]:
        opened.append(1)
        yield

    monkeypatch.setattr(FaceMesh, "_warned", False)
    monkeypatch.setattr("effectcam.face.mesh.without_native_log", count)
    with FaceMesh() as mesh:
        run(mesh, stream([blank(64, 48), demo_pixels()[0], blank(64, 48)]))
        assert len(opened) == 3
        mesh.reset()
        run(mesh, stream([blank(64, 48)] * 3))
    assert len(opened) == 4


@pytest.mark.parametrize(
    "pixels",
    [
        np.empty((0, 0, 3), np.uint8),
        np.zeros((90, 90), np.uint8),
        np.zeros((90, 90, 4), np.uint8),
        np.zeros((90, 90, 3), np.float32),
    ],
)
def test_pixels_that_are_no_picture(pixels: Any) -> None:
    with FaceMesh() as mesh:
        assert len(mesh.process(Frame(demo_pixels()[0], 0, 0))) == 1
        with pytest.raises(UsageError, match=r"frame 1 has .* pixels of shape .*; give uint8 RGB"):
            mesh.process(Frame(pixels, 1, 1))
        assert len(mesh.process(Frame(demo_pixels()[1], 2, 2))) == 1


@pytest.mark.parametrize("count", [0, -1, 17])
def test_senseless_max_faces(count: int) -> None:
    with pytest.raises(UsageError, match=f"max_faces is {count}: choose 1 to 16"):
        FaceMesh(count)


def test_a_closed_mesh_says_so() -> None:
    mesh = FaceMesh()
    mesh.close()
    mesh.close()
    mesh.reset()
    with pytest.raises(FaceMeshError, match="closed"):
        mesh.process(Frame(demo_pixels()[0], 0, 0))


def test_the_graph_keeps_the_terminal_clean(capfd: pytest.CaptureFixture[str]) -> None:
    with FaceMesh() as mesh:
        run(mesh, stream(demo_pixels(3)))
        mesh.reset()
        run(mesh, stream(demo_pixels(3)))
    assert capfd.readouterr() == ("", "")
