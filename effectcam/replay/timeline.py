"""Numbers of every frame of a clip, thinned as it grows long."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Stretch(NamedTuple):
    """Frames that follow one another."""

    first: int
    """Frame's index."""
    low: float
    mean: float
    high: float
    frames: int
    """That had a number."""


class Timeline:
    """One number a frame, in memory that does not grow with the clip: the frames of a stretch become its
    lowest, mean and highest, and a full timeline makes its stretches twice as long.

    >>> line = Timeline(most=4)
    >>> for frame in range(8):
    ...     line.add(frame, float(frame))
    >>> line.every, [(each.first, each.low, each.high) for each in line]
    (2, [(0, 0.0, 1.0), (2, 2.0, 3.0), (4, 4.0, 5.0), (6, 6.0, 7.0)])
    """

    def __init__(self, *, most: int = 480) -> None:
        """``most``: stretches; even."""
        self._most = most
        self.every = 1
        """Frames in a stretch."""
        self.frames = 0
        """That there were, with or without a number."""
        self._stretches: dict[int, Stretch] = {}

    def add(self, frame: int, value: float) -> None:
        """``frame``: index, rising. A frame that has nothing to say is left out."""
        self.frames = max(self.frames, frame + 1)
        while frame // self.every >= self._most:
            self._halve()
        place = frame // self.every
        here = Stretch(place * self.every, value, value, value, 1)
        before = self._stretches.get(place)
        self._stretches[place] = here if before is None else _together(before, here)

    def __iter__(self) -> Iterator[Stretch]:
        """From front to back; stretches without a number are missing."""
        return iter(self._stretches.values())

    def __len__(self) -> int:
        return len(self._stretches)

    def _halve(self) -> None:
        self.every *= 2
        merged: dict[int, Stretch] = {}
        for place, stretch in self._stretches.items():
            before = merged.get(place // 2)
            moved = stretch._replace(first=place // 2 * self.every)
            merged[place // 2] = moved if before is None else _together(before, moved)
        self._stretches = merged


def _together(one: Stretch, other: Stretch) -> Stretch:
    count = one.frames + other.frames
    mean = (one.mean * one.frames + other.mean * other.frames) / count
    return Stretch(one.first, min(one.low, other.low), mean, max(one.high, other.high), count)
