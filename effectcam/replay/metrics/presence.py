"""Presence: has every face its effect, all over, and keeps it its number?"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from effectcam.passage import Face
from effectcam.replay.metrics.figure import Figure, Values
from effectcam.replay.metrics.moment import Mask, Moment


class FaceCoverage:
    """The share of a face's 468 points that lie where the crop's mask has half its weight or more; the mean
    of the faces, 0 in a frame without any.

    It falls where a face is lost, and where the crop slips off it. A clip in which nobody is in view for a
    while has less than 100 % by nature. The drawing's own alpha does not count: an effect may leave eyes and
    lips alone on purpose.
    """

    figures: ClassVar[tuple[Figure, ...]] = (
        Figure(
            *("coverage", "how much of the faces is inside the mask; 0 without a face", "%"),
            better="high",
            top=100,
        ),
    )

    def see(self, moment: Moment) -> Values:
        mask = moment.mask
        if mask is None:
            return {}
        shares = [_covered(face, mask) for face in moment.faces]
        return {"coverage": 100 * sum(shares) / max(1, len(shares))}

    def close(self) -> None:
        pass


class IdentitySwitches:
    """How often a face's number changes while it stays where it is: the mismatches of CLEAR MOT (Bernardin
    and Stiefelhagen 2008), with each face's last place instead of an annotation. A face is taken for the one
    that was last seen nearest, at most one distance between the eyes away; whoever is gone for two seconds
    has left. Each switch makes smoothing and colours start afresh, which is seen.
    """

    figures: ClassVar[tuple[Figure, ...]] = (
        Figure("identity_switches", "changes of a face's number while it stays where it is", how="total"),
    )

    _MEMORY = 2_000_000_000
    """Nanoseconds."""

    def __init__(self, *, margin: float) -> None:
        """``margin``: the crop's side in distances between the eyes, as the effect declares it."""
        self._margin = margin
        self._last: list[tuple[int, Face]] = []

    def see(self, moment: Moment) -> Values:
        now = moment.before.captured_at
        known = [(at, face) for at, face in self._last if 0 <= now - at <= self._MEMORY]
        pairs = sorted(
            (distance, place, before)
            for place, face in enumerate(moment.faces)
            for before, (_, other) in enumerate(known)
            if (distance := self._distance(face, other)) <= 1
        )
        before_of: dict[int, int] = {}
        for _, place, before in pairs:
            if place not in before_of and before not in before_of.values():
                before_of[place] = before
        gone = [each for before, each in enumerate(known) if before not in before_of.values()]
        self._last = [*gone, *((now, face) for face in moment.faces)]
        switches = sum(
            moment.faces[place].identity != known[before][1].identity for place, before in before_of.items()
        )
        return {"identity_switches": float(switches)}

    def close(self) -> None:
        pass

    def _distance(self, face: Face, other: Face) -> float:
        apart = math.hypot(face.crop.cx - other.crop.cx, face.crop.cy - other.crop.cy)
        return apart / (max(face.crop.side, other.crop.side) / self._margin)


def _covered(face: Face, mask: Mask) -> float:
    size = mask.shape[0]
    affine = face.crop.to_crop(size)
    points = np.rint(face.landmarks[:, :2] @ affine[:, :2].T + affine[:, 2]).astype(np.intp)
    inside = np.all((points >= 0) & (points < size), axis=1)
    columns, rows = points[inside].T
    return float(np.count_nonzero(mask[rows, columns] > 127) / len(points))
