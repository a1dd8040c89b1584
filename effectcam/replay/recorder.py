"""Runs a clip for a bug bundle: what was seen and decided, and no picture unless asked."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

import cv2
import msgspec
import numpy as np

from effectcam.effect.package import Effect
from effectcam.face.mesh import FaceMesh, FaceObservation
from effectcam.frame import Frame, Pixels
from effectcam.pipeline import Pipeline
from effectcam.replay.bundle import MOST_PICTURES, Recording, Settings
from effectcam.replay.trace import End
from effectcam.replay.tracer import header, traced
from effectcam.source.clip import Clip
from effectcam.student.accelerator import Wish

_CLIP = "clip"
"""In the trace, instead of the file's own name, which may tell who is in it."""
_QUALITY = 85


def record(
    path: str,
    effect: Effect,
    *,
    frames: int,
    pictures: int = 0,
    tier: str = "standard",
    strength: float | None = None,
    max_faces: int = 1,
    threads: int | None = None,
    accelerator: Wish = "cpu",
    tell: Callable[[str], None] | None = None,
    watch: Callable[[Clip], None] = lambda clip: None,
) -> Recording:
    """The first ``frames`` of the clip at ``path`` under ``effect``, as a bundle wants them. The rest are
    those of `Pipeline`. ``pictures``: how many frames to keep before and after the effect, from the first on;
    24 at most. ``watch`` is called after each frame. Raises what `Clip` and `Pipeline` raise."""
    faces = _NotedFaces(max_faces) if "face" in effect.places else None
    settings: dict[str, Any] = {
        "tier": tier,
        "strength": strength,
        "max_faces": max_faces,
        "threads": threads,
    }
    settings |= {"accelerator": accelerator, "tell": tell, "mesh": faces}
    with Clip(path) as clip, Pipeline(effect, **settings) as pipeline:
        recording = Recording(
            clip.width,
            clip.height,
            clip.fps,
            Settings(
                effect=effect.name,
                version=effect.version,
                tier=tier,
                strength=pipeline.strength,
                faces=max_faces,
                threads=threads,
                accelerator=accelerator,
            ),
        )
        told = header(clip, pipeline)
        _add(recording, msgspec.structs.replace(told, clip=msgspec.structs.replace(told.clip, name=_CLIP)))
        total = min(frames, clip.frames or frames)
        every = max(1, -(-total // pictures)) if pictures else 0
        for frame in islice(clip, frames):
            if faces is not None:
                faces.seen = []
            result = pipeline.process(frame)
            recording.note(frame.captured_at, faces.seen if faces is not None else [])
            _add(recording, traced(pipeline, frame, result))
            if every and frame.index % every == 0 and len(recording.pictures) < MOST_PICTURES:
                recording.pictures[f"before-{frame.index:06}.jpg"] = _jpeg(frame.pixels)
                recording.pictures[f"after-{frame.index:06}.jpg"] = _jpeg(result.pixels)
            watch(clip)
        _add(recording, End(frames=len(recording.stamps)))
    return recording


class _NotedFaces(FaceMesh):
    """Face Mesh that remembers what it found in the latest frame."""

    seen: list[FaceObservation]

    def process(self, frame: Frame) -> list[FaceObservation]:
        self.seen = super().process(frame)
        return self.seen


def _add(recording: Recording, line: msgspec.Struct) -> None:
    recording.trace.append(msgspec.json.encode(line))


def _jpeg(pixels: Pixels) -> bytes:
    _, data = cv2.imencode(
        ".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), (cv2.IMWRITE_JPEG_QUALITY, _QUALITY)
    )
    return np.asarray(data, np.uint8).tobytes()
