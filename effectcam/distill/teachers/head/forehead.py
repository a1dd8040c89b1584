"""Where a forehead lies: on smooth skin the face mesh guesses, and no student can see its guess."""

from __future__ import annotations

import numpy as np

from effectcam.distill.teachers.head.brush import Floats, step
from effectcam.distill.teachers.head.uv import MESH_POINTS
from effectcam.face.crop import fit_head

_BROWS = [105, 66, 107, 336, 296, 334]
_FOLLOWS = 0.5
"""How far a forehead goes with its brows: pulled up they fold it, and do not carry all of it along."""
_MOST = 0.06
"""The mesh is corrected by no more than this, in eye distances: what is further is no guess but a head that
is tilted, by some 20 degrees."""


def settle_forehead(landmarks: Floats, shape: Floats) -> Floats:
    """The landmarks with the forehead where a mean head has it above these eyes and brows.

    ``landmarks`` float32 (N >= 468, 3), pixels; ``shape`` the mean head, (M >= 468, 3). From face to face the
    mesh's forehead lies 3 % of the eyes' distance up or down without a mark in the picture that tells so.
    A fold laid on it as it comes is one that a student can only draw blurred, or beside its place.
    """
    to_head = fit_head(landmarks).to_crop(1)
    heights = (landmarks[:MESH_POINTS, :2] @ to_head[:, :2].T + to_head[:, 2])[:, 1]
    to_mean = fit_head(shape * np.float32(1000)).to_crop(1)
    mean = (1000 * shape[:MESH_POINTS, :2] @ to_mean[:, :2].T + to_mean[:, 2])[:, 1]
    lowered = float((heights - mean)[_BROWS].mean())
    forehead = 1 - step(-0.74, -0.64, np.asarray(mean, np.float32))
    correction = np.clip(mean + _FOLLOWS * lowered - heights, -_MOST, _MOST) * forehead
    down = np.linalg.inv(to_head[:, :2])[:, 1]
    settled = landmarks.copy()
    settled[:MESH_POINTS, :2] += np.asarray(correction[:, None] * down, np.float32)
    return settled
