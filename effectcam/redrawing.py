"""Faces redrawn by their student, which may want to know what it drew before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from effectcam.composite.mask import show
from effectcam.face.past import Past
from effectcam.frame import Pixels
from effectcam.helper import Helper
from effectcam.passage import Face
from effectcam.student.past import with_past
from effectcam.student.protocol import Student
from effectcam.student.twin import TwinStudent


class Redrawing:
    """``student`` at work on the faces of one frame after another, under the crop's ``mask``."""

    def __init__(self, student: Student, mask: NDArray[np.uint8]) -> None:
        self._student = student
        self._mask = mask
        self._past = Past()

    @property
    def side(self) -> int:
        """Pixels of a crop."""
        return self._student.size[0]

    def __call__(
        self, faces: Sequence[Face], crops: Sequence[Pixels], helper: Helper | None
    ) -> list[NDArray[np.uint8]]:
        """What the student makes of the ``crops`` (side, side, 3) of ``faces``, to keep and not to write to:
        RGB, or RGBA whose alpha has the mask in it. ``helper``, if it is free, draws every other one of what
        can be drawn two at a time."""
        student, at_once = self._student, 0
        drawings: list[NDArray[np.uint8]] = []
        if helper is not None and isinstance(student, TwinStudent):
            lanes, at_once = student.lanes, len(faces) // 2 * 2
            drawings = helper.each(
                lambda place: self._draw(lanes[place % 2], faces[place], crops[place]), at_once
            )
        rest = zip(faces[at_once:], crops[at_once:], strict=True)
        return drawings + [self._draw(student, face, crop) for face, crop in rest]

    def _draw(self, student: Student, face: Face, crop: Pixels) -> NDArray[np.uint8]:
        if student.inputs == 3:
            return self._under_mask(student.run(crop))
        now, into = face.seen_at, face.crop.to_crop(self.side)
        points = (face.landmarks[:, :2] @ into[:, :2].T + into[:, 2]).astype(np.float32)
        before = self._past.of(face.identity, points, now)
        drawing = student.run(with_past(crop, before, student.inputs))
        self._past.keep(face.identity, drawing.copy(), points, now)
        return self._under_mask(drawing)

    def _under_mask(self, drawing: Pixels) -> NDArray[np.uint8]:
        # The student's buffer is its own; the next face would overwrite it.
        drawing = drawing.copy()
        if drawing.shape[2] == 4:
            show(drawing, self._mask)
        return drawing

    def forget(self, identity: int) -> None:
        """What is drawn of it next has nothing to do with what was."""
        self._past.forget(identity)
