from __future__ import annotations

import time

import numpy as np

from effectcam.frame import Frame, RealClock, VirtualClock


def test_a_frame_knows_its_size() -> None:
    frame = Frame(np.zeros((720, 1280, 3), np.uint8), 3, 40_000_000)
    assert (frame.width, frame.height) == (1280, 720)


def test_redrawn_it_is_the_same_moment() -> None:
    frame = Frame(np.zeros((4, 6, 3), np.uint8), 3, 40_000_000)
    pixels = np.ones((4, 6, 3), np.uint8)
    redrawn = frame.with_pixels(pixels)
    assert redrawn.pixels is pixels
    assert (redrawn.index, redrawn.captured_at) == (3, 40_000_000)
    assert not frame.pixels.any()


def test_the_real_clock_goes_on_and_waits() -> None:
    clock = RealClock()
    begun = clock.now()
    clock.sleep_until(begun - 1_000_000_000)
    assert clock.now() - begun < 1_000_000_000
    clock.sleep_until(begun + 20_000_000)
    assert clock.now() >= begun + 20_000_000


def test_the_virtual_clock_takes_no_time() -> None:
    clock = VirtualClock(5)
    assert clock.now() == 5
    begun = time.perf_counter()
    clock.sleep_until(3_600_000_000_000)
    assert time.perf_counter() - begun < 1
    assert clock.now() == 3_600_000_000_000
    clock.sleep_until(7)
    assert clock.now() == 3_600_000_000_000
