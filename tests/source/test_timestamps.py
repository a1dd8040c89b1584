from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from effectcam.source.timestamps import to_nanoseconds, to_ticks

CLOCKS = [
    Fraction(1, 90_000),
    Fraction(1, 12_800),
    Fraction(1001, 30_000),
    Fraction(1001, 24_000),
    Fraction(1, 1000),
    Fraction(1, 25),
    Fraction(1, 44_100),
    Fraction(1, 1_000_000_000),
]


@pytest.mark.parametrize("clock", CLOCKS)
def test_every_tick_survives_the_way_there_and_back(clock: Fraction) -> None:
    """Up to a day, on every clock that containers use."""
    day = int(86_400 / clock)
    ticks = [0, 1, 2, 3, day, *map(int, np.random.default_rng(1).integers(0, day, 5000))]
    assert [to_ticks(to_nanoseconds(tick, clock), clock) for tick in ticks] == ticks


def test_time_before_the_first_frame_rounds_alike() -> None:
    assert to_nanoseconds(-3, Fraction(1, 90_000)) == -33_333
    assert to_ticks(-33_333, Fraction(1, 90_000)) == -3
