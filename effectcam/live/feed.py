"""When the next frame of a live run comes: the newest of a camera, the due one of a clip."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from effectcam.frame import Clock, Frame, RealClock
from effectcam.live.stop import StopFlag
from effectcam.source.base import Source
from effectcam.source.supervisor import CameraSupervisor

_STEP = 100_000_000
"""Nanoseconds."""

_STANDS = 250_000_000
"""Nanoseconds without a frame after which one is shown however late it is: decoding alone may be too slow."""


def newest(
    camera: CameraSupervisor, stop: StopFlag, *, fps: float, wait: float = 0.1
) -> Iterator[Frame | None]:
    """The newest frame each time one is asked for, None each ``wait`` seconds while none comes.

    At most ``fps`` frames a second: a camera that gives more would take the cores from those who
    encode and play, for pictures that nobody gets to see.
    """
    # A camera's own jitter must not cost it every other frame.
    least = int(0.8e9 / fps)
    last = -least
    while not stop.is_set:
        frame = camera.take(wait)
        if frame is None:
            yield None
        elif frame.captured_at - last >= least:
            last = frame.captured_at
            yield frame


def paced(
    source: Source,
    stop: StopFlag,
    *,
    keep_all: bool = False,
    restamp: bool = False,
    idle: Callable[[int], None] = lambda left: None,
    clock: Clock | None = None,
) -> Iterator[Frame]:
    """A clip's frames at the moments its timestamps say, counted from the first.

    Frames that are late by more than one are left out, so that the clip keeps its speed on a slow
    machine, unless ``keep_all``; of those that cannot be decoded in time some are shown late. ``restamp``
    stamps each with its moment on the clock, as a camera does; another round may follow, so the last frame
    too is given its time. ``idle`` is called ten times a second while a frame stands for longer, with the
    nanoseconds that are left of it.
    """
    clock = clock or RealClock()
    start: int | None = None
    shown = due = clock.now()
    late = int(1e9 / source.fps)
    for frame in source:
        if stop.is_set:
            return
        now = clock.now()
        if start is None:
            start = now - frame.captured_at
        due = start + frame.captured_at
        if now - due > late and now - shown < _STANDS and not keep_all:
            continue
        _wait(clock, due, stop, idle)
        yield replace(frame, captured_at=due) if restamp else frame
        shown = clock.now()
    if restamp:
        _wait(clock, due + late, stop, idle)


def _wait(clock: Clock, moment: int, stop: StopFlag, idle: Callable[[int], None]) -> None:
    """In steps, because a clip may pause for long and neither the wish to stop nor a key must wait for it."""
    while not stop.is_set and (left := moment - clock.now()) > 0:
        clock.sleep_until(moment - max(0, left - _STEP))
        if left > _STEP:
            idle(left - _STEP)


def unpaced(source: Source, stop: StopFlag) -> Iterator[Frame]:
    """Every frame as fast as it is asked for."""
    for frame in source:
        if stop.is_set:
            return
        yield frame
