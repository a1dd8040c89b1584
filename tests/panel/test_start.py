"""A panel that cannot start says so in one line with the way out, and leaves nothing behind."""

from __future__ import annotations

import errno
import re
import socket
import threading
from pathlib import Path
from typing import NoReturn

import pytest

from effectcam.errors import SinkError, UsageError
from effectcam.live.preview import Preview
from effectcam.panel.server import Panel
from tests.panel.conftest import Desk

# As in test_server.py.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


def test_a_port_that_is_taken_is_told_with_the_way_out(desk: Desk) -> None:
    port = int(desk.base.rpartition(":")[2])
    with pytest.raises(SinkError, match=rf"cannot have port {port} .*--panel 0"):
        desk.new_panel(port=port).start()


@pytest.mark.parametrize("lacks", ["a file", "descriptors", "a listener"])
def test_a_panel_that_cannot_start_says_why(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lacks: str
) -> None:
    def fail(*_: object, **__: object) -> NoReturn:
        raise OSError(errno.EMFILE, "Too many open files")

    panel = desk.new_panel()
    if lacks == "a file":
        monkeypatch.setattr("effectcam.panel.server._STATIC", tmp_path)
    elif lacks == "descriptors":
        monkeypatch.setattr("asyncio.runners.Runner.__enter__", fail)
    else:
        monkeypatch.setattr("asyncio.base_events.BaseEventLoop.create_server", fail)
    before = set(threading.enumerate())
    raised: list[BaseException] = []

    def start() -> None:
        try:
            panel.start()
        except BaseException as error:
            raised.append(error)

    starting = threading.Thread(target=start, daemon=True)
    starting.start()
    starting.join(30)
    assert not starting.is_alive()
    [error] = raised
    why = "index.html" if lacks == "a file" else "Too many open files"
    assert isinstance(error, SinkError)
    assert re.fullmatch(
        rf"the panel cannot start \(.*{why}.*\); mend that, or run without --panel", str(error)
    )
    left = set(threading.enumerate()) - before
    assert not [thread.name for thread in left if thread.name == "panel"]
    panel.close()
    # Nobody holds the port.
    with socket.create_server(("127.0.0.1", int(panel.url.partition("/?")[0].rpartition(":")[2]))):
        pass


def test_odd_ports_and_weak_tokens_are_refused(desk: Desk) -> None:
    with pytest.raises(UsageError, match="port is 70000"):
        desk.new_panel(port=70000)
    with pytest.raises(UsageError, match="a token of 4 characters"):
        Panel(desk.controls, dict, Preview(), token="easy")
