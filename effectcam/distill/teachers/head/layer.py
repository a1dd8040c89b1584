"""What a teacher of a face effect gives: a layer with an alpha, for the picture it was made from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from effectcam.distill.teachers.head.uv import Floats
from effectcam.errors import UsageError

Pixels = NDArray[np.uint8]


def read_face(image: Pixels, landmarks: Floats | None) -> tuple[Floats, Floats]:
    """The picture as float32 (H, W, 3), 0 to 1, new memory, and its landmarks as float32 (478, 3).

    UsageError for anything else than RGB uint8 (H, W, 3) and 478 finite landmarks, irises included.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise UsageError(f"image is {image.dtype} {image.shape}: give RGB uint8 (H, W, 3)")
    if landmarks is None or landmarks.shape != (478, 3):
        given = "missing" if landmarks is None else f"of shape {landmarks.shape}"
        raise UsageError(f"landmarks are {given}: give (478, 3), irises included")
    if not np.isfinite(landmarks).all():
        raise UsageError("some landmarks are NaN or infinite: leave out the picture of a lost face")
    return image.astype(np.float32) / np.float32(255), np.asarray(landmarks, np.float32)


def to_rgba(colour: Floats, alpha: Floats) -> Pixels:
    """RGBA uint8 (H, W, 4), straight alpha, of (H, W, 3) and (H, W), 0 to 1."""
    layer = np.concatenate([np.clip(colour, 0, 1), np.clip(alpha, 0, 1)[:, :, None]], axis=2)
    return np.asarray(np.round(layer * 255), np.uint8)
