"""Somebody in a call."""

from __future__ import annotations

import threading
import time

import cv2
import numpy as np

from effectcam.frame import Pixels
from tests.vm.conftest import RESULTS
from tests.vm.devices import DEVICE, capability, until


class Viewer:
    """Reads the virtual camera all the time and keeps what came; a context manager."""

    def __init__(self, path: str = DEVICE) -> None:
        until(lambda: capability(path).captures, f"{path} is fed")
        self._path = path
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
            if not there and not self.seen:
                # OpenCV gives up after ten seconds, and on a starved machine the first picture takes longer.
                self._capture.release()
                self._capture.open(self._path, cv2.CAP_V4L2)
                continue
            if not there:
                self.lost = True
                return
            rgb = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)
            self.seen.append((time.monotonic(), rgb))

    @property
    def latest(self) -> Pixels:
        until(lambda: bool(self.seen), "a picture", within=180)
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
