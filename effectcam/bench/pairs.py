"""Runs of two sides that were made in turn, and by how much those of a pair differ."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import numpy as np

from effectcam.bench.groups import Group
from effectcam.bench.report import Report
from effectcam.bench.series import Times

Pair = tuple[Report, Report]
Quantile = Literal["p50", "p99"]

_LEAST_MS = 0.001
"""What a report resolves: less has no logarithm."""


def pairs_of(a: Group, b: Group) -> list[Pair]:
    """The runs of both that were made in turn: those of one file name, if no pair overlaps with the next one
    in time. Empty where that is not so, or on two devices."""
    names = [name for name in a.runs if name in b.runs]
    pairs = sorted(((a.runs[name], b.runs[name]) for name in names), key=lambda pair: pair[0].made_at)
    times = [sorted(report.made_at for report in pair) for pair in pairs]
    in_turn = all(before[1] <= after[0] for before, after in pairwise(times))
    alike = len({report.device.id for pair in pairs for report in pair}) == 1
    # A single pair of others is two runs one after the other.
    many = len(pairs) > 1 or all(run.settings.turn for pair in pairs for run in pair)
    return pairs if in_turn and alike and many else []


def log_ratio(pair: Pair, stage: str, quantile: Quantile) -> float:
    """Of the second run's time of a stage to the first one's, as a logarithm; NaN where it did not run.

    For the median of two runs that took turns of a few frames, each turn is set beside the other run's at
    that moment, and the median is that of these ratios. On a busy machine a frame is let through or made to
    wait; where both happen as often, the median of a run's frames jumps between the two, that of ratios does
    not.
    """
    a, b = (np.array(run.series.stages_ms.get(stage, [np.nan]), np.float64) for run in pair)
    turn = pair[0].settings.turn
    if (
        quantile == "p50"
        and turn
        and all(run.settings.turn == turn and run.series.every == 1 for run in pair)
    ):
        count = min(len(a), len(b)) // turn
        first, second = (_logs(times[: count * turn]).reshape(count, turn).mean(axis=1) for times in (a, b))
        ratios = second - first
        if np.isfinite(ratios).any():
            return float(np.nanmedian(ratios))
    return float(np.log(time_of(b, quantile)) - np.log(time_of(a, quantile)))


def time_of(times: Times, quantile: Quantile) -> float:
    """In milliseconds; NaN where no frame has the stage."""
    ran = times[np.isfinite(times)]
    return max(_LEAST_MS, float(np.percentile(ran, int(quantile[1:])))) if ran.size else np.nan


def _logs(times: Times) -> Times:
    return np.asarray(np.log(np.maximum(times, _LEAST_MS)))
