"""Runs a clip or a camera for a bug bundle: what was seen and decided, and no picture unless asked."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from typing import Any

import msgspec

from effectcam.effect.package import Effect
from effectcam.errors import SourceError, reason
from effectcam.face.mesh import FaceMesh, FaceObservation
from effectcam.frame import Frame
from effectcam.pipeline import Pipeline
from effectcam.replay.bundle import MOST_FPS, MOST_PICTURES, Recording, Settings
from effectcam.replay.kept_pairs import KeptPairs
from effectcam.replay.trace import End, TracedClip
from effectcam.replay.tracer import header_of, sha256_of, traced
from effectcam.source.camera import Camera
from effectcam.source.clip import Clip
from effectcam.student.accelerator import Wish

_CLIP, _CAMERA = "clip", "camera"
"""In the trace, instead of the file's or device's own name, which may tell who is in it."""
_LONGEST = 2000
"""Characters of what is told of an error."""


def record(
    source: Clip | Camera,
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
    watch: Callable[[], bool | None] = lambda: None,
) -> Recording:
    """The next ``frames`` of ``source`` under ``effect``, as a bundle wants them. The rest are those of
    `Pipeline`. A camera's stamps count from the first one. ``pictures``: how many frames to keep before and
    after the effect, spread over all, the last among them; 24 at most. ``watch`` is called after each frame;
    True ends the recording there. What fails after the first frame does too, and is in the recording: it is
    what the report is about. Raises what reading ``source`` and `Pipeline` raise before that."""
    faces = _NotedFaces(max_faces) if "face" in effect.places else None
    settings: dict[str, Any] = {
        "tier": tier,
        "strength": strength,
        "max_faces": max_faces,
        "threads": threads,
    }
    settings |= {"accelerator": accelerator, "tell": tell, "mesh": faces}
    with Pipeline(effect, **settings) as pipeline:
        recording = Recording(
            source.width,
            source.height,
            _fps(source),
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
        pairs = KeptPairs(min(pictures, MOST_PICTURES // 2))
        begun: int | None = None
        seen = hashlib.sha256()
        coming = islice(source, frames)
        while True:
            if faces is not None:
                faces.seen = []
            try:
                taken = next(coming, None)
                if taken is None:
                    break
                begun = taken.captured_at if begun is None else begun
                frame = Frame(taken.pixels, len(recording.stamps), taken.captured_at - begun)
                result = pipeline.process(frame)
                line = traced(pipeline, frame, result)
            except Exception as error:
                if not recording.stamps:
                    raise
                recording.error = _nameless(reason(error), source)[:_LONGEST]
                break
            recording.note(frame.captured_at, faces.seen if faces is not None else [])
            _add(recording, line)
            seen.update(line.input.encode("ascii"))
            pairs.see(frame, result)
            if watch():
                break
        # Better known now than at first, of a camera above all.
        recording.fps = _fps(source)
        recording.pictures = pairs.pictures
        name, sha256 = _CAMERA, seen.hexdigest()
        if isinstance(source, Clip):
            name = _CLIP
            # On a disk that is gone there is nothing more to read, and what was read must not be lost.
            with suppress(SourceError):
                sha256 = sha256_of(source.path)
        clip = TracedClip(name=name, sha256=sha256, width=source.width, height=source.height)
        recording.trace.insert(0, msgspec.json.encode(header_of(clip, pipeline)))
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


def _nameless(text: str, source: Clip | Camera) -> str:
    """``text`` without the clip's path or the camera's name, which may tell who is in it."""
    word, names = _CAMERA, [source.device.name] if isinstance(source, Camera) else []
    if isinstance(source, Clip):
        word, names = _CLIP, [str(source.path.absolute()), str(source.path), source.path.name]
    for name in names:
        # As a word of its own: a clip may be called "a".
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", word, text) if name else text
    return text


def _fps(source: Clip | Camera) -> float:
    """Stamps a tick apart make for any rate. They tell the time; this is for files that are written of it."""
    return min(source.fps, MOST_FPS)
