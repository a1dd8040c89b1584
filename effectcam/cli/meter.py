"""The line that a live run shows of itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from effectcam.cli.app import one_line
from effectcam.cli.printer import Printer
from effectcam.live.controls import Controls
from effectcam.live.loop import LiveLoop

_REFRESH = 0.25
_PLAIN_REFRESH = 10.0


class Meter(AbstractContextManager["Meter"]):
    """Frames a second, the chain's median over the last frames, and what goes out.

    A line that renews itself on a terminal; elsewhere a plain line every ten seconds. It is there while the
    block runs. What prints it and the news is `printer`, which somebody has to start.
    """

    def __init__(
        self,
        console: Console,
        *,
        plain_every: float = _PLAIN_REFRESH,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.printer = Printer()
        self._console = console
        self._clock = clock
        self._every = _REFRESH if console.is_terminal else plain_every
        self._shown_at = clock()
        self._live = None
        if console.is_terminal:
            # Redirected, whoever prints elsewhere would wait for this terminal to take its output.
            self._live = Live(
                console=console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )

    def tell(self, message: str) -> None:
        """One line of news: above the live line, or by itself."""
        self.printer.put(partial(self._console.print, one_line(message)))

    def tick(self, controls: Controls, loop: LiveLoop) -> None:
        """Show how things stand, if it is time to."""
        now = self._clock()
        if now - self._shown_at < self._every:
            return
        self._shown_at = now
        if self.printer.lags:
            # By the time that it is printed it is no longer how things stand.
            return
        line = one_line(self.line(controls, loop))
        if self._live is not None:
            shown = Text(line, no_wrap=True, overflow="ellipsis")
            self.printer.put(partial(self._live.update, shown, refresh=True))
        else:
            self.printer.put(partial(self._console.print, line))

    def line(self, controls: Controls, loop: LiveLoop) -> str:
        """Such as ``toon 100%, 29.9 fps, chain p50 12.3 ms, 1 face``."""
        pace = loop.pace
        parts = [f"{controls.effect.name} {controls.strength:.0%}", f"{pace.fps:.1f} fps"]
        if controls.strength and (chain := controls.recent_stages()["chain"]["p50"]):
            parts.append(f"chain p50 {chain:.1f} ms")
        if pace.delay_ms is not None:
            parts.append(f"delay {pace.delay_ms:.0f} ms")
        parts.append("1 face" if controls.face_count == 1 else f"{controls.face_count} faces")
        governor = loop.governor.state
        if governor["on"] and governor["rung"] > governor["start"]:
            parts.append(governor["rungs"][governor["rung"]])
        if loop.showing != "live":
            parts.append(loop.showing.upper())
        return ", ".join(parts)

    def __enter__(self) -> Self:
        if self._live is not None:
            self.printer.put(self._live.start)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self.printer.put(self._live.stop)
