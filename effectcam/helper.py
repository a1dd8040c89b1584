"""The pipeline's second thread."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")


class Helper(ThreadPoolExecutor):
    """One thread beside the caller's, which does one thing after another.

    >>> with Helper() as helper:
    ...     helper.each(lambda place: place**2, 5)
    [0, 1, 4, 9, 16]
    """

    def __init__(self) -> None:
        super().__init__(1, "effectcam-helper")

    def each(self, do: Callable[[int], T], count: int, *, help: bool = True) -> list[T]:
        """``do`` for the places 0 to ``count`` - 1, every other one in the helper's thread; with ``help``
        False all in the caller's, for when the helper has something long in hand.

        For things that do not depend on one another. What one of them raises comes out once none is at work.
        """
        helped = {place: self.submit(do, place) for place in range(1, count, 2) if help}
        try:
            return [helped[place].result() if place in helped else do(place) for place in range(count)]
        finally:
            wait(helped.values())
