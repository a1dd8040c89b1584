"""Which of an effect's tiers a run begins with: what the machine itself shows it can bear."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from effectcam.frame import Clock, Frame, RealClock
from effectcam.pipeline import Pipeline

StartTier = Callable[[Pipeline, Sequence[str]], None]
"""Given a pipeline that was just opened with the first of its effect's tiers (best first), leaves it at the
one to begin with."""

_WARM = 3
_COUNTED = 12
_LONGEST = 600_000_000
"""Nanoseconds for one tier; what is too slow shows sooner than it has drawn all frames."""


def best_tier(pipeline: Pipeline, tiers: Sequence[str]) -> None:
    """The null policy: the best, whatever it takes."""


class TimedTier:
    """Begins with the best tier that draws a face in time with room to spare.

    Each tier, the best first, draws the same few frames; the first whose median is within the limit is
    kept, else the last. So a fast machine times one tier. An effect of one tier is not timed at all.
    What is too slow for the first minutes all the same, or fast enough for more, is the governor's to see.
    """

    def __init__(
        self, frames: Callable[[], Sequence[Frame]], *, limit_ms: float, clock: Clock | None = None
    ) -> None:
        """``frames``: with a face, of the run's size, in order; asked for when first needed.
        ``limit_ms`` for the chain: more begins with a tier that may have to be left soon."""
        self._frames = frames
        self._limit_ms = limit_ms
        self._clock = clock or RealClock()

    def __call__(self, pipeline: Pipeline, tiers: Sequence[str]) -> None:
        if len(tiers) == 1:
            return
        frames = self._frames()
        for tier in tiers:
            if tier != pipeline.tier:
                pipeline.change_tier(tier, pipeline.open_tier(tier))
            if self._median_ms(pipeline, frames) <= self._limit_ms:
                break
        pipeline.reset()
        pipeline.ledger.clear()

    def _median_ms(self, pipeline: Pipeline, frames: Sequence[Frame]) -> float:
        pipeline.reset()
        begun = self._clock.now()
        times: list[float] = []
        for number in range(_WARM + _COUNTED):
            before = self._clock.now()
            if len(times) > _WARM and before - begun > _LONGEST:
                break
            pipeline.process(frames[number % len(frames)])
            times.append((self._clock.now() - before) / 1e6)
        return statistics.median(times[_WARM:])
