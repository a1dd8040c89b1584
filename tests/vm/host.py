"""The host's half of the tests in a guest: starts it and hands on what it reports."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from _pytest.reports import TestReport

from tests.vm.kernel import NoGuestError, kernel
from tests.vm.machine import REPOSITORY, Machine

RESULTS = Path(os.environ.get("EFFECTCAM_VM_RESULTS", REPOSITORY / "build" / "vm"))
"""Where logs, pictures and reports are kept."""

REPORTS = "reports.jsonl"

WHOLE_LIMIT = 1800.0
"""Seconds for everything on a machine that does much else besides."""


def given_by_guest(results: Path, report: pytest.TestReport) -> None:
    """In the guest: put a report where the host looks for it."""
    with (results / REPORTS).open("a") as file:
        file.write(json.dumps(report._to_json()) + "\n")


class Guest:
    """One guest for the tests of one session; boots at once.

    Where no guest can be had, every test is skipped with the reason, or fails if EFFECTCAM_VM=require.
    """

    def __init__(self, config: pytest.Config, wanted: Sequence[str]) -> None:
        self._machine: Machine | None = None
        self._absent = ""
        self._found: dict[str, list[TestReport]] = {}
        self._read = 0
        RESULTS.mkdir(parents=True, exist_ok=True)
        self._lock = (RESULTS / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._absent = f"another run writes to {RESULTS}; set EFFECTCAM_VM_RESULTS to another folder"
            return
        (RESULTS / REPORTS).unlink(missing_ok=True)
        try:
            booted = kernel()
        except NoGuestError as error:
            self._absent = str(error)
            return
        # What is compiled here need not be compiled by an emulated processor, which takes minutes for it.
        subprocess.run([sys.executable, "-c", "import tests.vm.warm"], cwd=REPOSITORY, check=True)
        self._machine = Machine(booted, RESULTS, _command(wanted), limit=WHOLE_LIMIT)

    def reports(self, item: pytest.Item) -> Iterator[TestReport]:
        """Those of one test: of its setup, call and teardown, as they come."""
        if self._machine is None:
            outcome = "failed" if os.environ.get("EFFECTCAM_VM") == "require" else "skipped"
            yield _made_here(item, outcome, f"no guest: {self._absent}")
            return
        given = 0
        while True:
            ended = not self._machine.running
            self._look()
            found = self._found.get(item.nodeid, [])
            yield from found[given:]
            given = len(found)
            if found and found[-1].when == "teardown":
                return
            if ended:
                yield _made_here(item, "failed", f"no report from the guest\n{self._machine.last_words()}")
                return
            time.sleep(0.2)

    def close(self) -> None:
        if self._machine is not None:
            self._machine.close()
        self._lock.close()

    def _look(self) -> None:
        path = RESULTS / REPORTS
        if not path.exists():
            return
        with path.open("rb") as file:
            file.seek(self._read)
            new = file.read()
        # The last line may still be on its way.
        whole = new[: new.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            report = TestReport._from_json(json.loads(line))
            told: Any = report.longrepr
            if isinstance(told, list):
                # A skip's place and reason, which JSON has made a list and pytest's summary takes as a tuple.
                report.longrepr = (told[0], told[1], told[2])
            self._found.setdefault(report.nodeid, []).append(report)


def _command(wanted: Sequence[str]) -> list[str]:
    environment = {
        "EFFECTCAM_GUEST_RESULTS": "/results",
        "EFFECTCAM_VM": os.environ.get("EFFECTCAM_VM", ""),
        "EFFECTCAM_VM_DRAWN_FACE": os.environ.get("EFFECTCAM_VM_DRAWN_FACE", ""),
        "PYTHONDONTWRITEBYTECODE": "1",
        # Every import counts there.
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        # MediaPipe imports matplotlib, whose list of fonts takes a minute to make.
        "MPLCONFIGDIR": str(Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "matplotlib"),
    }
    variables = [f"{name}={value}" for name, value in environment.items()]
    return ["/usr/bin/env", *variables, sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *wanted]


def _made_here(item: pytest.Item, outcome: Any, why: str) -> TestReport:
    path, line, _ = item.location
    told: Any = (path, line, why) if outcome == "skipped" else why
    return TestReport(item.nodeid, item.location, {}, outcome, told, "setup")
