"""Brings a drawing's colours into line with what lies round it, cheaply and without flicker."""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.frame import Pixels

_THUMB = 32
"""Colour has no detail: 32 x 32 pixels tell as much of it as 256 x 256, sixty times sooner."""


class ColourPolicy(Protocol):
    """How a face's drawing is brought into line.

    In two steps, because what a drawing should agree with may be known only after it has been shifted:
    the next frame's drawing then gets what this one taught.
    """

    def knows(self, identity: int) -> bool:
        """Whether ``apply`` has something to go by; until then ``learn`` comes first."""
        ...

    def learn(self, identity: int, drawing: NDArray[np.uint8], reference: Pixels) -> None:
        """``drawing`` uint8 (N, N, 3 or 4), as the student made it, and ``reference`` uint8 (M, M, 3), the
        same crop of what it should agree with, at any size. Both are only read."""
        ...

    def apply(self, identity: int, drawing: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """``drawing`` in line with all that was learnt so far; alpha is left alone."""
        ...

    def forget(self, identity: int) -> None: ...


class NoColourMatch:
    """Leaves the student's colours as they are."""

    def knows(self, identity: int) -> bool:
        return True

    def learn(self, identity: int, drawing: NDArray[np.uint8], reference: Pixels) -> None:
        pass

    def apply(self, identity: int, drawing: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return drawing

    def forget(self, identity: int) -> None:
        pass


class ColourMatch:
    """Shifts each channel by the difference of means, measured where ``where`` looks."""

    def __init__(self, where: NDArray[np.uint8], *, most: float = 28.0, follow: float = 0.15) -> None:
        """``where`` uint8 (N, N): where drawing and reference are compared, e.g. the soft rim, which
        is where a difference would be a seam. ``most`` (0 to 255): a larger difference is not light
        but something in the way, and is cut to it. ``follow`` (0 to 1): share of a new difference
        taken over each frame; 1 flickers, 0.05 trails behind a lamp that is switched on."""
        self._where = _thumb(where)[:, :, None] / 255
        self._most = most
        self._follow = follow
        self._shift: dict[int, NDArray[np.float32]] = {}

    def knows(self, identity: int) -> bool:
        return identity in self._shift

    def learn(self, identity: int, drawing: NDArray[np.uint8], reference: Pixels) -> None:
        drawn, aim = _thumb(drawing), _thumb(reference)
        where = self._where
        if drawing.shape[2] == 4:
            # What colour a transparent pixel has means nothing.
            where = where * (drawn[:, :, 3:] / 255)
        # No more than a pixel or so to compare: no difference rather than one by chance.
        weight = where / max(float(where.sum()), 1.0)
        difference = np.clip(((aim - drawn[:, :, :3]) * weight).sum(axis=(0, 1)), -self._most, self._most)
        before = self._shift.get(identity)
        self._shift[identity] = (
            difference if before is None else before + self._follow * (difference - before)
        )

    def apply(self, identity: int, drawing: NDArray[np.uint8]) -> NDArray[np.uint8]:
        shift = self._shift.get(identity)
        if shift is None:
            return drawing
        table = np.clip(np.arange(256, dtype=np.float32)[:, None] + shift, 0, 255).round().astype(np.uint8)
        if drawing.shape[2] == 4:
            table = np.column_stack((table, np.arange(256, dtype=np.uint8)))
        return np.asarray(cv2.LUT(drawing, table[None]), np.uint8)

    def forget(self, identity: int) -> None:
        self._shift.pop(identity, None)


def colour_matching(policy: str, mask: NDArray[np.uint8]) -> ColourPolicy:
    """The policy for a manifest's ``colour``: ``mask`` (N, N) is what lays the drawing."""
    if policy == "none":
        return NoColourMatch()
    # Against the drawn frame the soft rim counts, where a difference would be a seam; against the input the
    # middle does, where the skin is.
    rim = cv2.multiply(mask, cv2.bitwise_not(mask), scale=4 / 255)
    return ColourMatch(np.asarray(rim, np.uint8) if policy == "match-frame" else mask)


def _thumb(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    return cv2.resize(picture, (_THUMB, _THUMB), interpolation=cv2.INTER_AREA).astype(np.float32)
