"""A portrait on disk with its face mesh: the raw material of the demo person."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import mediapipe as mp
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

from .picture import Image, Points

SIDE = 640  # portraits are 320 pixels a side; twice that keeps eyelids apart in the warps


class PortraitError(ValueError):
    """A source portrait is missing, unreadable or without a face."""


@dataclass(frozen=True)
class Portrait:
    """RGB float32 (640, 640, 3) in [0, 1] and 478 landmarks (478, 3) in its pixels (z in the scale of x)."""

    image: Image
    landmarks: Points


def find_landmarks(image: Image) -> Points:
    """Landmarks (478, 3) of the one face in ``image``, iris included; raises PortraitError without a face."""
    pixels = np.ascontiguousarray((image * 255).round().astype(np.uint8))
    height, width = pixels.shape[:2]
    with mp.solutions.face_mesh.FaceMesh(static_image_mode=True, refine_landmarks=True) as mesh:
        found = mesh.process(pixels).multi_face_landmarks
    if not found:
        raise PortraitError("Face Mesh finds no face in a source picture: choose another portrait")
    return np.array([(p.x * width, p.y * height, p.z * width) for p in found[0].landmark])


def load_portrait(path: Path, *, mirrored: bool = False) -> Portrait:
    """Read one portrait, enlarged to 640 pixels a side, mirrored first if asked for."""
    pixels = cv2.imread(str(path))
    if pixels is None:
        raise PortraitError(f"{path}: no picture there: give the folder of the 320x320 portraits")
    image = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB).astype(np.float32) / 255
    if mirrored:
        image = np.ascontiguousarray(image[:, ::-1])
    image = np.clip(cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_LANCZOS4), 0, 1)
    return Portrait(image, find_landmarks(image))


def similarity(moving: Points, fixed: Points) -> NDArray[np.float64]:
    """The 2x3 similarity (no mirror) that takes points ``moving`` (N, 2) nearest to ``fixed`` (N, 2)."""
    centre_m, centre_f = moving.mean(0), fixed.mean(0)
    m = (moving - centre_m) @ np.array([1, 1j])
    f = (fixed - centre_f) @ np.array([1, 1j])
    z = np.vdot(m, f) / np.vdot(m, m)
    linear = np.array([[z.real, -z.imag], [z.imag, z.real]])
    return np.hstack([linear, (centre_f - linear @ centre_m)[:, None]])


def transform(matrix: NDArray[np.float64], points: Points) -> Points:
    """Apply a 2x3 affine to points (N, 2)."""
    moved: Points = points @ matrix[:, :2].T + matrix[:, 2]
    return moved


def warp_to(
    image: Image, source: Points, target: Points, *, size: int = SIDE, smoothing: float = 2.0
) -> Image:
    """Redraw ``image`` so that its points ``source`` (N, 2) come to lie at ``target`` (N, 2).

    A thin-plate spline, so that the picture bends smoothly between and beyond the points; a larger
    ``smoothing`` forgives landmark noise but aligns less exactly.
    """
    spline = RBFInterpolator(target, source - target, smoothing=smoothing, kernel="thin_plate_spline")
    step = 4
    axis = np.arange(0, size + step, step, dtype=np.float64)
    x, y = np.meshgrid(axis, axis)
    shift = spline(np.column_stack([x.ravel(), y.ravel()])).reshape(len(axis), len(axis), 2)
    # Read the coarse field at exact pixel positions; cv2.resize would shift it by half a pixel.
    full = np.arange(size, dtype=np.float32)
    gx, gy = np.meshgrid(full, full)
    dx = cv2.remap(shift[..., 0].astype(np.float32), gx / step, gy / step, cv2.INTER_LINEAR)
    dy = cv2.remap(shift[..., 1].astype(np.float32), gx / step, gy / step, cv2.INTER_LINEAR)
    return np.clip(
        cv2.remap(image, gx + dx, gy + dy, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REFLECT_101), 0, 1
    )
