"""The frames that a bench runs over: a clip's, decoded beforehand, with the size and faces asked for."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import numpy as np

from effectcam.bench.report import ClipUsed
from effectcam.errors import SourceError, UsageError
from effectcam.face.crop import Affine, Crop, fit_head
from effectcam.face.mesh import FaceMesh
from effectcam.frame import Frame, Pixels
from effectcam.source.clip import MAX_PIXELS, MAX_SIDE, Clip
from effectcam.source.fill import filled

_MOST_FRAMES = 90
_MOST_BYTES = 250_000_000
_LEAST_SIDE = 64
"""No face detector finds anything in less."""

_SAMPLED = 10
"""One frame in so many is looked at for its faces."""
_HEADROOM = 2.8
"""Sides of a head's own square across a face with its ears: the less, the larger are faces in a strip."""


@dataclass(frozen=True, slots=True)
class Footage:
    pictures: list[Pixels]
    """All of one size, only read."""
    used: ClipUsed

    @property
    def megabytes(self) -> float:
        return sum(picture.nbytes for picture in self.pictures) / 1e6


def check_size(width: int, height: int) -> None:
    """UsageError for frames in which nothing could be measured."""
    if min(width, height) < _LEAST_SIDE or max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise UsageError(
            f"frames of {width}x{height} cannot be measured; give {_LEAST_SIDE} to {MAX_SIDE} pixels a "
            f"side and at most {MAX_PIXELS // 1_000_000} megapixels, such as 1280x720"
        )


def load_footage(path: Path, size: tuple[int, int], *, faces: int = 1, burn_in: int = 0) -> Footage:
    """The first frames of a clip, three seconds or 250 MB at most, filling ``size`` (width, height).

    ``faces`` above 1: when the clip shows fewer, its first one is laid side by side so many times, each a
    while ahead of the one before. Raises SourceError for a clip that is shorter than ``burn_in`` frames, or
    that has no face to multiply; UsageError for a senseless size, and whatever `Clip` raises.
    """
    check_size(*size)
    width, height = size
    with Clip(path) as clip:
        own = clip.width, clip.height
        # Larger frames than asked for are not worth their memory, unless faces are cut out of them.
        keep = (lambda p: p) if faces > 1 else (lambda p: filled(p, width, height))
        pixels = max(width * height, own[0] * own[1] if faces > 1 else 0)
        most = min(_MOST_FRAMES, max(2, _MOST_BYTES // (pixels * 3)))
        pictures = [keep(frame.pixels) for frame in itertools.islice(clip, most)]
    if len(pictures) < min(burn_in, most):
        raise SourceError(
            f"{path}: has {len(pictures)} frames, fewer than the {burn_in} of the burn-in; give a longer "
            f"clip or --burn-in {len(pictures)}"
        )
    if faces > 1:
        pictures = _with_faces(pictures, size, faces, path)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    used = ClipUsed(name=path.name, sha256=digest, frames=len(pictures), width=own[0], height=own[1])
    return Footage(pictures, used)


def _with_faces(pictures: list[Pixels], size: tuple[int, int], faces: int, path: Path) -> list[Pixels]:
    heads = _heads(pictures, faces)
    if not any(heads):
        raise SourceError(f"{path}: shows no face to lay side by side; choose another clip or --faces 1")
    if sum(len(found) >= faces for found in heads) > len(heads) / 2:
        return [filled(picture, *size) for picture in pictures]
    width, height = size
    across = width // faces
    part = _window([found[0] for found in heads if found], pictures[0].shape, (across, height))
    strips = [cv2.warpAffine(picture, part, (across, height)) for picture in pictures]
    ahead = len(pictures) // faces
    made = []
    for place in range(len(pictures)):
        row = [strips[_folded(place + ahead * face, len(pictures))] for face in range(faces)]
        # What the division leaves over.
        whole = cv2.copyMakeBorder(np.hstack(row), 0, 0, 0, width - across * faces, cv2.BORDER_REFLECT_101)
        made.append(np.ascontiguousarray(whole, np.uint8))
    return made


def _heads(pictures: list[Pixels], faces: int) -> list[list[Crop]]:
    """Of the frames looked at, the heads of each, those on the left first."""
    found = []
    with FaceMesh(faces) as mesh:
        for index, picture in enumerate(pictures[::_SAMPLED]):
            observations = mesh.process(Frame(picture, index, index * 333_000_000))
            found.append(
                sorted((fit_head(each.landmarks) for each in observations), key=lambda head: head.cx)
            )
    return found


def _window(heads: Sequence[Crop], shape: tuple[int, ...], size: tuple[int, int]) -> Affine:
    """The affine that brings all of ``heads`` to the middle of a picture of ``size``, no larger than they
    would be in a frame that fills that height."""
    left = min(head.cx - _HEADROOM / 2 * head.side for head in heads)
    right = max(head.cx + _HEADROOM / 2 * head.side for head in heads)
    top = min(head.cy - _HEADROOM / 2 * head.side for head in heads)
    bottom = max(head.cy + _HEADROOM / 2 * head.side for head in heads)
    width, height = size
    scale = min(width / (right - left), height / (bottom - top), height / shape[0])
    return np.array(
        [
            [scale, 0, (width - scale * (left + right)) / 2],
            [0, scale, (height - scale * (top + bottom)) / 2],
        ]
    )


def _folded(place: int, count: int) -> int:
    """Where a run to and fro over ``count`` frames is after ``place`` steps.

    >>> [_folded(place, 4) for place in range(9)]
    [0, 1, 2, 3, 2, 1, 0, 1, 2]
    """
    if count == 1:
        return 0
    place %= 2 * count - 2
    return min(place, 2 * count - 2 - place)


class EndlessClip:
    """A `Source` without end: pictures run forwards and backwards, so that no cut makes a tracker start
    anew, stamped ``fps`` to the second."""

    def __init__(self, pictures: Sequence[Pixels], fps: float = 30.0) -> None:
        self.height, self.width = pictures[0].shape[:2]
        self.fps = fps
        self._pictures = pictures

    def __iter__(self) -> Iterator[Frame]:
        count = len(self._pictures)
        for index in itertools.count():
            stamp = math.floor(index * 1e9 / self.fps)
            yield Frame(self._pictures[_folded(index, count)], index, stamp)

    def close(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
