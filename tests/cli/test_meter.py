from __future__ import annotations

import errno
import io
import itertools
import os
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from effectcam.cli.meter import Meter
from effectcam.cli.printer import Printer
from effectcam.effect.package import load_effect
from effectcam.frame import Frame
from effectcam.live.controls import Controls
from effectcam.live.loop import LiveLoop
from effectcam.live.options import Options
from effectcam.sink.base import NullSink
from tests.cli.conftest import write_effect


@pytest.fixture
def controls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Controls]:
    folder = tmp_path / "effects"
    write_effect(folder, "two", model="identity", space="frame")
    monkeypatch.setenv("EFFECTCAM_EFFECTS", str(folder))
    made = Controls(load_effect("two"), Options(threads=1), on_quit=print, tell=lambda _: None)
    yield made
    made.close()


def test_meter_tells_now_and_then_how_things_stand(controls: Controls) -> None:
    now = [0.0]
    console = Console(record=True, width=200, force_terminal=False)
    meter = Meter(console, plain_every=1.0, clock=lambda: now[0])

    def after() -> None:
        now[0] += 1 / 30
        meter.tick(controls, loop)

    loop = LiveLoop(controls, NullSink(), size=(32, 32), stamped=False, after=after)
    with meter.printer.started(), meter:
        loop.run(Frame(np.zeros((32, 32, 3), np.uint8), index, index) for index in range(45))
    told = console.export_text().splitlines()
    assert len(told) == 1
    assert told[0].startswith("two 100%, ")
    assert " fps, chain p50 " in told[0]
    assert told[0].endswith(" ms, 0 faces")


def test_what_is_not_live_is_said(controls: Controls) -> None:
    meter = Meter(Console(quiet=True))
    loop = LiveLoop(controls, NullSink(), size=(32, 32))
    controls.set_panic("blur")
    loop.run(iter([Frame(np.zeros((32, 32, 3), np.uint8), 0, 0)]))
    assert meter.line(controls, loop).endswith(", PANIC")


class Full(io.StringIO):
    """A log on a disk, or a terminal, until nothing more can be written."""

    is_full = False

    def write(self, text: str) -> int:
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(text)


@pytest.mark.parametrize("terminal", [True, False])
def test_a_log_on_a_full_disk_does_not_end_a_run(controls: Controls, terminal: bool) -> None:
    moments = itertools.count(0.0, 60.0)
    log = Full()
    meter = Meter(Console(file=log, force_terminal=terminal), clock=lambda: next(moments))
    with meter.printer.started(), meter:
        log.is_full = True
        meter.tell("hello")
        meter.tick(controls, LiveLoop(controls, NullSink(), size=(32, 32)))


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
def test_a_pager_that_reads_nothing_holds_up_neither_frames_nor_the_end(
    controls: Controls, full_pipe: tuple[int, int]
) -> None:
    here, there = full_pipe
    moments = itertools.count(0.0, 60.0)
    with open(there, "w", encoding="utf-8", closefd=False) as file:
        meter = Meter(Console(file=file, width=200), clock=lambda: next(moments))
        loop = LiveLoop(controls, NullSink(), size=(32, 32), after=lambda: meter.tick(controls, loop))
        with meter.printer.started(patience=0.1), meter:
            for count in range(5):
                meter.tell(f"news {count}")
            loop.run(Frame(np.zeros((32, 32, 3), np.uint8), index, index) for index in range(5))
            meter.tell("the last news")
        assert loop.frames == 5
        text = b""
        while not text.endswith(b"the last news\n"):
            text += os.read(here, 65536)
    # No news is lost, and nothing is told of how things stood once.
    told = text.decode().lstrip(".").splitlines()
    assert told == [*(f"news {count}" for count in range(5)), "the last news"]


def test_a_terminal_that_hangs_for_ever_is_not_filled_for_ever() -> None:
    printer = Printer()
    printed: list[int] = []
    for count in range(5000):
        printer.put(partial(printed.append, count))
    assert printer.lags
    with printer.started():
        pass
    assert printed == list(range(1000))
