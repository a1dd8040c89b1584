"""Whoever sits for a teacher that works on the whole head: picture, head, and the mesh laid over it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from effectcam.distill.teachers.head.brush import Floats, blur, step
from effectcam.distill.teachers.head.head_matte import HeadMatte, Pixels, cut_out
from effectcam.distill.teachers.head.layer import read_face, to_rgba
from effectcam.distill.teachers.head.uv import FaceSpace


@dataclass(frozen=True, slots=True)
class Sitter:
    """One person in one picture.

    ``picture`` sRGB float32 (H, W, 3), 0 to 1; ``face`` (478, 3) and ``mesh`` (504, 3) pixels; ``uv``
    (H, W, 2) and ``covered`` (H, W) see :meth:`FaceSpace.warp_map`.
    """

    picture: Floats
    face: Floats
    matte: HeadMatte
    mesh: Floats
    uv: Floats
    covered: Floats

    def layer(self, colour: Floats, alpha: Floats) -> Pixels:
        """RGBA uint8 (H, W, 4), straight alpha: ``colour`` (H, W, 3) where ``alpha`` (H, W) is high, running
        out into the untouched picture where it is 0, so that no student has to know a hidden colour."""
        near = step(0.0, 0.25, np.maximum(alpha, blur(alpha, 0.06 * self.matte.side)))[..., None]
        return to_rgba(self.picture + (np.clip(colour, 0, 1) - self.picture) * near, alpha)


def take_seat(image: Pixels, landmarks: Floats | None, space: FaceSpace) -> Sitter:
    """``image`` RGB uint8 (H, W, 3); ``landmarks`` float32 (478, 3), pixels; UsageError for others."""
    picture, face = read_face(image, landmarks)
    mesh = space.extend(face)
    uv, covered = space.warp_map(mesh, *image.shape[:2])
    return Sitter(picture, face, cut_out(image, face), mesh, uv, covered)
