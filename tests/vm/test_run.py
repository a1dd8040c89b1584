"""`effectcam run` with cameras and virtual cameras of the kernel's, through what befalls a stream."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from effectcam.frame import Frame, Pixels
from effectcam.sink.virtual_camera import VirtualCamera
from effectcam.source import Clip
from tests.cli.conftest import write_effect
from tests.face.clips import DEMO
from tests.vm.conftest import RESULTS
from tests.vm.devices import CAMERA, DEVICE, capability, control, loopbacks, plug, until, vivid, watcher

FACE_CAMERA = "/dev/video11"
SIZE = (320, 180)


class Run:
    """`effectcam run` in a process of its own, and what it tells; ended by Ctrl-C at the latest."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        write_effect(folder, "negative", space="frame")
        write_effect(folder, "mask", space="face")
        self.told: list[str] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "effectcam", "run", *arguments, "--threads", "1"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "EFFECTCAM_EFFECTS": str(folder), "PYTHONUNBUFFERED": "1"},
        )
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        self.told.extend(iter(self._process.stdout.readline, ""))

    def says(self, words: str) -> bool:
        assert self._process.poll() is None, self.told
        return any(words in line for line in self.told)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)
        assert self._process.wait(60) == 0, self.told
        self._listener.join()

    def __enter__(self) -> Run:
        until(lambda: self.says("Ctrl-C ends it"), "the run has begun", within=240)
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        if kind is not None:
            print("".join(self.told))
            self._process.kill()
        elif self._process.poll() is None:
            self.stop()
        self._process.wait()
        self._listener.join()


class Viewer:
    """Somebody in a call: reads the virtual camera all the time and keeps small copies of what came."""

    def __init__(self, path: str = DEVICE) -> None:
        until(lambda: capability(path).captures, f"{path} is fed")
        self._capture = cv2.VideoCapture(path, cv2.CAP_V4L2)
        assert self._capture.isOpened()
        self.seen: list[tuple[float, Pixels]] = []
        self.lost = False
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        while not self._leaving.is_set():
            there, picture = self._capture.read()
            if not there:
                self.lost = True
                return
            rgb = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)
            self.seen.append((time.monotonic(), rgb))

    @property
    def latest(self) -> Pixels:
        until(lambda: bool(self.seen), "a picture")
        return self.seen[-1][1]

    def __enter__(self) -> Viewer:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        self._leaving.set()
        self._thread.join()
        self._capture.release()
        if kind is not None and self.seen:
            # What the test could not make sense of.
            cv2.imwrite(f"{RESULTS}/last-seen.png", cv2.cvtColor(self.latest, cv2.COLOR_RGB2BGR))


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """One run for the tests from here to the last that wants it: starting it takes a minute here. It was
    started when there was no camera yet."""
    folder = tmp_path_factory.mktemp("effects")
    arguments = (CAMERA, "--effect", "negative", "--virtual-camera", "--size", "320x180", "--fps", "10")
    with loopbacks(), Run(folder, *arguments) as run:
        yield run


@pytest.fixture(scope="module")
def camera(stream: Run) -> Iterator[None]:
    with vivid():
        yield


