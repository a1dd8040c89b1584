"""Keeps what native code writes to standard error off the terminal.

LiteRT logs every accelerator it looks for, and its Python API has no switch for that.
"""

from __future__ import annotations

import atexit
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache

_ONE_AT_A_TIME = threading.RLock()

_NATIVE_LINE = re.compile(rb"(INFO|WARNING|ERROR|VERBOSE|DEBUG): |\xe2\x94\x94 |[IWEF]\d{4} ")


@contextmanager
def without_native_log() -> Iterator[None]:
    """Drop the log lines of native code while the block runs.

    The process has one standard error, so for these milliseconds the lines of other threads are held
    back too; they are passed on at the end. Without a usable standard error (a program without a
    console), or a folder for temporary files, nothing is dropped.
    """
    with _ONE_AT_A_TIME, ExitStack() as opened:
        try:
            real = os.dup(2)
            opened.callback(os.close, real)
            held = opened.enter_context(tempfile.TemporaryFile())
            os.dup2(held.fileno(), 2)
        except OSError:
            yield
            return
        try:
            yield
        finally:
            os.dup2(real, 2)
            held.seek(0)
            others = bytearray()
            for line in held.read().splitlines(keepends=True):
                if not _NATIVE_LINE.match(line):
                    others += line
            if others:
                os.write(real, others)


@cache
def mute_native_log_at_exit() -> None:
    """Keep what native code logs while the process is torn down off the terminal.

    LiteRT frees a hidden default environment after Python is gone, where nothing can catch its
    farewell any more. Python's own last words still reach the terminal.
    """
    atexit.register(_mute)


def _mute() -> None:
    with suppress(OSError, ValueError, AttributeError):
        real = os.dup(2)
        if sys.stderr.fileno() == 2:
            sys.stderr.flush()
            sys.stderr = os.fdopen(real, "w", buffering=1, errors="backslashreplace")
        void = os.open(os.devnull, os.O_WRONLY)
        os.dup2(void, 2)
