"""A face redrawn by its student, which may want to know what it drew before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from effectcam.face.past import Past
from effectcam.frame import Pixels
from effectcam.passage import Face
from effectcam.student.past import with_past
from effectcam.student.protocol import Student


class Redrawing:
    """``student`` at work on one face after another, frame by frame."""

    def __init__(self, student: Student) -> None:
        self._student = student
        self._past = Past()

    @property
    def side(self) -> int:
        """Pixels of a crop."""
        return self._student.size[0]

    def __call__(self, face: Face, crop: Pixels) -> NDArray[np.uint8]:
        """What the student makes of ``crop`` (side, side, 3): RGB or RGBA, to keep and not to write to."""
        student, now = self._student, face.seen_at
        if student.inputs == 3:
            # The student's buffer is its own; the next face would overwrite it.
            return student.run(crop).copy()
        into = face.crop.to_crop(self.side)
        points = (face.landmarks[:, :2] @ into[:, :2].T + into[:, 2]).astype(np.float32)
        before = self._past.of(face.identity, points, now)
        drawing = student.run(with_past(crop, before, student.inputs)).copy()
        self._past.keep(face.identity, drawing, points, now)
        return drawing

    def forget(self, identity: int) -> None:
        """What is drawn of it next has nothing to do with what was."""
        self._past.forget(identity)
