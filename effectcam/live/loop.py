"""The live loop: frames in, the effect, what privacy asks for, sinks.

The camera and the sinks have threads of their own with room for one frame each; this loop runs in the
thread that built the sinks, since windows want that.
"""

from __future__ import annotations

import contextlib
import gc
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from effectcam.composite.label import Label
from effectcam.composite.placeholder import placeholder
from effectcam.errors import reason
from effectcam.frame import Clock, Frame, Pixels, RealClock
from effectcam.live.controls import Controls
from effectcam.live.governor import BudgetPolicy, Cost, NoGovernor
from effectcam.live.preview import Preview
from effectcam.live.privacy import Guard, Look, NoGuard, blurred
from effectcam.live.similarity import Change, LastDrawn
from effectcam.pipeline import Pipeline
from effectcam.sink.base import Sink

_IDLE_FPS = 10
"""A virtual camera that gets nothing is taken for dead by some programs; ten a second keep it alive."""

_STAND_IN_AFTER = 1.0
"""Seconds for which the last picture stands still before a card takes its place."""

_TICK = 1_000_000
"""Nanoseconds from a picture that stood in to the next frame, at least: a file counts time in coarser steps
than one, and takes no two pictures for a moment."""

_APART = 100_000_000
"""Nanoseconds from a panic's picture to a clip's frames round it, at least: a file of the clip counts time in
the clip's own steps."""

_RENEW_AFTER = 30
"""Frames in a row that an effect may fail before it is opened anew: about a second."""

_WINDOW = 120
_RECENT = 5_000_000_000
"""Of the latest frames, so many at most and none older, in nanoseconds, tell the pace."""

Showing = Look | Literal["panic", "paused", "no camera"]


@dataclass(frozen=True, slots=True)
class Pace:
    """How the last seconds went."""

    fps: float
    """Frames finished a second."""
    delay_ms: float | None
    """From capture until the sinks had the frame, median; None for clips and before the first frame."""


