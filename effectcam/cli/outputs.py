"""Which sinks a live run feeds, and who looks at them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from effectcam.errors import SinkError, UsageError
from effectcam.sink.base import NullSink, Sink, SinkEndedError
from effectcam.sink.fan_out import FanOut
from effectcam.source.clip import Clip


class Pictures(Protocol):
    """What outputs are opened for."""

    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def fps(self) -> float: ...


@dataclass(frozen=True, slots=True)
class EndlessPictures:
    """A clip that goes round and round: without the sound and the timestamps of a single round."""

    width: int
    height: int
    fps: float


@dataclass(frozen=True, slots=True)
class Outputs:
    """What the user asked for; nothing at all means a virtual camera, or else a window."""

    virtual_camera: bool = False
    device: str | None = None
    """A virtual camera by path or label."""
    record: Path | None = None
    window: bool = False
    stills: Path | None = None
    panel: bool = False
    """There is a panel, whose preview is enough where nothing else can be opened."""

    def open(
        self,
        source: Pictures,
        *,
        on_key: Callable[[str], None],
        on_close: Callable[[], None],
        tell: Callable[[str], None],
    ) -> FanOut:
        """Open them for the frames of ``source``. Files alone take every frame of a clip; of a camera,
        or while somebody watches, they take what the disk and the encoder can bear, so that they never
        hold back a call.

        ``on_key`` and ``on_close`` are the window's; ``on_close`` is called only if the window is all
        there is. ``tell`` hears what was chosen in place of what, and of sinks that fail later.
        Raises SinkError or UsageError; what was opened by then is closed.
        """
        sinks: list[Sink] = []
        wants_camera = self.virtual_camera or self.device is not None
        every = isinstance(source, Clip) and not (wants_camera or self.window)
        try:
            if self.record is not None:
                sinks.append(_video_file(self.record, source, lossless=every))
            if self.stills is not None:
                sinks.append(_stills(self.stills, lossless=every))
            if wants_camera:
                sinks.append(_virtual_camera(self.device, source, tell))
            if not sinks and not self.window:
                sinks.append(_first_that_opens(source, on_key, on_close, tell, panel=self.panel))
            if self.window:
                sinks.append(_window(on_key, on_close if not sinks else lambda: tell("window closed")))
        except BaseException:
            for sink in sinks:
                sink.abort()
            raise
        return FanOut(sinks, on_failure=lambda sink, error: tell(_end_of_one(error)))


def is_live(sinks: FanOut) -> bool:
    """Whether somebody watches while it runs, so that a clip has to keep its own speed."""
    from effectcam.sink.stills import Stills
    from effectcam.sink.video_file import VideoFile

    return any(not isinstance(delivery.sink, VideoFile | Stills) for delivery in sinks.deliveries)


def watched(sinks: FanOut, stack: ExitStack) -> Callable[[], bool]:
    """Asks whether anybody sees the run, until ``stack`` is closed: only a virtual camera that nobody reads
    lets it rest."""
    from effectcam.live.watchers import Watchers
    from effectcam.sink.loopback import readers_of
    from effectcam.sink.reopening import Reopening
    from effectcam.sink.virtual_camera import VirtualCamera

    lanes = [delivery.sink for delivery in sinks.deliveries]
    lane = lanes[0]
    if len(lanes) > 1 or not isinstance(lane, Reopening):
        return lambda: True

    def readers() -> int | None:
        # Asked each time: opened again, it may be another device.
        camera = lane.sink
        return readers_of(camera.device) if isinstance(camera, VirtualCamera) else None

    watchers = Watchers(readers)
    stack.callback(watchers.close)
    return watchers


def is_kept(file: Path, sinks: FanOut) -> bool:
    """Whether ``file``, one of ``sinks``, is in its place now that they are closed."""
    return any(
        each.sink.name == str(file) and (each.error is None or isinstance(each.error, SinkEndedError))
        for each in sinks.deliveries
    )


def _end_of_one(error: Exception) -> str:
    return str(error) if isinstance(error, SinkEndedError) else f"given up: {error}"


def _video_file(path: Path, source: Pictures, *, lossless: bool) -> Sink:
    from effectcam.sink.live_recording import LiveRecording
    from effectcam.sink.video_file import VideoFile

    width, height, rate = source.width, source.height, source.fps
    if isinstance(source, Clip):
        # Whole or not at all: the clip can be played again.
        return VideoFile(path, width, height, rate=rate, source=source, lossless=lossless)
    return LiveRecording(path, width, height, rate=rate)


def _stills(folder: Path, *, lossless: bool) -> Sink:
    from effectcam.sink.stills import Stills

    return Stills(folder, lossless=lossless)


def _virtual_camera(device: str | None, source: Pictures, tell: Callable[[str], None]) -> Sink:
    from effectcam.sink.reopening import Reopening
    from effectcam.sink.virtual_camera import VirtualCamera

    width, height, fps = source.width, source.height, source.fps
    return Reopening(lambda: VirtualCamera(width, height, fps=fps, device=device), tell=tell)


def _window(on_key: Callable[[str], None], on_close: Callable[[], None]) -> Sink:
    from effectcam.sink.window import Window

    return Window(on_key=on_key, on_close=on_close)


def _first_that_opens(
    source: Pictures,
    on_key: Callable[[str], None],
    on_close: Callable[[], None],
    tell: Callable[[str], None],
    *,
    panel: bool,
) -> Sink:
    try:
        return _virtual_camera(None, source, tell)
    except SinkError as error:
        no_camera = error
    try:
        window = _window(on_key, on_close)
    except SinkError:
        if panel:
            tell(f"no virtual camera and no screen, so the panel's preview alone ({no_camera})")
            return NullSink()
        raise UsageError(
            "there is neither a virtual camera nor a screen here; choose --record FILE.mp4 or --stills "
            "FOLDER, or set up a virtual camera with: effectcam doctor"
        ) from None
    tell(f"no virtual camera, so a window instead ({no_camera})")
    return window
