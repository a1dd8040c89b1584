from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from effectcam.errors import UsageError
from effectcam.live.cores import by_speed, keep_to
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


def cpus(folder: Path, file: str, speeds: list[str]) -> Path:
    """A folder as the kernel keeps it, with ``speeds`` by the number of the core."""
    for core, speed in enumerate(speeds):
        path = folder / f"cpu{core}" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{speed}\n")
    return folder


@pytest.mark.parametrize(
    ("file", "speeds", "order"),
    [
        # Performance cores first, two of which may clock a little higher, then efficiency cores: Intel.
        (
            "cpufreq/cpuinfo_max_freq",
            ["5500000"] * 2 + ["5800000"] * 2 + ["5500000"] * 2 + ["4300000"] * 4,
            [6, 7, 8, 9, 0, 1, 2, 3, 4, 5],
        ),
        # Small, middle, large: ARM.
        ("cpu_capacity", ["290"] * 2 + ["1024"] + ["780"] * 2, [0, 1, 3, 4, 2]),
        ("cpu_capacity", ["1024"] * 4, [0, 1, 2, 3]),
        ("cpu_capacity", ["0"] * 3, [0, 1, 2]),
        ("cpu_capacity", ["1024", "nonsense", "290"], [0, 1, 2]),
        ("something else", ["1", "3", "2"], [0, 1, 2]),
    ],
)
def test_the_fastest_kind_comes_last_and_of_a_kind_the_last_core(
    tmp_path: Path, file: str, speeds: list[str], order: list[int]
) -> None:
    assert by_speed(set(range(len(speeds))), cpus=cpus(tmp_path, file, speeds)) == order


def test_a_core_that_tells_nothing_leaves_all_by_number(tmp_path: Path) -> None:
    told = cpus(tmp_path, "cpu_capacity", ["1024", "290"])
    assert by_speed({0, 1, 2}, cpus=told) == [0, 1, 2]
    # What the kernel tells of all counts then.
    cpus(tmp_path, "cpufreq/cpuinfo_max_freq", ["3000000", "2000000", "3000000"])
    assert by_speed({0, 1, 2}, cpus=told) == [1, 0, 2]


def test_it_keeps_to_the_fastest(tmp_path: Path) -> None:
    cores = sorted(os.sched_getaffinity(0))
    if cores != list(range(len(cores))) or len(cores) < 2:
        pytest.skip("needs two cores, numbered from 0")
    told = cpus(tmp_path, "cpu_capacity", ["1024"] + ["290"] * (len(cores) - 1))
    assert keep_to(1, cpus=told) == 1
    assert os.sched_getaffinity(0) == {0}
