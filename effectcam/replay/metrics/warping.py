"""Warping error: does the drawing move along with what it is drawn on?"""

from __future__ import annotations

from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.frame import Pixels
from effectcam.replay.metrics.figure import Figure, Values
from effectcam.replay.metrics.moment import Moment

_LEAST_PIXELS = 400


class WarpingError:
    """E_warp of Lai et al., "Learning Blind Video Temporal Consistency" (ECCV 2018), section 4.2:

        E(t) = 1 / (3 sum M) * sum M |V(t - 1) - warp(V(t))|^2

    over pixels with colours from 0 to 1 and the three channels, as their published code counts, with the
    flow and the occlusion mask M of the input, see `find_flow`; theirs came from FlowNet2. The *floor* is the
    same of the input itself: noise, light that changes, flow that errs. A look with more contrast than the
    input has a higher error by that alone.

    ``face_warping`` is the same where faces are drawn: in the whole frame a face effect's error is
    diluted by pixels that it never touched. Nothing is said of a cut.
    """

    figures: ClassVar[tuple[Figure, ...]] = (
        Figure("warping", "warping error of the output, whole frame"),
        Figure("warping_floor", "warping error of the input, whole frame"),
        Figure(
            "warping_ratio",
            "output's warping error over the input's",
            how="ratio",
            of=("warping", "warping_floor"),
        ),
        Figure("face_warping", "warping error of the output where faces are drawn"),
        Figure("face_warping_floor", "warping error of the input there"),
        Figure(
            "face_warping_ratio",
            "output's warping error over the input's, where faces are drawn",
            how="ratio",
            of=("face_warping", "face_warping_floor"),
        ),
    )

    def see(self, moment: Moment) -> Values:
        flow, previous = moment.flow, moment.previous
        if flow is None or previous is None:
            return {}
        values = {}
        faces = np.asarray(cv2.bitwise_and(flow.seen, previous.on_faces), np.uint8)
        for end, was, now in (
            ("", previous.after.pixels, moment.after.pixels),
            ("_floor", previous.before.pixels, moment.before.pixels),
        ):
            back = flow.back(now)
            values["warping" + end] = _error(was, back, flow.seen)
            if cv2.countNonZero(faces) >= _LEAST_PIXELS:
                values["face_warping" + end] = _error(was, back, faces)
        return values

    def close(self) -> None:
        pass


def _error(was: Pixels, back: Pixels, where: NDArray[np.uint8]) -> float:
    squares = cv2.norm(was, back, cv2.NORM_L2SQR, where)
    return squares / (255**2 * 3 * cv2.countNonZero(where))
