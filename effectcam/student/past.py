"""What a recurrent student gets with a picture: its own last drawing, behind it."""

from __future__ import annotations

import numpy as np

from effectcam.frame import Pixels


def with_past(image: Pixels, before: Pixels | None, inputs: int) -> Pixels:
    """``image`` uint8 (H, W, 3) as a student of ``inputs`` channels takes it: as it is, or with ``before``
    (H, W, ``inputs`` - 3) behind it; None is a first frame, 0 throughout."""
    if inputs == 3:
        return image
    made = np.zeros((*image.shape[:2], inputs), np.uint8)
    made[..., :3] = image
    if before is not None:
        made[..., 3:] = before
    return made
