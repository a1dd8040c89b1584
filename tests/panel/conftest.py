from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from effectcam.effect.package import load_effect
from effectcam.frame import Frame
from effectcam.live.controls import Controls
from effectcam.live.loop import LiveLoop
from effectcam.live.options import Options, Panic
from effectcam.live.presets import Preset
from effectcam.live.preview import Preview
from effectcam.live.status import Status
from effectcam.panel.server import Panel
from effectcam.sink.base import NullSink
from effectcam.sink.fan_out import FanOut
from tests.cli.conftest import write_effect
from tests.panel.browser import PROGRAM, Browser

TOKEN = "a-token-that-only-the-tests-know"
WIDTH, HEIGHT = 320, 180
GREY = 60
"""Of every frame; the effect ``one`` makes 195 of it, and ``two`` leaves it."""

KNOWN = ("one", "two", "wrong")
LIVE = "document.querySelector('#showing').textContent === 'Live'"
PICTURE = "!document.querySelector('#stage').classList.contains('blank')"


class Desk:
    """A live run on grey frames, thirty a second, with a panel."""

    def __init__(
        self, *, port: int = 0, known: tuple[str, ...] = KNOWN, panic: Panic = "placeholder"
    ) -> None:
        self.told: list[str] = []
        self.ended = threading.Event()
        self.away = False
        """Whether the camera is."""
        self.more: Callable[[], dict[str, Any]] = dict
        """What the status says beside or instead of what it says of its own."""
        self.controls = Controls(
            load_effect("one"),
            Options(threads=1, label=False, panic=panic),
            known=list(known),
            presets=[Preset("party", key="1", effect="two", strength=0.5, mirror=True)],
            on_quit=self.ended.set,
            tell=self.told.append,
        )
        self.preview = Preview()
        self.sinks = FanOut([NullSink()])
        self.loop = LiveLoop(self.controls, self.sinks, size=(WIDTH, HEIGHT), preview=self.preview)
        self.status = Status(
            self.controls,
            self.loop,
            camera=_camera,
            outputs=lambda: self.sinks.deliveries,
            more=lambda: self.more(),
        )
        self.panel = self.new_panel(port=port)
        self._thread = threading.Thread(target=self._run)

    def new_panel(self, *, port: int = 0, may_quit: bool = False) -> Panel:
        return Panel(self.controls, self.status, self.preview, port=port, token=TOKEN, may_quit=may_quit)

    def __enter__(self) -> Desk:
        self._thread.start()
        self.panel.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.panel.close()
        self.ended.set()
        self._thread.join()
        self.sinks.close()
        self.controls.close()

    @property
    def base(self) -> str:
        return self.panel.url.partition("/?")[0]

    def settings(self) -> tuple[object, ...]:
        """All that a client could have changed."""
        controls = self.controls
        return (
            controls.effect.name,
            controls.loading,
            controls.strength,
            controls.mirror,
            controls.faces,
            controls.panic,
            controls.label,
        )

    def _run(self) -> None:
        self.loop.run(self._frames())

    def _frames(self) -> Iterator[Frame | None]:
        pixels = np.full((HEIGHT, WIDTH, 3), GREY, np.uint8)
        index = 0
        while not self.ended.wait(1 / 30):
            yield None if self.away else Frame(pixels, index, time.perf_counter_ns())
            index += 1


def _camera() -> dict[str, object]:
    return {
        "name": "Studio camera",
        "status": "running",
        "message": "",
        "width": WIDTH,
        "height": HEIGHT,
        "fps": 30.0,
        "reopened": 0,
    }


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that another thread does."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture(scope="session")
def panel_effects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The user's folder of effects: a negative one, a plain one, one whose files were changed."""
    folder = tmp_path_factory.mktemp("effects")
    for name, model in (("one", "negative"), ("two", "identity"), ("wrong", "negative")):
        write_effect(folder, name, model=model, space="frame")
    (folder / "wrong" / "CARD.md").write_text("changed")
    return folder


@pytest.fixture(scope="module")
def lasting_desk(panel_effects: Path) -> Iterator[Desk]:
    """One for all requests that are refused: each test sees to it that nothing has changed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EFFECTCAM_EFFECTS", str(panel_effects))
        with Desk() as made:
            yield made
    gc.collect()


@pytest.fixture
def desk(panel_effects: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("EFFECTCAM_EFFECTS", str(panel_effects))
    with Desk() as made:
        yield made
    # A connection that came in while a panel closed is let go of here, and not in whichever test is next.
    gc.collect()


@pytest.fixture
def page(desk: Desk, tmp_path: Path) -> Iterator[Browser]:
    """The panel's page, once it shows a picture; at the end nothing must have gone wrong in it."""
    if PROGRAM is None:
        pytest.skip("needs Chromium")
    with Browser(tmp_path / "profile") as browser:
        browser.open(desk.panel.url)
        browser.wait(f"{LIVE} && {PICTURE} && document.querySelectorAll('#effects button').length >= 2")
        yield browser
        assert browser.complaints == []
