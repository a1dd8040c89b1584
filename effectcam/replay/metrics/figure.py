"""A number that a metric gives, and what becomes of it over a clip, in memory that does not grow."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Values = Mapping[str, float]
"""Figures of one frame by name; those are left out of which the frame says nothing."""


@dataclass(frozen=True, slots=True)
class Figure:
    """What a number is."""

    name: str
    means: str
    """In a line, for people."""
    unit: str = ""
    better: Literal["low", "high"] = "low"
    how: Literal["mean", "total", "ratio"] = "mean"
    """How a clip's value comes from those of its frames. ``ratio``: the mean of the first figure in ``of``
    over that of the second; frame by frame it would leap where the second is near zero."""
    of: tuple[str, str] = ("", "")
    top: float | None = None
    """Where high is good, the best that there is: what is left to it is then told as exactly as a figure of
    which low is good, and 0.9999 is not the same as 0.99."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A figure over a clip."""

    value: float
    """Mean, total or ratio, as `Figure.how` says: what is compared."""
    p50: float | None
    """Half of the frames are at least so good, within 1 %, of what is left to the figure's top if it has one;
    None for a ratio."""
    p95: float | None
    """So good are 19 frames of 20."""
    worst: float | None
    """Of one frame; None for a ratio."""
    worst_frame: int | None
    """Its index."""
    frames: int
    """That had a say."""


class Spread:
    """A figure's frames so far.

    The percentile comes from a DDSketch (Masson, Rim, Lee, VLDB 2019): buckets whose bounds grow by 2 %, so
    that a clip of any length takes some hundred counters and every percentile is right to 1 %. Of a figure
    with a top the sketch is of what is left to it: 1 % of 0.98 would be as much as what gates are about.
    """

    _GROWTH = 1.01 / 0.99
    _LEAST = 1e-9

    def __init__(self, figure: Figure) -> None:
        self._figure = figure
        self._buckets: Counter[int] = Counter()
        self._sum = 0.0
        self._count = 0
        self._least, self._most = math.inf, -math.inf
        """Of the numbers in the sketch."""
        self._worst = 0.0
        self._worst_frame = 0

    def add(self, value: float, frame: int) -> None:
        """``value`` at or above 0."""
        worse = value > self._worst if self._figure.better == "low" else value < self._worst
        if worse or not self._count:
            self._worst, self._worst_frame = value, frame
        self._sum += value
        self._count += 1
        top = self._figure.top
        number = value if top is None else max(0.0, top - value)
        self._least, self._most = min(number, self._least), max(number, self._most)
        self._buckets[math.ceil(math.log(max(number, self._LEAST), self._GROWTH))] += 1

    @property
    def mean(self) -> float:
        """0 without a frame."""
        return self._sum / self._count if self._count else 0.0

    @property
    def summary(self) -> Summary | None:
        """None without a frame."""
        if not self._count:
            return None
        value = self._sum if self._figure.how == "total" else self.mean
        p95 = self.percentile(0.95 if self._figure.better == "low" else 0.05)
        return Summary(value, self.percentile(0.5), p95, self._worst, self._worst_frame, self._count)

    def percentile(self, share: float) -> float:
        """The value that ``share`` (0 to 1) of the frames do not exceed, within 1 %, of what is left to the
        figure's top if it has one.

        >>> spread = Spread(Figure("warping", "an example"))
        >>> for frame in range(1000):
        ...     spread.add(frame / 10, frame)
        >>> abs(spread.percentile(0.95) - 95) < 0.95
        True
        """
        top = self._figure.top
        return self._within(share) if top is None else top - self._within(1 - share)

    def _within(self, share: float) -> float:
        """The number in the sketch that ``share`` of them do not exceed."""
        rank, seen = share * (self._count - 1), 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen > rank:
                value = 2 * self._GROWTH**bucket / (self._GROWTH + 1)
                # A bucket's middle may lie beyond all that was seen: 100 % would be 100.5.
                return min(max(value, self._least), self._most) if value > 2 * self._LEAST else 0.0
        return 0.0
