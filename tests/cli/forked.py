"""``effectcam ARGUMENTS`` in a process forked from one that has imported everything: a second less each."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

POSSIBLE = sys.platform == "linux"
_LIMIT = 600.0


def run(
    arguments: Sequence[str], environment: Mapping[str, str], folder: Path
) -> subprocess.CompletedProcess[str]:
    """Run it to its end, with nothing to read; ``folder`` holds what it prints meanwhile."""
    # Not forked from the tests themselves, which have threads.
    warm = multiprocessing.get_context("forkserver")
    warm.set_forkserver_preload(["tests.cli.warm"])
    out, err = folder / "stdout", folder / "stderr"
    process = warm.Process(target=_main, args=(list(arguments), dict(environment), str(out), str(err)))
    process.start()
    process.join(_LIMIT)
    if process.exitcode is None:
        process.kill()
        raise subprocess.TimeoutExpired(list(arguments), _LIMIT)
    return subprocess.CompletedProcess(
        list(arguments), process.exitcode, out.read_text("utf-8"), err.read_text("utf-8")
    )


def _main(arguments: Sequence[str], environment: Mapping[str, str], out: str, err: str) -> None:
    os.environ.clear()
    os.environ.update(environment)
    from effectcam.cli import main

    for path, number in ((os.devnull, 0), (out, 1), (err, 2)):
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, number)
        os.close(file)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.exit(main(arguments))
