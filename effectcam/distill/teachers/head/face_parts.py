"""Where the eyes, brows, lips and the outline of a face are, as soft masks in the picture."""

import math
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from effectcam.distill.teachers.drawing.lines import Plane

Picture = npt.NDArray[np.float32]
"""Lab, shape (H, W, 3): lightness 0 to 100, then a and b."""

Landmarks = npt.NDArray[np.float32]
"""MediaPipe's face mesh with irises, shape (478, 2 or 3): x and y in pixels."""


def _points(indices: str) -> list[int]:
    return [int(index) for index in indices.split()]


FACE = _points(
    "10 338 297 332 284 251 389 356 454 323 361 288 397 365 379 378 400 377 152 148 176 149 150 "
    "136 172 58 132 93 234 127 162 21 54 103 67 109"
)
"""Indices into MediaPipe's face mesh with irises (478 points): the rim, from the top of the forehead."""
LIPS = _points("61 146 91 181 84 17 314 405 321 375 291 409 270 269 267 0 37 39 40 185")
MOUTH = _points("78 95 88 178 87 14 317 402 318 324 308 415 310 311 312 13 82 81 80 191")
MOUTH_UPPER = _points("78 191 80 81 82 13 312 311 310 415 308")
MOUTH_LOWER = _points("78 95 88 178 87 14 317 402 318 324 308")
CHEEKS = (50, 280)


class EyePoints(NamedTuple):
    """Mesh indices of one eye; lids run from the outer corner to the inner one."""

    upper: list[int]
    lower: list[int]
    brow: list[int]
    iris: list[int]


EYES = (
    EyePoints(
        _points("33 246 161 160 159 158 157 173 133"),
        _points("33 7 163 144 145 153 154 155 133"),
        _points("70 63 105 66 107 55 65 52 53 46"),
        [468, 469, 470, 471, 472],
    ),
    EyePoints(
        _points("263 466 388 387 386 385 384 398 362"),
        _points("263 249 390 373 374 380 381 382 362"),
        _points("300 293 334 296 336 285 295 282 283 276"),
        [473, 474, 475, 476, 477],
    ),
)


def smooth_step(value: Plane, low: float, high: float) -> Plane:
    """Smooth step from 0 at low to 1 at high."""
    t = np.clip((value - np.float32(low)) / np.float32(high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)


def blur(plane: Plane, sigma: float) -> Plane:
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma), dtype=np.float32)


class Eye(NamedTuple):
    """One eye in the picture, lengths in pixels."""

    points: EyePoints
    upper: Landmarks
    lower: Landmarks
    span: float
    """From corner to corner."""
    openness: float
    """0 shut to 1."""
    ball: Plane
    """What is seen between the lids; nought of a shut eye."""
    centre: Landmarks
    """Of the iris."""
    radius: float
    """Of the iris."""


class FaceParts:
    """Soft masks, float32 (H, W), 0 to 1, of one face's parts.

    points: float32 (478, 2), pixels. height, width: of the picture.
    """

    def __init__(self, points: Landmarks, height: int, width: int) -> None:
        self.points = points
        self.shape = (height, width)
        outer, other = points[33], points[263]
        # Turned heads bring the eyes together: the face's length keeps the measure.
        length = float(np.hypot(*(points[10] - points[152])))
        self.scale = max(float(np.hypot(*(outer - other))), 0.62 * length, 8.0)
        """From one eye's outer corner to the other's, about, in pixels."""

    def fill(self, indices: list[int], soft: float) -> Plane:
        """The polygon of some mesh points, its border blurred by ``soft`` pixels."""
        mask = np.zeros(self.shape, np.uint8)
        cv2.fillPoly(mask, [np.round(self.points[indices] * 16).astype(np.int32)], (255,), cv2.LINE_AA, 4)
        return blur(mask.astype(np.float32) / 255, soft)

    def disc(self, centre: Landmarks, radius: float, soft: float) -> Plane:
        mask = np.zeros(self.shape, np.uint8)
        x, y = np.round(centre * 16).astype(int)
        cv2.circle(mask, (int(x), int(y)), max(int(radius * 16), 1), (255,), -1, cv2.LINE_AA, 4)
        return blur(mask.astype(np.float32) / 255, soft)

    def stroke(self, path: Landmarks, width: float) -> Plane:
        """A stroke that swells in its middle and thins to its ends."""
        mask = np.zeros(self.shape, np.uint8)
        dense = _dense(path)
        for position, point in enumerate(dense):
            t = position / (len(dense) - 1)
            radius = 0.5 * width * (0.45 + 0.55 * math.sin(math.pi * t) ** 0.7)
            x, y = np.round(point * 16).astype(int)
            cv2.circle(mask, (int(x), int(y)), max(int(radius * 16), 4), (255,), -1, cv2.LINE_AA, 4)
        return blur(mask.astype(np.float32) / 255, 0.35)

    def eye(self, eye: EyePoints) -> Eye | None:
        """One of `EYES` in the picture; None when it is too small to draw."""
        upper, lower = self.points[eye.upper], self.points[eye.lower]
        span = float(np.hypot(*(upper[0] - upper[-1])))
        if span < 4:
            return None
        gap = float(np.hypot(*(upper[4] - lower[4])))
        openness = float(np.clip((gap / span - 0.10) / 0.12, 0, 1))
        ball = self.fill([*eye.upper, *reversed(eye.lower[1:-1])], 0.03 * span) * np.float32(openness)
        centre = self.points[eye.iris[0]]
        radius = float(np.mean(np.hypot(*(self.points[eye.iris[1:]] - centre).T)))
        return Eye(eye, upper, lower, span, openness, ball, centre, radius)

    def mouth_openness(self) -> float:
        """0 shut to 1."""
        span = max(float(np.hypot(*(self.points[61] - self.points[291]))), 1.0)
        gap = float(np.hypot(*(self.points[13] - self.points[14])))
        return float(np.clip((gap / span - 0.03) / 0.08, 0, 1))


def _dense(path: Landmarks) -> Landmarks:
    """The path in even steps of about half a pixel, rounded at its corners."""
    steps = np.hypot(*np.diff(path, axis=0).T)
    at = np.concatenate([[0.0], np.cumsum(steps)])
    count = max(int(at[-1] * 2), 8)
    where = np.linspace(0, at[-1], count)
    x, y = (np.interp(where, at, path[:, i]).astype(np.float32)[:, None] for i in (0, 1))
    sigma = max(float(at[-1]) * 0.08, 0.5)
    soft = [
        cv2.GaussianBlur(c, (1, 0), sigmaX=1, sigmaY=sigma, borderType=cv2.BORDER_REPLICATE) for c in (x, y)
    ]
    return np.column_stack([np.asarray(c).reshape(-1) for c in soft]).astype(np.float32)
