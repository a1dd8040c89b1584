"""What the measured program takes: this process, and the workers that it started for its accelerators."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection

import psutil


class OwnProcesses:
    """This process and its children as they are now; those that start later do not count."""

    def __init__(self, *, without: Collection[int] = ()) -> None:
        """``without``: process numbers of children that do not belong to the program."""
        children = psutil.Process().children(recursive=True)
        self._workers = {child: 0.0 for child in children if child.pid not in without}

    def cpu_seconds(self) -> float:
        """That they have taken so far; of a worker that ended, what it was last seen to have taken."""
        for worker in self._workers:
            with contextlib.suppress(psutil.NoSuchProcess):
                times = worker.cpu_times()
                self._workers[worker] = times.user + times.system
        return time.process_time() + sum(self._workers.values())

    def resident_mb(self) -> float:
        """Resident memory, in millions of bytes."""
        total = 0
        for process in (psutil.Process(), *self._workers):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += process.memory_info().rss
        return total / 1e6
