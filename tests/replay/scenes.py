"""A face under an effect that is made here, so that faults can be planted one at a time.

One picture of the person of the demo clip, seen through a window that rests for five frames and then moves on
by two pixels a frame. The look is a tint and a grain that is fixed to the crop, under a soft mask.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.composite.mask import feathered
from effectcam.effect.manifest import Crop as CropSpec
from effectcam.effect.manifest import Manifest, Model, Provenance, Tier
from effectcam.face.crop import Crop, fit_head
from effectcam.face.mesh import FaceMesh
from effectcam.frame import Frame, Pixels
from effectcam.passage import Face
from effectcam.replay.metrics import Meters, Moment, Summary, metrics_for
from tests.face.clips import demo_pixels

SIZE, STUDENT, MARGIN = 256, 96, 2.2
RESTING, MOVING = 5, 6
TINT = np.array([-14, 18, -14], np.float32)

EFFECT = Manifest(
    name="tinted",
    version="1.0.0",
    title="Tinted",
    description="For tests.",
    licence="MIT",
    space="face",
    crop=CropSpec(MARGIN),
    tiers={"standard": Tier(face=Model("face.tflite", (STUDENT, STUDENT)))},
    provenance=Provenance("arithmetic", "none", "2026-01-01"),
)


@dataclass(frozen=True)
class Scene:
    """What the effect does, from which a fault departs."""

    feather: float = 0.2
    tint: Callable[[int], float] = lambda frame: 1.0
    """Share of the tint that shows in a frame."""
    grain: Callable[[int], tuple[float, float]] = lambda frame: (0.0, 0.0)
    """Pixels by which the grain is off its place in the crop."""
    moved: float = 0.0
    """Pixels that the drawn face is off its place."""
    blur: float = 0.0
    """Pixels (sigma) by which the drawn face is smeared."""
    told: Callable[[int, Face], Face | None] = lambda frame, face: face
    """The face as the pipeline tells of it, None for a frame in which it tells of none."""
    golden: Callable[[Pixels], Pixels] = lambda after: after

    def measure(self) -> dict[str, Summary]:
        """All metrics over it."""
        with Meters(metrics_for(EFFECT)) as meters:
            for moment in self.moments():
                meters.see(moment)
            return meters.summaries

    def moments(self) -> list[Moment]:
        mask = feathered(STUDENT, self.feather)
        found = []
        for before, face in _seen():
            after = before.with_pixels(self._drawn(before, face, mask))
            told = self.told(before.index, face)
            faces = [told] if told is not None else []
            golden = self.golden(after.pixels)
            found.append(Moment(before, after, faces, mask, [mask] * len(faces), golden=golden))
        return found

    def _drawn(self, frame: Frame, face: Face, mask: NDArray[np.uint8]) -> Pixels:
        affine = face.crop.to_picture(STUDENT)
        weight = cv2.warpAffine(mask, affine, (SIZE, SIZE)).astype(np.float32)[..., None] / 255
        off = np.array(self.grain(frame.index))
        place = np.column_stack((affine[:, :2], affine[:, 2] + off))
        grain = cv2.warpAffine(_grain(), place, (SIZE, SIZE), borderMode=cv2.BORDER_REFLECT)[..., None]
        move = np.array([[1, 0, self.moved], [0, 1, 0]], np.float64)
        below = cv2.warpAffine(frame.pixels, move, (SIZE, SIZE), borderMode=cv2.BORDER_REFLECT)
        if self.blur:
            below = cv2.GaussianBlur(below, (0, 0), self.blur)
        drawing = below + TINT * self.tint(frame.index) + grain
        mixed = frame.pixels * (1 - weight) + drawing * weight
        return np.asarray(np.clip(np.rint(mixed), 0, 255), np.uint8)


def changed(face: Face, **crop: float) -> Face:
    """The face with other numbers for its crop."""
    return replace(face, crop=replace(face.crop, **crop))


@cache
def _grain() -> NDArray[np.float32]:
    rough = np.random.default_rng(3).normal(0, 1, (STUDENT, STUDENT)).astype(np.float32)
    smooth = cv2.GaussianBlur(rough, (0, 0), 1.0)
    return np.asarray(7 * smooth / smooth.std(), np.float32)


@cache
def _seen() -> list[tuple[Frame, Face]]:
    """The input and the face in it, of each frame."""
    picture = cv2.resize(demo_pixels(1)[0], (640, 360), interpolation=cv2.INTER_AREA)
    with FaceMesh() as mesh:
        landmarks = mesh.process(Frame(np.asarray(picture, np.uint8), 0, 0))[0].landmarks
    head = fit_head(landmarks)
    left, top = round(head.cx - SIZE / 2) - MOVING, round(head.cy - SIZE / 2)
    noise = np.random.default_rng(5)
    found = []
    for index in range(RESTING + MOVING):
        right = left + 2 * max(0, index - RESTING + 1)
        window = picture[top : top + SIZE, right : right + SIZE]
        noisy = np.rint(window + noise.normal(0, 0.7, window.shape))
        frame = Frame(np.asarray(np.clip(noisy, 0, 255), np.uint8), index, round(index * 1e9 / 30))
        crop = Crop(head.cx - right, head.cy - top, head.side, head.angle).scaled(MARGIN)
        there = landmarks - np.array([right, top, 0], np.float32)
        found.append((frame, Face(0, there, crop, frame.captured_at)))
    return found
