"""The governor of a live run, as its options ask for it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from itertools import islice
from typing import TYPE_CHECKING

from effectcam.cli.demo import demo_clip
from effectcam.errors import UsageError
from effectcam.frame import Frame
from effectcam.live.governor import BudgetPolicy, Governor, Limits, NoGovernor
from effectcam.live.governor_trace import TraceFile
from effectcam.live.start_tier import StartTier, TimedTier, best_tier
from effectcam.source import Clip
from effectcam.source.fill import filled

if TYPE_CHECKING:
    from effectcam.cli.outputs import Pictures
    from effectcam.cli.run_wishes import Wishes

_FRAMES = 16
"""Of the demo clip, half a second."""


class Governing:
    """What ``wishes`` say about the governor, checked.

    A clip that is only written to files is not governed: it has all the time it needs, and must come out the
    same every time. Raises UsageError for options of a governor that there will be none of.
    """

    def __init__(self, wishes: Wishes) -> None:
        self._wishes = wishes
        live = wishes.clip is None or wishes.loop or not _only_files(wishes)
        self.on = wishes.governor == "on" and live
        why = "leave out --governor off" if live else "a clip that is only recorded has none: leave it out"
        for option, value in (
            ("--budget", wishes.budget),
            ("--skip-still", wishes.skip_still),
            ("--governor-trace", wishes.governor_trace),
        ):
            if value and not self.on:
                raise UsageError(f"{option} is for the governor; {why}")

    @property
    def tier(self) -> str | None:
        """The best tier to use; None leaves it to the machine."""
        return self._wishes.tier or (None if self.on else "standard")

    def start_tier(self, source: Pictures) -> StartTier:
        """Which tier an effect begins with, for frames of ``source``."""
        if not self.on:
            return best_tier
        limit = Limits().comfort * (self._wishes.budget or 1000 / self._fps(source))
        return TimedTier(lambda: _demo_frames(source.width, source.height), limit_ms=limit)

    def open(self, source: Pictures, stack: ExitStack, tell: Callable[[str], None]) -> BudgetPolicy:
        """For a run on ``source``. The trace is closed with ``stack``. Raises SinkError or UsageError when
        there is no place for it."""
        wishes = self._wishes
        if not self.on:
            return NoGovernor()
        trace = None
        if wishes.governor_trace is not None:
            trace = TraceFile(wishes.governor_trace, tell=tell)
            stack.callback(trace.close)
        return Governor(
            fps=self._fps(source),
            budget_ms=wishes.budget,
            measured=lambda: self._fps(source) if wishes.clip is None else None,
            skip_still=wishes.skip_still,
            trace=trace,
            tell=tell,
        )

    def _fps(self, source: Pictures) -> float:
        """Frames a second that really come, such as a camera's in poor light."""
        return min(self._wishes.fps, source.fps) if self._wishes.clip is None else source.fps


def _only_files(wishes: Wishes) -> bool:
    watched = wishes.virtual_camera or wishes.device is not None or wishes.window
    return not watched and (wishes.record is not None or wishes.stills is not None)


def _demo_frames(width: int, height: int) -> list[Frame]:
    """A face that moves, on frames of the run's size."""
    with demo_clip() as path, Clip(path) as clip:
        return [frame.with_pixels(filled(frame.pixels, width, height)) for frame in islice(clip, _FRAMES)]
