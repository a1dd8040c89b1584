"""The devices of the guest, and the programs beside the test that use them."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Self

import cv2
import numpy as np

from effectcam.errors import EffectcamError
from effectcam.frame import Frame, Pixels
from effectcam.sink.virtual_camera import VirtualCamera
from effectcam.source.devices import list_virtual_cameras
from effectcam.source.v4l2 import Capability, Node
from tests.vm import pattern

DEVICE = "/dev/video10"
CAMERA = "/dev/video0"

VIVID = Path("/sys/bus/platform/drivers/vivid")

_STARTED: list[Callable[[], None]] = []
"""How to kill each program that a test may have left behind when it failed."""

_FORK = multiprocessing.get_context("fork")
"""Importing everything anew would take an emulated processor ten seconds a program."""


def until(done: Callable[[], bool], what: str, *, within: float = 60.0) -> None:
    """Return once ``done``; fail with ``what`` was waited for after ``within`` seconds."""
    end = time.monotonic() + within
    while not done():
        assert time.monotonic() < end, f"waited {within:g} s in vain: {what}"
        time.sleep(0.05)


def shell(command: str, *, check: bool = True) -> str:
    """What a command prints."""
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False, timeout=120)
    assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


@contextlib.contextmanager
def loopbacks(
    numbers: Sequence[int] = (10,), *, labels: Sequence[str] = ("effectcam",), exclusive: bool = True
) -> Iterator[None]:
    """Virtual cameras /dev/video10 and so on, for the length of the block."""
    flags = ",".join(str(int(exclusive)) for _ in numbers)
    shell(
        f"modprobe v4l2loopback video_nr={','.join(map(str, numbers))} exclusive_caps={flags} "
        f"max_buffers=8 card_label={','.join(repr(label) for label in labels)}"
    )
    try:
        until(lambda: len(list_virtual_cameras()) == len(numbers), "the loopback devices")
        yield
    finally:
        _unload("v4l2loopback")


@contextlib.contextmanager
def vivid() -> Iterator[None]:
    """A camera of the kernel's own, /dev/video0, for the length of the block."""
    shell("modprobe vivid n_devs=1 node_types=0x1")
    try:
        until(lambda: os.path.exists(CAMERA), "the camera")
        yield
    finally:
        _unload("vivid")


def _unload(module: str) -> None:
    while _STARTED:
        _STARTED.pop()()
    until(lambda: not shell(f"modprobe -r {module}", check=False), f"nobody uses {module}", within=20)


def plug(there: bool) -> None:
    """Take the camera from the bus, or put it back."""
    (VIVID / ("bind" if there else "unbind")).write_text("vivid.0")


def control(name: str, value: int) -> None:
    """Set one of the camera's controls for faults."""
    shell(f"v4l2-ctl -d {CAMERA} -c {name}={value}")


def capability(path: str = DEVICE) -> Capability:
    with Node(path) as node:
        told = node.capability()
    assert told is not None
    return told


class Feeder:
    """A program of its own that feeds numbered pictures to a virtual camera until it is stopped.

    Between two it waits ``pause`` seconds. As a context manager it is stopped at the end.
    ``EffectcamError`` at its opening is raised here.
    """

    def __init__(
        self,
        *,
        first: int = 0,
        device: str | None = None,
        size: tuple[int, int] | None = None,
        user: int = 0,
        pause: float = 0.1,
    ) -> None:
        self._here, there = _FORK.Pipe()
        self._process = _FORK.Process(
            target=_feed, args=(there, first, device, size, user, pause), daemon=True
        )
        self._process.start()
        _STARTED.append(self.kill)
        there.close()
        self.pid = self._process.pid
        answer = self._here.recv()
        if isinstance(answer, EffectcamError):
            self._process.join()
            raise answer
        self.device: str = answer

    @property
    def runs(self) -> bool:
        return self._process.is_alive()

    def stop(self) -> None:
        """Let it close its camera and end."""
        with contextlib.suppress(OSError):
            self._here.send("stop")
        self._process.join(30)
        assert self._process.exitcode == 0, f"the feeder ended with {self._process.exitcode}"

    def kill(self) -> None:
        """End it without a chance to close anything."""
        self._process.kill()
        self._process.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is not None:
            self.kill()
        elif self.runs:
            self.stop()


def _feed(
    talk: Connection, first: int, device: str | None, size: tuple[int, int] | None, user: int, pause: float
) -> None:
    if user:
        os.setgroups([])
        os.setuid(user)
    try:
        camera = VirtualCamera(*(size or (pattern.WIDTH, pattern.HEIGHT)), fps=10, device=device)
    except EffectcamError as error:
        talk.send(error)
        return
    talk.send(camera.device)
    number = first
    with camera:
        while not talk.poll(pause):
            pixels = pattern.picture(number) if size is None else np.zeros((size[1], size[0], 3), np.uint8)
            camera.write(Frame(pixels, number, time.perf_counter_ns()))
            number += 1


class Reader:
    """OpenCV's view of a virtual camera; a context manager."""

    def __init__(self, path: str = DEVICE) -> None:
        until(lambda: capability(path).captures, f"{path} is fed")
        self._capture = cv2.VideoCapture(path, cv2.CAP_V4L2)
        assert self._capture.isOpened()
        # OpenCV opens first and streams with the first read; one who opens in between may be in its way.
        until(lambda: self._capture.read()[0], f"{path} sends pictures")

    def take(self, count: int) -> list[Pixels]:
        """The next pictures, RGB."""
        pictures = []
        for _ in range(count):
            there, picture = self._capture.read()
            assert there, "the camera stopped sending pictures"
            pictures.append(np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8))
        return pictures

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._capture.release()


def watcher(path: str = DEVICE) -> subprocess.Popen[bytes]:
    """A program that reads a camera for ever; started once it has its buffers.

    A reader that asks v4l2loopback for buffers clears those of all others until it has mapped its own
    (``vidioc_reqbufs``, 0.12.7): who takes a picture in between is refused.
    """
    buffers = 3
    process = _v4l2_ctl(path, f"--stream-mmap={buffers}")
    until(lambda: _mapped(process.pid, path) >= buffers, f"a reader of {path}")
    return process


def foreign_feeder(path: str = DEVICE) -> subprocess.Popen[bytes]:
    """A program that knows nothing of effectcam and feeds a virtual camera for ever."""
    size = f"width={pattern.WIDTH},height={pattern.HEIGHT},pixelformat=YU12"
    return _v4l2_ctl(path, f"--set-fmt-video-out={size}", "--stream-out-mmap")


def _v4l2_ctl(path: str, *work: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        ["v4l2-ctl", "-d", path, *work, "--stream-count=1000000"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _STARTED.append(lambda: end(process))
    return process


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a program and wait for its end."""
    process.kill()
    process.wait()


def _mapped(pid: int, path: str) -> int:
    """How many times a program has a device in its memory: its buffers."""
    with contextlib.suppress(OSError):
        return sum(line.endswith(path) for line in Path(f"/proc/{pid}/maps").read_text().splitlines())
    return 0
