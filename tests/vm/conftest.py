"""The tests of this folder run in the guest; on the host each waits for its result from there.

Both sides collect the same tests. The host boots one guest for those that were selected, which runs
them under a pytest of its own and hands back each report as it comes, with its traceback.
"""

from __future__ import annotations

import os
import signal
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vm.host import Guest, given_by_guest
from tests.vm.program import warm_up

HERE = Path(__file__).parent
RESULTS = os.environ.get("EFFECTCAM_GUEST_RESULTS")
"""The folder for reports and pictures; set in the guest only."""

LIMIT = 120.0
"""Seconds for one test, unless it is marked ``limit(seconds)``."""

GUEST = pytest.StashKey[Guest]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "limit(seconds): how long a test may take in the guest")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> bool | None:
    """On the host: hand on the guest's reports instead of running the test."""
    if RESULTS or HERE not in item.path.parents:
        return None
    if GUEST not in item.session.stash:
        wanted = [each.nodeid for each in item.session.items if HERE in each.path.parents]
        item.session.stash[GUEST] = Guest(item.config, wanted)
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in item.session.stash[GUEST].reports(item):
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def pytest_sessionfinish(session: pytest.Session) -> None:
    if GUEST in session.stash:
        session.stash[GUEST].close()


if RESULTS:
    # Its imports go on beside the collection of the tests and the first of them.
    warm_up()

    @pytest.hookimpl
    def pytest_runtest_logreport(report: pytest.TestReport) -> None:
        given_by_guest(Path(str(RESULTS)), report)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
        marker = item.get_closest_marker("limit")
        limit = float(marker.args[0]) if marker else LIMIT

        def too_long(number: int, frame: types.FrameType | None) -> None:
            pytest.fail(f"took longer than {limit:g} s")

        signal.signal(signal.SIGALRM, too_long)
        signal.setitimer(signal.ITIMER_REAL, limit)
        try:
            return (yield)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
