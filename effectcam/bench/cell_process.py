"""The process in which a cell of a matrix runs, as whoever gives the turns sees it."""

from __future__ import annotations

import subprocess
import tempfile
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import IO, Self, cast

import msgspec

from effectcam.bench.worker import Answer, Job
from effectcam.errors import BenchError

_READY_WITHIN = 300.0
"""Seconds. A driver may compile for a minute, and a busy machine take three times as long."""
_TURN_WITHIN = 600.0
_END_WITHIN = 20.0


class CellProcess:
    """A cell that is being started; `ready` waits for it. Leaving the block ends it."""

    def __init__(self, program: Sequence[str], job: Job) -> None:
        """``program`` starts a worker, see `effectcam.bench.worker`. Raises BenchError when it cannot be."""
        # A file, since nobody reads a pipe meanwhile.
        self._said = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said
            )
        except OSError as error:
            self._said.close()
            raise BenchError(f"{program[0]} cannot be started ({error.strerror}); name a Python") from None
        self._tell(msgspec.json.encode(job))

    def ready(self) -> None:
        """Return once the first turn may begin. Raises BenchError with the reason when it never will."""
        self._answer(_READY_WITHIN)

    def turn(self) -> bool:
        """Let it run one turn; True when that was the last and the report is written. Raises BenchError."""
        self._tell(b"turn")
        return self._answer(_TURN_WITHIN).did == "report"

    def _tell(self, line: bytes) -> None:
        try:
            stdin = cast(IO[bytes], self._process.stdin)
            stdin.write(line + b"\n")
            stdin.flush()
        except OSError:
            # It has ended; why, its answer tells.
            pass

    def _answer(self, patience: float) -> Answer:
        late = threading.Event()

        def end() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(patience, end)
        timer.start()
        try:
            line = cast(IO[bytes], self._process.stdout).readline()
        finally:
            timer.cancel()
        try:
            answer = msgspec.json.decode(line, type=Answer)
        except (msgspec.DecodeError, UnicodeDecodeError):
            if late.is_set():
                raise BenchError(
                    f"it did not answer within {patience:g} s; give --turn or --together less"
                ) from None
            raise BenchError(f"its process ended ({self._last_words()})") from None
        if answer.did == "failed":
            raise BenchError(answer.error)
        return answer

    def _last_words(self) -> str:
        self._process.kill()
        code = self._process.wait()
        self._said.seek(0)
        lines = self._said.read().decode("utf-8", "replace").strip().splitlines()
        return f"exit code {code}" if not lines else f"exit code {code}: {lines[-1].strip()}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            cast(IO[bytes], self._process.stdin).close()
            # One that has written its report closes its devices and goes.
            self._process.wait(_END_WITHIN if kind is None else 0)
        except (OSError, subprocess.TimeoutExpired):
            pass
        finally:
            self._process.kill()
            self._process.wait()
            cast(IO[bytes], self._process.stdout).close()
            self._said.close()
