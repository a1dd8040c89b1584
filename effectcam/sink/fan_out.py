"""Several sinks at once, none of which can hold back another."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from effectcam.errors import EffectcamError, SinkError, UsageError
from effectcam.frame import Frame
from effectcam.sink.base import Sink


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of the frames for one sink."""

    sink: Sink
    written: int
    dropped: int
    """Frames replaced by a later one before the sink was ready for them, or lost while it was away."""
    error: Exception | None
    """Why the sink was given up, or None."""


class FanOut(Sink):
    """Hands every frame to several sinks, each in a thread of its own; see `Sink`.

    A sink that is not `Sink.lossless` has room for one waiting frame, and a newer one takes its
    place: a slow virtual camera or window drops frames, and nobody waits for it. For a lossless
    sink `write` waits once ``depth`` frames are queued, so that nothing is lost: in a live run
    build files with ``lossless=False``. A sink whose `Sink.own_thread` is False is written to
    directly by `write`.

    A sink that fails is aborted and left out from then on, while the others go on; `close` raises
    one `SinkError` that lists every failure. When all have failed, `write` raises at once.

    `close` writes out what is queued and closes every sink; `abort` forgets it and aborts them. The
    threads have ended when either returns, save that of a sink whose driver hangs: `abort` gives it
    ``patience`` seconds and goes on without it. Takes over the sinks: whoever built them closes only
    this.

    Parameters
    ----------
    sinks
        At least one.
    depth
        Frames that may wait for a lossless sink. More evens out a sink that is slow now and then,
        at 2.8 MB a frame of 1280x720; it does not help against one that is always slow.
    patience
        Seconds that `abort` waits for sinks to let go; less may cut off a slow one's tidying up.
    on_failure
        Called in the sink's thread, at once, with each sink that fails and its error.
    """

    def __init__(
        self,
        sinks: Sequence[Sink],
        *,
        depth: int = 8,
        patience: float = 3.0,
        on_failure: Callable[[Sink, Exception], None] | None = None,
    ) -> None:
        if not sinks:
            raise UsageError("no sink given; name at least one: a file, a window or a virtual camera")
        if depth < 1:
            raise UsageError(f"depth {depth}: at least one frame must be able to wait")
        self.lossless = any(sink.lossless for sink in sinks)
        self.own_thread = all(sink.own_thread for sink in sinks)
        self._lanes: list[_Lane] = []
        self._done = False
        self._patience = patience
        for sink in sinks:
            lane = _ThreadLane(sink, depth, on_failure) if sink.own_thread else _DirectLane(sink, on_failure)
            self._lanes.append(lane)
        # Whom nobody waits for comes first, then whoever shows it in this very thread; a lossless
        # sink, whose queue may be full, must not keep the frame from them.
        self._order = sorted(self._lanes, key=lambda lane: (lane.sink.lossless, not lane.sink.own_thread))

    @property
    def name(self) -> str:
        return ", ".join(lane.sink.name for lane in self._lanes)

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """How each sink fares, in the order given."""
        return tuple(Delivery(lane.sink, lane.written, lane.dropped, lane.error) for lane in self._lanes)

    def write(self, frame: Frame) -> None:
        for lane in self._order:
            if lane.error is None:
                lane.write(frame)
        if all(lane.error is not None for lane in self._lanes):
            raise SinkError(self._failures())

    def again(self) -> None:
        """For a feeder without a new frame: in its own thread those that need it have the last one again."""
        for lane in self._lanes:
            if lane.error is None:
                lane.again()

    def close(self) -> None:
        if self._done:
            return
        try:
            for lane in self._lanes:
                lane.finish()
            for lane in self._lanes:
                lane.wait()
        except BaseException:
            self.abort()
            raise
        self._done = True
        if failures := self._failures():
            raise SinkError(failures)

    def abort(self) -> None:
        if self._done:
            return
        self._done = True
        for lane in self._lanes:
            lane.give_up()
        for lane in self._lanes:
            lane.wait(self._patience)

    def _failures(self) -> str:
        return "; ".join(_line(lane.sink, lane.error) for lane in self._lanes if lane.error is not None)


def _line(sink: Sink, error: Exception) -> str:
    # An error made for people already names its sink; any other is a fault to be reported.
    return (
        str(error) if isinstance(error, EffectcamError) else f"{sink.name}: {type(error).__name__}: {error}"
    )


