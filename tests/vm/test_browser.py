"""The virtual camera in a real browser, which is where calls take place."""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from effectcam.frame import Pixels
from effectcam.source import Clip
from tests.face.clips import DEMO
from tests.vm import pattern
from tests.vm.conftest import RESULTS
from tests.vm.devices import Feeder, capability, loopbacks, shell, until
from tests.vm.program import Program

# The wrapper of that name reads settings that the guest does not have.
CHROMIUM = Path("/usr/lib/chromium/chromium")
NEEDS_CHROMIUM = pytest.mark.skipif(
    not CHROMIUM.exists() and os.environ.get("EFFECTCAM_VM") != "require",
    reason="Debian's chromium is not installed",
)

QUIET = (
    "--headless=new --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync "
    "--disable-component-update --disable-extensions --disable-dev-shm-usage --disable-breakpad "
    "--disable-default-apps --disable-hang-monitor --mute-audio --disable-quic "
    "--autoplay-policy=no-user-gesture-required --use-fake-ui-for-media-stream --enable-logging=stderr "
    "--disable-features=Translate,OptimizationHints,MediaRouter,DialMediaRouteProvider,AudioServiceOutOfProcess"
    " --enable-features=NetworkServiceInProcess2"
)
"""No window, nothing on the side, and the question for the camera answered with yes. The network in the
browser's own process, because one of its own is given up where a machine is this slow."""

DRAWN_FACE = "EFFECTCAM_VM_DRAWN_FACE"

PAGE = Path(__file__).with_name("browser.html")


class Page:
    """Serves the page and keeps what it tells."""

    def __init__(self) -> None:
        told: list[tuple[str, Any]] = []
        self.told = told

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                if self.path == "/":
                    self.wfile.write(PAGE.read_bytes())

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                told.append((self.path.strip("/"), json.loads(self.rfile.read(length))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def of(self, kind: str) -> list[Any]:
        return [what for each, what in self.told if each == kind]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextlib.contextmanager
def browsing(tmp_path: Path) -> Iterator[Page]:
    """Chromium on the page."""
    page = Page()
    with (Path(str(RESULTS)) / "chromium.log").open("wb") as log:
        browser = subprocess.Popen(
            [str(CHROMIUM), *QUIET.split(), f"--user-data-dir={tmp_path / 'profile'}", page.url],
            stdout=log,
            stderr=log,
        )
    try:
        yield page
    finally:
        browser.terminate()
        browser.wait(30)
        page.close()
        # Shown if the test fails.
        print([(kind, "..." if kind == "screenshot" else what) for kind, what in page.told])


@pytest.mark.limit(900)
@NEEDS_CHROMIUM
def test_get_user_media(tmp_path: Path) -> None:
    with loopbacks(), Feeder(pause=0.4):
        until(lambda: capability().captures, "the camera is fed")
        with browsing(tmp_path) as page:
            until(lambda: bool(page.of("error")) or len(page.of("frame")) >= 6, "six frames", within=860)
            assert page.of("error") == []
    assert page.of("camera") == [{"label": "effectcam", "cameras": ["effectcam"]}]
    # Each comes in a request of its own, and one may overtake another.
    frames = sorted(page.of("frame"), key=lambda frame: float(frame["after_ms"]))
    picture = base64.b64decode(page.of("screenshot")[0]["png"])
    (Path(str(RESULTS)) / "chromium.png").write_bytes(picture)
    # The first may come from before the video was laid out.
    numbers = [frame["number"] for frame in frames[1:]]
    assert numbers == sorted(numbers) and len(set(numbers)) >= 3, numbers
    for frame in frames[1:]:
        error = np.abs(np.array(frame["colours"]) - pattern.COLOURS)
        assert error.max() <= 6, frame


@pytest.mark.limit(1600)
@NEEDS_CHROMIUM
@pytest.mark.skipif(not os.environ.get(DRAWN_FACE), reason=f"takes five minutes or more: set {DRAWN_FACE}=1")
def test_the_drawn_face_in_a_call(tmp_path: Path) -> None:
    """`effectcam run` with a bundled effect, as those in a call see it. Left as ``chromium-face.png``."""
    clip = tmp_path / "small.mp4"
    shell(f"ffmpeg -v error -i '{DEMO}' -vf scale={pattern.WIDTH}:{pattern.HEIGHT} -r 1 -an {clip}")
    bare = [frame.pixels for frame in Clip(clip)]
    arguments = ("run", str(clip), "--loop", "--effect", "zombie", "--virtual-camera", "--threads", "1")
    # A frame takes the effect ten seconds or more here, and the browser has to start beside that.
    with loopbacks(), Program(tmp_path / "effects", *arguments), browsing(tmp_path) as page:
        until(lambda: any(drawn(picture, bare) for picture in shots(page)), "the drawn face", within=1200)
        assert page.of("error") == []
        face = next(picture for picture in shots(page) if drawn(picture, bare))
    cv2.imwrite(f"{RESULTS}/chromium-face.png", cv2.cvtColor(face, cv2.COLOR_RGB2BGR))


def shots(page: Page) -> list[Pixels]:
    """What the page has sent of its video, (360, 640, 3)."""
    encoded = [base64.b64decode(each["png"]) for each in page.of("screenshot")]
    pictures = [cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR) for png in encoded]
    return [np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8) for picture in pictures]


def drawn(picture: Pixels, bare: list[Pixels]) -> bool:
    """Whether a picture is one of the ``bare`` frames except in the face."""
    differences = [np.abs(picture.astype(np.int16) - each).mean(axis=2) for each in bare]
    face, wall = (slice(120, 300), slice(270, 400)), (slice(0, 360), slice(0, 80))
    nearest = min(differences, key=lambda difference: float(difference[face].mean()))
    return float(nearest[face].mean()) > 40 and float(nearest[wall].mean()) < 12
