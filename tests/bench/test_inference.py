"""Ratios, intervals and chances: those of textbooks, and as many false alarms as promised."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from effectcam.bench import inference
from effectcam.bench.inference import ALPHA, Inference, of_groups
from effectcam.bench.series import Times


def of_pairs(a: Times, b: Times) -> Inference:
    return inference.of_pairs(np.log(b) - np.log(a))


def noisy(rng: np.random.Generator, rows: int, runs: int, *, slower: float = 1.0) -> tuple[Times, Times]:
    """Two sides on a busy machine: what hits a run hits its partner too, and now and then very hard."""
    common = 0.2 * rng.standard_t(2, (1, runs))
    a, b = (np.exp(2 + common + 0.02 * rng.standard_t(3, (rows, runs))) for _ in range(2))
    return a, slower * b


def test_one_row_has_the_chance_that_the_exact_tests_give() -> None:
    rng = np.random.default_rng(3)
    a, b = np.exp(rng.normal(2, 0.1, (1, 9))), np.exp(rng.normal(2.1, 0.1, (1, 9)))
    paired = stats.wilcoxon(np.log(b[0]), np.log(a[0]), method="exact").pvalue
    assert of_pairs(a, b).p[0] == pytest.approx(paired)
    grouped = stats.mannwhitneyu(a[0], b[0, :7], method="exact").pvalue
    assert of_groups(a, b[:, :7]).p[0] == pytest.approx(grouped)


def test_pairs_find_through_noise_what_groups_cannot() -> None:
    a, b = noisy(np.random.default_rng(0), 3, 12, slower=1.1)
    found = of_pairs(a, b)
    assert (found.p < ALPHA).all() and (found.low > 1).all()
    assert found.ratio == pytest.approx([1.1] * 3, rel=0.03)
    assert (of_groups(a, b).p > ALPHA).all()


@pytest.mark.parametrize("infer", [of_pairs, of_groups])
def test_equal_sides_raise_an_alarm_in_no_more_tables_than_promised(
    infer: Callable[[Times, Times], Inference],
) -> None:
    rng = np.random.default_rng(1)
    tables = [infer(*noisy(rng, 5, 8)) for _ in range(25)]
    # More than 2 of 25 would be seen in two tests of a thousand.
    assert sum(bool((table.p < ALPHA).any()) for table in tables) <= 2
    covered = np.mean([(table.low <= 1) & (table.high >= 1) for table in tables])
    assert covered > 0.9


def test_a_chance_grows_with_the_rows_that_are_looked_at() -> None:
    a, b = noisy(np.random.default_rng(2), 6, 10)
    alone, among = of_pairs(a[:1], b[:1]), of_pairs(a, b)
    assert among.p[0] > alone.p[0]
    assert among.ratio[0] == alone.ratio[0]


def test_too_few_runs_say_so() -> None:
    a, b = noisy(np.random.default_rng(0), 1, 12, slower=2)
    assert of_pairs(a[:, :7], b[:, :7]).least_p == 2 / 2**7 > ALPHA
    assert of_pairs(a[:, :8], b[:, :8]).least_p == 2 / 2**8 < ALPHA
    assert of_groups(a[:, :3], b[:, :3]).least_p == 2 / 20 > ALPHA
    assert of_groups(a[:, :1], b).least_p == 2 / 13


def test_what_does_not_differ_at_all_is_no_difference() -> None:
    a = np.full((2, 8), 5.0)
    for found in (of_pairs(a, a), of_groups(a, a)):
        assert found.ratio.tolist() == found.low.tolist() == found.high.tolist() == [1, 1]
        assert found.p.tolist() == [1, 1] and found.least_p == 0


def test_many_runs_are_drawn_and_not_counted_out() -> None:
    a, b = noisy(np.random.default_rng(0), 1, 40, slower=1.1)
    assert of_pairs(a, b).p[0] < 0.001
    assert of_groups(a, b[:, :30]).p[0] > ALPHA
