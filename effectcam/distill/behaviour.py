"""How an effect behaves on a clip: does it keep the expression, does it hold still, what does it cost?"""

from __future__ import annotations

import platform
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.effect.package import Effect
from effectcam.face.mesh import FaceMesh
from effectcam.frame import Frame, Pixels
from effectcam.pipeline import Pipeline
from effectcam.source.clip import Clip

_CORNERS = (33, 263)
"""Outer corners of the eyes in the Face Mesh."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Behaviour:
    """An effect on one clip, as users run it, on one thread."""

    frames: int
    """With a face in them."""
    found: float
    """Share of those in whose result Face Mesh finds a face again, 0 to 1."""
    landmark_error: float | None
    """Mean distance from the input's landmarks to the result's, percent of the distance between the outer
    corners of the eyes; median of the frames. None where no face is found in any result."""
    flicker: float | None
    """How restless the face is in the result, as a multiple of the input: see `restlessness`. None without
    three frames with a face one after the other."""
    student_ms: float
    """Median time of all the effect's students together, a frame."""
    machine: str = ""
    """The processor that this took."""


def behave(effect: Effect, clip: Path, *, tier: str = "standard", limit: int = 150) -> Behaviour:
    """Run ``effect`` in a ``tier`` over the first ``limit`` frames of ``clip``. Raises SourceError,
    StudentError."""
    errors: list[float] = []
    restless: list[tuple[float, float]] = []
    before: deque[Floats] = deque(maxlen=3)
    after: deque[Floats] = deque(maxlen=3)
    seen = found = 0
    with (
        Pipeline(effect, tier=tier, strength=1.0, threads=1) as pipeline,
        FaceMesh() as mesh,
        FaceMesh() as other,
        Clip(clip) as source,
    ):
        for frame in source:
            if frame.index >= limit:
                break
            result = pipeline.process(frame)
            landmarks, again = _landmarks(mesh, frame), _landmarks(other, result)
            if landmarks is None:
                before.clear()
                after.clear()
                continue
            seen += 1
            if again is not None:
                found += 1
                between = float(np.linalg.norm(np.subtract(*landmarks[list(_CORNERS)])))
                apart = np.linalg.norm(again - landmarks, axis=1).mean()
                errors.append(100 * float(apart) / between)
            before.append(_grey(frame.pixels))
            after.append(_grey(result.pixels))
            if len(before) == 3:
                place = _around(landmarks, before[0].shape)
                was, became = (restlessness([picture[place] for picture in kept]) for kept in (before, after))
                restless.append((was, became))
        milliseconds = pipeline.ledger.percentiles("student")["p50"]
    middle = np.median(np.array(restless), axis=0) if restless else None
    return Behaviour(
        frames=seen,
        found=found / max(1, seen),
        landmark_error=float(np.median(errors)) if errors else None,
        flicker=None if middle is None else float(middle[1] / max(middle[0], 1e-6)),
        student_ms=float(milliseconds),
        machine=_processor(),
    )


def restlessness(frames: list[Floats]) -> float:
    """How far the middle of three frames, (H, W) each, is from the mean of its neighbours, over the
    contrast of the picture. Steady movement hardly counts, since the neighbours' mean follows it; what
    comes and goes does.

    >>> still = np.eye(8, dtype=np.float32)
    >>> restlessness([still, still, still]), restlessness([still, 1 - still, still]) > 1
    (0.0, True)
    """
    first, middle, last = frames
    contrast = float(np.std(middle))
    return float(np.abs(middle - (first + last) / 2).mean()) / contrast if contrast else 0.0


def _processor() -> str:
    """What the system calls it, as far as it tells."""
    told = Path("/proc/cpuinfo")
    if told.is_file():
        for line in told.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _landmarks(mesh: FaceMesh, frame: Frame) -> Floats | None:
    faces = mesh.process(frame)
    return np.asarray(faces[0].landmarks[:468, :2], np.float32) if faces else None


def _grey(pixels: Pixels) -> Floats:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.float32)


def _around(landmarks: Floats, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """The box of the landmarks, inside the picture."""
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    left, top = np.clip(np.floor(low), 0, None).astype(int)
    right, bottom = np.ceil(high).astype(int)
    return slice(top, min(bottom, shape[0])), slice(left, min(right, shape[1]))
