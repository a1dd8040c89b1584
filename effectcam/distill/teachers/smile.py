"""``smile``: everybody looks pleased. Corners of the mouth up and out, cheeks raised, folds beside them.

The movement and its shade are measured ones (:mod:`effectcam.distill.teachers.head.expression`); who smiles
already gets little more. Nothing is painted into the mouth: teeth show when the person shows them.
"""

from __future__ import annotations

import numpy as np

from effectcam.distill.teachers.head.brush import SIDE, Brush, blur, both, step
from effectcam.distill.teachers.head.expression import load_smile, smile_level, smiling
from effectcam.distill.teachers.head.layer import Pixels, read_face, to_rgba
from effectcam.distill.teachers.head.mls import backward_map, warp
from effectcam.distill.teachers.head.uv import (
    FACE_OVAL,
    MESH_POINTS,
    OUTER_LIPS,
    Floats,
    load_face_space,
    sample,
)

_REST, _PLEASED = -4.0, 2.0
"""Levels of smiling between which the whole of it is added, and hardly any more."""
_STERN_SHARE = 0.6
_BLOOD = np.array([0.72, 1.06, 1.18], np.float32)
"""How deep shade falls in red, green and blue: skin's own stays warm, where grey would look unshaven."""


class Smile:
    """Teacher of the ``smile`` effect; deterministic.

    ``most`` and ``least`` are steps of smile added to a face at rest and to one that smiles: above 4 a closed
    mouth grins. ``folds`` scales the shade of the folds: above 2 they add years.
    """

    def __init__(self, *, most: float = 3.6, least: float = 0.7, folds: float = 1.2) -> None:
        self.most, self.least, self.folds = most, least, folds
        self.space = load_face_space()
        self.smile = load_smile()
        brush = Brush(self.space)
        self._where = _shaded_part(brush)
        self._moving = _moving_part(brush)
        columns, rows = np.round(brush.points[:MESH_POINTS]).astype(int).T
        self._held = 1 - self._moving[rows, columns]

    def __call__(self, image: Pixels, landmarks: Floats) -> Pixels:
        """Make one face smile.

        ``image`` RGB uint8 (H, W, 3); ``landmarks`` float32 (478, 3), pixels of that picture. Returns RGBA
        uint8 (H, W, 4), straight alpha, 0 where nothing moves. UsageError for other shapes.
        """
        picture, face = read_face(image, landmarks)
        still = float(step(_REST, _PLEASED, np.float32(smile_level(face))))
        return self._shown(picture, face, self.most + (self.least - self.most) * still)

    def inputs(
        self, image: Pixels, landmarks: Floats, rng: np.random.Generator | None
    ) -> tuple[Pixels, Floats]:
        """What a student of this effect has to see and portraits hardly show: the same face with less of a
        smile, or none, and the landmarks of that, to be drawn by this teacher in the picture's place.
        Without ``rng`` everybody smiles three steps less than in the portrait, down to -4.5."""
        less = min(rng.uniform(0.0, 4.0) if rng else 3.0, smile_level(landmarks) + 4.5)
        if (rng and rng.random() > _STERN_SHARE) or less < 0.3:
            return image, landmarks
        picture, face = read_face(image, landmarks)
        layer = self._shown(picture, face, -less).astype(np.float32) / 255
        stern = picture + (layer[:, :, :3] - picture) * layer[:, :, 3:]
        moved = landmarks.copy()
        moved[:MESH_POINTS] = smiling(landmarks, -less, self.smile)
        return np.asarray(np.round(stern * 255), np.uint8), moved

    def _shown(self, picture: Floats, face: Floats, steps: float) -> Pixels:
        height, width = picture.shape[:2]
        mesh = self.space.extend(face)
        goal = mesh.copy()
        goal[:MESH_POINTS] = smiling(face, steps, self.smile)
        goal[:MESH_POINTS] += (mesh[:MESH_POINTS] - goal[:MESH_POINTS]) * self._held[:, None]
        where = backward_map(mesh[:, :2], goal[:, :2], height, width)
        moved = warp(picture, where)

        uv, covered = self.space.warp_map(goal, height, width)
        across = float(np.linalg.norm(face[263] - face[33]))
        shade = sample(self.smile.shading * self._where, uv, across / 0.32) * covered
        # Folds smoothed away half-way still look like skin; wholly, they leave pale stripes.
        depth = np.float32(self.folds * steps * (1.0 if steps > 0 else 0.5))
        moved = moved * np.exp(depth * shade[:, :, None] * _BLOOD)

        away = where - np.dstack(np.meshgrid(np.arange(width), np.arange(height)))
        far = blur(np.hypot(away[..., 0], away[..., 1]), 0.02 * across) / np.float32(across)
        changed = np.maximum(step(0.004, 0.018, far), step(0.004, 0.02, np.abs(shade)))
        inside = step(0.02, 0.25, sample(self._moving, uv, across / 0.32)) * covered
        return to_rgba(moved, blur(changed * inside, 0.01 * across))


def _shaded_part(brush: Brush) -> Floats:
    """Cheeks, folds and chin, at the shading's own size: lips and eyes carry their own shade along."""
    lower = both(
        brush.area([117, 118, 101, 36, 203, 164, 17, 18, 200, 171, 170, 138, 135, 192, 213, 147, 123], 10)
    )
    lower = lower * (1 - brush.area(OUTER_LIPS, 3, grow=0.97))
    return lower[::4, ::4]


def _moving_part(brush: Brush) -> Floats:
    """Not the rim, or what lies behind it would be seen to move, and nothing above the eyes."""
    down = step(168, 205, np.arange(SIDE, dtype=np.float32))
    return np.asarray(brush.area(FACE_OVAL, 18, grow=0.80) * down[:, None], np.float32)
