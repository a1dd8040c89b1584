"""The synthetic person of the bundled clip, cut out as teachers get faces."""

from __future__ import annotations

import functools
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

# The tests of teachers begin with this import, so that each is skipped with the reason.
pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")

import effectcam
from effectcam.distill.pairs import into_crop
from effectcam.distill.teachers.head.uv import Floats
from effectcam.face.crop import cut, fit_head
from effectcam.face.mesh import FaceMesh
from effectcam.frame import Frame

Pixels = NDArray[np.uint8]
SIDE = 320
_CLIP = Path(effectcam.__file__).parent / "media" / "demo.mp4"


@functools.lru_cache(maxsize=1)
def demo_face(margin: float = 3.0) -> tuple[Pixels, Floats]:
    """An open-eyed face, SIDE pixels square, and its landmarks (478, 3); copy before changing them."""
    video = cv2.VideoCapture(str(_CLIP))
    _, stored = video.read()
    video.release()
    image = np.asarray(cv2.cvtColor(stored, cv2.COLOR_BGR2RGB), np.uint8)
    landmarks = find_landmarks(image)
    assert landmarks is not None
    crop = fit_head(landmarks).scaled(margin)
    return cut(image, crop, SIDE), into_crop(landmarks, crop.to_crop(SIDE))


def find_landmarks(image: Pixels) -> Floats | None:
    with FaceMesh(irises=True) as mesh:
        for moment in range(2):
            found = mesh.process(Frame(image, moment, moment * 33_000_000))
    return found[0].landmarks if found else None


def laid(image: Pixels, layer: Pixels) -> Pixels:
    """The picture with an RGBA layer over it."""
    alpha = layer[:, :, 3:].astype(np.float32) / 255
    seen = image + (layer[:, :, :3].astype(np.float32) - image) * alpha
    return np.asarray(np.rint(seen), np.uint8)


def moved(image: Pixels, landmarks: Floats, right: float, down: float) -> tuple[Pixels, Floats]:
    """Picture and landmarks shifted by a few pixels or parts of one."""
    affine = np.array([[1, 0, right], [0, 1, down]], np.float64)
    size = (image.shape[1], image.shape[0])
    shifted = cv2.warpAffine(image, affine, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(shifted, np.uint8), landmarks + np.array([right, down, 0], np.float32)


def gap(a: Pixels, b: Pixels) -> float:
    return float(np.abs(a.astype(np.float32) - b).mean())
