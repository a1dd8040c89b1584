"""The moments of a stamped frame on its way, and where they are noted."""

from __future__ import annotations

import time
from dataclasses import dataclass

from effectcam.frame import Frame
from effectcam.latency import stamp
from effectcam.sink.base import Sink


@dataclass(slots=True)
class Passage:
    """One frame's way; nanoseconds of `RealClock`, None for what did not happen."""

    captured: int
    """Handed out by the camera: what the stamp says."""
    taken: int | None = None
    """Taken up by the live loop."""
    chain: int | None = None
    """How long the effect took: not a moment."""
    shown: bool = False
    """Sent as itself, and not held back or hidden because no face was found."""
    handed: int | None = None
    """Given to the sinks by the loop."""
    written: int | None = None
    """Given to the device by the sink's own thread."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A picture that was read back."""

    at: int
    """When it was there, before its stamp was read; nanoseconds of `RealClock`."""
    code: int | None
    """None: no stamp that could be read."""


class NotingSink(Sink):
    """Notes when each frame comes to another sink, by the frame's stamp."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.lossless = sink.lossless
        self.own_thread = sink.own_thread
        self.moments: dict[int, int] = {}

    @property
    def name(self) -> str:
        return self._sink.name

    def write(self, frame: Frame) -> None:
        self.moments[frame.captured_at] = time.perf_counter_ns()
        self._sink.write(frame)

    def close(self) -> None:
        self._sink.close()

    def abort(self) -> None:
        self._sink.abort()


class MemorySink(Sink):
    """Reads each frame back at once: the way through the live loop without any device."""

    def __init__(self) -> None:
        self.readings: list[Reading] = []

    @property
    def name(self) -> str:
        return "memory"

    def write(self, frame: Frame) -> None:
        at = time.perf_counter_ns()
        self.readings.append(Reading(at, stamp.read(frame.pixels)))

    def close(self) -> None:
        pass

    def abort(self) -> None:
        pass
