"""Keeps a camera's frames coming for hours: through unplugging, sleep, stalls and other programs."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Literal, Self

import cv2
import numpy as np

from effectcam.errors import SourceError
from effectcam.frame import Frame, Pixels
from effectcam.source.camera import Camera, check_mode
from effectcam.source.devices import (
    CameraDevice,
    called,
    find_camera,
    held_here,
    list_cameras,
    refuse_barred,
    unlisted_camera,
    video_nodes,
)
from effectcam.source.identity import CameraIdentity

Status = Literal["waiting", "running", "stalled", "lost", "closed"]
"""waiting: never opened yet. stalled: open, but the driver gives nothing. lost: was open, being sought."""

# How often to look whether something was plugged in: short beside the second that a camera takes to start.
_POLL = 0.25

# A camera that fails sooner than this after it was opened is not yet well.
_STEADY = 1.0

# A loose plug says the same things over and over; people need to read each once.
_SAME_LINE_AFTER = 10.0

# Whoever ends the program does not wait for a driver that hangs.
_CLOSE_WITHIN = 0.4


@dataclass(frozen=True, slots=True)
class CameraState:
    """How the camera is at one moment."""

    status: Status
    name: str
    """The camera's own name; what the user called it until it was opened."""
    message: str
    """One line for people: what it does, or what is wrong and the way out."""
    since: float
    """When the status began, in seconds of `time.monotonic`."""
    reopened: int = 0
    """How many times it came back."""
    recovery_s: float | None = None
    """Seconds from the moment the camera was seen again until its first picture, the last time it came
    back; None if it never went."""


