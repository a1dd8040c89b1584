"""Drift: how many pixels does the drawing stray from what it is drawn on, in bold lines or faint ones?"""

from __future__ import annotations

import math
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.replay.metrics.figure import Figure, Values
from effectcam.replay.metrics.flow import Grey
from effectcam.replay.metrics.moment import Moment

_LEAST_PIXELS = 400
_FLAT = 1.0
"""Squared steps of luma a pixel; see the formula."""


class Drift:
    """The warping error (see `WarpingError`) as a way in pixels,

        d(t) = sqrt(2 sum M (L(t - 1) - warp(L(t)))^2 / sum M (|grad L(t - 1)|^2 + 1))

    of the luma L, in steps of 255, where the effect draws. What lies d pixels beside its place differs from
    it by the slope across d, to first order (Lucas and Kanade, IJCAI 1981), and a way in any direction
    crosses half of the squared slope. Lines that are twice as dark have four times the warping error for the
    same way, and the same drift: this is what compares looks of unlike contrast, and a look with its input.
    The floor is the same of the input there: errors of the flow, noise, light.

    To first order: it says too little of what jumps further than a line is wide. And too little of what has
    hardly any contrast, which is what the 1 in the formula is for: nobody can tell how far a flat picture
    has moved.
    """

    figures: ClassVar[tuple[Figure, ...]] = (
        Figure("drift", "how far the output strays from the input's motion, where the effect draws", "px"),
        Figure("drift_floor", "the same of the input", "px"),
    )

    def see(self, moment: Moment) -> Values:
        flow, previous = moment.flow, moment.previous
        if flow is None or previous is None:
            return {}
        where = np.asarray(cv2.bitwise_and(flow.seen, previous.drawn), np.uint8)
        if cv2.countNonZero(where) < _LEAST_PIXELS:
            return {}
        return {
            "drift": _way(previous.drawn_grey, np.asarray(flow.back(moment.drawn_grey), np.uint8), where),
            "drift_floor": _way(previous.grey, np.asarray(flow.back(moment.grey), np.uint8), where),
        }

    def close(self) -> None:
        pass


def _way(was: Grey, back: Grey, where: NDArray[np.uint8]) -> float:
    slopes = (cv2.Scharr(was, cv2.CV_32F, across, 1 - across, scale=1 / 32) for across in (1, 0))
    squared = sum(cv2.norm(slope, cv2.NORM_L2SQR, where) for slope in slopes)
    squared += _FLAT * cv2.countNonZero(where)
    return math.sqrt(2 * cv2.norm(was, back, cv2.NORM_L2SQR, where) / squared)
