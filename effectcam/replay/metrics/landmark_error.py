"""Landmark error: is the face still where it was, with the expression it had?"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from effectcam.face.mesh import LANDMARKS, FaceMesh
from effectcam.replay.metrics.figure import Figure, Values
from effectcam.replay.metrics.moment import Moment

OUTER_CORNERS = [33, 263]
"""Of the eyes, in the Face Mesh."""


class LandmarkError:
    """Face Mesh looks at the output too. Of each face that got the effect, the mean distance between its 468
    points there and in the input, over the distance between the outer corners of its eyes in the input, in
    percent: the normalised mean error that landmark detectors are judged by (inter-ocular, as of Sagonas et
    al., 300-W, ICCV Workshops 2013), between two pictures instead of to an annotation. In the plane alone,
    since depth is guessed. Of several faces the largest.

    A look that moves features, such as eyes a third larger, has an error of its own; what tells is a change.
    ``landmarks_lost`` is the share of the faces whose drawing is no face to Face Mesh any more.
    """

    figures: ClassVar[tuple[Figure, ...]] = (
        Figure("landmark_error", "how far landmarks moved from input to output, of the eyes' distance", "%"),
        Figure("landmarks_lost", "faces under the effect that are not found again in the output", "%"),
    )

    def __init__(self, *, faces: int = 1) -> None:
        """``faces``: how many may get the effect. Raises UsageError or FaceMeshError, as `FaceMesh` does."""
        self._mesh = FaceMesh(faces)

    def see(self, moment: Moment) -> Values:
        # Asked in every frame, so that it tracks as the pipeline's own does.
        found = [each.landmarks[:LANDMARKS, :2] for each in self._mesh.process(moment.after)]
        errors, lost = [], 0
        for face in moment.faces:
            points = face.landmarks[:LANDMARKS, :2]
            between = float(np.linalg.norm(np.subtract(*points[OUTER_CORNERS])))
            apart = [float(np.linalg.norm(again - points, axis=1).mean()) for again in found]
            # Farther than a face is wide is another's.
            near = min(apart, default=np.inf)
            if near > 2 * between:
                lost += 1
            else:
                errors.append(100 * near / between)
        values = {"landmark_error": max(errors)} if errors else {}
        return values | ({"landmarks_lost": 100 * lost / len(moment.faces)} if moment.faces else {})

    def close(self) -> None:
        self._mesh.close()
