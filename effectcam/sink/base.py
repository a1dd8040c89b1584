"""What every sink of frames promises, and the sink that does nothing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from effectcam.errors import SinkError
from effectcam.frame import Frame


class SinkEndedError(SinkError):
    """The sink has closed itself before its time: what was written is complete and in its place."""


class Sink(ABC):
    """Takes finished frames: a virtual camera, a file, a window.

    Who raises, and when: the constructor raises `SinkError` if the sink can never work (no device, a
    folder that cannot be written), before any frame is spent on it. `write` raises `SinkError` when
    the sink stops working. After an error, call `abort`.

    Who closes: whoever built the sink, by exactly one of `close` and `abort`; further calls of
    either do nothing. As a context manager a sink closes at the end of the block and aborts if the
    block is left by an exception, KeyboardInterrupt included.

    All calls come from one thread at a time, unless `own_thread` is False.
    """

    lossless: bool = False
    """True if every frame has to arrive, as in the file of a replay: whoever feeds the sink waits
    for it. False if only the latest frame matters, as in a call: a frame that comes too early for a
    slow sink is dropped."""

    keep_alive: float | None = None
    """Seconds without a frame after which the last one is written once more, under the stamp it had.
    Programs that read a camera take one that is silent for dead, and let go of it. None: never."""

    dropped: int = 0
    """Frames that `write` took and lost without raising, so that they are not counted as written."""

    own_thread: bool = True
    """False if the sink may be called only from the thread that built it, as windows must."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What to call it in messages: the file or device."""

    @abstractmethod
    def write(self, frame: Frame) -> None:
        """Take one frame: (H, W, 3) RGB uint8, ``captured_at`` above that of the frame before.

        The sink may keep the frame after this returns, so nobody may draw into its pixels again;
        nor does the sink.
        """

    @abstractmethod
    def close(self) -> None:
        """Finish: what was written is complete and in its place, or `SinkError` says why not and
        nothing half-written is left."""

    @abstractmethod
    def abort(self) -> None:
        """Give up without raising: nothing half-written is left, and what stood in its place before
        stands there still."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()


class NullSink(Sink):
    """Counts frames and forgets them: what a run costs without its sinks."""

    def __init__(self) -> None:
        self.frames = 0

    @property
    def name(self) -> str:
        return "nowhere"

    def write(self, frame: Frame) -> None:
        self.frames += 1

    def close(self) -> None:
        pass

    def abort(self) -> None:
        pass


def check_size(sink: Sink, frame: Frame, width: int, height: int, channels: int = 3) -> None:
    """Raise `SinkError` unless the frame is ``width`` by ``height`` RGB, or RGBA with 4 ``channels``."""
    if frame.pixels.shape != (height, width, channels):
        raise SinkError(
            f"{sink.name}: frame {frame.index} has shape {frame.pixels.shape}, "
            f"not {(height, width, channels)}; "
            "open the sink with the size of its frames"
        )
