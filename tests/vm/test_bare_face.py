"""No bare face goes out, whatever befalls the camera: looked for in every picture that a viewer gets."""

from __future__ import annotations

import contextlib
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
from tests.face.clips import DEMO
from tests.vm.devices import capability, loopbacks, until
from tests.vm.program import Program
from tests.vm.viewer import Viewer

FACE_CAMERA = "/dev/video11"
SIZE = (320, 180)


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


def detail(picture: Pixels) -> NDArray[np.float64]:
    """The fine detail of the face in a picture, with mean 0 and length 1; all 0 where it is blurred."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[60:150, 138:208].astype(np.float64)
    fine = (grey - cv2.GaussianBlur(grey, (0, 0), 4)).ravel()
    if fine.std() < 3:
        return np.zeros_like(fine)
    fine -= fine.mean()
    return np.asarray(fine / np.linalg.norm(fine))


def likeness(picture: Pixels, bare: NDArray[np.float64]) -> float:
    """How much the fine detail of the face in a picture is that of a bare frame, 1 for the same, -1 for
    its negative: their correlation, with the frame that it is most like of those whose details are given."""
    return max((float(one) for one in bare @ detail(picture)), key=abs)


@pytest.mark.limit(420)
def test_no_bare_face_ever_goes_out(tmp_path: Path) -> None:
    """A face effect on a camera that shows a face, is pulled out and put back, while somebody watches."""
    pictures = faces()
    # Taken once: on an emulated processor they cost more than a frame does.
    bare = np.stack([detail(picture) for picture in pictures])
    assert likeness(pictures[0], bare) > 0.99
    assert likeness(np.asarray(255 - pictures[0], np.uint8), bare) < -0.99
    arguments = (
        FACE_CAMERA,
        "--effect",
        "mask",
        "--virtual-camera",
        "--size",
        "320x180",
        "--fps",
        "10",
        "--threads",
        "1",
    )
    with (
        loopbacks((10, 11), labels=("effectcam", "Face")),
        Program(tmp_path / "effects", "run", *arguments),
        Viewer() as viewer,
    ):
        # The first is the start, the second a camera that comes back; more take the same way.
        for _ in range(2):
            with playing(pictures):
                until(lambda: likeness(viewer.latest, bare) < -0.4, "the effect on the face", within=90)
            until(lambda: likeness(viewer.latest, bare) > -0.3, "a card", within=90)
        shown = [picture for _, picture in viewer.seen]
        assert not viewer.lost
    found = [likeness(picture, bare) for picture in shown]
    drawn = sum(one < -0.4 for one in found)
    print(f"{len(shown)} pictures, {drawn} with the effect; the one most like a bare face {max(found):.2f}")
    assert max(found) < 0.4
