"""The line that a live run shows of itself."""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from effectcam.cli.app import one_line
from effectcam.pipeline import Pipeline

_WINDOW = 90
_REFRESH = 0.25
_PLAIN_REFRESH = 10.0


class Meter(AbstractContextManager["Meter"]):
    """Frames a second and the chain's median over the last 90 frames.

    A line that renews itself on a terminal; elsewhere a plain line every ten seconds.
    """

    def __init__(
        self,
        console: Console,
        *,
        plain_every: float = _PLAIN_REFRESH,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._clock = clock
        self._stamps: deque[float] = deque(maxlen=_WINDOW)
        self._chain: deque[float] = deque(maxlen=_WINDOW)
        self._effect = ""
        self._every = _REFRESH if console.is_terminal else plain_every
        self._shown_at = clock()
        self._live = (
            Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
        )
        self.frames = 0

    def tell(self, message: str) -> None:
        """One line of news: above the live line, or by itself."""
        self._print(one_line(message))

    def tick(self, pipeline: Pipeline, note: str = "") -> None:
        """A frame is done; ``note`` is what else to show."""
        now = self._clock()
        self.frames += 1
        self._stamps.append(now)
        if pipeline.effect.name != self._effect:
            # The times of the effect before would stand under the name of this one.
            self._effect = pipeline.effect.name
            self._chain.clear()
        if pipeline.strength:
            self._chain.append(pipeline.ledger.last("chain"))
        if now - self._shown_at < self._every:
            return
        self._shown_at = now
        line = self.line(pipeline) + (f", {note}" if note else "")
        if self._live is not None:
            self._live.update(Text(one_line(line), no_wrap=True, overflow="ellipsis"), refresh=True)
        else:
            self._print(one_line(line))

    def _print(self, line: str) -> None:
        """Whoever read it may have gone; the run and its recording go on."""
        with suppress(BrokenPipeError):
            self._console.print(line)

    def line(self, pipeline: Pipeline) -> str:
        """Such as ``toon 100%, 29.9 fps, chain p50 12.3 ms, 1 face``."""
        parts = [f"{pipeline.effect.name} {pipeline.strength:.0%}"]
        if len(self._stamps) > 1 and self._stamps[-1] > self._stamps[0]:
            parts.append(f"{(len(self._stamps) - 1) / (self._stamps[-1] - self._stamps[0]):.1f} fps")
        if pipeline.strength and self._chain:
            parts.append(f"chain p50 {statistics.median(self._chain):.1f} ms")
        count = len(pipeline.faces)
        parts.append(f"{count} face" if count == 1 else f"{count} faces")
        return ", ".join(parts)

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
