"""`effectcam run` with cameras and virtual cameras of the kernel's, through what befalls a stream."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest

from effectcam.frame import Pixels
from tests.vm.devices import CAMERA, control, loopbacks, plug, until, vivid, watcher
from tests.vm.program import Program
from tests.vm.viewer import Viewer


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """One run for the tests from here to the last that wants it, started when there was no camera yet."""
    folder = tmp_path_factory.mktemp("stream") / "effects"
    arguments = (
        CAMERA,
        "--effect",
        "negative",
        "--virtual-camera",
        "--size",
        "320x180",
        "--fps",
        "10",
        "--threads",
        "1",
    )
    with loopbacks(), Program(folder, "run", *arguments) as run:
        yield run


@pytest.fixture(scope="module")
def camera(stream: Program) -> Iterator[None]:
    with vivid():
        yield
        if stream.runs:
            # A driver whose camera is open cannot be unloaded.
            stream.stop()


def live(picture: Pixels) -> bool:
    """Whether the picture has the colours of the camera's bars, as they are or turned to their opposites;
    a card has not. Looked for at the bottom, which the driver's text does not reach."""
    bars = picture[-picture.shape[0] // 6 :: 4, ::4]
    return float((np.ptp(bars, axis=2) > 150).mean()) > 0.3


# The driver's first bar is white, its last black.


def bare(picture: Pixels) -> bool:
    row = picture[170]
    return live(picture) and bool(row[8].min() > 150 > 60 > row[-8].max())


def negative(picture: Pixels) -> bool:
    row = picture[170]
    return live(picture) and bool(row[8].max() < 110 < 150 < row[-8].min())


@pytest.mark.limit(500)
def test_a_card_goes_out_while_there_is_no_camera(stream: Program) -> None:
    with Viewer() as viewer:
        until(lambda: len(viewer.seen) > 3, "a card")
        assert stream.says("camera")
        assert not live(viewer.latest) and viewer.latest.std() > 2


def test_a_camera_that_is_plugged_in_later_arrives_with_the_effect_on_it(
    stream: Program, camera: None
) -> None:
    with Viewer() as viewer:
        until(lambda: bool(viewer.seen) and negative(viewer.latest), "live pictures", within=90)


def test_what_stalls_or_fails_to_start_comes_back(stream: Program, camera: None) -> None:
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


def test_a_reader_that_is_killed_disturbs_nobody(stream: Program, camera: None) -> None:
    reader = watcher()
    reader.kill()
    reader.wait()
    with Viewer() as viewer:
        until(lambda: len(viewer.seen) > 3 and live(viewer.latest), "live pictures for the next reader")


@pytest.mark.limit(420)
def test_twenty_times_unplugged_and_plugged_in_again(stream: Program, camera: None) -> None:
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
            assert not viewer.lost
        shown = [picture for _, picture in viewer.seen]
    print(
        f"recovered within {max(recoveries):.2f} s, median {np.median(recoveries):.2f} s; {len(shown)} "
        f"pictures, {sum(map(negative, shown))} with the effect, {sum(map(bare, shown))} without"
    )
    assert not any(map(bare, shown))
    assert stream.says("running")


def test_it_ends_when_it_is_told_to(stream: Program, camera: None) -> None:
    stream.stop()
    assert "frames; chain of negative" in stream.told
