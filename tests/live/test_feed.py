from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import pairwise
from typing import Self, cast

import numpy as np
import pytest

from effectcam.frame import Frame, VirtualClock
from effectcam.live.feed import newest, paced, unpaced
from effectcam.live.stop import StopFlag
from effectcam.source.supervisor import CameraSupervisor


class Pictures:
    """A source of grey frames, 40 ms apart."""

    width, height, fps = 8, 6, 25.0

    def __init__(self, count: int) -> None:
        self._count = count

    def __iter__(self) -> Iterator[Frame]:
        for index in range(self._count):
            yield Frame(np.zeros((6, 8, 3), np.uint8), index, index * 40_000_000)

    def close(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Taken:
    """What a supervisor gives, one after the other: stamps in milliseconds, None for a silence."""

    def __init__(self, stamps: list[int | None]) -> None:
        self.left = deque(stamps)

    def take(self, timeout: float) -> Frame | None:
        stamp = self.left.popleft()
        return None if stamp is None else Frame(np.zeros((6, 8, 3), np.uint8), 0, stamp * 1_000_000)


def stamps_of(taken: Taken, *, fps: float) -> list[int | None]:
    stop = StopFlag()
    seen: list[int | None] = []
    for frame in newest(cast(CameraSupervisor, taken), stop, fps=fps):
        seen.append(None if frame is None else frame.captured_at // 1_000_000)
        if not taken.left:
            stop.set()
    return seen


def test_newest_hands_on_frames_and_silences() -> None:
    assert stamps_of(Taken([0, 33, None, None, 66]), fps=30) == [0, 33, None, None, 66]


def test_newest_leaves_out_what_comes_faster_than_it_is_sent() -> None:
    twice = list(range(0, 1000, 16))
    assert len(stamps_of(Taken([*twice, 2000]), fps=30)) == pytest.approx(len(twice) / 2, abs=2)


def test_newest_loses_nothing_to_a_camera_s_jitter() -> None:
    jittery: list[int | None] = [0, 30, 69, 97, 135, 164]
    assert stamps_of(Taken(jittery), fps=30) == jittery


def test_paced_waits_for_each_frame_s_moment() -> None:
    clock = VirtualClock(7)
    moments = [clock.now() for _ in paced(Pictures(4), StopFlag(), clock=clock)]
    assert moments == [7 + index * 40_000_000 for index in range(4)]


def test_paced_stamps_like_a_camera_when_told_to() -> None:
    clock = VirtualClock(7)
    frames = list(paced(Pictures(4), StopFlag(), restamp=True, clock=clock))
    assert [frame.captured_at for frame in frames] == [7 + index * 40_000_000 for index in range(4)]
    assert [frame.index for frame in frames] == list(range(4))
    # When the next round may begin: a clip of one picture would go round as fast as it can be opened.
    assert clock.now() == 7 + 4 * 40_000_000


class Slides(Pictures):
    """Each of them stands for two seconds."""

    def __iter__(self) -> Iterator[Frame]:
        for index in range(self._count):
            yield Frame(np.zeros((6, 8, 3), np.uint8), index, index * 2_000_000_000)


def test_who_waits_for_a_frame_is_called_meanwhile() -> None:
    clock = VirtualClock(7)
    calls: list[tuple[int, int]] = []
    frames = paced(
        Slides(2), StopFlag(), idle=lambda left: calls.append((clock.now(), left)), clock=clock, keep_all=True
    )
    assert [frame.index for frame in frames] == [0, 1]
    assert calls == [(7 + tenth * 10**8, (20 - tenth) * 10**8) for tenth in range(1, 20)]
    calls.clear()
    assert len(list(paced(Pictures(9), StopFlag(), idle=lambda left: calls.append((0, left)), clock=clock)))
    assert calls == [], "frames that come at their usual rate need nobody to look in between"


def test_a_wish_to_stop_that_comes_in_a_wait_ends_it() -> None:
    clock, stop = VirtualClock(), StopFlag()
    list(paced(Slides(9), stop, idle=lambda left: stop.set(), clock=clock))
    assert clock.now() == 100_000_000


@pytest.mark.parametrize(("keep_all", "expected"), [(False, [0, 3, 7, 11]), (True, list(range(12)))])
def test_paced_leaves_out_what_is_late(keep_all: bool, expected: list[int]) -> None:
    clock = VirtualClock()
    seen = []
    for frame in paced(Pictures(12), StopFlag(), keep_all=keep_all, clock=clock):
        seen.append(frame.index)
        clock.sleep_until(clock.now() + 150_000_000)
    assert seen == expected


def test_a_clip_that_decodes_too_slowly_goes_on_to_be_shown() -> None:
    clock = VirtualClock()

    class Heavy(Pictures):
        def __iter__(self) -> Iterator[Frame]:
            for frame in super().__iter__():
                clock.sleep_until(clock.now() + 60_000_000)
                yield frame

    shown = []
    for _ in paced(Heavy(100), StopFlag(), clock=clock):
        shown.append(clock.now())
    assert 10 < len(shown) < 60
    assert shown[-1] > 5_500_000_000
    assert max(after - before for before, after in pairwise(shown)) <= 320_000_000


def test_a_slow_effect_leaves_a_clip_its_speed() -> None:
    clock = VirtualClock()
    seen = []
    for frame in paced(Pictures(50), StopFlag(), clock=clock):
        seen.append(frame.index)
        clock.sleep_until(clock.now() + 400_000_000)
    assert len(seen) <= 6


def test_unpaced_gives_every_frame_until_told_to_stop() -> None:
    stop = StopFlag()
    seen = []
    for frame in unpaced(Pictures(10), stop):
        seen.append(frame.index)
        if frame.index == 6:
            stop.set()
    assert seen == list(range(7))
