"""The parts of a live run, one by one: when frames come, what keys do, what is kept when a camera fails."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import cv2
import numpy as np
import pytest
from rich.console import Console

from effectcam.cli.controls import Controls, Options
from effectcam.cli.feed import newest, paced
from effectcam.cli.meter import Meter
from effectcam.cli.outputs import Outputs
from effectcam.cli.run import _loop
from effectcam.cli.stop import StopFlag
from effectcam.effect.package import load_effect
from effectcam.errors import SourceError
from effectcam.frame import Frame, VirtualClock
from effectcam.source.camera import Camera
from effectcam.source.devices import CameraDevice
from tests import media
from tests.cli.conftest import write_effect


class Pictures:
    """A source of grey frames, 40 ms apart, that may fail at its end."""

    width, height, fps = 8, 6, 25.0

    def __init__(self, count: int, *, gap: float = 0, failure: Exception | None = None) -> None:
        self._count = count
        self._gap = gap
        self._failure = failure

    def __iter__(self) -> Iterator[Frame]:
        for index in range(self._count):
            time.sleep(self._gap)
            yield Frame(np.zeros((6, 8, 3), np.uint8), index, index * 40_000_000)
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def test_newest_skips_what_came_meanwhile() -> None:
    frames = newest(Pictures(60, gap=0.01), StopFlag())
    seen = []
    for frame in frames:
        seen.append(frame.index)
        time.sleep(0.05)
    assert seen == sorted(set(seen))
    assert len(seen) < 40
    assert seen[-1] == 59


def test_newest_hands_on_the_failure_after_the_last_frame() -> None:
    frames = newest(Pictures(1, failure=SourceError("unplugged")), StopFlag())
    assert next(frames).index == 0
    with pytest.raises(SourceError, match="unplugged"):
        next(frames)


def test_newest_stops_when_told_though_no_frame_comes() -> None:
    stop = StopFlag()
    frames = newest(Pictures(3, gap=0.3), stop, wait=0.01)
    next(frames)
    stop.set()
    begun = time.monotonic()
    assert list(frames) == []
    assert time.monotonic() - begun < 2


def test_paced_waits_for_each_frame_s_moment() -> None:
    clock = VirtualClock(7)
    moments = [clock.now() for _ in paced(Pictures(4), StopFlag(), clock=clock)]
    assert moments == [7 + index * 40_000_000 for index in range(4)]


@pytest.mark.parametrize(("keep_all", "expected"), [(False, [0, 3, 7, 11]), (True, list(range(12)))])
def test_paced_leaves_out_what_is_late(keep_all: bool, expected: list[int]) -> None:
    clock = VirtualClock()
    seen = []
    for frame in paced(Pictures(12), StopFlag(), keep_all=keep_all, clock=clock):
        seen.append(frame.index)
        clock.sleep_until(clock.now() + 150_000_000)
    assert seen == expected


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "effects"
    for name, model in (("one", "negative"), ("two", "identity"), ("wrong", "negative")):
        write_effect(folder, name, model=model, space="frame")
    (folder / "wrong" / "CARD.md").write_text("changed")
    monkeypatch.setenv("EFFECTCAM_EFFECTS", str(folder))
    return folder


def settle(controls: Controls, news: list[str], wanted: str) -> None:
    """Draw frames until ``wanted`` is told."""
    end = time.monotonic() + 60
    while not any(wanted in line for line in news):
        assert time.monotonic() < end, news
        controls.process(Frame(np.zeros((32, 32, 3), np.uint8), 0, 0))
        time.sleep(0.01)


def test_keys_change_effect_strength_and_mirror(home: Path) -> None:
    news: list[str] = []
    stop = StopFlag()
    picture = np.zeros((32, 32, 3), np.uint8)
    picture[:, :16] = 255
    frame = Frame(picture, 0, 0)
    controls = Controls(
        load_effect("one"),
        Options(threads=1),
        known=["one", "two", "wrong"],
        on_quit=stop.set,
        tell=news.append,
    )
    try:
        assert controls.process(frame).pixels[16, 2, 0] < 50
        controls.press("m")
        assert controls.process(frame).pixels[16, 2, 0] > 200
        for _ in range(12):
            controls.press("-")
        assert controls.pipeline.strength == 0
        assert np.array_equal(controls.process(frame).pixels, picture[:, ::-1])
        controls.press("+")
        controls.press("n")
        settle(controls, news, "effect two")
        assert controls.pipeline.effect.name == "two"
        assert controls.pipeline.strength == 0.1
        controls.press("n")
        settle(controls, news, "wrong: ")
        assert controls.pipeline.effect.name == "two"
        controls.press("n")
        settle(controls, news, "effect one")
        controls.press("p")
        controls.press("x")
        assert not stop.is_set
        controls.press("q")
        assert stop.is_set
    finally:
        controls.close()


def test_the_recording_of_a_camera_that_fails_is_kept(home: Path, tmp_path: Path) -> None:
    stream = media.write_clip(tmp_path / "camera.avi", codec="mjpeg", pix_fmt="yuvj420p", count=20)
    device = CameraDevice(263, "/dev/video263", "Test Cam", "uvcvideo", (), ())
    out = tmp_path / "out.mp4"
    news: list[str] = []
    stop = StopFlag()
    with Camera(
        263, cameras=[device], opener=lambda _: cv2.VideoCapture(str(stream), cv2.CAP_FFMPEG)
    ) as camera:
        controls = Controls(load_effect("two"), Options(threads=1), on_quit=stop.set, tell=news.append)
        sinks = Outputs(record=out).open(camera, on_key=controls.press, on_close=stop.set, tell=news.append)
        with pytest.raises(SourceError, match="unplugged"):
            _loop(camera, controls, sinks, stop, Meter(Console(quiet=True)), None)
        controls.close()
    assert 1 <= len(media.times(out)) <= 20
    assert [path for path in tmp_path.iterdir() if path.suffix == ".part"] == []


def test_outputs_that_fail_to_open_leave_nothing(home: Path, tmp_path: Path) -> None:
    from effectcam.errors import UsageError
    from effectcam.source.clip import Clip

    with Clip(media.write_clip(tmp_path / "a.mp4")) as clip:
        outputs = Outputs(record=tmp_path / "out.mp4", stills=tmp_path / "two-%d-%d.png")
        with pytest.raises(UsageError, match="needs one number"):
            outputs.open(clip, on_key=print, on_close=print, tell=print)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "effects"]


def test_meter_tells_rate_and_median(home: Path) -> None:
    from effectcam.pipeline import Pipeline

    now = [0.0]
    console = Console(record=True, width=200, force_terminal=False)
    meter = Meter(console, plain_every=1.0, clock=lambda: now[0])
    with Pipeline("two", threads=1) as pipeline, meter:
        for index in range(31):
            pipeline.process(Frame(np.zeros((32, 32, 3), np.uint8), index, index))
            now[0] = index / 30
            meter.tick(pipeline)
    told = console.export_text().splitlines()
    assert len(told) == 1
    assert told[0].startswith("two 100%, 30.0 fps, chain p50 ")
    assert told[0].endswith(" ms, 0 faces")
