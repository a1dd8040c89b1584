"""Flicker: does the drawing rest where the scene rests?"""

from __future__ import annotations

from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.replay.metrics.figure import Figure, Values
from effectcam.replay.metrics.flow import Flow
from effectcam.replay.metrics.moment import Moment

_STILL = 0.25
"""Pixels that something may move in a frame and count as resting."""
_ALIKE = 2
"""Steps of 255 that the luma round a pixel may change: a lamp, a shadow, a face that moves without a trace
in the flow change it by more."""
_AROUND = 7
"""Pixels across, over which a camera's noise cancels out."""
_LEAST = 0.01
"""Share of what is drawn that must rest for the frame to count."""


class Flicker:
    """How far a pixel of the middle of three frames is from the mean of its neighbours in time,

        mean |L(t - 1) - (L(t - 2) + L(t)) / 2|

    in steps of luma (0 to 255), over the pixels that are drawn and at rest in the input: those that its flow
    moves by less than a quarter of a pixel between the frames and whose surround keeps its brightness. What
    changes slowly, such as a colour that follows a lamp, hardly counts; what comes and goes does. It is the
    middle frame's form of the frame difference (FDB loss of Xu, Xiong and Hu, arXiv 2102.05822, whose
    viewers' votes went with it as with losses that need flow), and for one more frame the restlessness that
    effects' cards tell. The floor is the same of the input: the camera's noise and the codec's.

    Says nothing of frames in which less than a hundredth of what is drawn rests. Flicker is in the warping
    error as well, but there its square is, which large errors of other kinds outweigh.
    """

    figures: ClassVar[tuple[Figure, ...]] = (
        Figure("flicker", "what comes and goes in the output where the input rests, in luma of 255"),
        Figure("flicker_floor", "the same in the input"),
    )

    def see(self, moment: Moment) -> Values:
        rests = resting(moment)
        previous = moment.previous
        first = previous.previous if previous is not None else None
        if rests is None or previous is None or first is None:
            return {}
        count = int(np.count_nonzero(rests))
        if not count or count < _LEAST * cv2.countNonZero(previous.drawn):
            return {}
        return {
            "flicker": _unrest(first.drawn_grey, previous.drawn_grey, moment.drawn_grey, rests),
            "flicker_floor": _unrest(first.grey, previous.grey, moment.grey, rests),
        }

    def close(self) -> None:
        pass


def resting(moment: Moment) -> NDArray[np.bool_] | None:
    """(H, W): where the effect drew in the frame before ``moment`` and the input rests from the one before
    that on; None where there are no three frames that belong together."""
    previous = moment.previous
    first = previous.previous if previous is not None else None
    if previous is None or first is None or moment.flow is None or previous.flow is None:
        return None
    rests = _at_rest(first, previous, previous.flow) & _at_rest(previous, moment, moment.flow)
    return np.asarray((previous.drawn > 0) & rests, np.bool_)


def _at_rest(earlier: Moment, later: Moment, flow: Flow) -> NDArray[np.bool_]:
    change = cv2.absdiff(*(cv2.blur(each.grey, (_AROUND, _AROUND)) for each in (earlier, later)))
    return np.asarray((flow.squared < _STILL**2) & (flow.seen > 0) & (change <= _ALIKE), np.bool_)


def _unrest(
    first: NDArray[np.uint8], middle: NDArray[np.uint8], last: NDArray[np.uint8], where: NDArray[np.bool_]
) -> float:
    before, now, after = (picture[where].astype(np.float32) for picture in (first, middle, last))
    return float(np.abs(now - (before + after) / 2).mean())
