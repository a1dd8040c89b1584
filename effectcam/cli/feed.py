"""When the next frame of a live run comes: the newest of a camera, the due one of a clip."""

from __future__ import annotations

import threading
from collections.abc import Generator

from effectcam.cli.stop import StopFlag
from effectcam.frame import Clock, Frame, RealClock
from effectcam.source.base import Source

_STEP = 100_000_000
"""Nanoseconds."""

_SLOWEST_READ = 12.0
"""Seconds. A camera that sends nothing holds its reader for as long as OpenCV waits, which is 10."""


def newest(source: Source, stop: StopFlag, *, wait: float = 0.1) -> Generator[Frame, None, None]:
    """The newest frame each time one is asked for, waiting for it if need be.

    A thread reads the camera without a pause: left alone, the driver's queue would hand out pictures
    that are several frames old. Errors of the source are raised here. Ends with the source, or within
    ``wait`` seconds of ``stop``. The source may be closed once the generator is.
    """
    changed = threading.Condition()
    latest: list[Frame] = []
    ended: list[Exception | None] = []
    leaving = threading.Event()

    def read() -> None:
        failure: Exception | None = None
        try:
            for frame in source:
                with changed:
                    latest[:] = [frame]
                    changed.notify()
                if leaving.is_set():
                    break
        except Exception as error:
            failure = error
        with changed:
            ended.append(failure)
            changed.notify()

    # A daemon, so that a driver that hangs cannot keep the program from ending.
    reader = threading.Thread(target=read, name="camera", daemon=True)
    reader.start()
    try:
        while not stop.is_set:
            with changed:
                changed.wait_for(lambda: latest or ended, timeout=wait)
                frame = latest.pop() if latest else None
            if frame is not None:
                yield frame
            elif ended:
                if ended[0] is not None:
                    raise ended[0]
                return
    finally:
        leaving.set()
        reader.join(_SLOWEST_READ)


def paced(
    source: Source, stop: StopFlag, *, keep_all: bool = False, clock: Clock | None = None
) -> Generator[Frame, None, None]:
    """A clip's frames at the moments its timestamps say, counted from the first.

    Frames that are late by more than one are left out, so that the clip keeps its speed on a slow
    machine, unless ``keep_all``.
    """
    clock = clock or RealClock()
    start: int | None = None
    late = int(1e9 / source.fps)
    for frame in source:
        if stop.is_set:
            return
        now = clock.now()
        if start is None:
            start = now - frame.captured_at
        due = start + frame.captured_at
        if now - due > late and not keep_all:
            continue
        while not stop.is_set and clock.now() < due:
            # In steps, because a clip may pause for long and the wish to stop must not wait for it.
            clock.sleep_until(min(due, clock.now() + _STEP))
        yield frame


def unpaced(source: Source, stop: StopFlag) -> Generator[Frame, None, None]:
    """Every frame as fast as it is asked for."""
    for frame in source:
        if stop.is_set:
            return
        yield frame
