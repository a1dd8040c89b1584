"""effectcam's command line in a process of its own, forked from one that has imported everything."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping
from multiprocessing import forkserver
from pathlib import Path
from typing import Self

from effectcam.cli import main
from tests.cli.conftest import write_effect
from tests.vm.devices import until

# Not forked from the tests themselves, which have threads.
_WARM = multiprocessing.get_context("forkserver")
_WARM.set_forkserver_preload(["tests.vm.warm"])


def warm_up() -> None:
    """Start the imports that the first program would wait for."""
    forkserver.ensure_running()


class Program:
    """``effectcam ARGUMENTS`` and what it tells; ended by Ctrl-C at the latest.

    As effects it has those of the package and, in ``folder``, ``negative`` (frame) and ``mask`` (face),
    which turn colours to their opposites and cost next to nothing.
    """

    def __init__(self, folder: Path, *arguments: str) -> None:
        if not folder.exists():
            write_effect(folder, "negative", space="frame")
            write_effect(folder, "mask", space="face")
        self._log = folder / f"{arguments[0]}.log"
        self._log.touch()
        self._process = _WARM.Process(
            target=_run, args=(list(arguments), str(self._log), {"EFFECTCAM_EFFECTS": str(folder)})
        )
        self._process.start()

    @property
    def told(self) -> str:
        return self._log.read_text()

    @property
    def runs(self) -> bool:
        return self._process.is_alive()

    def says(self, words: str) -> bool:
        assert self._process.is_alive(), self.told
        return words in self.told

    def wait(self, within: float = 60.0) -> None:
        """Return once it has ended, and well."""
        self._process.join(within)
        assert self._process.exitcode == 0, f"{self._process.exitcode}: {self.told}"

    def stop(self) -> None:
        assert self._process.pid is not None
        os.kill(self._process.pid, signal.SIGINT)
        self.wait()

    def __enter__(self) -> Self:
        try:
            until(lambda: self.says("Ctrl-C ends it"), "the run has begun", within=400)
        except BaseException:
            self.__exit__(AssertionError)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        if kind is not None:
            print(self.told)
            self._process.kill()
        elif self._process.is_alive():
            self.stop()
        self._process.join()


def _run(arguments: list[str], log: str, environment: Mapping[str, str]) -> None:
    os.environ.update(environment)
    file = os.open(log, os.O_WRONLY | os.O_APPEND)
    for stream, number in ((sys.stdout, 1), (sys.stderr, 2)):
        os.dup2(file, number)
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    sys.argv = ["effectcam", *arguments]
    sys.exit(main(arguments))
