"""Sends stamped frames through the live loop and a sink for a while, and gathers what came of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any, cast

from effectcam.effect.package import Effect
from effectcam.errors import SinkError, SourceError
from effectcam.frame import Frame, Pixels
from effectcam.latency import stamp
from effectcam.latency.clip_camera import ClipCamera
from effectcam.latency.passage import MemorySink, NotingSink, Passage, Reading
from effectcam.latency.reader import CameraReader, watched_cameras
from effectcam.live.controls import Controls
from effectcam.live.cores import keep_to
from effectcam.live.feed import newest
from effectcam.live.loop import LiveLoop
from effectcam.live.options import Options
from effectcam.live.privacy import FaceGuard
from effectcam.live.stop import StopFlag
from effectcam.sink.base import Sink
from effectcam.sink.fan_out import FanOut
from effectcam.sink.virtual_camera import VirtualCamera
from effectcam.source.devices import CameraDevice
from effectcam.source.supervisor import CameraSupervisor

_WARM_FRAMES = 15
"""The first frames of an effect are slow; nobody's call consists of them."""

_LAST_WITHIN = 5.0
"""Seconds to wait for the last frame to be read back."""

_CAMERA = CameraDevice(0, "0", "the clip", "", (), ())


@dataclass(frozen=True, slots=True)
class Run:
    """What a measurement found."""

    width: int
    height: int
    fps: float
    device: str | None
    """The virtual camera, None for memory."""
    passages: Sequence[Passage]
    """Of the frames handed out while it was measured."""
    readings: Sequence[Reading]
    """From the first of these frames on."""
    stages_ms: dict[str, dict[str, float]]
    """As `Ledger.summary` gives them."""
    warnings: Sequence[str] = ()


class Way(AbstractContextManager["Way"]):
    """A sink and what is read of it. Whoever opens it lets `FanOut` close the sink, and closes this after."""

    def __init__(self, sink: Sink, readings: list[Reading], *, reader: CameraReader | None = None) -> None:
        self.sink = sink
        self.readings = readings
        self._reader = reader

    @property
    def device(self) -> str | None:
        return self.sink.device if isinstance(self.sink, VirtualCamera) else None

    @property
    def warnings(self) -> list[str]:
        return self.sink.warnings if isinstance(self.sink, VirtualCamera) else []

    @property
    def is_read(self) -> bool:
        """Whether there is still somebody who reads."""
        return self._reader is None or self._reader.runs

    def __exit__(self, *error: object) -> None:
        if self._reader is not None:
            self._reader.close()


def through_memory() -> Way:
    sink = MemorySink()
    return Way(sink, sink.readings)


def through_camera(size: tuple[int, int], *, fps: float, device: str | None = None) -> Way:
    """Through a virtual camera of this ``size`` (width, height); ``device`` as `VirtualCamera` takes it.
    Raises SinkError."""
    camera = VirtualCamera(*size, fps=fps, device=device)
    try:
        reader = CameraReader(watched_cameras(camera.device))
    except BaseException:
        camera.abort()
        raise
    return Way(camera, reader.readings, reader=reader)


def measure(
    effect: Effect,
    frames: list[Pixels],
    way: Way,
    *,
    fps: float = 30.0,
    seconds: float = 10.0,
    options: Options | None = None,
    patience: float = 60.0,
    tick: Callable[[], None] = lambda: None,
) -> Run:
    """Run ``frames`` (see `load_frames`) under ``effect`` along ``way``, at ``fps`` for ``seconds``.

    The loop, its camera supervisor, guard and sink threads are those of a live run. It is not counted
    before frames are read back and the effect is warm. ``patience``: seconds that this may take; less
    fails on a machine where an effect needs seconds a frame. ``tick`` is called after each counted frame.

    Closes the sink of ``way``. Raises SinkError if nothing can be read back, and what the parts raise;
    Ctrl-C ends it early with what was measured so far.
    """
    return _Probe(effect, frames, way, fps, seconds, options, patience, tick).run()


