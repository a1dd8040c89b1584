"""How many CPU threads a student should have: measured, because no rule of thumb holds.

Two threads nearly halve the time on an idle machine and double it when the other core is busy
encoding, and small students gain nothing from a third. The count never changes a student's answer,
only its time, so a replay does not depend on what is chosen here.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence

import numpy as np

from effectcam.errors import UsageError
from effectcam.student.protocol import Student

MakeStudent = Callable[[int], Student]

ThreadPolicy = Callable[[MakeStudent], int]
"""Given a way to open the student with n threads, the n to use. `choose_threads` is one."""

MOST_THREADS = 64
"""The runtime takes any number and brings the process down when the system has no more."""

_MOST_CANDIDATE = 4
"""The streamer's machine also encodes and plays; a student must not take all of it."""


def fixed_threads(threads: int) -> ThreadPolicy:
    """The null policy: ``threads``, without measuring.

    >>> fixed_threads(2)(lambda n: None)
    2
    """
    if not 1 <= threads <= MOST_THREADS:
        raise UsageError(f"a student may have 1 to {MOST_THREADS} threads, not {threads}")
    return lambda make: threads


def usable_cores() -> int:
    """CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def choose_threads(
    make: MakeStudent,
    *,
    candidates: Sequence[int] | None = None,
    bias: float = 0.15,
    rounds: int = 9,
    budget: float = 0.35,
    clock: Callable[[], float] = time.perf_counter,
) -> int:
    """The fewest threads whose median time is within ``bias`` of the best median.

    ``candidates`` default to the powers of two up to the usable cores, 4 at most. They take turns, so
    that a disturbance hits all alike, for ``rounds`` rounds or ``budget`` seconds, whichever ends
    first, but never fewer than 3 rounds. A larger ``bias`` leaves more of the machine to others; 0
    lets noise hand out threads that gain nothing. Fewer ``rounds`` start faster and choose worse.

    Where the most threads do not win, all are measured a second time and each count's better median holds:
    somebody else's burst of work slows the many far more than the few, is mostly over in a moment, and the
    choice holds for hours. A core that stays busy shows both times. Students that used up the ``budget``
    the first time are not held up again.

    Whatever ``make`` or the students raise goes to the caller; every student made is closed.
    """
    counts = sorted(set(candidates)) if candidates is not None else _powers_of_two(usable_cores())
    if not counts or counts[0] < 1:
        raise UsageError(f"thread counts to choose from must be at least 1, not {list(candidates or [])}")
    if len(counts) == 1:
        return counts[0]

    students: list[Student] = []
    try:
        for count in counts:
            students.append(make(count))
        end = clock() + budget
        medians = median_times(students, rounds=rounds, budget=budget, clock=clock)
        chosen = _fewest(counts, medians, bias)
        if chosen < counts[-1] and clock() < end:
            again = median_times(students, rounds=rounds, budget=budget, clock=clock)
            chosen = _fewest(counts, list(map(min, medians, again)), bias)
    finally:
        for student in students:
            student.close()
    return chosen


def median_times(
    students: Sequence[Student],
    *,
    rounds: int = 9,
    budget: float = 0.35,
    clock: Callable[[], float] = time.perf_counter,
) -> list[float]:
    """Median seconds that each of ``students``, all of one size, takes for a picture. They take turns, see
    `choose_threads`. Whatever they raise goes to the caller."""
    image = np.random.default_rng(0).integers(0, 256, (*students[0].size, students[0].inputs), dtype=np.uint8)
    end = clock() + budget
    for student in students:
        student.run(image)
    times: list[list[float]] = [[] for _ in students]
    for turn in range(rounds):
        if turn >= 3 and clock() > end:
            break
        for student, taken in zip(students, times, strict=True):
            begin = clock()
            student.run(image)
            taken.append(clock() - begin)
    return [statistics.median(taken) for taken in times]


def _fewest(counts: Sequence[int], medians: Sequence[float], bias: float) -> int:
    enough = min(medians) * (1 + bias)
    return next(count for count, median in zip(counts, medians, strict=True) if median <= enough)


def choose_fair_share(make: MakeStudent) -> int:
    """`choose_threads` among half of the cores: for two students that run side by side."""
    return choose_threads(make, candidates=_powers_of_two(usable_cores() // 2))


def _powers_of_two(cores: int) -> list[int]:
    """
    >>> _powers_of_two(2), _powers_of_two(6), _powers_of_two(32)
    ([1, 2], [1, 2, 4], [1, 2, 4])
    """
    return [count for count in (1, 2, _MOST_CANDIDATE) if count <= max(cores, 1)]