class _Lane:
    """The way to one sink."""

    def __init__(self, sink: Sink, on_failure: Callable[[Sink, Exception], None] | None) -> None:
        self.sink = sink
        self.written = 0
        self.dropped = 0
        self.error: Exception | None = None
        self._on_failure = on_failure

    def write(self, frame: Frame) -> None:
        raise NotImplementedError

    def again(self) -> None:
        """Write the last frame once more, where no thread does so, see `Sink.keep_alive`."""

    def finish(self) -> None:
        """Let the sink close once it has what is queued."""
        raise NotImplementedError

    def give_up(self) -> None:
        """Let the sink abort without what is queued."""
        raise NotImplementedError

    def wait(self, patience: float | None = None) -> None:
        """Return when the sink is closed or aborted, or after ``patience`` seconds."""
        raise NotImplementedError

    def _hand_over(self, frame: Frame, *, again: bool = False) -> bool:
        """Whether the sink goes on. One that it gets ``again`` is no further frame."""
        lost = self.sink.dropped
        if not self._attempt(partial(self.sink.write, frame)):
            return False
        if not again:
            self._count(written=self.sink.dropped == lost)
        return True

    def _count(self, *, written: bool) -> None:
        self.written += written
        self.dropped += not written

    def _attempt(self, work: Callable[[], None]) -> bool:
        try:
            work()
        except Exception as error:
            self.error = error
            self.sink.abort()
            if self._on_failure is not None:
                self._on_failure(self.sink, error)
            return False
        return True


class _DirectLane(_Lane):
    """For a sink that has to stay in the thread of the one who feeds it."""

    _last: Frame | None = None

    def write(self, frame: Frame) -> None:
        self._last = frame
        self._hand_over(frame)

    def again(self) -> None:
        if self._last is not None and self.sink.keep_alive is not None:
            self._hand_over(self._last, again=True)

    def finish(self) -> None:
        if self.error is None:
            self._attempt(self.sink.close)

    def give_up(self) -> None:
        self.sink.abort()

    def wait(self, patience: float | None = None) -> None:
        pass


class _ThreadLane(_Lane):
    """A queue and a thread that empties it into the sink."""

    def __init__(self, sink: Sink, depth: int, on_failure: Callable[[Sink, Exception], None] | None) -> None:
        super().__init__(sink, on_failure)
        self._depth = depth if sink.lossless else 1
        self._queue: deque[Frame] = deque()
        self._last: Frame | None = None
        self._changed = threading.Condition()
        self._finishing = False
        self._abandoned = False
        # A daemon, so that a driver that hangs cannot keep the program from ending.
        self._thread = threading.Thread(target=self._run, name=f"sink {sink.name}", daemon=True)
        self._thread.start()

    def write(self, frame: Frame) -> None:
        with self._changed:
            if self.sink.lossless:
                self._changed.wait_for(lambda: len(self._queue) < self._depth or self.error is not None)
            elif self._queue:
                self._queue.clear()
                self.dropped += 1
            self._queue.append(frame)
            self._changed.notify_all()

    def finish(self) -> None:
        with self._changed:
            self._finishing = True
            self._changed.notify_all()

    def give_up(self) -> None:
        with self._changed:
            self._abandoned = True
            self._changed.notify_all()

    def wait(self, patience: float | None = None) -> None:
        self._thread.join(patience)
        if self._thread.is_alive() and self.error is None:
            self.error = SinkError(f"{self.sink.name}: did not stop within {patience:g} s; it may hang")

    def _count(self, *, written: bool) -> None:
        # The feeder's thread counts too.
        with self._changed:
            super()._count(written=written)

    def _run(self) -> None:
        try:
            while (frame := self._next()) is not None:
                if not self._hand_over(frame, again=frame is self._last):
                    return
                self._last = frame
            if self._abandoned:
                self.sink.abort()
            else:
                self._attempt(self.sink.close)
        finally:
            # A feeder that waits for room must learn that there is nobody left to make it.
            with self._changed:
                self._queue.clear()
                self._changed.notify_all()

    def _next(self) -> Frame | None:
        """The next frame to write, the last one again when that is overdue, or None when there will be
        no more."""
        with self._changed:
            patience = self.sink.keep_alive if self._last is not None else None
            self._changed.wait_for(lambda: self._queue or self._finishing or self._abandoned, patience)
            if self._abandoned:
                return None
            if not self._queue:
                return None if self._finishing else self._last
            frame = self._queue.popleft()
            self._changed.notify_all()
            return frame
