"""Leaves cores to the programs that encode and play on the same machine."""

from __future__ import annotations

import os

from effectcam.errors import UsageError
from effectcam.student.threads import usable_cores

_LEAST = 2
"""One core for the chain and one for camera and sinks: with fewer, 30 frames a second are not to be had."""


def kept_cores(cores: int | None = None) -> int:
    """How many `keep_to` keeps to. Raises UsageError below 1."""
    if cores is not None and cores < 1:
        raise UsageError(f"{cores} cores are too few to run on; give at least 1")
    there = usable_cores()
    return min(there, cores or max(_LEAST, there // 2))


def keep_to(cores: int | None = None) -> int:
    """Keep this process to so many of the cores it may use, half of them (but two at least) for None;
    the number it keeps to. Threads that are started later keep to them too.

    On Linux the system holds the process to them, the last ones, since many programs of one thread run
    on the first; elsewhere OpenCV and the students are told. Raises UsageError below 1.
    """
    kept = kept_cores(cores)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-kept:])
    else:
        import cv2

        cv2.setNumThreads(kept)
    return kept
