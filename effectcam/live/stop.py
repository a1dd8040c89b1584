"""The wish to stop, from a key, a closed window or a signal."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType, TracebackType


class StopFlag:
    """Set once somebody wants the run to end; the loop then finishes its frame and its files.

    As a context manager it takes the first Ctrl-C, SIGTERM or closed terminal as that wish. The second
    does what it always does, so that a program that hangs can be ended. But of a closed terminal both its
    shell and the system may tell, and there is none to be closed again: that counts once.
    """

    def __init__(self, *, on_signal: Callable[[], None] = lambda: None) -> None:
        """``on_signal`` is called with the first signal, in the main thread, wherever that is."""
        self.is_set = False
        self._before: dict[int, object] = {}
        self._tell_signal = on_signal

    def set(self) -> None:
        self.is_set = True

    def __enter__(self) -> StopFlag:
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            # Under nohup a closed terminal is to be ignored, and stays so.
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.set()
        self._restore()
        if number == getattr(signal, "SIGHUP", None):
            signal.signal(number, signal.SIG_IGN)
        self._tell_signal()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._before.clear()
