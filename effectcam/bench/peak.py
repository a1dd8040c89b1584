"""How fast the device multiplies matrices: the ideal that students stand beside.

python -m effectcam.bench.peak
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache

from effectcam.bench.report import Peak
from effectcam.errors import BenchError

_SIDE = 768
"""Three matrices of 2.4 MB: larger than most second-level caches, and the product takes some 15 ms."""
_ROUNDS = 20
_TICKS = 16
"""Of the clock, that a round must take to be told apart from a tick more or less."""

_THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


@cache
def measure_peak(cores: int) -> Peak:
    """Of one core in CPU time, so that other programs hardly count, and of ``cores`` in wall time.

    In processes of their own: how many threads a matrix product takes is settled when numpy is imported. Once
    for all runs of this process, which takes a second.
    """
    return Peak(one_core_gflops=_in_a_process(1), all_cores_gflops=_in_a_process(cores))


def _in_a_process(threads: int) -> float:
    done = subprocess.run(
        [sys.executable, "-m", __name__, "cpu" if threads == 1 else "wall"],
        env={**os.environ, **dict.fromkeys(_THREAD_VARIABLES, str(threads))},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        reason = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1]
        raise BenchError(f"the device's peak cannot be measured ({reason}); reinstall numpy")
    return float(json.loads(done.stdout))


def sgemm_gflops(clock: Callable[[], float], *, side: int = _SIDE, rounds: int = _ROUNDS) -> float:
    """Billion float32 operations a second, a multiply-add counted as two: the best of ``rounds``, since
    whatever else the machine does can only slow one down. ``clock`` tells seconds."""
    import numpy as np

    values = np.random.default_rng(0).random((side, side), np.float32)
    best, times, least = float("inf"), 1, _TICKS * _tick(clock)
    while rounds > 0:
        begun = clock()
        for _ in range(times):
            values @ values
        took = clock() - begun
        if took < least:
            # The CPU's clock of Windows steps by 16 ms.
            times *= 2
            continue
        best = min(best, took / times)
        rounds -= times
    return round(2 * side**3 / best / 1e9, 1)


def _tick(clock: Callable[[], float]) -> float:
    """By how much the clock steps, in seconds."""
    begun = clock()
    while (now := clock()) == begun:
        pass
    return now - begun


if __name__ == "__main__":
    print(json.dumps(sgemm_gflops(time.process_time if sys.argv[1:] == ["cpu"] else time.perf_counter)))
