"""What the loop keeps from view while it draws nothing: a panic, a rest, a camera that is away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from effectcam.effect.package import load_effect
from effectcam.frame import Frame, VirtualClock
from effectcam.live.controls import Controls
from effectcam.live.feed import paced
from effectcam.live.options import Options
from effectcam.live.privacy import FaceGuard, OnLost
from effectcam.live.stop import StopFlag
from tests.face.test_mesh import twins
from tests.live.test_feed import Pictures
from tests.live.test_loop import HEIGHT, WIDTH, Kept, grey, make, now_frame, silence


@pytest.fixture
def sink() -> Kept:
    return Kept()


def test_a_camera_that_is_lost_while_nobody_watches_is_told_to_who_opens_the_picture_then(
    controls: Controls, sink: Kept
) -> None:
    watched = False
    loop = make(controls, sink, watched=lambda: watched)

    def frames() -> Iterator[Frame | None]:
        nonlocal watched
        watched = True
        yield now_frame(grey(10))
        watched = False
        yield now_frame(grey(200))
        yield from silence(1.2)
        assert loop.showing == "paused"
        watched = True
        yield from silence(0.3)

    loop.run(frames())
    assert loop.showing == "no camera"
    assert not np.array_equal(sink.frames[-1].pixels, sink.frames[0].pixels)


@pytest.mark.parametrize("mode", ["freeze", "placeholder", "blur"])
@pytest.mark.parametrize("state", ["nobody watches", "no frame comes"])
def test_panic_hides_the_picture_also_while_none_is_drawn(
    controls: Controls, sink: Kept, state: str, mode: str
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    watched = True
    loop = make(controls, sink, watched=lambda: watched)

    def frames() -> Iterator[Frame | None]:
        nonlocal watched
        yield now_frame(noise)
        watched = state != "nobody watches"
        controls.set_panic(mode)  # type: ignore[arg-type]
        for moment in silence(0.3):
            yield moment if watched else now_frame(noise)

    loop.run(frames())
    assert loop.showing == "panic"
    assert len(sink.frames) > 1
    alike = [np.array_equal(frame.pixels, sink.frames[0].pixels) for frame in sink.frames[1:]]
    assert all(alike) if mode == "freeze" else not any(alike)


def test_a_bare_picture_does_not_wait_for_who_opens_the_camera_once_the_effect_is_wished_for(
    controls: Controls, sink: Kept
) -> None:
    watched = True
    loop = make(controls, sink, watched=lambda: watched)

    def frames() -> Iterator[Frame]:
        nonlocal watched
        controls.set_strength(0)
        yield now_frame(grey(10))
        watched = False
        yield now_frame(grey(10))
        controls.set_strength(1)
        for _ in range(5):
            yield now_frame(grey(10))

    loop.run(frames())
    assert int(sink.frames[-1].pixels.mean()) == pytest.approx(245, abs=2)
    assert loop.frames == 2 and loop.showing == "paused"


def test_a_panic_that_ends_while_the_camera_is_away_leaves_no_old_picture(
    controls: Controls, sink: Kept
) -> None:
    loop = make(controls, sink)

    def frames() -> Iterator[Frame | None]:
        yield now_frame(grey(10))
        controls.set_panic("freeze")
        yield now_frame(grey(10))
        yield from silence(1.2)
        controls.set_panic(None)
        yield from silence(0.3)

    loop.run(frames())
    assert loop.showing == "no camera"
    assert not np.array_equal(sink.frames[-1].pixels, sink.frames[0].pixels)


@pytest.mark.parametrize("on_lost", ["blur", "hold", "placeholder"])
def test_what_was_shown_bare_is_not_held_once_it_is_to_be_hidden(
    home: Path, sink: Kept, on_lost: OnLost
) -> None:
    bare = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    controls = Controls(
        load_effect("face"), Options(threads=1, label=False), on_quit=print, tell=lambda _: None
    )

    def frames() -> Iterator[Frame]:
        controls.set_strength(0)
        yield Frame(bare, 0, 0)
        controls.set_strength(1)
        yield Frame(bare, 1, 40_000_000)

    try:
        make(controls, sink, guard=FaceGuard(on_lost)).run(frames())
    finally:
        controls.close()
    assert [np.array_equal(frame.pixels, bare) for frame in sink.frames] == [True, False]


def test_choosing_one_face_of_two_does_not_hide_the_picture(home: Path, sink: Kept) -> None:
    picture = twins()
    controls = Controls(
        load_effect("face"), Options(threads=1, label=False, faces="all"), on_quit=print, tell=lambda _: None
    )
    loop = make(controls, sink, guard=FaceGuard(hold=0.1))
    shown: list[str] = []

    def frames() -> Iterator[Frame]:
        for index in range(500):
            if index == 20:
                assert loop.showing == "live" and controls.face_count == 2
                controls.set_faces("largest")
            yield Frame(picture, index, index * 40_000_000)
            if controls.faces_in_use == "largest":
                shown.append(loop.showing)
            elif index > 20:
                time.sleep(0.02)
            if len(shown) == 10:
                return

    try:
        loop.run(frames())
        assert controls.face_count == 1
    finally:
        controls.close()
    assert len(shown) == 10 and set(shown) <= {"live", "hold"} and shown[-1] == "live"


@pytest.mark.parametrize("mode", ["freeze", "placeholder", "blur"])
def test_a_panic_does_not_wait_for_the_next_frame_of_a_clip(
    controls: Controls, sink: Kept, mode: str
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    clock = VirtualClock(5)
    polled: list[int] = []
    loop = make(controls, sink, clock=clock, after=lambda: polled.append(clock.now()))

    def idle(left: int) -> None:
        if left == 1_500_000_000:
            controls.set_panic(mode)  # type: ignore[arg-type]
        loop.idle(left)

    class Two(Pictures):
        def __iter__(self) -> Iterator[Frame]:
            yield from (Frame(noise, index, index * 2_000_000_000) for index in range(2))

    loop.run(paced(Two(2), StopFlag(), idle=idle, clock=clock))
    assert loop.showing == "panic"
    assert len(polled) == 2 + 19
    stamps = [frame.captured_at for frame in sink.frames]
    if mode == "freeze":
        # It stands already.
        assert stamps == [0, 2_000_000_000]
        assert np.array_equal(sink.frames[1].pixels, sink.frames[0].pixels)
    else:
        assert stamps == [0, 500_000_001, 2_000_000_000]
        assert not np.array_equal(sink.frames[1].pixels, sink.frames[0].pixels)
        assert np.array_equal(sink.frames[1].pixels, sink.frames[2].pixels) == (mode == "placeholder")


def test_a_panic_keeps_away_from_the_next_frame_of_a_clip(controls: Controls, sink: Kept) -> None:
    """A file of the clip may have no moment between them; it is a tenth of a second."""
    clock = VirtualClock()
    loop = make(controls, sink, clock=clock)
    loop.run(iter([Frame(grey(10), 0, 0)]))
    controls.set_panic("placeholder")
    for now, left, sent in ((5 * 10**7, 10**9, 1), (10**9, 9 * 10**7, 1), (10**9, 2 * 10**8, 2)):
        clock.sleep_until(now)
        loop.idle(left)
        assert len(sink.frames) == sent
