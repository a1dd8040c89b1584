"""The demo clip that travels in the package: its format, and that every frame shows one living face."""

from __future__ import annotations

import importlib
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
CLIP = ROOT / "effectcam" / "media" / "demo.mp4"
FRAMES = 150


@pytest.fixture(scope="module")
def landmarks() -> NDArray[np.float64]:
    """(frames, faces, 478, 2) landmarks in pixels, tracked through the clip; NaN for a face not found."""
    face_mesh = importlib.import_module("mediapipe").solutions.face_mesh
    found = np.full((FRAMES, 2, 478, 2), np.nan)
    tracker = face_mesh.FaceMesh(static_image_mode=False, max_num_faces=2, refine_landmarks=True)
    with tracker, av.open(str(CLIP)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            faces = tracker.process(frame.to_ndarray(format="rgb24")).multi_face_landmarks or []
            for face, points in enumerate(faces):
                found[index, face] = [(p.x * 1280, p.y * 720) for p in points.landmark]
    return found


def test_format() -> None:
    with av.open(str(CLIP)) as container:
        video = container.streams.video[0]
        assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (video.width, video.height) == (1280, 720)
        assert video.average_rate == 30
        assert len(container.streams.audio) == 1
        frames = [frame.pts for frame in container.decode(video)]
    assert len(frames) == FRAMES
    assert len(set(np.diff([pts for pts in frames if pts is not None]))) == 1
    assert CLIP.stat().st_size < 2_500_000


def test_sound_is_quiet_but_there() -> None:
    with av.open(str(CLIP)) as container:
        samples = np.concatenate([frame.to_ndarray().ravel() for frame in container.decode(audio=0)])
    assert 4.9 < len(samples) / 48000 < 5.1
    assert 0.01 < np.abs(samples).max() < 0.2


def test_one_face_in_every_frame(landmarks: NDArray[np.float64]) -> None:
    count = (~np.isnan(landmarks[:, :, 0, 0])).sum(axis=1)
    assert count.tolist() == [1] * FRAMES
    height = np.ptp(landmarks[:, 0, :468, 1], axis=1)
    assert 330 < height.mean() < 440


def test_the_face_turns_nods_blinks_and_speaks(landmarks: NDArray[np.float64]) -> None:
    face = landmarks[:, 0]
    eyes = np.linalg.norm(face[:, 33] - face[:, 263], axis=1)
    # The nose's place between the eyes' outer corners, along the line that joins them: a measure of yaw.
    across = (face[:, 263] - face[:, 33]) / eyes[:, None]
    turn = ((face[:, 4] - face[:, 33]) * across).sum(1) / eyes
    assert np.ptp(turn) > 0.12
    lids = np.linalg.norm(face[:, 159] - face[:, 145], axis=1) / eyes
    assert lids.min() < 0.5 * np.median(lids)
    lips = np.linalg.norm(face[:, 13] - face[:, 14], axis=1) / eyes
    assert lips.min() < 0.06
    assert lips.max() > 0.16
    assert np.ptp(face[:, 168, 1]) > 10


def test_the_performance_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    performance = importlib.import_module("demo_person.performance")
    first, last = performance.pose_at(0.0), performance.pose_at(performance.SECONDS)
    for name in ("yaw", "pitch", "roll", "blink", "mouth", "width", "brow"):
        assert getattr(first, name) == pytest.approx(getattr(last, name), abs=1e-6)
    assert first.shift == pytest.approx(last.shift, abs=1e-6)
