"""Ticks of a container's clock to nanoseconds and back, without losing a tick.

A tick of any clock that is 1 ns or coarser survives the way there and back: the rounding is at most
half a nanosecond each way, less than half a tick. So a frame's ``captured_at`` alone is enough to
write the very timestamp the clip had; no table has to travel beside the frames.
"""

from __future__ import annotations

from fractions import Fraction

NANOSECONDS = 1_000_000_000


def to_nanoseconds(ticks: int, time_base: Fraction) -> int:
    """``ticks`` of ``time_base`` seconds, in nanoseconds, rounded half up.

    >>> to_nanoseconds(1, Fraction(1001, 30000))
    33366667
    """
    numerator = ticks * time_base.numerator * NANOSECONDS
    return (2 * numerator + time_base.denominator) // (2 * time_base.denominator)


def to_ticks(nanoseconds: int, time_base: Fraction) -> int:
    """The tick nearest to ``nanoseconds``; the exact inverse of `to_nanoseconds`.

    >>> to_ticks(33366667, Fraction(1001, 30000))
    1
    """
    tick = time_base.numerator * NANOSECONDS
    return (2 * nanoseconds * time_base.denominator + tick) // (2 * tick)
