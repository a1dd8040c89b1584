"""The virtual camera through the real pyvirtualcam, with a back end of our own that keeps what it gets."""

from __future__ import annotations

import ast
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvirtualcam  # type: ignore[import-untyped]

from effectcam.errors import SinkError, UsageError
from effectcam.frame import Pixels
from effectcam.sink import VirtualCamera
from tests.sink.frames import moving


class Recorder:
    """A back end as pyvirtualcam wants it."""

    sent: list[Pixels]
    closed = 0
    broken = False

    def __init__(self, *, width: int, height: int, fps: float, fourcc: int, device: str | None) -> None:
        if device == "taken":
            raise RuntimeError("device is taken")
        self._device = device or "Recorder"
        Recorder.sent = []

    def close(self) -> None:
        Recorder.closed += 1

    def send(self, frame: Pixels) -> None:
        if Recorder.broken:
            raise RuntimeError("driver went away")
        Recorder.sent.append(frame.copy())

    def device(self) -> str:
        return self._device

    def native_fourcc(self) -> int | None:
        return None


@pytest.fixture(autouse=True)
def recorder() -> Iterator[None]:
    pyvirtualcam.register_backend("recorder", Recorder)
    Recorder.closed, Recorder.broken = 0, False
    yield
    del pyvirtualcam.camera.BACKENDS["recorder"]


def test_frames_arrive_as_rgb() -> None:
    frames = list(moving(5))
    with VirtualCamera(64, 48, backend="recorder") as camera:
        assert (camera.device, camera.backend, camera.native_format) == ("Recorder", "recorder", None)
        assert camera.name == "virtual camera Recorder"
        assert not camera.lossless
        for frame in frames:
            camera.write(frame)
    assert Recorder.closed == 1
    for frame, sent in zip(frames, Recorder.sent, strict=True):
        assert np.array_equal(frame.pixels.reshape(-1), sent)


def test_pace_is_kept_only_when_asked() -> None:
    taken = {}
    for pace in (False, True):
        start = time.perf_counter()
        with VirtualCamera(64, 48, fps=50, backend="recorder", pace=pace) as camera:
            for frame in moving(15):
                camera.write(frame)
        taken[pace] = time.perf_counter() - start
    assert taken[False] < taken[True]
    assert 0.2 < taken[True] < 2


def test_the_back_ends_own_reason_and_the_way_out_are_told() -> None:
    with pytest.raises(SinkError, match="'recorder' backend: device is taken") as caught:
        VirtualCamera(64, 48, backend="recorder", device="taken")
    assert "\n" not in str(caught.value)
    assert ";" in str(caught.value)


def test_a_driver_that_goes_away_is_told() -> None:
    Recorder.broken = True
    with (
        pytest.raises(SinkError, match="driver went away"),
        VirtualCamera(64, 48, backend="recorder") as camera,
    ):
        camera.write(next(moving(1)))
    assert Recorder.closed == 1


def test_wrong_calls() -> None:
    with pytest.raises(UsageError, match=r"'obss' is unknown; known: .*recorder"):
        VirtualCamera(64, 48, backend="obss")
    with pytest.raises(UsageError, match="0 frames a second"):
        VirtualCamera(64, 48, fps=0, backend="recorder")
    with pytest.raises(SinkError, match=r"63x47 has an odd side.*62x46"):
        VirtualCamera(63, 47, backend="recorder")
    with VirtualCamera(64, 48, backend="recorder") as camera, pytest.raises(SinkError, match="shape"):
        camera.write(next(moving(1, width=32)))
    with pytest.raises(SinkError, match="is closed"):
        camera.write(next(moving(1)))


def test_stickers_go_where_opacity_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SinkError, match=r"recorder does not pass on opacity; .*Unity Capture"):
        VirtualCamera(64, 48, backend="recorder", rgba=True)
    monkeypatch.setitem(pyvirtualcam.camera.BACKENDS, "unitycapture", Recorder)
    frame = next(moving(1))
    sticker = np.dstack([frame.pixels, np.full((48, 64), 7, np.uint8)])
    with VirtualCamera(64, 48, rgba=True) as camera:
        camera.write(frame.with_pixels(sticker))
        with pytest.raises(SinkError, match=r"not \(48, 64, 4\)"):
            camera.write(frame)
    assert np.array_equal(Recorder.sent[0].reshape(48, 64, 4), sticker)


def test_pyvirtualcam_is_imported_in_one_module_only() -> None:
    package = Path(__file__).resolve().parents[2] / "effectcam"
    users = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: list[Any] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module]
            if any(str(name).split(".")[0] == "pyvirtualcam" for name in names):
                users.add(path.relative_to(package).as_posix())
    assert users == {"sink/virtual_camera.py"}
