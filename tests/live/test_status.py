"""What the status says of a run's outputs."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from effectcam.errors import SinkError
from effectcam.frame import Frame
from effectcam.live.controls import Controls
from effectcam.live.loop import LiveLoop
from effectcam.live.status import Status
from effectcam.sink.base import NullSink, SinkEndedError
from effectcam.sink.fan_out import FanOut
from effectcam.sink.window import Window
from tests.sink.frames import moving


class Ends(NullSink):
    """Raises ``error`` at the first frame."""

    own_thread = False

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def write(self, frame: Frame) -> None:
        raise self._error


class ShutWindow(Window):
    """As one that was shown and then closed by its user; needs no screen."""

    def __init__(self) -> None:
        self._title, self._closed, self.ended = "effectcam", True, "window closed"


@pytest.fixture
def sinks() -> Iterator[FanOut]:
    quiet = NullSink()
    quiet.own_thread = False
    full, gone = SinkEndedError("disk nearly full; recording ended and kept"), SinkError("it is gone")
    made = FanOut([quiet, Ends(full), Ends(gone), ShutWindow()])
    yield made
    made.abort()


def test_what_has_ended_has_not_failed(controls: Controls, sinks: FanOut) -> None:
    for frame in moving(2):
        sinks.write(frame)
    loop = LiveLoop(controls, sinks, size=(64, 48))
    said = Status(controls, loop, camera=dict, outputs=lambda: sinks.deliveries)()
    outputs = [(one["status"], one["message"], one["written"]) for one in said["outputs"]]
    assert outputs == [
        ("open", "", 2),
        ("ended", "disk nearly full; recording ended and kept", 0),
        ("failed", "it is gone", 0),
        ("ended", "window closed", 0),
    ]
    assert json.loads(json.dumps(said)) == said
