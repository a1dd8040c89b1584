"""Before whom this program goes when the cores do not suffice for all."""

from __future__ import annotations

import os
import sys

STEPS = 5
"""Of niceness on Linux and macOS: about three times the share of a contended core."""


def raise_priority() -> bool:
    """Go before programs of normal priority, such as an encoder; False where the system does not let us.

    Where cores are scarce the chain's tail shrinks by half, and whoever competes with it loses as much. Call
    it before other threads are started: on Linux each has a priority of its own, that of its maker at first.

    Windows lets everybody. Linux and macOS let root alone; on Linux also whom ``limits.conf`` grants a
    ``nice`` of -5 or lower.
    """
    if sys.platform == "win32":
        import psutil

        psutil.Process().nice(psutil.ABOVE_NORMAL_PRIORITY_CLASS)
        return True
    try:
        os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0) - STEPS)
    except OSError:
        return False
    return True
