"""``python stand_in.py HOW``: a worker whose accelerator is the CPU, with the fault named HOW.

What a driver does wrong is planted here, around the real worker, its messages and a real engine.
"""

from __future__ import annotations

import os
import sys
import time

from effectcam.student import worker
from effectcam.student.accelerator import Accelerator
from effectcam.student.engine import Engine, EngineFactory, Tensor, open_engine
from effectcam.student.model_file import ModelFile


class StandIn:
    def __init__(self, engine: Engine, how: str, exact: bool) -> None:
        self._engine, self._how, self._exact = engine, how, exact
        self._drawn = 0

    def invoke(self, tensor: Tensor) -> Tensor:
        self._drawn += 1
        answer = self._engine.invoke(tensor)
        if self._how == "inverts" or (self._how == "inexact" and not self._exact):
            return 1 - answer
        if self._how == "stands still":
            return answer * 0 + 0.5
        if self._how == "is slow":
            time.sleep(0.1)
        if self._how.startswith("fails after ") and self._drawn > int(self._how.split()[-1]):
            raise RuntimeError("VK_ERROR_DEVICE_LOST")
        if self._how.startswith("gives NaN after ") and self._drawn > int(self._how.split()[-1]):
            answer[0, 0, 0, 0] = float("nan")
        if self._how.startswith("hangs after ") and self._drawn > int(self._how.split()[-1]):
            time.sleep(60)
        return answer

    def close(self) -> None:
        self._engine.close()


def stand_in(accelerator: Accelerator, *, exact: bool) -> EngineFactory:
    how = sys.argv[1]

    def make(model: bytes, holds: ModelFile, threads: int) -> Engine:
        if how == "crashes at compile":
            os.abort()
        if how == "hangs at compile":
            time.sleep(60)
        if how == "refuses":
            os.write(2, b"E0000 00:00:1.000000   1 delegate.cc:1] No adapter found\n")
            raise RuntimeError("ERROR: [compiled_model.cc:1]")
        return StandIn(open_engine(model, holds, threads), how, exact)

    return make


if __name__ == "__main__":
    worker.main(stand_in)
