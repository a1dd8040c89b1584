"""Frames for sinks to take."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from effectcam.frame import Frame
from effectcam.sink import Sink
from tests import media


def moving(count: int, *, width: int = 64, height: int = 48, start: int = 0) -> Iterator[Frame]:
    """``count`` pictures at 25 a second, each a little different."""
    for index in range(count):
        yield Frame(media.corners(width, height, index), index, start + index * 40_000_000)


def feed(
    sink: Sink, frames: Iterable[Frame], *, pause: float = 0.0, error: type[BaseException] | None = None
) -> None:
    """Write all frames, and raise ``error`` at the end if there is one."""
    for frame in frames:
        sink.write(frame)
        time.sleep(pause)
    if error is not None:
        raise error