def live(picture: Pixels) -> bool:
    """Whether the picture has the colours of the camera's bars, as they are or turned to their opposites;
    a card or a blur has not."""
    bars = picture[picture.shape[0] // 2 :: 8, ::4]
    return float((np.ptp(bars, axis=2) > 150).mean()) > 0.3


@pytest.mark.limit(300)
def test_a_card_goes_out_while_there_is_no_camera(stream: Run) -> None:
    with Viewer() as viewer:
        until(lambda: len(viewer.seen) > 3, "a card")
        assert stream.says("camera")
        assert not live(viewer.latest) and viewer.latest.std() > 2


def test_a_camera_that_is_plugged_in_later_arrives_with_the_effect_on_it(stream: Run, camera: None) -> None:
    with Viewer() as viewer:
        until(lambda: bool(viewer.seen) and live(viewer.latest), "live pictures", within=90)
        # The driver's first bar is white, its last black; their negatives are the other way round.
        row = viewer.latest[170]
        assert row[8].max() < 110 < 150 < row[-8].min(), (row[8], row[-8])


def test_what_stalls_or_fails_to_start_comes_back(stream: Run, camera: None) -> None:
    with Viewer() as viewer:
        until(lambda: bool(viewer.seen) and live(viewer.latest), "live pictures")
        control("percentage_of_dropped_buffers", 100)
        until(lambda: not live(viewer.latest), "a card while it stalls")
        control("percentage_of_dropped_buffers", 0)
        until(lambda: live(viewer.latest), "live after the stall")
        control("inject_vidioc_streamon_error", 1)
        plug(False)
        until(lambda: not live(viewer.latest), "a card while it is away")
        plug(True)
        until(lambda: live(viewer.latest), "live again")
        assert not viewer.lost


def test_a_reader_that_is_killed_disturbs_nobody(stream: Run, camera: None) -> None:
    reader = watcher()
    reader.kill()
    reader.wait()
    with Viewer() as viewer:
        until(lambda: len(viewer.seen) > 3 and live(viewer.latest), "live pictures for the next reader")


@pytest.mark.limit(420)
def test_twenty_times_unplugged_and_plugged_in_again(stream: Run, camera: None) -> None:
    with Viewer() as viewer:
        until(lambda: bool(viewer.seen) and live(viewer.latest), "live pictures")
        recoveries = []
        for _ in range(20):
            plug(False)
            until(lambda: not live(viewer.latest), "a card stands in")
            plug(True)
            begun = time.monotonic()
            until(lambda: live(viewer.latest), "live pictures")
            recoveries.append(next(at for at, picture in viewer.seen if at > begun and live(picture)) - begun)
            viewer.seen[:-1] = []
            assert not viewer.lost
    print(f"recovered within {max(recoveries):.2f} s, median {np.median(recoveries):.2f} s")
    assert stream.says("running")


def test_it_ends_when_it_is_told_to(stream: Run, camera: None) -> None:
    stream.stop()
    assert any("frames; chain of negative" in line for line in stream.told)


def faces() -> list[Pixels]:
    """Some frames of the bundled clip, (180, 320, 3)."""
    with Clip(DEMO) as clip:
        every = [frame.pixels for frame in clip][::15]
    return [np.asarray(cv2.resize(pixels, SIZE, interpolation=cv2.INTER_AREA), np.uint8) for pixels in every]


@contextlib.contextmanager
def playing(pictures: list[Pixels]) -> Iterator[None]:
    """A camera that shows a face: pictures round and round, until it is pulled out."""
    leaving = threading.Event()

    def play() -> None:
        with VirtualCamera(*SIZE, fps=10, device=FACE_CAMERA) as camera:
            for number in range(100_000):
                if leaving.wait(0.1):
                    return
                camera.write(Frame(pictures[number % len(pictures)], number, time.perf_counter_ns()))

    player = threading.Thread(target=play)
    player.start()
    try:
        until(lambda: capability(FACE_CAMERA).captures, "the face camera is fed")
        yield
    finally:
        leaving.set()
        player.join()


def likeness(picture: Pixels, bare: list[Pixels]) -> float:
    """How much the fine detail of the face in a picture is that of a bare frame, 1 for the same, -1 for
    its negative: their correlation, with the frame that it is most like. Blur has no detail: 0."""

    def fine(pixels: Pixels) -> NDArray[np.float64]:
        grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[60:150, 138:208].astype(np.float64)
        return (grey - cv2.GaussianBlur(grey, (0, 0), 4)).ravel()

    seen = fine(picture)
    if seen.std() < 3:
        return 0.0
    return max((float(np.corrcoef(seen, fine(each))[0, 1]) for each in bare), key=abs)


@pytest.mark.limit(420)
def test_no_bare_face_ever_goes_out(tmp_path: Path) -> None:
    """A face effect on a camera that shows a face, is pulled out and put back, while somebody watches."""
    bare = faces()
    assert likeness(bare[0], bare) > 0.99 and likeness(np.asarray(255 - bare[0], np.uint8), bare) < -0.99
    arguments = (FACE_CAMERA, "--effect", "mask", "--virtual-camera", "--size", "320x180", "--fps", "10")
    with (
        loopbacks((10, 11), labels=("effectcam", "Face")),
        Run(tmp_path / "effects", *arguments),
        Viewer() as viewer,
    ):
        for _ in range(4):
            with playing(bare):
                until(lambda: likeness(viewer.latest, bare) < -0.4, "the effect on the face", within=90)
            until(lambda: likeness(viewer.latest, bare) > -0.3, "a card", within=90)
        shown = [picture for _, picture in viewer.seen]
        assert not viewer.lost
    found = [likeness(picture, bare) for picture in shown]
    drawn = sum(one < -0.4 for one in found)
    print(f"{len(shown)} pictures, {drawn} with the effect; the one most like a bare face {max(found):.2f}")
    assert max(found) < 0.4
