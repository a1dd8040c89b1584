"""How much memory the process held at most, and whether what it holds grows."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psutil

LEAST_SECONDS = 60.0
"""Below it a slope tells of the allocator's habits, not of a leak."""


def peak_mb() -> float:
    """The most that this process ever held."""
    if sys.platform == "win32":
        return float(psutil.Process().memory_info().peak_wset) / 1e6
    if sys.platform == "linux":
        # getrusage tells a child the most that its parent held when it was started.
        for line in Path("/proc/self/status").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # macOS counts bytes, the others kilobytes of 1024.
    return most / 1e6 if sys.platform == "darwin" else most * 1024 / 1e6


def growth_per_minute(seconds: Sequence[float], megabytes: Sequence[float]) -> float | None:
    """Slope of the straight line with the least squared error through the samples; None when they span
    less than a minute.

    >>> growth_per_minute([0, 30, 60, 90], [100, 101, 102, 103])
    2.0
    """
    if len(seconds) < 3 or seconds[-1] - seconds[0] < LEAST_SECONDS:
        return None
    return round(60 * float(np.polyfit(seconds, megabytes, 1)[0]), 3)
