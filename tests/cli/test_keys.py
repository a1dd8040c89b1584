"""Keys of a terminal, as a terminal sends them."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from effectcam.cli import keys
from effectcam.cli.keys import terminal_keys


@pytest.mark.skipif(sys.platform == "win32", reason="has another console")
def test_an_arrow_or_a_function_key_is_none_of_its_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    import pty

    mine, terminal = pty.openpty()
    try:
        with open(terminal, closefd=False) as standard_input:
            monkeypatch.setattr(sys, "stdin", standard_input)
            monkeypatch.setattr(keys, "_in_background", lambda _: False)
            with terminal_keys() as read:
                assert read is not None
                # F1, F2, n, F5, Page Up, Ctrl with an arrow, Alt with m, +, Escape.
                os.write(mine, b"\x1bOP\x1bOQn\x1b[15~\x1b[5~\x1b[1;5C\x1bm+\x1b")
                assert read() == "n+"
    finally:
        os.close(mine)
        os.close(terminal)


BACKGROUND = """
import fcntl, os, signal, subprocess, sys, termios, time
from effectcam.cli.keys import terminal_keys

mine, terminal = os.openpty()
os.setsid()
fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
os.dup2(terminal, 0)
os.tcsetpgrp(0, os.getpgrp())
cooked = termios.tcgetattr(0)
# For what the shell does here; it does not keep a read from stopping the program.
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
with terminal_keys() as read:
    other = subprocess.Popen(["sleep", "60"], process_group=0)
    os.tcsetpgrp(0, other.pid)
    termios.tcsetattr(0, termios.TCSANOW, cooked)
    os.write(mine, b"q" + chr(10).encode())
    time.sleep(0.1)
    assert read() == ""
    other.kill()
    other.wait()
    termios.tcflush(0, termios.TCIFLUSH)
    os.tcsetpgrp(0, os.getpgrp())
    read()
    os.write(mine, b" ")
    time.sleep(0.1)
    assert read() == " "
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has another console")
def test_a_run_goes_on_in_the_background_and_has_its_keys_again_in_front() -> None:
    # An orphan's read would fail instead of stopping it; either ends with another code than 0.
    program = subprocess.Popen([sys.executable, "-c", BACKGROUND], stderr=subprocess.PIPE)
    _, wrong = program.communicate(timeout=60)
    assert (program.returncode, wrong) == (0, b"")


def test_page_down_does_not_end_a_run_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = list("n\xe0Q\0;+\xe0")
    console = SimpleNamespace(kbhit=lambda: bool(sent), getwch=lambda: sent.pop(0))
    monkeypatch.setitem(sys.modules, "msvcrt", console)
    monkeypatch.setattr(sys, "platform", "win32")
    assert keys._console_keys() == "n+\xe0"
