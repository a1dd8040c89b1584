"""A desk with sockets: cameras that a test plugs in and out, each a real OpenCV capture of a clip."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import cv2

from effectcam.source.camera import Camera
from effectcam.source.devices import CameraDevice

PATIENCE = 30.0
"""Seconds after which a test gives up on something that must happen."""


def until(condition: Callable[[], object]) -> None:
    """Wait for a condition that nothing announces."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "did not happen"
        time.sleep(0.002)


@dataclass
class Webcam:
    """A camera that shows ``clip`` over and over, and the faults it has."""

    name: str
    clip: Path
    bus: str = "usb-1"
    driver: str = "uvcvideo"
    flows: threading.Event = field(default_factory=threading.Event)
    """Cleared: the driver gives nothing and holds whoever asks."""
    held: bool = False
    """Somebody is."""
    refusals: int = 0
    """How many of the next openings give no picture."""
    pictures: int | None = None
    """How many pictures each opening gives before it fails; None for no end."""
    fails: bool = False
    """The driver refuses whoever asks for a picture."""
    grabs: int = 0
    openings: int = 0
    in_use: int = 0

    def __post_init__(self) -> None:
        self.flows.set()


class Capture:
    """The capture of a `Webcam`; what it does not break itself is OpenCV's."""

    def __init__(self, webcam: Webcam, plugged: Callable[[], bool]) -> None:
        assert webcam.in_use == 0, "two captures of one device"
        self._webcam = webcam
        self._plugged = plugged
        self._open = True
        webcam.in_use += 1
        webcam.openings += 1
        self._left = webcam.pictures
        if webcam.refusals:
            webcam.refusals -= 1
            self._left = 0
        self._capture = cv2.VideoCapture(str(webcam.clip), cv2.CAP_FFMPEG)

    def grab(self) -> bool:
        time.sleep(0.004)  # a picture takes its time
        while not self._webcam.flows.wait(0.002):
            self._webcam.held = True
        self._webcam.held = False
        if self._webcam.fails or self._left == 0 or not self._plugged():
            return False
        if self._left is not None:
            self._left -= 1
        self._webcam.grabs += 1
        if not self._capture.grab():
            self._capture.open(str(self._webcam.clip), cv2.CAP_FFMPEG)
            return self._capture.grab()
        return True

    def release(self) -> None:
        if self._open:
            self._open = False
            self._webcam.in_use -= 1
        self._capture.release()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._capture, name)


class Desk:
    """What is plugged in, by the N of ``/dev/videoN``. Numbers that no machine has are the safe ones."""

    def __init__(self) -> None:
        self._plugged: dict[int, tuple[int, Webcam]] = {}
        self._serial = 0
        self.errors: list[Exception] = []
        """Raised by the next openings, first to last."""
        self.listings = 0

    def plug(self, index: int, webcam: Webcam) -> None:
        self._serial += 1
        self._plugged = {**self._plugged, index: (self._serial, webcam)}

    def unplug(self, index: int) -> None:
        self._plugged = {at: plug for at, plug in self._plugged.items() if at != index}

    def cameras(self) -> list[CameraDevice]:
        self.listings += 1
        return [
            CameraDevice(index, f"/dev/video{index}", webcam.name, webcam.driver, (), (), webcam.bus)
            for index, (_, webcam) in sorted(self._plugged.items())
        ]

    def nodes(self) -> frozenset[tuple[str, int]]:
        return frozenset((f"video{index}", serial) for index, (serial, _) in self._plugged.items())

    def open(self, device: CameraDevice, *, width: int, height: int, fps: float) -> Camera:
        if self.errors:
            raise self.errors.pop(0)
        plug = self._plugged[device.index]
        return Camera(
            device,
            width=width,
            height=height,
            fps=fps,
            opener=lambda _: cast(
                cv2.VideoCapture, Capture(plug[1], lambda: self._plugged.get(device.index) is plug)
            ),
        )
