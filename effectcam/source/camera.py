"""A live camera as a source of frames."""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import cv2

from effectcam.errors import SourceError, UsageError
from effectcam.frame import Frame, Pixels
from effectcam.source.devices import CameraDevice, capture_api, find_camera, holders_of

# Enough to see through the jitter of single frames, short enough to notice when dusk halves the rate.
_RATE_WINDOW = 60
_RATE_NEEDS = 10

# USB hiccups spoil a picture now and then; a camera that sends nothing else is broken.
_SPOILT_IN_A_ROW = 10

# OpenCV waits 10 s for a picture of a camera that stalls, and cannot be told to let go meanwhile. Whole
# seconds; three, because slow cameras need two for their first picture. Read at the first wait.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "3")

# Drivers keep four pictures or so for a program that is late.
_BACKLOG = 8


def open_capture(device: CameraDevice) -> cv2.VideoCapture:
    """OpenCV's capture of a camera through the system's own interface; not opened if it cannot be."""
    target: str | int = device.path if sys.platform == "linux" else device.index
    with _without_warnings():
        return cv2.VideoCapture(target, capture_api())


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Keep OpenCV's own lines about a failing camera off the terminal: the error says it better."""
    level = cv2.getLogLevel()
    cv2.setLogLevel(0)
    try:
        yield
    finally:
        cv2.setLogLevel(level)


def check_mode(width: int, height: int, fps: float) -> None:
    """Raise `UsageError` for a size or rate that no camera can have."""
    if width < 1 or height < 1 or not 0 < fps <= 1000:
        raise UsageError(
            f"camera mode {width}x{height} at {fps} fps: each must be above 0, the rate at most 1000"
        )


