"""Crop jitter: does the crop keep still, or move evenly?"""

from __future__ import annotations

import math
from collections import deque
from typing import ClassVar

from effectcam.face.crop import Crop
from effectcam.replay.metrics.figure import Figure, Values
from effectcam.replay.metrics.moment import Moment

_LONGEST = 200_000_000
"""Nanoseconds between the first and the last of three frames: over a longer gap a head starts and stops."""


class CropJitter:
    """The second difference of the crop's numbers, of which a head that rests or moves evenly has none:

        |x(t - 1) - 2 x(t) + x(t + 1)|

    of the centre (over the distance between the outer corners of the eyes), of the logarithm of the side, and
    of the unwrapped angle in radians, all in percent; of several faces the largest. Where frames are
    unevenly spaced the mean of the neighbours is weighted by time. Trackers with annotations are judged by
    how their error changes from frame to frame (normalised mean flicker, Micaelli et al., CVPR 2023); without
    any, the second difference stands for it, taken of the crop, since that is what a student sees. Nothing is
    said of a cut.

    A head that nods has second differences of its own: compare on clips with still heads, or look at what
    most frames have rather than at the worst.
    """

    figures: ClassVar[tuple[Figure, ...]] = (
        Figure("jitter_centre", "second difference of the crop's centre, of the eyes' distance", "%"),
        Figure("jitter_side", "second difference of the crop's log side", "%"),
        Figure("jitter_angle", "second difference of the crop's angle, in hundredths of a radian", "%"),
    )

    def __init__(self, *, margin: float) -> None:
        """``margin``: the crop's side in distances between the eyes, as the effect declares it."""
        self._margin = margin
        self._seen: dict[int, deque[tuple[int, Crop]]] = {}

    def see(self, moment: Moment) -> Values:
        if moment.previous is not None and moment.flow is None:
            # A cut: where the next scene's face is tells nothing of how steadily the last one was followed.
            self._seen = {}
        seen: dict[int, deque[tuple[int, Crop]]] = {}
        found = []
        for face in moment.faces:
            crops = seen[face.identity] = self._seen.get(face.identity, deque(maxlen=3))
            crops.append((moment.before.captured_at, face.crop))
            if len(crops) == 3 and crops[2][0] - crops[0][0] <= _LONGEST:
                found.append(self._second_differences(*crops))
        # Who is not in this frame starts anew.
        self._seen = seen
        if not found:
            return {}
        return {
            figure.name: 100 * max(each)
            for figure, each in zip(self.figures, zip(*found, strict=True), strict=True)
        }

    def _second_differences(
        self, first: tuple[int, Crop], middle: tuple[int, Crop], last: tuple[int, Crop]
    ) -> tuple[float, float, float]:
        span = last[0] - first[0]
        late = (middle[0] - first[0]) / span if span > 0 else 0.5
        before, crop, after = first[1], middle[1], last[1]

        def bend(to_first: float, to_last: float) -> float:
            """Twice the way from the middle to the line between the two others, given as differences."""
            return 2 * ((1 - late) * to_first + late * to_last)

        x = bend(before.cx - crop.cx, after.cx - crop.cx)
        y = bend(before.cy - crop.cy, after.cy - crop.cy)
        side = bend(math.log(before.side / crop.side), math.log(after.side / crop.side))
        turn = bend(_between(before.angle, crop.angle), _between(after.angle, crop.angle))
        return math.hypot(x, y) / (crop.side / self._margin), abs(side), abs(turn)

    def close(self) -> None:
        pass


def _between(one: float, other: float) -> float:
    return math.remainder(one - other, math.tau)
