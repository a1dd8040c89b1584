"""A sink that comes back: around one that may fail in the middle of a call."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

from effectcam.errors import EffectcamError
from effectcam.frame import Frame
from effectcam.sink.base import Sink


class Reopening(Sink):
    """Writes to a live sink and, when that fails, to a new one as soon as there is one; see `Sink`.

    While the sink is lost, frames are dropped and counted, and each `write` returns at once, save for
    the tries to open it anew, which happen inside `write`. `write` never raises. Not for files: a new
    one would take the place of what was recorded before.

    Parameters
    ----------
    make
        Opens the sink. Called at once, where its errors are raised as they are, and after each
        failure, where any error means that it is tried again later.
    retry
        Seconds from a failure to the first try, and the most between two later ones; the wait doubles
        in between. Shorter finds a driver sooner that came back, and asks more often in vain.
    tell
        Hears one line when the sink is lost, and one when it is back.
    clock
        Seconds that never go back.
    """

    def __init__(
        self,
        make: Callable[[], Sink],
        *,
        retry: tuple[float, float] = (1.0, 10.0),
        tell: Callable[[str], None] = lambda line: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make = make
        self._first_wait, self._longest_wait = retry
        self._tell = tell
        self._clock = clock
        self._sink = make()
        self._open = True
        self._done = False
        self._reason = ""
        self._wait = self._first_wait
        self._lost_at = self._next_try = 0.0
        self._dropped = self._dropped_now = 0
        self._last: Frame | None = None

    @property
    def lossless(self) -> bool:  # type: ignore[override]
        return self._sink.lossless

    @property
    def own_thread(self) -> bool:  # type: ignore[override]
        return self._sink.own_thread

    @property
    def keep_alive(self) -> float | None:  # type: ignore[override]
        return self._sink.keep_alive

    @property
    def name(self) -> str:
        return self._sink.name

    @property
    def sink(self) -> Sink:
        """The one in use, or the last one while there is none."""
        return self._sink

    @property
    def warnings(self) -> list[str]:
        """What the sink in use warns of, if it does such a thing."""
        return list(getattr(self._sink, "warnings", []))

    @property
    def state(self) -> Literal["open", "lost"]:
        """'lost' from a failure until a frame has gone through again."""
        return "lost" if self._reason else "open"

    @property
    def message(self) -> str:
        """Why it is lost, in one line; empty while it is open."""
        return self._reason

    @property
    def dropped(self) -> int:  # type: ignore[override]
        """Frames that came while there was no sink to take them; one that is written again counts once."""
        return self._dropped

    def write(self, frame: Frame) -> None:
        # Whoever feeds it writes the last frame again while nothing new comes, see `keep_alive`.
        again = frame is self._last
        self._last = frame
        if self._done or not (self._open or self._try_again()):
            self._drop(again)
            return
        try:
            self._sink.write(frame)
        except Exception as error:
            self._lose(error)
            self._drop(again)
            return
        if self._reason:
            self._recover()

    def close(self) -> None:
        if not self._done and self._open:
            self._sink.close()
        self._done = True

    def abort(self) -> None:
        self._done = True
        self._sink.abort()

    def _drop(self, again: bool) -> None:
        self._dropped += not again
        self._dropped_now += not again

    def _try_again(self) -> bool:
        if self._clock() < self._next_try:
            return False
        try:
            self._sink = self._make()
        except Exception as error:
            self._reason = _line(error)
            self._back_off()
            return False
        self._open = True
        return True

    def _lose(self, error: Exception) -> None:
        self._sink.abort()
        self._open = False
        line = _line(error)
        if not self._reason:
            self._lost_at, self._dropped_now = self._clock(), 0
            self._tell(f"{line}; it is opened again as soon as it can be")
        self._reason = line
        self._back_off()

    def _back_off(self) -> None:
        self._next_try = self._clock() + self._wait
        self._wait = min(2 * self._wait, self._longest_wait)

    def _recover(self) -> None:
        self._reason, self._wait = "", self._first_wait
        away = self._clock() - self._lost_at
        self._tell(f"{self._sink.name}: back after {away:.0f} s, {self._dropped_now} frames were dropped")


def _line(error: Exception) -> str:
    return str(error) if isinstance(error, EffectcamError) else f"{type(error).__name__}: {error}"
