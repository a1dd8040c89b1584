"""What the figures were measured on, and how fast it could go."""

from __future__ import annotations

import os
import platform
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from effectcam.student.threads import usable_cores


@dataclass(frozen=True, slots=True)
class Machine:
    cpu: str
    cores: int
    """That this process may use."""
    system: str
    python: str
    load: float | None
    """Processes that want to run, averaged over the last minute; None where the system does not say."""
    sgemm_gflops: float
    """Billion float32 operations a second in a large matrix product on one core: what a student would
    do if it were nothing but arithmetic."""

    @property
    def busy(self) -> bool:
        """Something else was running, so the figures are those of a shared machine."""
        return self.load is not None and self.load > 0.3


def this_machine() -> Machine:
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return Machine(
        cpu=_cpu(),
        cores=usable_cores(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=platform.python_version(),
        load=load,
        sgemm_gflops=_sgemm_gflops(),
    )


def _cpu() -> str:
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _sgemm_gflops(side: int = 768, rounds: int = 7) -> float:
    """The best of a few, in CPU time, so that other threads and processes do not count."""
    values = np.random.default_rng(0).random((side, side), np.float32)
    best = float("inf")
    for _ in range(rounds):
        begun = time.process_time()
        values @ values
        best = min(best, time.process_time() - begun)
    return 2 * side**3 / best / 1e9
