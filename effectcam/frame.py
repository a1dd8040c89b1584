"""The picture that travels through effectcam, and the clocks that stamp it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""RGB, shape (H, W, 3), C-contiguous, 0 to 255, sRGB-encoded."""


@dataclass(slots=True)
class Frame:
    """One picture with its place in the stream.

    Stages that change the picture make a new Frame with the same ``index`` and ``captured_at``:
    the stamp given at capture reaches the sink untouched, which is what makes delay measurable.
    """

    pixels: Pixels
    index: int
    """Counts from 0, without gaps, in the order of capture."""
    captured_at: int
    """Nanoseconds on the source's clock: monotonic time for a camera, the clip's own time for a
    clip (0 at its first frame)."""

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    def with_pixels(self, pixels: Pixels) -> Frame:
        """The same moment, redrawn."""
        return Frame(pixels, self.index, self.captured_at)


class Clock(Protocol):
    """Where 'now' comes from. Live runs use RealClock, replays VirtualClock."""

    def now(self) -> int:
        """Nanoseconds; never goes back."""
        ...

    def sleep_until(self, moment: int) -> None:
        """Return at ``moment`` or at once when it has passed."""
        ...


class RealClock:
    """Monotonic time of this machine."""

    def now(self) -> int:
        return time.perf_counter_ns()

    def sleep_until(self, moment: int) -> None:
        wait = moment - time.perf_counter_ns()
        if wait > 0:
            time.sleep(wait / 1e9)


class VirtualClock:
    """Time that passes only when told to, so that a replay never hangs on the wall clock.

    >>> clock = VirtualClock()
    >>> clock.sleep_until(40_000_000)
    >>> clock.now()
    40000000
    """

    def __init__(self, start: int = 0) -> None:
        self._now = start

    def now(self) -> int:
        return self._now

    def sleep_until(self, moment: int) -> None:
        self._now = max(self._now, moment)