class Camera:
    """Reads a camera until closed; see `Source` for what it promises.

    ``captured_at`` is this machine's monotonic time (`RealClock`) at which the driver handed the
    picture over, before it was decoded.

    Parameters
    ----------
    device
        Index, path (``/dev/video0``), or name, whole or an unmistakable part; or one of
        `list_cameras`, which is then opened as it is.
    width, height, fps
        What to ask for, in pixels and frames a second. Cameras choose the nearest mode they have: `width`
        and `height` tell the true size, `measured_fps` the true rate.
    mirror
        Swap left and right, which is how people know themselves. Others in a call then see
        writing reversed.
    opener
        How a device becomes an OpenCV capture.
    cameras
        The cameras to choose from; None asks the system.

    Raises `SourceError` if there is no such camera, it is busy (with the program that holds it,
    where that can be told), or it gives no picture. A camera that is unplugged while it is read
    raises `SourceError` from the iterator.
    """

    def __init__(
        self,
        device: int | str | CameraDevice = 0,
        *,
        width: int = 1280,
        height: int = 720,
        fps: float = 30,
        mirror: bool = False,
        opener: Callable[[CameraDevice], cv2.VideoCapture] = open_capture,
        cameras: list[CameraDevice] | None = None,
    ) -> None:
        check_mode(width, height, fps)
        self.device = device if isinstance(device, CameraDevice) else find_camera(device, cameras=cameras)
        self._asked_fps = float(fps)
        self._mirror = mirror
        self._stamps: deque[int] = deque(maxlen=_RATE_WINDOW)
        self._index = 0
        self._closed = False
        self._capture = opener(self.device)
        try:
            if not self._capture.isOpened():
                raise SourceError(self._why_closed())
            # MJPG first: most cameras offer their high rates only in it, and a later change of
            # format would throw size and rate away again.
            self._capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
            self._capture.set(cv2.CAP_PROP_FPS, fps)
            self._pending: Frame | None = self._read()
        except BaseException:
            self.close()
            raise
        self._width, self._height = self._pending.width, self._pending.height

    @property
    def width(self) -> int:
        return self._width

    @property
    def height(self) -> int:
        return self._height

    @property
    def fps(self) -> float:
        """The measured rate, or the rate asked for until ten frames have come."""
        return self.measured_fps or self._asked_fps

    @property
    def measured_fps(self) -> float | None:
        """Frames a second over the last 60 frames, or None before the tenth.

        Meaningful only while frames are taken as fast as they come. The driver's own figure is not
        used: it names the mode, not what arrives, and in the dark those differ by half.
        """
        if len(self._stamps) < _RATE_NEEDS:
            return None
        return (len(self._stamps) - 1) * 1e9 / (self._stamps[-1] - self._stamps[0])

    @property
    def pixel_format(self) -> str:
        """What the camera really sends, as FOURCC: other than MJPG often means a low rate."""
        code = int(self._capture.get(cv2.CAP_PROP_FOURCC))
        return code.to_bytes(4, "little", signed=code < 0).decode("latin-1").strip("\0 ")

    def measure(self, frames: int = 30) -> float:
        """Read and drop ``frames`` pictures and return the rate at which they came."""
        if frames < _RATE_NEEDS:
            raise UsageError(f"{frames} frames are too few to measure a rate; give at least {_RATE_NEEDS}")
        self._pending = None
        self._skip_backlog()
        for _ in range(frames):
            self._read()
        return self.measured_fps or self._asked_fps

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        if self._closed:
            raise StopIteration
        frame, self._pending = self._pending, None
        if frame is not None and time.perf_counter_ns() - frame.captured_at > 2e9 / self._asked_fps:
            # Read when the camera was opened, and the rest of the program took its time to start.
            frame = None
            self._skip_backlog()
        frame = frame or self._read()
        frame.index = self._index
        self._index += 1
        return frame

    def close(self) -> None:
        self._closed = True
        with _without_warnings():
            self._capture.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _skip_backlog(self) -> None:
        """Drop the pictures that waited in the driver: they are old, and would be stamped as new."""
        self._stamps.clear()
        for _ in range(_BACKLOG):
            begun = time.perf_counter()
            if not self._capture.grab() or time.perf_counter() - begun > 0.25 / self._asked_fps:
                return

    def _read(self) -> Frame:
        for _ in range(_SPOILT_IN_A_ROW):
            with _without_warnings():
                grabbed = self._capture.grab()
            if not grabbed:
                raise SourceError(self._why_silent())
            stamp = time.perf_counter_ns()
            received, picture = self._capture.retrieve()
            self._stamps.append(stamp)
            if received and picture.size:
                return Frame(self._to_rgb(picture), self._index, stamp)
        raise SourceError(
            f"camera {self.device.path} {self.device.name!r}: {_SPOILT_IN_A_ROW} spoilt pictures in a row; "
            "try another USB port or cable"
        )

    def _to_rgb(self, picture: cv2.typing.MatLike) -> Pixels:
        if picture.shape[0] == 1 and picture.ndim == 2:
            picture = self._unrolled(picture)
        grey = picture.ndim == 2 or picture.shape[2] == 1
        rgb = cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB if grey else cv2.COLOR_BGR2RGB)
        return cv2.flip(rgb, 1) if self._mirror else rgb  # type: ignore[return-value]

    def _unrolled(self, picture: cv2.typing.MatLike) -> cv2.typing.MatLike:
        """OpenCV 4.11 passes on what a V4L2 device sends as BGR in one row of bytes."""
        width = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        if picture.size != 3 * width * height:
            raise SourceError(
                f"camera {self.device.path} {self.device.name!r}: sends {self.pixel_format}, "
                "which cannot be read; have it send MJPG, YUYV or BGR"
            )
        return picture.reshape(height, width, 3)

    def _why_closed(self) -> str:
        return f"camera {self.device.path} {self.device.name!r}: {self._who_holds_it()}"

    def _why_silent(self) -> str:
        camera = f"camera {self.device.path} {self.device.name!r}"
        if sys.platform == "linux" and not os.path.exists(self.device.path):
            return f"{camera}: unplugged; plug it in again"
        if self._index == 0:
            return f"{camera}: {self._who_holds_it()}"
        return f"{camera}: stopped sending pictures; check its cable, or whether the machine was asleep"

    def _who_holds_it(self) -> str:
        holders = holders_of(self.device.path) if sys.platform == "linux" else ()
        if holders:
            return f"busy, held by {', '.join(map(str, holders))}; close that program"
        return "gives no picture; close other programs that use the camera, or plug it in again"