class CameraSupervisor:
    """A camera that is opened again whenever it fails, and never makes anyone wait for its driver.

    A thread of its own opens and reads the camera, one capture at a time. The newest frame waits for
    `take`; one that nobody took in time is replaced. A camera that was opened once is found again by
    its name and socket, whichever number it has then. While it is away, opening is tried after ever
    longer pauses, and at once when a video device comes or goes (Linux).

    Parameters
    ----------
    wanted
        Index, path or name, as `Camera` takes them; None is the first camera that is no loopback device.
    width, height, fps
        What to ask the camera for, at each opening.
    open_camera
        Opens a `CameraDevice`, or raises what `Camera` raises; gets ``width``, ``height`` and ``fps``.
    list_cameras
        The cameras that there are, by index. Not asked on Windows and macOS when an index or the first is
        wanted: there the list costs opening them all.
    nodes
        Something cheap that changes when a device is plugged in or out, and is asked four times a
        second while the camera is away.
    retry
        Seconds of the first and of the longest pause before another try. Each is twice the one before;
        a camera that has run for a second begins with the first again.
    stalled_after
        Seconds without a picture after which the camera counts as stalled.
    tell
        Gets one line for people when the camera fails, when the reason changes, and when it is back;
        the same line again no sooner than after ten seconds. Called from the camera's thread, or from
        the one in `take`.
    wait
        True starts even without a camera. False makes the first opening happen here.

    Raises `UsageError` for a senseless size or rate, and without ``wait`` what `Camera` raises.
    """

    def __init__(
        self,
        wanted: int | str | None,
        *,
        width: int = 1280,
        height: int = 720,
        fps: float = 30.0,
        open_camera: Callable[..., Camera] = Camera,
        list_cameras: Callable[[], list[CameraDevice]] = list_cameras,
        nodes: Callable[[], frozenset[tuple[str, int]]] = video_nodes,
        retry: tuple[float, float] = (0.25, 5.0),
        stalled_after: float = 2.0,
        tell: Callable[[str], None],
        wait: bool = True,
    ) -> None:
        check_mode(width, height, fps)
        self._wanted = wanted
        self._asked = (width, height, float(fps))
        self._open_camera = open_camera
        self._list_cameras = list_cameras
        self._nodes = nodes
        self._retry = retry
        self._stalled_after = stalled_after
        self._tell = tell

        # The camera's thread alone touches these.
        self._known: tuple[CameraDevice, CameraIdentity] | None = None
        self._known_nodes = nodes()
        self._pause = retry[0]
        self._seen_at: float | None = None

        # These are shared, under the lock of `_changed`.
        self._changed = threading.Condition(threading.RLock())
        self._frame: Frame | None = None
        self._arrived = 0.0
        self._size = (width, height)
        self._fixed = False
        self._fps = float(fps)
        self._index = 0
        self._last_stamp = -1
        self._told = ""
        self._told_at: dict[str, float] = {}
        self._state = CameraState(
            "waiting",
            called(None) if wanted is None else str(wanted),
            f"{called(wanted)}: being opened",
            time.monotonic(),
        )

        self._closing = threading.Event()
        camera = None if wait else self._open()
        self._thread = threading.Thread(
            target=self._supervise, args=(camera,), name="camera supervisor", daemon=True
        )
        self._thread.start()

    @property
    def width(self) -> int:
        """Pixels across of the frames handed out: what was asked for until a camera was opened, then
        that camera's. Stays once a frame was taken or `fix_size` called."""
        return self._size[0]

    @property
    def height(self) -> int:
        """Pixels down; see `width`."""
        return self._size[1]

    @property
    def fps(self) -> float:
        """Frames a second that the camera delivers, taken or not; the rate asked for until it is measured."""
        return self._fps

    @property
    def state(self) -> CameraState:
        with self._changed:
            if not self._stalls():
                return self._state
            return replace(
                self._state,
                status="stalled",
                message=f"camera {self._state.name!r}: no picture for {self._stalled_after:g} s; "
                "being waited for, check its cable if it stays away",
                since=self._arrived + self._stalled_after,
            )

    def fix_size(self) -> tuple[int, int]:
        """(width, height) of all frames from now on.

        A camera that comes back with another size has its pictures scaled evenly and centred on black.
        """
        with self._changed:
            self._fixed = True
            return self._size

    def take(self, timeout: float) -> Frame | None:
        """The newest frame that was not taken yet, or None if none comes within ``timeout`` seconds.

        Waits for no driver. ``index`` counts the frames taken, without gaps over reopenings;
        ``captured_at`` is `RealClock`'s time and strictly rising. The pixels are the frame's own.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None or self._closing.is_set(), timeout)
            frame, self._frame = self._frame, None
            stalled = self.state.message if self._stalls() else ""
            if frame is not None and not stalled:
                self._fixed = True
                frame.index = self._index
                self._index += 1
                # A coarse clock may stamp two frames alike.
                frame.captured_at = self._last_stamp = max(frame.captured_at, self._last_stamp + 1)
                return frame
        if stalled:
            self._report(stalled)
        return None

    def close(self) -> None:
        """End it within half a second; further calls do nothing.

        A driver that hangs is not waited for: the thread in it lets go of the camera when it returns,
        or with the process.
        """
        with self._changed:
            if not self._closing.is_set():
                self._closing.set()
                self._frame = None
                self._state = replace(
                    self._state, status="closed", message="camera closed", since=time.monotonic()
                )
            self._changed.notify_all()
        self._thread.join(_CLOSE_WITHIN)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _supervise(self, camera: Camera | None) -> None:
        while not self._closing.is_set():
            try:
                if camera is None:
                    camera = self._open()
                self._read(camera)
            except Exception as error:
                # Whatever a driver did to OpenCV, the next opening may go well; a thread that ended
                # would leave the picture frozen for good.
                self._lose(error)
            finally:
                if camera is not None:
                    camera.close()
                    camera = None
            self._wait()

    def _open(self) -> Camera:
        self._known_nodes = self._nodes()
        try:
            found = self._find()
        except SourceError:
            self._seen_at = None
            raise
        if self._seen_at is None:
            self._seen_at = time.monotonic()
        width, height, fps = self._asked
        device = found[0]
        camera = self._open_camera(device, width=width, height=height, fps=fps)
        again = self._known is not None
        self._known = found
        with self._changed:
            if self._closing.is_set():
                return camera
            now = self._arrived = time.monotonic()
            if not self._fixed:
                self._size = (camera.width, camera.height)
            self._state = CameraState(
                "running",
                device.name,
                f"camera {device.path} {device.name!r}: running at {camera.width}x{camera.height}",
                now,
                self._state.reopened + again,
                now - self._seen_at if again else None,
            )
        self._seen_at = None
        return camera

    def _find(self) -> tuple[CameraDevice, CameraIdentity]:
        """The camera to open, and what to know it by from then on. Raises `SourceError`."""
        if sys.platform != "linux":
            device = self._known[0] if self._known else unlisted_camera(self._wanted)
            if device is not None:
                return device, CameraIdentity.of(device, [])
        # The virtual camera that this very run feeds is a camera to the system, and must not be to it.
        own = held_here()
        cameras = [camera for camera in self._list_cameras() if camera.path not in own]
        if self._known is None:
            named = find_camera(self._wanted, cameras=cameras)
            return named, CameraIdentity.of(named, cameras)
        last, identity = self._known
        again = identity.find(cameras)
        if again is not None:
            return again, CameraIdentity.of(again, cameras)
        refuse_barred(last.name, name=last.name)
        where = ", where it was" if any(camera.name == last.name for camera in cameras) else ""
        raise SourceError(f"camera {last.path} {last.name!r}: unplugged; plug it in again{where}")

    def _read(self, camera: Camera) -> None:
        """Until the camera fails, which is raised, or the end of the run."""
        while not self._closing.is_set():
            frame = next(camera)
            with self._changed:
                self._arrived = time.monotonic()
                self._fps = camera.fps
            size = self._size
            if size != (frame.width, frame.height):
                frame = frame.with_pixels(_letterboxed(frame.pixels, *size))
            with self._changed:
                if self._closing.is_set():
                    return
                self._frame = frame
                self._changed.notify_all()
            if self._told:
                self._report(self._state.message)

    def _lose(self, error: Exception) -> None:
        if isinstance(error, SourceError):
            message = str(error)
        else:
            first = next(iter(str(error).splitlines()), "")
            message = (
                f"camera {self._state.name!r}: fails ({type(error).__name__}: {first}); being opened again"
            )
        now = time.monotonic()
        with self._changed:
            if self._closing.is_set():
                return
            self._frame = None
            before = self._state
            if before.status == "running":
                if self._arrived - before.since >= _STEADY:
                    self._pause = self._retry[0]
                before = replace(before, status="lost", since=now)
            self._state = replace(before, message=message)
        self._report(message)

    def _wait(self) -> None:
        """Before another try: the pause, or until something is plugged in or out."""
        until = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, self._retry[1])
        while (left := until - time.monotonic()) > 0 and not self._closing.wait(min(left, _POLL)):
            if self._nodes() != self._known_nodes:
                self._pause = self._retry[0]
                return

    def _stalls(self) -> bool:
        return self._state.status == "running" and time.monotonic() - self._arrived > self._stalled_after

    def _report(self, line: str) -> None:
        now = time.monotonic()
        with self._changed:
            recent = {told: when for told, when in self._told_at.items() if now - when < _SAME_LINE_AFTER}
            if line == self._told or line in recent or self._closing.is_set():
                return
            self._told = line
            self._told_at = {**recent, line: now}
        self._tell(line)


def _letterboxed(pixels: Pixels, width: int, height: int) -> Pixels:
    """The whole picture, scaled evenly and centred on black: (H, W, 3) to (``height``, ``width``, 3)."""
    tall, wide = pixels.shape[:2]
    scale = min(width / wide, height / tall)
    inner = (max(1, round(wide * scale)), max(1, round(tall * scale)))
    scaled = cv2.resize(pixels, inner, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    canvas = np.zeros((height, width, 3), np.uint8)
    x, y = (width - inner[0]) // 2, (height - inner[1]) // 2
    canvas[y : y + inner[1], x : x + inner[0]] = scaled
    return canvas
