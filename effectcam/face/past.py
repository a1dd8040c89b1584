"""A face's last drawing, moved to where the face is now: the past of a recurrent student."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.face.crop import Affine

LONGEST_GAP = 200_000_000
"""Nanoseconds; a drawing that is older is worth nothing."""


@dataclass(frozen=True, slots=True)
class _Last:
    drawing: NDArray[np.uint8]
    points: NDArray[np.float32]
    at: int


class Past:
    """What was drawn of each face last, by identity."""

    def __init__(self) -> None:
        self._last: dict[int, _Last] = {}

    def of(self, identity: int, points: NDArray[np.float32], now: int) -> NDArray[np.uint8] | None:
        """The last drawing (H, W, C), moved; None for a face that is new or was away for long.

        ``points`` (N, 2): the landmarks in pixels of the crop, now; ``now``: nanoseconds. The drawing moves
        as the landmarks did as a whole, by shift, turn and size: a face that only makes a face stays where
        it is. What was not in view is 0, as a first frame is throughout.
        """
        last = self._last.get(identity)
        if last is None or not 0 <= now - last.at <= LONGEST_GAP:
            return None
        side = last.drawing.shape[0]
        moved = cv2.warpAffine(
            last.drawing, similarity(last.points, points), (side, side), flags=cv2.INTER_LINEAR
        )
        return np.asarray(moved, np.uint8)

    def keep(self, identity: int, drawing: NDArray[np.uint8], points: NDArray[np.float32], now: int) -> None:
        """``drawing`` must not be written to afterwards."""
        self._last[identity] = _Last(drawing, points, now)

    def forget(self, identity: int) -> None:
        self._last.pop(identity, None)


def similarity(before: NDArray[np.float32], after: NDArray[np.float32]) -> Affine:
    """(2, 3): the shift, turn and size that bring the points ``before`` (N, 2) nearest to ``after``, by least
    squares (Umeyama, "Least-squares estimation of transformation parameters", 1991, without mirroring).

    >>> square = np.array([[0, 0], [2, 0], [2, 2], [0, 2]], np.float32)
    >>> np.allclose(similarity(square, 2 * square + (5, 1)), [[2, 0, 5], [0, 2, 1]])
    True
    """
    start, end = (points[:, 0] + 1j * points[:, 1] for points in (before, after))
    middle, target = start.mean(), end.mean()
    start, end = start - middle, end - target
    turn = np.vdot(start, end) / max(float(np.vdot(start, start).real), 1e-6)
    shift = target - turn * middle
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