class LiveLoop:
    """Puts the effect on each frame and hands it on, whatever happens on the way.

    A camera that is away, an effect that fails, a face that is lost: the sinks go on getting frames.
    Only the sinks' own end, the source's end, or a wish to stop ends it.
    """

    def __init__(
        self,
        controls: Controls,
        sink: Sink,
        *,
        size: tuple[int, int],
        guard: Guard | None = None,
        governor: BudgetPolicy | None = None,
        label: Label | None = None,
        preview: Preview | None = None,
        watched: Callable[[], bool] = lambda: True,
        waiting_for: Callable[[], str] = lambda: "the camera",
        stamped: bool = True,
        after: Callable[[], None] = lambda: None,
        clock: Clock | None = None,
    ) -> None:
        """``size`` (width, height) of the frames. ``guard`` hides a face that is not under the effect.
        ``governor`` decides how much work a frame is worth; None draws all.
        ``watched`` False rests the effect, since nobody sees it. ``waiting_for`` names what is missing
        while no frame comes. ``stamped`` says that stamps are this machine's monotonic time, so that
        delay can be told. ``after`` is called after each frame, to show the run's state. ``clock``: what
        frames are stamped by, and times measured."""
        self._controls = controls
        self._sink = sink
        self._size = controls.size = size
        self._guard = guard or NoGuard()
        self.governor = governor or NoGovernor()
        self._governed: object = None
        self._faces = controls.faces_in_use
        self._last = LastDrawn()
        self._label = label or Label()
        self._preview = preview or Preview()
        self._watched = watched
        self._waiting_for = waiting_for
        self._stamped = stamped
        self._after = after
        self._clock = clock or RealClock()
        self._failures = 0
        self._failure = ""
        self._index, self._earliest = 0, 0
        self._sent: Pixels | None = None
        self._sent_at = 0
        self._frozen: Pixels | None = None
        self._bare = False
        self._fresh_at = self._clock.now()
        self._moments: deque[int] = deque(maxlen=_WINDOW)
        self._delays: deque[int] = deque(maxlen=_WINDOW)
        self.showing: Showing = "no camera"
        self.frames = 0

    @property
    def failure(self) -> str:
        """Why the effect fails at present, empty while it does not."""
        return self._failure

    @property
    def pace(self) -> Pace:
        now, moments, delays = self._clock.now(), list(self._moments), list(self._delays)
        # While a camera is away, and just after, the frames from before tell no rate.
        recent = sum(now - moment <= _RECENT for moment in moments)
        moments, delays = moments[len(moments) - recent :], delays[max(0, len(delays) - recent) :]
        span = (now - moments[0]) / 1e9 if moments else 0.0
        fps = len(moments) / span if span > 0 else 0.0
        return Pace(fps, float(np.median(delays)) / 1e6 if delays and self._stamped else None)

    def run(self, frames: Iterator[Frame | None]) -> None:
        """Until ``frames`` ends; None among them is a moment without a new one. Raises what the source
        raises, and SinkError when no sink is left."""
        closing = contextlib.closing(frames) if isinstance(frames, Generator) else contextlib.nullcontext()
        with closing, short_collections():
            for frame in frames:
                self._step(frame)
                self._after()

    def idle(self, left: int) -> None:
        """For a clip whose next frame is ``left`` nanoseconds away: what people do does not wait for it."""
        self._after()
        self._controls.take_up()
        if self._controls.panic is None or self.showing == "panic":
            return
        gone = self._clock.now() - self._sent_at
        if self._sent is not None and min(gone, left) >= _APART:
            before = self._sent
            pixels = self._panic_picture(before)
            if pixels is not before:
                self._send(Frame(pixels, 0, self._earliest + gone), pixels)

    def _step(self, frame: Frame | None) -> None:
        now = self._clock.now()
        self._controls.take_up()
        if frame is None:
            self._stand_in(now, now)
            return
        self._fresh_at = now
        if self._rests():
            # Whoever opens the camera now sees the last picture until the next frame, and not nothing.
            self.showing = "paused"
            self._stand_in(now, frame.captured_at)
            return
        spent = time.process_time_ns()
        pipeline = self._controls.settle()
        if self._faces != self._controls.faces_in_use:
            self._faces = self._controls.faces_in_use
            # Those who get no effect any more have not been lost.
            self._guard.recount()
        panic = self._controls.panic is not None
        if not panic and self._omits(pipeline, frame):
            return
        if self._controls.mirror:
            frame = frame.with_pixels(np.asarray(cv2.flip(frame.pixels, 1), np.uint8))
        if panic:
            pixels = self._panic_picture(frame.pixels)
        else:
            self._frozen = None
            pixels = self._draw(pipeline, frame)
        self._send(frame, pixels)
        self._preview.offer(frame.pixels, pixels)
        self.frames += 1
        self._moments.append(now)
        self._delays.append(self._clock.now() - frame.captured_at)
        if not panic:
            self.governor.account(self._cost(pipeline, frame, now, spent))

    def _rests(self) -> bool:
        """Nobody sees the run, and whoever opens the camera next may see what stands there: no picture from
        before a panic, and no bare one from before the effect was wished for."""
        unseen = not self._watched() and not self._preview.watched
        return unseen and self._controls.panic is None and not (self._bare and self._controls.strength)

    def _omits(self, pipeline: Pipeline, frame: Frame) -> bool:
        """Do as the governor wants with the pipeline, and with the frame."""
        tiers = self._controls.tiers
        if self._governed != (pipeline, tiers):
            self._governed = (pipeline, tiers)
            self.governor.begin(pipeline.effect, tiers, pipeline.tier)
        if self.governor.tier is not None:
            self._controls.change_tier(self.governor.tier)
        return self.governor.omits(frame.index, frame.captured_at)

    def _cost(self, pipeline: Pipeline, frame: Frame, begun: int, spent: int) -> Cost | None:
        """Of the frame that was just sent; None when the effect was not what it usually is."""
        if self._failures or pipeline.strength == 0 or self._controls.loading is not None:
            return None
        waited = round((begun - frame.captured_at) / 1e6, 3) if self._stamped else None
        return Cost(
            pipeline.tier,
            waited,
            round(pipeline.ledger.last("chain"), 3),
            round((self._clock.now() - begun) / 1e6, 3),
            round((time.process_time_ns() - spent) / 1e6, 3),
        )

    def _draw(self, pipeline: Pipeline, frame: Frame) -> Pixels:
        action = self.governor.plan(frame.index, frame.captured_at, self._change(pipeline, frame))
        drawn: Pixels | None
        try:
            if action == "repeat":
                drawn = self._last.drawn
                pipeline.ledger.skip()
            else:
                drawn = pipeline.process(frame, detect=action == "draw").pixels
                # One at its soft limits is partly bare, and so not under the effect.
                self._last.keep(drawn, sum(face.shown == 1 for face in pipeline.faces))
        except Exception as error:
            # Whatever it is, out of memory for a moment or a fault of ours: the sinks go on getting frames.
            drawn = None
            pipeline.ledger.skip()
            self._last.forget()
            self._fail(reason(error))
        else:
            if self._failures:
                self._controls.tell(f"effect {pipeline.effect.name} works again")
            self._failures, self._failure = 0, ""
        # A drawn frame has nothing bare in it, and a strength of 0 is the wish for the bare picture.
        self._bare = pipeline.strength == 0
        can_miss = "frame" not in pipeline.effect.places and not self._bare
        pixels = self._guard(frame, drawn, self._last.faces if can_miss else None)
        self.showing = self._guard.look
        if self._controls.label and self.showing in ("live", "hold"):
            pixels = self._label.lay(pixels)
        return pixels

    def _change(self, pipeline: Pipeline, frame: Frame) -> Change | None:
        """From the last drawn frame; None unless that could be shown again."""
        if not self.governor.compares or pipeline.strength == 0:
            self._last.forget()
            return None
        settings = (pipeline, pipeline.tier, pipeline.strength, self._controls.mirror)
        change = self._last.compare(frame.pixels, frame.captured_at, settings)
        # While a face is looked for, every frame may have it.
        return change if self._guard.look == "live" else None

    def _fail(self, why: str) -> None:
        self._failures += 1
        if why != self._failure:
            self._failure = why
            self._controls.tell(why)
        if self._failures % _RENEW_AFTER == 0:
            self._controls.renew()

    def _panic_picture(self, pixels: Pixels | None) -> Pixels:
        """Instead of ``pixels``; None where there are none."""
        mode = self._controls.panic
        self.showing = "panic"
        # Not what stood before the panic, when it ends.
        self._guard.forget()
        self._last.forget()
        if mode == "blur" and pixels is not None:
            return blurred(pixels)
        if mode == "freeze" and self._frozen is None:
            self._frozen = self._sent
        if mode == "freeze" and self._frozen is not None:
            return self._frozen
        return self._card("One moment, please", "the picture will be back")

    def _stand_in(self, now: int, stamp: int) -> None:
        """A picture for a moment in which no new one came, when one is due."""
        if now - self._sent_at < 1e9 / _IDLE_FPS:
            return
        pixels = self._sent
        if self._controls.panic is not None:
            if self.showing != "panic" or pixels is None:
                pixels = self._panic_picture(pixels)
        elif self.showing == "paused" and self._rests():
            pass
        elif pixels is None or now - self._fresh_at > _STAND_IN_AFTER * 1e9:
            self.showing = "no camera"
            self._frozen = None
            self._guard.forget()
            self._last.forget()
            self._controls.reset_tracking()
            pixels = self._card("One moment, please", f"waiting for {self._waiting_for()}")
        if pixels is not None:
            self._send(Frame(pixels, 0, stamp), pixels)
            self._earliest += _TICK

    def _card(self, title: str, subtitle: str) -> Pixels:
        return placeholder(*self._size, title, subtitle)

    def _send(self, frame: Frame, pixels: Pixels) -> None:
        # What stood in for a frame may bear a later stamp than the next frame does, or the next few.
        stamp = max(self._earliest, frame.captured_at)
        self._earliest = stamp + (_TICK if stamp > frame.captured_at else 1)
        self._sink.write(Frame(pixels, self._index, stamp))
        self._index += 1
        self._sent = pixels
        self._sent_at = self._clock.now()


@contextlib.contextmanager
def short_collections() -> Iterator[None]:
    """Take what the start has made out of the garbage collector's rounds, for the length of the block.

    Beside half a million lasting objects it would look for garbage once in ten minutes, stop the picture
    for it, and let decoded frames that hang in cycles add up to hundreds of megabytes until then.
    """
    gc.collect()
    gc.freeze()
    # The collector goes by how many objects its last full round found.
    gc.collect()
    try:
        yield
    finally:
        gc.unfreeze()
