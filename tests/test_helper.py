from __future__ import annotations

import threading

import pytest

from effectcam.helper import Helper


def test_every_other_one_is_the_helpers() -> None:
    with Helper() as helper:
        threads = helper.each(lambda place: threading.current_thread().name, 5)
        alone = helper.each(lambda place: threading.current_thread().name, 5, help=False)
    here = threading.current_thread().name
    assert [name == here for name in threads] == [True, False, True, False, True]
    assert alone == [here] * 5


@pytest.mark.parametrize("bad", [0, 1])
def test_what_one_raises_comes_out_once_none_is_at_work(bad: int) -> None:
    go, at_work = threading.Event(), set()

    def do(place: int) -> None:
        at_work.add(place)
        if place == bad:
            go.set()
            at_work.discard(place)
            raise ValueError(f"no {place}")
        assert go.wait(10)
        at_work.discard(place)

    with Helper() as helper:
        with pytest.raises(ValueError, match=f"no {bad}"):
            helper.each(do, 2)
        # Before the helper is waited for.
        assert not at_work
