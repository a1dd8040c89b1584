"""The picture for when there is none: a calm card that says so."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.composite.lettering import lettering
from effectcam.frame import Pixels

_TOP, _BOTTOM = (38, 46, 66), (17, 20, 31)
_GLOW = (64, 78, 118)
_TITLE, _SUBTITLE = (240, 242, 248), (164, 172, 194)
_RING = (126, 146, 214)

_WIDEST = 0.86
"""Share of the frame's width that a line may take; a longer one is set smaller."""

_GRID = 128
"""Side of the picture that the ground is computed on: light this soft loses nothing by being enlarged."""

_LEAST = 5.5
"""Pixels: the height of a capital below which nobody can read a line; a longer one is cut there."""


def placeholder(width: int, height: int, title: str, subtitle: str = "") -> Pixels:
    """A full frame that says ``title`` and, smaller, ``subtitle``: RGB uint8 (height, width, 3), the
    caller's own memory. The last ones drawn are kept, so that one a frame costs a copy only.

    The lines are in ASCII, one row each; see `lettering`.
    """
    return _drawn(width, height, title, subtitle).copy()


@lru_cache(maxsize=3)
def _drawn(width: int, height: int, title: str, subtitle: str) -> Pixels:
    side = min(width, height)
    canvas = _backdrop(width, height)
    radius = 0.10 * side
    _blend(canvas, _lens(round(2.6 * radius)), _RING, width / 2, 0.385 * height)
    below = 0.385 * height + 1.3 * radius
    _write(canvas, title, 0.054 * side, 0.115, _TITLE, below + 0.075 * side)
    _write(canvas, subtitle, 0.032 * side, 0.105, _SUBTITLE, below + 0.170 * side)
    # Eight bits have too few steps for so gentle a fall: without noise it shows as bands.
    noise = np.random.default_rng(0).random((height, width, 1), np.float32)
    return np.asarray(np.clip(canvas + noise, 0, 255), np.uint8)


def _backdrop(width: int, height: int) -> NDArray[np.float32]:
    down = np.linspace(0, 1, _GRID, dtype=np.float32)[:, None, None]
    across = np.linspace(-1, 1, _GRID, dtype=np.float32)[None, :, None]
    # Round, whatever the frame's shape, as the light of one lamp behind the words.
    longer = max(width, height)
    far = (across * width / longer / 0.9) ** 2 + ((down - 0.42) * 2 * height / longer / 0.7) ** 2
    ground = np.array(_TOP, np.float32) * (1 - down) + np.array(_BOTTOM, np.float32) * down
    glow = 0.55 * np.exp(-2.2 * far)
    small = ground * (1 - glow) + np.array(_GLOW, np.float32) * glow
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def _lens(size: int) -> NDArray[np.float32]:
    """Coverage of a lens as seen from the front, (size, size): two rings, and light in one corner."""
    axis = np.linspace(-1.3, 1.3, max(2, size), dtype=np.float32)
    x, y = axis[None, :], axis[:, None]
    pixel = float(axis[1] - axis[0])
    away = np.hypot(x, y)

    def ring(radius: float, line: float) -> NDArray[np.float32]:
        return np.asarray(np.clip(0.5 + (line / 2 - np.abs(away - radius)) / pixel, 0, 1), np.float32)

    outer, inner = ring(1.0, 0.085), 0.55 * ring(0.62, 0.05)
    dot = np.clip(0.5 + (0.105 - np.hypot(x + 0.24, y + 0.24)) / pixel, 0, 1)
    return np.asarray(np.maximum(np.maximum(outer, inner), 0.9 * dot), np.float32)


def _write(
    canvas: NDArray[np.float32],
    text: str,
    capital: float,
    weight: float,
    colour: tuple[int, int, int],
    middle: float,
) -> None:
    words = _fitted(text, max(capital, _LEAST), weight, _WIDEST * canvas.shape[1])
    _blend(canvas, words.astype(np.float32) / 255, colour, canvas.shape[1] / 2, middle)


def _fitted(text: str, capital: float, weight: float, room: float) -> NDArray[np.uint8]:
    """`lettering` at most ``room`` pixels wide: set smaller, and cut where that is not enough."""
    words = lettering(text, capital, weight=weight)
    if words.shape[1] > room and capital > _LEAST:
        # One in a hundred less, for what rounding adds.
        capital = max(_LEAST, 0.99 * capital * room / words.shape[1])
        words = lettering(text, capital, weight=weight)
    while words.shape[1] > room and len(text) > 4:
        text = text[: max(1, min(len(text) - 4, int(len(text) * room / words.shape[1]) - 3))].rstrip() + "..."
        words = lettering(text, capital, weight=weight)
    return words


def _blend(
    canvas: NDArray[np.float32],
    cover: NDArray[np.float32],
    colour: tuple[int, int, int],
    x: float,
    y: float,
) -> None:
    """Lay ``colour`` into ``canvas`` where ``cover`` (0 to 1) says, its middle at (``x``, ``y``)."""
    rows, columns = cover.shape
    left, top = round(x - columns / 2), round(y - rows / 2)
    cut_x, cut_y = max(0, -left), max(0, -top)
    box = canvas[max(0, top) : max(0, top + rows), max(0, left) : max(0, left + columns)]
    shown = cover[cut_y : cut_y + box.shape[0], cut_x : cut_x + box.shape[1], None]
    box += shown * (np.array(colour, np.float32) - box)
