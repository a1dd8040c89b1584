"""Real frames and what the real graph finds in them, each computed once a run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from effectcam.face.crop import Crop, fit_head
from effectcam.face.mesh import FaceMesh
from effectcam.frame import Frame, Pixels
from effectcam.source import Clip
from tests import media

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "effectcam" / "media" / "demo.mp4"
CLIPS = ROOT / "../shared/data/clips"


def shared_clip(name: str) -> Path:
    """A clip that is too large, and not ours, to travel with the project; the test skips without it."""
    path = CLIPS / f"{name}.mp4"
    if not path.exists():
        pytest.skip(f"needs the clip {name}.mp4 in ../shared/data/clips")
    return path


@cache
def demo_pixels(count: int = 12) -> tuple[Pixels, ...]:
    """The first frames of the bundled clip, not to be written to."""
    with Clip(DEMO) as clip:
        pictures = tuple(frame.pixels for frame in islice(clip, count))
    for picture in pictures:
        picture.flags.writeable = False
    return pictures


def face_clip(path: Path, count: int = 12) -> Path:
    """A file of the bundled clip's first frames, 12 at most, in 640x360."""
    pictures = [np.ascontiguousarray(pixels[::2, ::2]) for pixels in demo_pixels()]
    return media.write_clip(path, width=640, height=360, pictures=pictures, count=count)


def stream(pictures: list[Pixels] | tuple[Pixels, ...], *, rate: float = 30) -> list[Frame]:
    return [Frame(pixels, index, round(index * 1e9 / rate)) for index, pixels in enumerate(pictures)]


@cache
def demo_landmarks() -> NDArray[np.float32]:
    """(468, 3) of the first frame of the bundled clip."""
    with FaceMesh() as mesh:
        landmarks = mesh.process(Frame(demo_pixels()[0], 0, 0))[0].landmarks
    landmarks.flags.writeable = False
    return landmarks


@dataclass(frozen=True)
class Tracked:
    """The one face of a clip."""

    frames: int
    heads: list[Crop]
    """Of the frames that have a face."""
    moments: list[int]


@cache
def track(path: Path) -> Tracked:
    frames, heads, moments = 0, [], []
    with FaceMesh() as mesh, Clip(path) as clip:
        for frame in clip:
            frames += 1
            for observation in mesh.process(frame):
                heads.append(fit_head(observation.landmarks))
                moments.append(frame.captured_at)
    return Tracked(frames, heads, moments)


def turned(landmarks: NDArray[np.float32], quarters: int, width: int, height: int) -> NDArray[np.float32]:
    """``landmarks`` after the picture was turned clockwise by ``quarters`` quarter turns."""
    x, y, z = landmarks.T
    for _ in range(quarters % 4):
        x, y, height, width = height - 1 - y, x, width, height
    return np.asarray(np.stack((x, y, z), axis=1), np.float32)
