from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from effectcam.errors import StudentError, UsageError
from effectcam.frame import Pixels
from effectcam.student.litert import LiteRtStudent
from effectcam.student.threads import choose_threads, fixed_threads, usable_cores


class Desk:
    """Students whose runs take a scripted time on a scripted clock."""

    def __init__(self, cost: Callable[[int, int], float]) -> None:
        self.now = 0.0
        self.runs: list[int] = []
        self.open: list[int] = []
        self._cost = cost

    def clock(self) -> float:
        return self.now

    def make(self, threads: int) -> Timed:
        self.open.append(threads)
        return Timed(self, threads)

    def charge(self, threads: int) -> None:
        self.now += self._cost(threads, self.runs.count(threads))
        self.runs.append(threads)


class Timed:
    size = (8, 8)
    channels = inputs = 3

    def __init__(self, desk: Desk, threads: int) -> None:
        self._desk, self._threads = desk, threads

    def run(self, image: Pixels) -> Pixels:
        assert image.shape == (8, 8, 3)
        self._desk.charge(self._threads)
        return image

    def close(self) -> None:
        self._desk.open.remove(self._threads)


def choose(cost: Callable[[int, int], float], **options: object) -> tuple[int, Desk]:
    desk = Desk(cost)
    chosen = choose_threads(desk.make, clock=desk.clock, **{"candidates": (1, 2, 4), **options})  # type: ignore[arg-type]
    assert desk.open == [], "every student that was opened for measuring is closed"
    return chosen, desk


def test_the_fastest_wins_when_it_is_clearly_faster() -> None:
    chosen, _ = choose(lambda threads, run: 0.008 / threads)
    assert chosen == 4


def test_fewer_threads_win_when_more_gain_little() -> None:
    chosen, _ = choose(lambda threads, run: {1: 0.008, 2: 0.0045, 4: 0.0042}[threads])
    assert chosen == 2
    chosen, _ = choose(lambda threads, run: {1: 0.008, 2: 0.0045, 4: 0.0042}[threads], bias=0.0)
    assert chosen == 4


def test_one_thread_wins_where_more_get_in_each_others_way() -> None:
    chosen, _ = choose(lambda threads, run: 0.002 * threads)
    assert chosen == 1


def test_hiccups_and_the_slow_first_run_do_not_decide() -> None:
    def cost(threads: int, run: int) -> float:
        if run == 0:
            return 0.5
        return 0.001 if threads == 2 else 0.004 if run % 3 else 0.0001

    chosen, _ = choose(cost, candidates=(1, 2), budget=10.0)
    assert chosen == 2


def test_a_burst_of_other_work_does_not_cost_a_core_for_hours() -> None:
    def cost(threads: int, run: int) -> float:
        return {1: 0.006, 2: 0.012 if run < 7 else 0.0035}[threads]

    chosen, desk = choose(cost, candidates=(1, 2), rounds=5)
    assert chosen == 2
    assert desk.runs == [1, 2] * 12


def test_a_core_that_stays_busy_is_left_alone() -> None:
    chosen, _ = choose(lambda threads, run: {1: 0.006, 2: 0.012}[threads], candidates=(1, 2))
    assert chosen == 1


def test_candidates_take_turns() -> None:
    _, desk = choose(lambda threads, run: 0.002 / threads, candidates=(2, 1), rounds=3)
    assert desk.runs == [1, 2] * 4


def test_a_slow_student_does_not_hold_up_the_start() -> None:
    _, desk = choose(lambda threads, run: 0.2, candidates=(1, 2), budget=0.3, rounds=50)
    assert len(desk.runs) == 2 * (1 + 3), "one run to warm up and the three rounds that a median needs"


def test_a_failing_student_is_told_and_nothing_stays_open() -> None:
    desk = Desk(lambda threads, run: 0.001)

    def make(threads: int) -> Timed:
        if threads == 2:
            raise StudentError("no")
        return desk.make(threads)

    with pytest.raises(StudentError, match="no"):
        choose_threads(make, candidates=(1, 2), clock=desk.clock)
    assert desk.open == []


def test_a_single_candidate_needs_no_measuring() -> None:
    chosen, desk = choose(lambda threads, run: 0.001, candidates=(2,))
    assert (chosen, desk.runs) == (2, [])


@pytest.mark.parametrize("candidates", [(), (0, 1), (-2,)])
def test_impossible_counts_are_usage_errors(candidates: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        choose_threads(Desk(lambda threads, run: 0.001).make, candidates=candidates)


def test_the_null_policy_measures_nothing() -> None:
    def make(threads: int) -> Timed:
        raise AssertionError("fixed means fixed")

    assert fixed_threads(3)(make) == 3
    with pytest.raises(UsageError, match="1 to 64 threads, not 0"):
        fixed_threads(0)


def test_a_real_student_is_measured_in_few_runs(data: Path) -> None:
    model = (data / "unet.tflite").read_bytes()
    runs: Counter[int] = Counter()

    class Counted(LiteRtStudent):
        def run(self, image: Pixels) -> Pixels:
            runs[self.threads] += 1
            return super().run(image)

    chosen = choose_threads(lambda threads: Counted(model, threads=threads))
    assert 1 <= chosen <= max(usable_cores(), 1)
    # Nine rounds and one to warm up, and all of it a second time where one thread wins.
    assert all(count <= 20 for count in runs.values())
    assert usable_cores() == 1 or chosen in runs
