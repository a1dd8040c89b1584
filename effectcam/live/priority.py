"""Before whom this program goes when the cores do not suffice for all."""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import sys
from pathlib import Path

STEPS = 5
"""Of niceness on Linux and macOS: about three times the share of a contended core."""


def raise_priority() -> bool:
    """Go before programs of normal priority, such as an encoder; False where the system does not let us.

    Where cores are scarce the chain's tail shrinks by half, and whoever competes with it loses as much. Call
    it before other threads are started: on Linux each has a priority of its own, that of its maker at first.

    Windows lets everybody. Linux and macOS let root alone; on Linux also whom ``limits.conf`` grants a
    ``nice`` of -5 or lower. Most Linux desktops share out the cores among sessions first, where the niceness
    of programs in different ones counts for nothing (sched(7), "The autogroup feature"): there the whole
    session goes first, until this program ends.
    """
    if sys.platform == "win32":
        import psutil

        psutil.Process().nice(psutil.ABOVE_NORMAL_PRIORITY_CLASS)
        return True
    try:
        os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0) - STEPS)
    except OSError:
        return False
    if sys.platform == "linux":
        _raise_session(Path("/proc/self/autogroup"))
    return True


def _raise_session(group: Path) -> None:
    """The same for the session among the others, where the kernel has such; undone at the end."""
    with contextlib.suppress(OSError):
        found = re.search(r"nice (-?\d+)", group.read_text(encoding="ascii"))
        if found:
            group.write_text(str(max(-20, int(found[1]) - STEPS)), encoding="ascii")
            atexit.register(_put_back, group, found[1])


def _put_back(group: Path, niceness: str) -> None:
    with contextlib.suppress(OSError):
        group.write_text(niceness, encoding="ascii")
