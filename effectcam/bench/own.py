"""What the measured program takes: this process, and the workers that it started for its accelerators."""

from __future__ import annotations

import time
from collections.abc import Collection

import psutil


class OwnProcesses:
    """This process and its children as they are now; those that start later do not count."""

    def __init__(self, *, without: Collection[int] = ()) -> None:
        """``without``: process numbers of children that do not belong to the program."""
        children = psutil.Process().children(recursive=True)
        self._workers = [child for child in children if child.pid not in without]

    def cpu_seconds(self) -> float:
        """That they have taken so far; of a worker that ended, nothing more."""
        total = time.process_time()
        for worker in self._running():
            times = worker.cpu_times()
            total += times.user + times.system
        return total

    def resident_mb(self) -> float:
        """Resident memory, in millions of bytes."""
        processes = [psutil.Process(), *self._running()]
        return float(sum(process.memory_info().rss for process in processes)) / 1e6

    def _running(self) -> list[psutil.Process]:
        return [worker for worker in self._workers if worker.is_running()]
