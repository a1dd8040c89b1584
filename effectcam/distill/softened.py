"""A teacher that draws no finer than its student can."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.distill.recipe import StagingTeacher, Teacher
from effectcam.frame import Pixels


class SoftenedTeacher:
    """Smooths what ``teacher`` changes in a picture, never the picture.

    A student is sure of a line to about a pixel, and of what is finer it learns the mean: a grey veil, and
    time spent on it. The change (drawing less picture) is smoothed by a Gaussian of ``sigma`` pixels of a
    pair; what the teacher leaves alone stays as sharp as it was, and so does alpha.
    """

    def __init__(self, teacher: Teacher, sigma: float) -> None:
        self._teacher = teacher
        self._sigma = sigma
        if isinstance(teacher, StagingTeacher):
            self.inputs = teacher.inputs

    def __call__(self, image: Pixels, landmarks: NDArray[np.float32] | None) -> NDArray[np.uint8]:
        drawn = self._teacher(image, landmarks).copy()
        change = drawn[..., :3].astype(np.float32) - image
        soft = image + cv2.GaussianBlur(change, (0, 0), self._sigma)
        drawn[..., :3] = np.clip(soft + 0.5, 0, 255).astype(np.uint8)
        return drawn
