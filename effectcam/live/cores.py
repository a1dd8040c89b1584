"""Leaves cores to the programs that encode and play on the same machine."""

from __future__ import annotations

import math
import os
from collections.abc import Collection
from pathlib import Path

from effectcam.errors import UsageError
from effectcam.student.threads import usable_cores

_LEAST = 2
"""One core for the chain and one for camera and sinks: with fewer, 30 frames a second are not to be had."""

_CPUS = Path("/sys/devices/system/cpu")

_SPEED = ("cpu_capacity", "cpufreq/cpuinfo_max_freq")
"""Files of a core that tell how fast it is beside the others; the second where a kernel has not the first."""

_ALIKE = 0.9
"""Cores of one kind differ by some per cent in the clock they may reach; an efficiency core by a quarter."""


def kept_cores(cores: int | None = None) -> int:
    """How many `keep_to` keeps to. Raises UsageError below 1."""
    if cores is not None and cores < 1:
        raise UsageError(f"{cores} cores are too few to run on; give at least 1")
    there = usable_cores()
    return min(there, cores or max(_LEAST, there // 2))


def keep_to(cores: int | None = None, *, cpus: Path = _CPUS) -> int:
    """Keep this process to so many of the cores it may use, half of them (but two at least) for None;
    the number it keeps to. Threads that are started later keep to them too.

    On Linux the system holds the process to them: the fastest kind, since an effect on efficiency cores
    alone misses its frames, and of these the last, since many programs of one thread run on the first;
    elsewhere OpenCV and the students are told. Raises UsageError below 1.
    """
    kept = kept_cores(cores)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, by_speed(os.sched_getaffinity(0), cpus=cpus)[-kept:])
    else:
        import cv2

        cv2.setNumThreads(kept)
    return kept


def by_speed(cores: Collection[int], *, cpus: Path = _CPUS) -> list[int]:
    """The slowest kind first, each by number; by number alone where the system does not tell of all."""
    speeds = _speeds(cores, cpus)
    kinds: dict[int, float] = {}
    kind = math.inf
    for speed in sorted(speeds.values(), reverse=True):
        if speed < _ALIKE * kind:
            kind = speed
        kinds[speed] = kind
    return sorted(cores, key=lambda core: (kinds[speeds[core]], core))


def _speeds(cores: Collection[int], cpus: Path) -> dict[int, int]:
    for file in _SPEED:
        try:
            return {core: int((cpus / f"cpu{core}" / file).read_text()) for core in cores}
        except (OSError, ValueError):
            continue
    return dict.fromkeys(cores, 0)
