"""The choice between quick and good: who is beaten by nobody, and who is best for so much time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

Name = TypeVar("Name")

Point = tuple[float, float]
"""(cost, worth): milliseconds, percent."""


def front(points: Mapping[Name, Point]) -> list[Name]:
    """Those that nobody beats, from the cheapest to the best. One beats another that costs no less and
    is worth no more, unless both are alike.

    >>> front({"slow": (9, 60), "quick": (2, 40), "beaten": (5, 39), "middle": (5, 50)})
    ['quick', 'middle', 'slow']
    """

    def beaten(cost: float, worth: float) -> bool:
        return any(c <= cost and w >= worth and (c, w) != (cost, worth) for c, w in points.values())

    return sorted((name for name, point in points.items() if not beaten(*point)), key=lambda n: points[n][0])


def best_within(points: Mapping[Name, Point], budget: float) -> Name | None:
    """The one of the greatest worth that costs at most ``budget``, the cheaper of two alike: always one
    of the front. None where all cost more.

    >>> best_within({"slow": (9, 60), "quick": (2, 40), "middle": (5, 50)}, 6)
    'middle'
    """
    within = [name for name, (cost, _) in points.items() if cost <= budget]
    return max(within, key=lambda name: (points[name][1], -points[name][0]), default=None)


def spread(values: Sequence[float], count: int, taken: Sequence[int] = ()) -> list[int]:
    """Indices of ``taken`` and of others, until they are ``count``, each the farthest in value from those
    before it; the least value first where there is none. Whoever goes on with the first few of an
    earlier answer gets the same others.

    >>> spread([1.0, 1.1, 5.0, 6.0, 9.0], 4, taken=[2])
    [2, 0, 4, 3]
    """
    chosen = list(taken)
    left = [index for index in range(len(values)) if index not in set(chosen)]
    while left and len(chosen) < count:
        if chosen:
            best = max(left, key=lambda i: min(abs(values[i] - values[c]) for c in chosen))
        else:
            best = min(left, key=lambda i: values[i])
        left.remove(best)
        chosen.append(best)
    return chosen
