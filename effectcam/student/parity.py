"""Whether an accelerator draws what the CPU draws, on a real face."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources
from typing import NamedTuple

import cv2
import numpy as np

from effectcam.frame import Pixels
from effectcam.student.past import with_past
from effectcam.student.protocol import Student

TOLERANCE = 2
"""Steps of 1/255 by which a value may differ from the CPU's: less than what is seen, more than what
another order of additions comes to."""


def parity_pictures(size: tuple[int, int]) -> list[Pixels]:
    """Crops for a square ``size`` (height, width), frames for another, uint8 RGB: the person of the demo
    clip, and mirrored and darker, so that an answer that stands still is found."""
    height, width = size
    picture = cv2.resize(_picture("face" if height == width else "frame"), (width, height))
    darker = cv2.convertScaleAbs(picture[:, ::-1], alpha=0.7)
    return [np.asarray(picture, np.uint8), np.asarray(darker, np.uint8)]


@cache
def _picture(name: str) -> Pixels:
    data = resources.files("effectcam.student").joinpath("pictures", f"{name}.webp").read_bytes()
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)


class Drawn(NamedTuple):
    pictures: list[Pixels]
    seconds: float
    """For the last of them, when everything has been touched once."""


def draw_all(student: Student, pictures: Sequence[Pixels]) -> Drawn:
    """What ``student`` makes of ``pictures``, to keep."""
    drawn = []
    seconds = 0.0
    for picture in pictures:
        begun = time.perf_counter()
        answer = student.run(with_past(picture, _as_drawn(picture, student), student.inputs))
        seconds = time.perf_counter() - begun
        drawn.append(answer.copy())
    return Drawn(drawn, seconds)


def _as_drawn(picture: Pixels, student: Student) -> Pixels:
    """A past for a recurrent student: the picture itself, opaque."""
    alpha = np.full((*picture.shape[:2], student.channels - 3), 255, np.uint8)
    return np.dstack((picture, alpha))


def largest_difference(drawn: Iterable[Pixels], expected: Iterable[Pixels]) -> int:
    """In steps of 1/255, over all values of all pictures."""
    return max(int(cv2.absdiff(a, b).max()) for a, b in zip(drawn, expected, strict=True))