class _Probe:
    def __init__(
        self,
        effect: Effect,
        frames: list[Pixels],
        way: Way,
        fps: float,
        seconds: float,
        options: Options | None,
        patience: float,
        tick: Callable[[], None],
    ) -> None:
        self._effect = effect
        self._way = way
        self._fps = fps
        self._seconds = seconds
        self._options = options
        self._patience = patience
        self._tick = tick
        self._camera = ClipCamera(frames, fps=fps)
        self._stop = StopFlag()
        self._current: Passage | None = None
        self._begun: int | None = None
        self._ended: int | None = None

    def run(self) -> Run:
        with ExitStack() as stack:
            stack.callback(self._way.sink.abort)
            keep_to()
            self._controls = Controls(
                self._effect, self._options, on_quit=self._stop.set, tell=lambda line: None
            )
            stack.callback(self._controls.close)
            written = NotingSink(self._way.sink)
            handed = NotingSink(FanOut([written]))
            stack.callback(handed.abort)
            source = self._open_camera()
            stack.callback(source.close)
            self._loop = LiveLoop(
                self._controls,
                handed,
                size=(source.width, source.height),
                guard=FaceGuard(),
                after=self._note,
            )
            with self._stop:
                # A flag of its own: frames go on after Ctrl-C until the last that counts was read.
                self._loop.run(self._phases(newest(source, StopFlag(), fps=self._fps)))
            stages = self._controls.stages()
            handed.close()
        return self._gather(handed.moments, written.moments, stages)

    def _open_camera(self) -> CameraSupervisor:
        return CameraSupervisor(
            0,
            width=self._camera.width,
            height=self._camera.height,
            fps=self._fps,
            open_camera=cast(Any, lambda device, **mode: self._camera),
            list_cameras=lambda: [_CAMERA],
            nodes=frozenset,
            tell=lambda line: None,
            wait=False,
        )

    def _phases(self, frames: Iterator[Frame | None]) -> Generator[Frame | None]:
        """Warm up, count, and wait for the last frame: each ends when it has what it is there for."""
        warm_until, wait_until = time.monotonic() + self._patience, 0.0
        for frame in frames:
            now = time.perf_counter_ns()
            self._current = self._camera.passages.get(frame.captured_at) if frame is not None else None
            if self._current is not None:
                self._current.taken = now
            yield frame
            if self._begun is None:
                self._check(warm_until)
            elif self._ended is None:
                now = time.perf_counter_ns()
                if now - self._begun >= self._seconds * 1e9 or self._stop.is_set:
                    self._ended = now
                    wait_until = time.monotonic() + _LAST_WITHIN
            elif self._last_is_read() or time.monotonic() > wait_until:
                return

    def _check(self, warm_until: float) -> None:
        """Begin to count when it is time to; raise why if that time never comes."""
        if self._stop.is_set:
            raise KeyboardInterrupt
        warm = self._loop.frames >= _WARM_FRAMES
        if warm and any(reading.code is not None for reading in self._way.readings):
            self._controls.settle().ledger.clear()
            self._begun = time.perf_counter_ns()
        elif not self._way.is_read:
            raise SinkError(f"{self._way.sink.name}: its reader ended; see what effectcam doctor says")
        elif time.monotonic() > warm_until and warm:
            raise self._failure()

    def _failure(self) -> SinkError | SourceError:
        waited = f"{self._patience:g} s"
        name = self._effect.name
        if self._loop.failure:
            return SinkError(
                f"effect {name} fails, so that there is nothing to measure: {self._loop.failure}"
            )
        if self._loop.showing != "live":
            return SourceError(
                f"no face found within {waited}, and {name} sends no picture without one; choose a clip with "
                "a face, or an effect that draws the whole frame"
            )
        if self._way.readings:
            return SinkError(
                f"{self._way.sink.name}: no stamp could be read in what came back within {waited}; "
                f"if {name} redraws the upper edge beyond recognition, choose another effect"
            )
        return SinkError(
            f"{self._way.sink.name}: no picture came back within {waited}; look for the reason with: "
            "effectcam doctor"
        )

    def _note(self) -> None:
        """After each step of the loop."""
        passage = self._current
        if passage is None:
            return
        passage.shown = self._loop.showing == "live" and not self._loop.failure
        if passage.shown:
            passage.chain = int(self._controls.settle().ledger.last("chain") * 1e6)
        if self._begun is not None and self._ended is None:
            self._tick()

    def _last_is_read(self) -> bool:
        """Whether a frame came back that is younger than all that count."""
        ended = cast(int, self._ended)
        # A copy each time, since the camera's thread goes on adding to it.
        after = {stamp.code_at(captured) for captured in list(self._camera.passages) if captured > ended}
        return any(reading.code in after for reading in self._way.readings[-10:])

    def _gather(
        self, handed: dict[int, int], written: dict[int, int], stages: dict[str, dict[str, float]]
    ) -> Run:
        begun, ended = cast(int, self._begun), cast(int, self._ended)
        counted = [each for each in list(self._camera.passages.values()) if begun <= each.captured < ended]
        for passage in counted:
            passage.handed = handed.get(passage.captured)
            passage.written = written.get(passage.captured)
        return Run(
            width=self._camera.width,
            height=self._camera.height,
            fps=self._fps,
            device=self._way.device,
            passages=counted,
            readings=[reading for reading in self._way.readings if reading.at >= begun],
            stages_ms=stages,
            warnings=self._way.warnings,
        )
