"""Is a picture of a face good enough to learn from? Measured first, judged afterwards, with a reason."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.measure import blur_effect

from effectcam.distill.pairs import into_crop
from effectcam.distill.teachers.head.uv import FACE_OVAL, polygon_mask
from effectcam.errors import UsageError
from effectcam.face.crop import cut, fit_head
from effectcam.frame import Pixels

REASONS: Final = (
    "unreadable",
    "no face",
    "several faces",
    "too small",
    "cut off",
    "pose",
    "blur",
    "exposure",
    "no colour",
    "near duplicate",
)
"""Why a picture may be refused, in the order in which it is asked; the first that holds is told."""

# As large as a face student sees a face, so that softness is judged where it will matter.
_SIDE = 192
_SHOWN = 2.2

_BURNT = 252


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a picture is not in the dataset."""

    reason: str
    """One of ``REASONS``."""
    detail: str
    """What was measured, beside the limit."""


@dataclass(frozen=True, slots=True)
class Fitness:
    """What is measured of one face in one picture."""

    eye_distance: float
    """Between the outer corners of the eyes, as it would be seen from the front, in pixels."""
    outside: float
    """Share of the face's oval that lies beyond the edge of the picture."""
    yaw: float
    """Degrees; positive: turned towards the right of the picture. The mesh flattens what is beyond 45."""
    pitch: float
    """Degrees; positive: looking up. A head before a level camera is given about -7."""
    roll: float
    """Degrees, clockwise as seen."""
    blur: float
    """Perceptual blur, 0 (sharp) to 1 (Crété-Roffet et al. 2007), of the face at the size a student
    sees it: official portraits have 0.40 to 0.50, a Gaussian of 2 pixels makes them 0.65 to 0.73."""
    bright: float
    """90th percentile of the face's luma, 0 to 255: dark skin has its highlights too, a face in the
    dark has none."""
    contrast: float
    """From the 5th to the 95th percentile of the face's luma."""
    burnt: float
    """Share of the face in which a channel is at its end."""
    colour: float
    """How far, in CIELAB units, colours stray from what lightness alone tells. Grey, sepia and
    blueprints stay below 2.5, whatever their tint."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is asked of a picture. None of them knows the skin's tone; the data card counts refusals by
    tone all the same, so that it shows if one of them turns some people away more than others."""

    smallest: float = 40.0
    """`Fitness.eye_distance` in pixels. A face student sees faces at 70 to 90; below 40 it learns to
    draw from guesses."""
    outside: float = 0.1
    yaw: float = 45.0
    pitch: float = 35.0
    roll: float = 40.0
    """More than that is a picture that lies on its side: turn it."""
    blur: float = 0.66
    """A soft webcam stays below 0.6. Training adds blur of its own."""
    dark: float = 32.0
    """Least `Fitness.bright`."""
    flat: float = 22.0
    """Least `Fitness.contrast`."""
    burnt: float = 0.25
    colour: float = 2.5
    other_face: float = 0.35
    """Another face at least so large beside the largest makes 'several faces'; smaller ones are
    bystanders far behind."""

    def __post_init__(self) -> None:
        if self.smallest < 8:
            raise UsageError(
                f"faces of {self.smallest:g} pixels from eye to eye show nothing; give 8 or more"
            )
        if not 0 < self.yaw <= 90:
            raise UsageError(f"a turn of {self.yaw:g} degrees: choose above 0 and up to 90")

    def refusal(self, face: Fitness) -> Refusal | None:
        """The first limit that ``face`` breaks, or None."""
        if face.eye_distance < self.smallest:
            return Refusal("too small", f"{face.eye_distance:.0f} pixels between the eyes' outer corners")
        if face.outside > self.outside:
            return Refusal("cut off", f"{face.outside:.0%} of the face is beyond the picture's edge")
        for name in ("yaw", "pitch", "roll"):
            if abs(turn := getattr(face, name)) > getattr(self, name):
                return Refusal("pose", f"{name} {turn:.0f} degrees")
        if face.blur > self.blur:
            return Refusal("blur", f"{face.blur:.2f}, where 0 is sharp")
        if face.bright < self.dark:
            return Refusal("exposure", f"too dark: nine tenths of the face below {face.bright:.0f} of 255")
        if face.contrast < self.flat:
            return Refusal("exposure", f"flat: luma spans {face.contrast:.0f} of 255")
        if face.burnt > self.burnt:
            return Refusal("exposure", f"{face.burnt:.0%} of the face is burnt out")
        if face.colour < self.colour:
            return Refusal("no colour", f"colours stray by {face.colour:.1f}: grey, or one tint")
        return None


def fitness(image: Pixels, landmarks: NDArray[np.float32]) -> Fitness:
    """Measure the face with ``landmarks`` (478, 3), pixels, in ``image`` (H, W, 3) RGB."""
    head = fit_head(landmarks)
    crop = head.scaled(_SHOWN)
    near = cut(image, crop, _SIDE)
    oval = into_crop(landmarks, crop.to_crop(_SIDE))[FACE_OVAL]
    grey = cv2.cvtColor(near, cv2.COLOR_RGB2GRAY)
    inside = polygon_mask(oval, _SIDE, _SIDE) > 0.5
    # A face almost wholly beyond the edge has next to nothing inside; it is refused for that.
    inside = inside if inside.any() else np.ones_like(inside)
    low, high, bright = np.percentile(grey[inside], [5, 95, 90])
    yaw, pitch = _turn(landmarks)
    return Fitness(
        eye_distance=round(head.side, 1),
        outside=round(_outside(landmarks[FACE_OVAL, :2], image.shape), 3),
        yaw=round(yaw, 1),
        pitch=round(pitch, 1),
        roll=round(math.degrees(head.angle), 1),
        blur=round(float(blur_effect(grey, h_size=11)), 3),  # type: ignore[no-untyped-call]
        bright=round(float(bright), 1),
        contrast=round(float(high - low), 1),
        burnt=round(float((near[inside].max(axis=1) >= _BURNT).mean()), 3),
        colour=round(_colour(cut(image, head.scaled(3.0), 48)), 2),
    )


def _turn(landmarks: NDArray[np.float32]) -> tuple[float, float]:
    """Yaw and pitch in degrees, from the line through the eyes' outer corners and the one from the
    forehead to the chin, which no expression but a dropped jaw bends; z grows away from the camera."""
    across, down = landmarks[263] - landmarks[33], landmarks[152] - landmarks[10]
    yaw = math.degrees(math.atan2(across[2], math.hypot(across[0], across[1])))
    return yaw, -math.degrees(math.atan2(down[2], math.hypot(down[0], down[1])))


def _outside(oval: NDArray[np.float32], shape: tuple[int, ...]) -> float:
    height, width = shape[:2]
    within = (oval >= 0).all(axis=1) & (oval[:, 0] < width) & (oval[:, 1] < height)
    return 1.0 - float(within.mean())


def _colour(near: Pixels) -> float:
    """Root mean square of a* and b* about their quadratic regression on L*."""
    lab = cv2.cvtColor(near.astype(np.float32) / 255, cv2.COLOR_RGB2Lab).reshape(-1, 3).astype(np.float64)
    terms = np.stack([np.ones(len(lab)), lab[:, 0], lab[:, 0] ** 2], axis=1)
    known, *_ = np.linalg.lstsq(terms, lab[:, 1:], rcond=None)
    return float(np.sqrt(((lab[:, 1:] - terms @ known) ** 2).sum(axis=1).mean()))
