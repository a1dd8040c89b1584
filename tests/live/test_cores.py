from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from effectcam.errors import UsageError
from effectcam.live.cores import keep_to
from effectcam.student.threads import usable_cores


@pytest.fixture(autouse=True)
def _all_cores_again() -> Iterator[None]:
    if not hasattr(os, "sched_getaffinity"):
        pytest.skip("this system holds no process to its cores")
    before = os.sched_getaffinity(0)
    yield
    os.sched_setaffinity(0, before)


def test_one_core_is_one_core() -> None:
    assert keep_to(1) == 1
    assert usable_cores() == 1


def test_half_of_them_but_two_at_least() -> None:
    before = usable_cores()
    assert keep_to() == min(before, max(2, before // 2)) == usable_cores()


def test_more_than_there_are_is_all_there_are() -> None:
    before = usable_cores()
    assert keep_to(1000) == before == usable_cores()


def test_none_at_all_is_refused() -> None:
    with pytest.raises(UsageError, match="0 cores are too few"):
        keep_to(0)
