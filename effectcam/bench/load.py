"""The competitors of ``--under-load``: encoders in processes of their own, at the same priority."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import IO, cast

import msgspec
import psutil

from effectcam.bench.report import Encoder
from effectcam.errors import BenchError

_READY_WITHIN = 120.0
_END_WITHIN = 20.0


class Competitors:
    """``count`` encoders (see `effectcam.bench.encoder`) for as long as the block runs.

    They end with it, whatever ends it: each hangs on a pipe from this process, which the system closes
    even when this process is killed.
    """

    def __init__(self, count: int, clip: Path) -> None:
        """Starts them; `wait` returns once all encode. ``clip`` is what they encode."""
        self._late: float | None = None
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-m", "effectcam.bench.encoder", str(clip)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(count)
        ]

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self._processes]

    def wait(self) -> None:
        """Until every one encodes. Raises BenchError when one does not come to it."""
        for process in self._processes:
            if self._line(process, _READY_WITHIN) != "ready":
                raise self._failure(process)

    def measure(self) -> None:
        """Let them count from now on."""
        for process in self._processes:
            try:
                stdin = cast(IO[str], process.stdin)
                stdin.write("measure\n")
                stdin.flush()
            except OSError:
                raise self._failure(process) from None

    def cpu_seconds(self) -> float:
        """That they have taken since they started."""
        total = 0.0
        for process in self._processes:
            try:
                times = psutil.Process(process.pid).cpu_times()
            except psutil.NoSuchProcess:
                raise self._failure(process) from None
            total += times.user + times.system
        return total

    def finish(self) -> list[Encoder]:
        """End them; what each achieved. Raises BenchError when one had ended before."""
        for process in self._processes:
            cast(IO[str], process.stdin).close()
        found = []
        for process in self._processes:
            line = self._line(process, _END_WITHIN)
            try:
                found.append(msgspec.convert(json.loads(line), Encoder))
            except ValueError:
                raise self._failure(process) from None
            process.wait(_END_WITHIN)
        return found

    def _line(self, process: subprocess.Popen[str], patience: float) -> str:
        """The next one that it writes, empty when it ends or takes too long, which ends it."""

        def end() -> None:
            self._late = patience
            process.kill()

        timer = threading.Timer(patience, end)
        timer.start()
        try:
            return cast(IO[str], process.stdout).readline().strip()
        finally:
            timer.cancel()

    def _failure(self, process: subprocess.Popen[str]) -> BenchError:
        process.kill()
        process.wait()
        said = cast(IO[str], process.stderr).read().strip().splitlines() or [
            f"exit code {process.returncode}"
        ]
        if self._late is not None:
            return BenchError(
                f"a competing encoder did not answer within {self._late:g} s; ask for fewer, or try when the "
                "machine has less to do"
            )
        return BenchError(
            f"a competing encoder ended early ({said[-1]}); leave --under-load out if this PyAV has no x264"
        )

    def __enter__(self) -> Competitors:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None and not pipe.closed:
                    pipe.close()
