"""Whether a frame shows another scene than the one before: a cut, or a lamp that is switched on."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.frame import Pixels

_ANOTHER = 30.0
"""Mean difference, in steps of 1/255, from which it is another scene. From one clip to another it was 45 to
66; within six clips of people who talk, turn and grimace 5 at most from frame to frame, 15 over a fifth of a
second."""
_SIDE = 32
"""Places along a thumbnail: what moves changes few of them."""
_LOOKED_AT = 90
"""Pixels of the frame's shorter side that are looked at, which takes a tenth of a millisecond."""


class Scene:
    """Compares each frame with the one before.

    A face may stay where it was across a cut, and keeps its number then, for nobody's face is measured; but
    what was learnt of its light, and how much of the effect it had, are of another picture.
    """

    def __init__(self) -> None:
        self._last: NDArray[np.uint8] | None = None

    def changes(self, pixels: Pixels) -> bool:
        """Whether ``pixels``, uint8 (H, W, 3), show another scene than those of the call before; False for
        the first, and for what is no picture, which the face mesh refuses."""
        if pixels.ndim != 3 or not pixels.size or pixels.dtype != np.uint8:
            return False
        step = max(1, min(pixels.shape[:2]) // _LOOKED_AT)
        looked_at = np.ascontiguousarray(pixels[::step, ::step])
        thumbnail = np.asarray(cv2.resize(looked_at, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), np.uint8)
        last, self._last = self._last, thumbnail
        return last is not None and float(cv2.absdiff(thumbnail, last).mean()) >= _ANOTHER

    def forget(self) -> None:
        """For another clip: its first frame is no cut."""
        self._last = None
