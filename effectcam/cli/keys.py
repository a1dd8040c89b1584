"""Single keys from the terminal, without waiting for them and without Enter."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

ReadKeys = Callable[[], str]
"""Gives the keys pressed since the last call, at once; mostly an empty text."""

_SEQUENCE = re.compile(rb"\x1b(\[[0-?]*[ -/]*[@-~]|O.|.)?", re.DOTALL)
"""What a terminal sends for arrows, F2 and the like, and for Alt with a key (ECMA-48): its last letter would
be taken for a key, Q for F2."""


@contextmanager
def terminal_keys() -> Iterator[ReadKeys | None]:
    """Keys of the terminal while the block runs, None where standard input is no terminal.

    The terminal keeps its Ctrl-C and gets its old mode back at the end, whatever happens.
    """
    if not sys.stdin or not sys.stdin.isatty():
        yield None
    elif sys.platform == "win32":
        yield _console_keys
    else:
        with _raw(sys.stdin.fileno()) as keys:
            yield keys


def _console_keys() -> str:
    if sys.platform != "win32":
        return ""
    import msvcrt

    pressed = ""
    while msvcrt.kbhit():
        key = msvcrt.getwch()
        if key in "\0\xe0" and msvcrt.kbhit():
            # An arrow, F2 and the like come as two characters: the second of Page Down is a Q.
            msvcrt.getwch()
        else:
            pressed += key
    return pressed


@contextmanager
def _raw(terminal: int) -> Iterator[ReadKeys | None]:
    import select
    import termios
    import tty

    if _in_background(terminal):
        yield None
        return
    before = termios.tcgetattr(terminal)

    def keys() -> str:
        pressed = b""
        if _in_background(terminal):
            # What is typed there is for another program, and who reads it is stopped.
            return ""
        with suppress(termios.error):
            # Back from the background, where the shell had it.
            if termios.tcgetattr(terminal)[3] & termios.ICANON:
                tty.setcbreak(terminal, termios.TCSANOW)
        while select.select([terminal], [], [], 0)[0]:
            chunk = os.read(terminal, 64)
            if not chunk:
                break
            pressed += chunk
        return _SEQUENCE.sub(b"", pressed).decode("ascii", "ignore")

    tty.setcbreak(terminal, termios.TCSANOW)
    try:
        yield keys
    finally:
        # Of a terminal that was closed meanwhile nothing is left to put right.
        with suppress(termios.error):
            if not _in_background(terminal):
                # At once: one that is stopped with Ctrl-S never shows what is left to show.
                termios.tcsetattr(terminal, termios.TCSANOW, before)


def _in_background(terminal: int) -> bool:
    """Whether the system would stop this process for changing the terminal's mode."""
    try:
        return os.tcgetpgrp(terminal) != os.getpgrp()
    except OSError:  # a terminal, but not the one that this process belongs to
        return False
