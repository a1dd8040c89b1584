"""Reads a virtual camera as OBS or a browser does: in a process of its own, through OpenCV."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import sys
import threading
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

import numpy as np

from effectcam.latency import stamp
from effectcam.latency.passage import Reading
from effectcam.source.camera import open_capture
from effectcam.source.devices import CameraDevice, unlisted_camera

_AGAIN = 0.1
"""Seconds between two tries to open a camera that nobody feeds yet."""

_GLANCES = 15
"""Pictures after which a camera without stamps is taken for another one."""

_INDEXES = range(6)

_LEAVES_WITHIN = 5.0


def watched_cameras(device: str) -> list[CameraDevice]:
    """Where the pictures written to the virtual camera ``device`` come out: its path on Linux. OpenCV
    knows no names elsewhere, so there it is whichever of the first cameras shows stamps."""
    if sys.platform == "linux":
        return [CameraDevice(-1, device, device, "", (), ())]
    return [camera for index in _INDEXES if (camera := unlisted_camera(index)) is not None]


class CameraReader:
    """Reads until closed; a context manager.

    Opens the first of ``cameras`` that shows stamps and reads every picture it can get; a camera that
    cannot be opened yet, or fails, is tried again.
    """

    def __init__(self, cameras: Sequence[CameraDevice]) -> None:
        self.readings: list[Reading] = []
        """In the order read; grows while the process reads."""
        # Spawned, as a fork would copy the threads' locks in whatever state they are.
        context = multiprocessing.get_context("spawn")
        self._here, there = context.Pipe()
        self._process = context.Process(target=_read, args=(list(cameras), there), daemon=True)
        self._process.start()
        there.close()
        self._thread = threading.Thread(target=self._gather, name="latency reader", daemon=True)
        self._thread.start()

    @property
    def runs(self) -> bool:
        return self._process.is_alive()

    def _gather(self) -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                self.readings.append(Reading(*self._here.recv()))

    def close(self) -> None:
        """End the process. One that hangs in a driver is killed."""
        with contextlib.suppress(OSError):
            self._here.send(None)
        self._process.join(_LEAVES_WITHIN)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._thread.join()
        self._here.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _read(cameras: list[CameraDevice], talk: Connection) -> None:
    """The reader's process: sends (moment, code) of each picture until something comes back."""
    # Ctrl-C is for the run, which then ends this.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        while not talk.poll():
            for camera in cameras:
                _read_one(camera, talk, stays=len(cameras) == 1)
            time.sleep(_AGAIN)


def _read_one(camera: CameraDevice, talk: Connection, *, stays: bool) -> None:
    """Until the camera fails, the end, or, unless it ``stays``, a second's pictures had no stamp."""
    capture = open_capture(camera)
    seen = 0
    try:
        while capture.isOpened() and not talk.poll():
            there, picture = capture.read()
            at = time.perf_counter_ns()
            if not there:
                return
            code = stamp.read(np.asarray(picture, np.uint8))
            seen += 1
            stays = stays or code is not None
            if not stays and seen >= _GLANCES:
                return
            talk.send((at, code))
    finally:
        capture.release()
