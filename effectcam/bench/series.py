"""The times of every frame of a steady state, and what they come to."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from effectcam.bench.report import Deadline, Percentiles, Rates, Series, Window
from effectcam.bench.sample import Sample
from effectcam.ledger import STAGES, FrameTimes, Ledger

DEADLINES_MS = (33.3, 16.7)
"""A frame's time at 30 and at 60 frames a second."""

_MOST_KEPT = 60_000
"""Frames in a report: 3 MB of it."""

_NOT_RUN = -1

Times = NDArray[np.float64]
"""Milliseconds by frame, NaN where a stage did not run."""


class FrameLedger(Ledger):
    """A ledger that keeps each frame's stages in one row, for as long as it lives: 8 bytes a stage."""

    def __init__(self) -> None:
        super().__init__()
        self._columns = {stage: array("q") for stage in STAGES}

    def add(self, frame: FrameTimes) -> None:
        super().add(frame)
        for stage, column in self._columns.items():
            column.append(frame.stages.get(stage, _NOT_RUN))

    def clear(self) -> None:
        super().clear()
        for column in self._columns.values():
            del column[:]

    def times(self) -> dict[str, Times]:
        """By stage, all of one length; a stage that never ran is left out."""
        columns = {stage: np.array(column, np.float64) / 1e6 for stage, column in self._columns.items()}
        for times in columns.values():
            times[times < 0] = np.nan
        return {stage: times for stage, times in columns.items() if not np.isnan(times).all()}


def percentiles(times: Times) -> Percentiles:
    """Of the frames in which it ran, at least one."""
    ran = times[~np.isnan(times)]
    p50, p95, p99 = np.percentile(ran, (50, 95, 99))
    return Percentiles(p50=_ms(p50), p95=_ms(p95), p99=_ms(p99), max=_ms(ran.max()), mean=_ms(ran.mean()))


def rates(count: int, seconds: float, times: Times) -> Rates:
    """Of ``count`` frames in so many ``seconds``. The 1 % low as game benchmarks have it: from the mean of
    the slowest hundredth of the frames' ``times``."""
    slowest = np.sort(times)[-max(1, math.ceil(len(times) / 100)) :]
    return Rates(throughput=round(count / seconds, 2), low_1_percent=round(1000 / float(slowest.mean()), 2))


def deadline(chain: Times, ms: float) -> Deadline:
    late = chain > ms
    # Where the run of late frames changes: edges come in pairs of a begin and an end.
    edges = np.flatnonzero(np.diff(np.concatenate(([0], late.astype(np.int8), [0]))))
    longest = int((edges[1::2] - edges[::2]).max()) if edges.size else 0
    return Deadline(ms=ms, missed=int(late.sum()), share=round(float(late.mean()), 6), longest=longest)


def window_seconds(seconds: float) -> float:
    """A minute for runs of five minutes and more, so that a warming laptop shows; less for shorter ones.

    >>> [window_seconds(length) for length in (1200, 60, 3)]
    [60.0, 10.0, 1.0]
    """
    return next(width for width, least in ((60.0, 300.0), (10.0, 60.0), (1.0, 0.0)) if seconds >= least)


def windows(done_s: Times, chain: Times, seconds: float, samples: Sequence[Sample]) -> list[Window]:
    """``done_s``: when each frame was finished. The last window may be shorter than the others; less than
    half of one is added to the window before. ``samples`` rise in time."""
    width = window_seconds(seconds)
    count = max(1, round(seconds / width))
    made = []
    for number in range(count):
        start, end = number * width, seconds if number == count - 1 else (number + 1) * width
        # What was finished after the last look at the clock belongs to the last window.
        inside = (done_s >= start) & ((done_s < end) | (number == count - 1))
        times = chain[inside]
        sample = next((s for s in samples if s.at_s >= end), samples[-1])
        made.append(
            Window(
                start_s=round(start, 3),
                seconds=round(end - start, 3),
                frames=len(times),
                chain_ms=percentiles(times) if len(times) else None,
                fps=round(len(times) / (end - start), 2),
                missed=int((times > DEADLINES_MS[0]).sum()),
                memory_mb=round(sample.memory_mb, 1),
                mhz=sample.mhz,
                temperature_c=sample.temperature_c,
            )
        )
    return made


def series(done_s: Times, times: dict[str, Times], delay_ms: Times | None) -> Series:
    """All frames, or of a long run each n-th."""
    every = max(1, math.ceil(len(done_s) / _MOST_KEPT))
    return Series(
        every=every,
        done_ms=_plain(1000 * done_s[::every]),
        stages_ms={
            stage: [None if math.isnan(value) else value for value in _plain(column[::every])]
            for stage, column in times.items()
        },
        delay_ms=None if delay_ms is None else _plain(delay_ms[::every]),
    )


def _plain(values: Times) -> list[float]:
    return [round(float(value), 3) for value in values]


def _ms(value: float) -> float:
    return round(float(value), 3)
