"""Printing that nobody waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue

_MOST = 1000
"""Lines that wait, and are worth printing when the terminal goes on: beyond them something tells the same
over and over."""


class Printer:
    """Prints in a thread of its own, in the order in which it was asked to.

    A terminal that is stopped with Ctrl-S, a pager that shows its first page and a connection that hangs take
    no output for as long as they like, and whoever writes to them stands still. Here that is a thread that
    nobody waits for.
    """

    def __init__(self) -> None:
        # Handlers of signals print as well, perhaps amid a `put`: no other queue bears that.
        self._waiting: SimpleQueue[Callable[[], None] | None] = SimpleQueue()

    @property
    def lags(self) -> bool:
        """Whether something waits to be printed."""
        return not self._waiting.empty()

    def put(self, work: Callable[[], None]) -> None:
        """Have ``work`` print something. Whoever read it may have gone, a terminal be closed, a log's disk be
        full: then it is lost, and nobody hears of it."""
        if self._waiting.qsize() < _MOST:
            self._waiting.put(work)

    @contextmanager
    def started(self, patience: float = 2.0) -> Iterator[None]:
        """Print what has come and comes until the block ends, and at its end the rest, as far as that takes
        no more than ``patience`` seconds."""
        # A daemon, so that one that hangs does not keep the program from ending.
        thread = threading.Thread(target=self._run, name="printer", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._waiting.put(None)
            thread.join(patience)

    def _run(self) -> None:
        while (work := self._waiting.get()) is not None:
            with suppress(OSError):
                work()
