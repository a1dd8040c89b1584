"""Where the milliseconds went: the time of each stage of each frame, and what they come to."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

STAGES = ("mesh", "crop", "student", "composite", "chain")
"""In the order of a frame's way. ``chain`` is the whole of it, from the decoded frame in memory to
the finished frame in memory, measured by itself and not added up."""


_DID_NOT_RUN = -1


class FrameTimes:
    """Nanoseconds of each stage of one frame. A stage that runs several times, once for each face, counts
    as one: its times add up."""

    def __init__(self) -> None:
        self.stages: dict[str, int] = {}

    def note(self, stage: str, nanoseconds: int) -> None:
        """Add to a stage's time."""
        self.stages[stage] = self.stages.get(stage, 0) + nanoseconds

    @contextmanager
    def time(self, stage: str) -> Iterator[None]:
        """Note how long the block takes. A block that raises is not noted."""
        begun = time.perf_counter_ns()
        yield
        self.note(stage, time.perf_counter_ns() - begun)


class Ledger:
    """Stage times of a run.

    >>> ledger = Ledger()
    >>> for ms in (1, 2, 3):
    ...     times = FrameTimes()
    ...     times.note("mesh", ms * 1_000_000)
    ...     ledger.add(times)
    >>> ledger.percentiles("mesh")["p50"]
    2.0
    """

    def __init__(self, *, keep: int = 200_000) -> None:
        """``keep``: frames remembered for each stage, so that a run of any length takes bounded memory and
        its figures speak of the last hour or two."""
        self._keep = keep
        self._times: dict[str, _Latest] = {}
        self._last: dict[str, int] = {}

    def add(self, frame: FrameTimes) -> None:
        """A frame is done; its times join the others. Those of a frame that failed are not added."""
        self._last = frame.stages
        for stage in frame.stages.keys() - self._times.keys():
            self._times[stage] = _Latest(self._keep)
        # So that the latest frames are the same for every stage.
        for stage, times in self._times.items():
            times.add(frame.stages.get(stage, _DID_NOT_RUN))

    def skip(self) -> None:
        """A frame came out, or failed, without its times: no stage ran in it."""
        self.add(FrameTimes())

    def percentiles(self, stage: str, *, last: int | None = None) -> dict[str, float]:
        """p50, p95 and p99 in milliseconds, over those frames, of the ``last`` if given, in which the stage
        ran; zeros where it did not."""
        times = self._times.get(stage)
        ran = np.empty(0) if times is None else times.latest(last)
        ran = ran[ran != _DID_NOT_RUN]
        if not len(ran):
            return {"p50": 0.0, "p95": 0.0, "p99": 0.0}
        values = np.percentile(ran / 1e6, (50, 95, 99))
        return {
            name: round(float(value), 3) for name, value in zip(("p50", "p95", "p99"), values, strict=True)
        }

    def last(self, stage: str) -> float:
        """Milliseconds of the latest frame, 0 when there was none or the stage did not run in it."""
        return self._last.get(stage, 0) / 1e6

    def summary(self, *, last: int | None = None) -> dict[str, dict[str, float]]:
        """Percentiles of every stage of ``STAGES``, of the ``last`` frames if given."""
        return {stage: self.percentiles(stage, last=last) for stage in STAGES}

    def clear(self) -> None:
        """Forget everything, for instance after the warm-up."""
        self._times.clear()
        self._last = {}


class _Latest:
    """The latest numbers, so many at most, in memory that never moves: what grows by moving leaves holes in
    the heap of a run that lasts for hours."""

    def __init__(self, keep: int) -> None:
        # The system gives a page only when it is written to.
        self._numbers = np.empty(keep, np.int64)
        self._count = 0

    def add(self, number: int) -> None:
        self._numbers[self._count % len(self._numbers)] = number
        self._count += 1

    def __len__(self) -> int:
        return min(self._count, len(self._numbers))

    def latest(self, most: int | None) -> NDArray[np.int64]:
        """In the order in which they came, the ``most`` last of them if given."""
        keep = len(self._numbers)
        count = len(self) if most is None else min(len(self), most)
        begin = (self._count - count) % keep
        if begin + count <= keep:
            return self._numbers[begin : begin + count]
        return np.concatenate((self._numbers[begin:], self._numbers[: begin + count - keep]))
