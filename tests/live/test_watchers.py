from __future__ import annotations

import threading
import time
from collections.abc import Callable

from effectcam.live.watchers import Watchers


def until(done: Callable[[], bool]) -> bool:
    end = time.monotonic() + 30
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def test_rests_when_nobody_reads_and_wakes_for_the_next_reader() -> None:
    readers = 1
    watchers = Watchers(lambda: readers, rest_after=0.3)
    try:
        assert watchers()
        readers = 0
        assert until(lambda: not watchers())
        readers = 2
        assert until(watchers)
    finally:
        watchers.close()
    assert "watchers" not in {thread.name for thread in threading.enumerate()}


def test_where_it_cannot_be_told_somebody_always_watches() -> None:
    asked = threading.Event()

    def readers() -> None:
        asked.set()

    watchers = Watchers(readers, rest_after=1.0)
    try:
        for _ in range(3):
            assert asked.wait(30)
            asked.clear()
            assert watchers()
    finally:
        watchers.close()
