"""Tells the faces of a stream apart by where they are. No recognition: nobody's face is measured.

A face that is lost for a moment comes back as itself when it reappears near where it left; two
people who swap places behind a pillar are not told apart, and that is the limit of geometry.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

from effectcam.face.crop import Crop


@dataclass(slots=True)
class _Track:
    crop: Crop
    seen_at: int
    vx: float = 0.0
    vy: float = 0.0


class IdentityTracker:
    """Gives each face a number that lasts: 0, 1, 2 ... in the order of first sight."""

    def __init__(self, *, reach: float = 1.6, memory: float = 2.0) -> None:
        """``reach``: how far, in distances between the eyes' corners, a face may be from where it
        is expected and still be the same. Small loses a fast head and gives it a new number; large
        confuses neighbours. ``memory`` (seconds): a face gone for longer is a new one."""
        self._reach = reach
        self._memory = int(memory * 1e9)
        self._tracks: dict[int, _Track] = {}
        self._numbers = itertools.count()

    def assign(self, heads: list[Crop], moment: int) -> list[int]:
        """The identity of each head (as ``fit_head`` gives them), in the given order."""
        self._tracks = {n: t for n, t in self._tracks.items() if moment - t.seen_at <= self._memory}
        pairs = sorted(
            (distance, number, place)
            for number, track in self._tracks.items()
            for place, head in enumerate(heads)
            if (distance := self._distance(track, head, moment)) <= 1
        )
        found: dict[int, int] = {}
        for _, number, place in pairs:
            if place not in found and number not in found.values():
                found[place] = number
        for place, head in enumerate(heads):
            if place not in found:
                found[place] = next(self._numbers)
            self._update(found[place], head, moment)
        return [found[place] for place in range(len(heads))]

    @property
    def known(self) -> set[int]:
        """Identities in view or still remembered."""
        return set(self._tracks)

    def reset(self) -> None:
        """Forget everybody: for a cut or a new clip. Numbers start again at 0."""
        self._tracks.clear()
        self._numbers = itertools.count()

    def _distance(self, track: _Track, head: Crop, moment: int) -> float:
        """At most 1 when ``head`` may be ``track``. The longer a face is gone, the farther it may
        have gone; a face twice as large is as strange as one at the limit of the reach."""
        away = max(moment - track.seen_at, 0) / 1e9
        # Beyond a tenth of a second, the old speed says nothing about the place.
        coast = min(away, 0.1)
        dx = head.cx - track.crop.cx - track.vx * coast
        dy = head.cy - track.crop.cy - track.vy * coast
        reach = self._reach * (1 + 2 * away) * max(head.side, track.crop.side)
        return math.hypot(dx, dy) / reach + abs(math.log2(head.side / track.crop.side))

    def _update(self, number: int, head: Crop, moment: int) -> None:
        track = self._tracks.get(number)
        if track is None:
            self._tracks[number] = _Track(head, moment)
            return
        step = (moment - track.seen_at) / 1e9
        if step > 0:
            track.vx += 0.5 * ((head.cx - track.crop.cx) / step - track.vx)
            track.vy += 0.5 * ((head.cy - track.crop.cy) / step - track.vy)
        track.crop, track.seen_at = head, moment
