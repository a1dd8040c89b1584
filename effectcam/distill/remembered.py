"""A teacher's drawings kept on disk: slow teachers are asked once, also when the work was interrupted."""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.distill.recipe import StagingTeacher, Teacher
from effectcam.distill.teacher_files import teacher_digest
from effectcam.errors import EffectcamError, StudentError
from effectcam.frame import Pixels


class RememberedTeacher:
    """Asks ``teacher`` about what it has not drawn yet, and reads the rest from ``folder``.

    A drawing is found again by the content of picture and landmarks, by ``name`` and ``arguments`` of
    the teacher, and by the content of `teacher_files`. Deleting the folder costs nothing but time.
    """

    def __init__(self, teacher: Teacher, folder: Path, *, name: str, arguments: Mapping[str, Any]) -> None:
        self._teacher = teacher
        self._folder = folder
        self._name = name
        said = json.dumps([name, dict(arguments)], sort_keys=True, default=str)
        self._identity = hashlib.sha256(said.encode() + teacher_digest(_module(teacher), arguments)).digest()
        if isinstance(teacher, StagingTeacher):
            self.inputs: Callable[..., tuple[Pixels, NDArray[np.float32]]] = functools.partial(
                self._stage, teacher
            )

    def __call__(self, image: Pixels, landmarks: NDArray[np.float32] | None) -> NDArray[np.uint8]:
        """What the teacher draws, uint8 (H, W, 3 or 4). Raises StudentError where it fails, or draws
        what is no picture of the same size."""
        key = hashlib.sha256(self._identity)
        for part in (image, landmarks):
            if part is not None:
                key.update(repr((part.shape, part.dtype.str)).encode() + np.ascontiguousarray(part).tobytes())
        digest = key.hexdigest()
        path = self._folder / digest[:2] / f"{digest}.png"
        known = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if path.is_file() else None
        if known is not None and known.ndim == 3 and known.shape[:2] == image.shape[:2]:
            return _without_rim(np.asarray(known, np.uint8), image)
        drawn = self._ask(image, landmarks)
        # Channels are kept in the teacher's order: nobody but this reads the file.
        _, data = cv2.imencode(".png", drawn, [cv2.IMWRITE_PNG_COMPRESSION, 1])
        unfinished = path.with_suffix(f".{os.getpid()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_bytes(data.tobytes())
            unfinished.replace(path)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            raise StudentError(f"{self._folder}: drawings cannot be kept: {error.strerror}") from error
        return drawn

    def _stage(
        self,
        teacher: StagingTeacher,
        image: Pixels,
        landmarks: NDArray[np.float32],
        rng: np.random.Generator | None,
    ) -> tuple[Pixels, NDArray[np.float32]]:
        try:
            return teacher.inputs(image, landmarks, rng)
        except EffectcamError:
            raise
        except Exception as error:
            hint = "" if rng else "; its inputs are asked with rng=None for those who are held out"
            raise self._failed(error, hint) from error

    def _failed(self, error: Exception, hint: str = "") -> StudentError:
        return StudentError(f"teacher {self._name} failed: {type(error).__name__}: {error}{hint}")

    def _ask(self, image: Pixels, landmarks: NDArray[np.float32] | None) -> NDArray[np.uint8]:
        try:
            # It may draw into what it is given, which is what the student learns from, and give the same
            # array again the next time.
            drawn = self._teacher(image.copy(), None if landmarks is None else landmarks.copy())
        except EffectcamError:
            raise
        except Exception as error:
            raise self._failed(error) from error
        shape, kind = getattr(drawn, "shape", ()), getattr(drawn, "dtype", type(drawn).__name__)
        if kind != np.uint8 or shape[:2] != image.shape[:2] or shape[2:] not in ((3,), (4,)):
            raise StudentError(
                f"teacher {self._name} made {kind} of shape {shape} from uint8 of shape {image.shape}; "
                "it has to return uint8 of the same height and width with 3 or 4 channels"
            )
        return _without_rim(np.array(drawn), image)


def _without_rim(drawn: NDArray[np.uint8], image: Pixels) -> NDArray[np.uint8]:
    """``drawn``, changed: a teacher may leave black where nothing shows, and between two pixels that would be
    a dark rim."""
    if drawn.shape[2] == 4:
        hidden = drawn[..., 3] == 0
        drawn[hidden, :3] = image[hidden]
    return drawn


def _module(teacher: Teacher) -> Path | None:
    module = inspect.getmodule(getattr(teacher, "func", teacher)) or inspect.getmodule(type(teacher))
    return Path(module.__file__) if module and module.__file__ else None
