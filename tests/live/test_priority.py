from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from effectcam.live.priority import STEPS

ROOT = os.name == "posix" and os.geteuid() == 0
pytestmark = pytest.mark.skipif(os.name != "posix", reason="asks for niceness")

PROGRAM = """
import os, threading
from effectcam.live.priority import raise_priority
{before}
raised = raise_priority()
found = []
thread = threading.Thread(target=lambda: found.append(os.getpriority(os.PRIO_PROCESS, 0)))
thread.start()
thread.join()
print(raised, found[0])
"""


def in_a_process(before: str) -> tuple[str, int]:
    """Its answer, and the niceness of a thread that was started afterwards."""
    program = PROGRAM.format(before=before)
    # In a session of its own: that of the tests is to stay as it is.
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, start_new_session=True
    )
    raised, niceness = done.stdout.split()
    return raised, int(niceness)


def test_threads_that_start_later_go_first_too() -> None:
    # From a niceness of 10, where resetting to 5 is a right that root has and a user does not.
    raised, niceness = in_a_process("os.setpriority(os.PRIO_PROCESS, 0, 10)")
    assert (raised, niceness) == (("True", 10 - STEPS) if ROOT else ("False", 10))


@pytest.mark.skipif(not ROOT, reason="only root can become another user")
def test_a_user_without_the_right_is_told_so_and_stays() -> None:
    assert in_a_process("os.setpriority(os.PRIO_PROCESS, 0, 10); os.setuid(65534)") == ("False", 10)


@pytest.mark.skipif(
    not (ROOT and Path("/proc/self/autogroup").exists()), reason="asks for sessions' niceness"
)
def test_the_whole_session_goes_first_and_is_put_back_at_the_end() -> None:
    """Seen from a second program of the same session, while the first runs and when it has ended."""
    look = "grep -o 'nice .*' /proc/self/autogroup"
    raised = "from effectcam.live.priority import raise_priority as r; import os; r(); os.system({look!r})"
    script = f'{look}; "$0" -c "$1"; {look}'
    found = subprocess.run(
        ["sh", "-c", script, sys.executable, raised.format(look=look)],
        capture_output=True,
        text=True,
        check=True,
        start_new_session=True,
    )
    assert found.stdout.split("\n")[:3] == ["nice 0", f"nice {-STEPS}", "nice 0"]
