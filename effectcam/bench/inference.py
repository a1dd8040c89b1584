"""Whether two sets of times differ, and by how much: ratio, interval, and the chance of seeing so much in
two sets of the same.

A time here is that of a whole run, such as the median of its frames, since frames of one run hang together
and are no samples of their own (Kalibera and Jones, "Rigorous benchmarking in reasonable time", 2013). All
is done on logarithms, where a ratio is a difference, for several rows (stages) at once.

The ratio is the Hodges-Lehmann estimate that belongs to the rank test (Hodges and Lehmann, 1963): of pairs,
the median of the means of any two differences (Wilcoxon's signed ranks); else the median of all
differences between one side and the other (Mann and Whitney's U). The interval is a percentile bootstrap of
it, whole runs drawn with replacement (Davison and Hinkley, "Bootstrap methods and their application", 1997,
3.8), its percentiles farther out than 0.5 and 99.5, since few runs vary too little (Hesterberg, "What
teachers should know about the bootstrap", 2015).

The chance is counted, not looked up: all ways to swap the sides, or 20,000 drawn ones, and how often the
farthest of *all* rows is as far as the row at hand (Westfall and Young, "Resampling-based multiple testing",
1993). So a table of many rows raises no more false alarms than one of a single row; it needs some more
runs, the fewer the more the rows hang together.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from effectcam.bench.series import Times

ALPHA = 0.01
"""Of the test; the interval is that of 1 - ALPHA. At 0.05 a gate that compares equal builds every night
stops somebody every third week."""
_RESAMPLES = 4000
_MOST_SWAPS = 20_000
_AT_ONCE = 2_000_000
"""Numbers in memory at a time."""


@dataclass(frozen=True, slots=True)
class Inference:
    """Of each row; B over A."""

    ratio: Times
    low: Times
    """Of the interval."""
    high: Times
    p: Times
    """The chance that some row of the table is as far off when nothing differs."""
    least_p: float
    """The smallest that so few runs can give: above ALPHA nothing can be told."""


def of_pairs(difference: Times) -> Inference:
    """``difference`` (rows, pairs): the logarithm of B over A for each pair of runs made in turn."""
    pairs = difference.shape[1]

    def draw(rng: np.random.Generator, resamples: int) -> Times:
        return np.asarray(difference[:, rng.integers(0, pairs, (resamples, pairs))])

    ranks = np.sign(difference) * _ranks(np.abs(difference))
    spread = np.sqrt((ranks**2).sum(axis=1))
    return _inference(
        mean_median(difference),
        _interval(draw, mean_median, pairs**2, pairs, pairs - 1),
        _chances(ranks.sum(axis=1), _signs(pairs) @ ranks.T, spread),
    )


def of_groups(a: Times, b: Times) -> Inference:
    """``a`` (rows, runs) and ``b`` (rows, other runs), in milliseconds above 0."""
    both = np.log(np.concatenate([a, b], axis=1))
    count, runs = a.shape[1], both.shape[1]

    def difference(sides: Times) -> Times:
        pairs = sides[..., count:, None] - sides[..., None, :count]
        return np.asarray(np.median(pairs.reshape(*sides.shape[:-1], -1), axis=-1))

    def draw(rng: np.random.Generator, resamples: int) -> Times:
        left = rng.integers(0, count, (resamples, count))
        right = rng.integers(count, runs, (resamples, runs - count))
        return np.asarray(both[:, np.concatenate([left, right], axis=1)])

    ranks = _ranks(both)
    ranks -= ranks.mean(axis=1, keepdims=True)
    chosen = _choices(runs, runs - count)
    spread = np.sqrt(count * (runs - count) / (runs * (runs - 1)) * (ranks**2).sum(axis=1))
    return _inference(
        difference(both),
        _interval(draw, difference, runs**2, min(count, runs - count), runs - 2),
        _chances(ranks[:, count:].sum(axis=1), chosen @ ranks.T, spread),
    )


def mean_median(values: Times) -> Times:
    """Of the last axis: the median of the means of any two, each with itself too.

    >>> float(mean_median(np.array([1.0, 2.0, 6.0])))
    2.75
    """
    left, right = np.triu_indices(values.shape[-1])
    return np.asarray(np.median((values[..., left] + values[..., right]) / 2, axis=-1))


def _inference(estimate: Times, interval: tuple[Times, Times], chances: tuple[Times, float]) -> Inference:
    low, high = interval
    return Inference(np.exp(estimate), np.exp(low), np.exp(high), *chances)


def _interval(
    draw: Callable[[np.random.Generator, int], Times],
    estimate: Callable[[Times], Times],
    size: int,
    runs: int,
    freedom: int,
) -> tuple[Times, Times]:
    """``draw`` gives (rows, resamples, runs); ``size`` is what ``estimate`` makes of one in memory."""
    rng = np.random.default_rng(0)
    step = max(1, min(_RESAMPLES, _AT_ONCE // size))
    found = [estimate(draw(rng, min(step, _RESAMPLES - done))) for done in range(0, _RESAMPLES, step)]
    margin = 100 * NormalDist().cdf(-_student(freedom) * math.sqrt(runs / max(1, runs - 1)))
    low, high = np.percentile(np.concatenate(found, axis=1), (margin, 100 - margin), axis=1)
    return low, high


def _student(freedom: int) -> float:
    """The quantile 1 - ALPHA / 2 of Student's distribution (Abramowitz and Stegun, 26.7.5).

    >>> round(_student(9), 2)
    3.23
    """
    z, n = NormalDist().inv_cdf(1 - ALPHA / 2), max(1, freedom)
    first, second = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96
    return z + first / n + second / n**2


def _ranks(values: Times) -> Times:
    """In each row, 1 for the smallest; equal ones share the mean of theirs.

    >>> _ranks(np.array([[5.0, 1.0, 5.0, 9.0]])).tolist()
    [[2.5, 1.0, 2.5, 4.0]]
    """
    below = (values[:, None, :] < values[:, :, None]).sum(axis=2)
    equal = (values[:, None, :] == values[:, :, None]).sum(axis=2)
    return np.asarray(below + (equal + 1) / 2)


def _chances(observed: Times, swapped: Times, spread: Times) -> tuple[Times, float]:
    """Of ``observed`` (rows,) among ``swapped`` (swaps, rows), one of which is as observed; and the
    smallest chance that there is."""
    if not spread.any():
        return np.ones(len(observed)), 0.0
    spread = np.where(spread > 0, spread, 1.0)
    # What is equal but for rounding is as far.
    farthest = np.abs(swapped / spread).max(axis=1) + 1e-9
    p = (farthest[:, None] >= np.abs(observed / spread)).mean(axis=0)
    return np.asarray(p), float((farthest >= farthest.max() - 1e-9).mean())


def _signs(pairs: int) -> Times:
    """(swaps, pairs) of 1 and -1, the first all 1."""
    if 2**pairs <= _MOST_SWAPS:
        bits = np.arange(2**pairs)[:, None] >> np.arange(pairs)
        return np.where(bits & 1, -1.0, 1.0)
    drawn = np.random.default_rng(0).choice([-1.0, 1.0], (_MOST_SWAPS, pairs))
    drawn[0] = 1.0
    return drawn


def _choices(runs: int, count: int) -> NDArray[np.float64]:
    """(swaps, runs): 1 for the ``count`` that are taken for side B, which the last of ``runs`` are."""
    if math.comb(runs, count) <= _MOST_SWAPS:
        chosen = np.array(list(combinations(range(runs), count)))
    else:
        rng = np.random.default_rng(0)
        chosen = rng.permuted(np.tile(np.arange(runs), (_MOST_SWAPS, 1)), axis=1)[:, :count]
        chosen[0] = np.arange(runs - count, runs)
    made = np.zeros((len(chosen), runs))
    np.put_along_axis(made, chosen, 1.0, axis=1)
    return made
