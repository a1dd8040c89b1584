"""A picture that carries its number and whose colours are known at every place."""

from __future__ import annotations

import numpy as np

from effectcam.frame import Pixels

WIDTH, HEIGHT = 640, 360

BITS = 16
STRIP = 40
"""Height of the row of black and white squares, lowest bit first, that tells the number."""

COLOURS = np.array(
    [
        (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0),
        (0, 255, 255), (255, 0, 255), (200, 120, 40), (64, 64, 64),
    ],
    np.uint8,
)  # fmt: skip
"""Of the eight columns below it, from left to right."""

_MARGIN = 6
"""Pixels at the edge of a field that may be mixed with its neighbour's: colour is sent at half the size."""


def picture(number: int) -> Pixels:
    """Frame ``number``, below 65536, as (360, 640, 3) RGB."""
    pixels = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    bits = (number >> np.arange(BITS)) & 1
    pixels[:STRIP] = np.repeat(bits * 255, WIDTH // BITS)[None, :, None]
    pixels[STRIP:] = np.repeat(COLOURS, WIDTH // len(COLOURS), axis=0)
    return pixels


def read(pixels: Pixels) -> tuple[int, int]:
    """(number, worst) of a picture that went through a camera; ``worst`` is how far the colour of any
    looked-at pixel is off, of 255."""
    assert pixels.shape == (HEIGHT, WIDTH, 3), pixels.shape
    squares = pixels[STRIP // 2, WIDTH // BITS // 2 :: WIDTH // BITS, 1]
    number = int(((squares > 127) << np.arange(BITS)).sum())
    fields = pixels[STRIP + _MARGIN :: 4].reshape(-1, len(COLOURS), WIDTH // len(COLOURS), 3)
    inner = fields[:, :, _MARGIN:-_MARGIN].astype(np.int16)
    return number, int(np.abs(inner - COLOURS[None, :, None, :]).max())


def check(pictures: list[Pixels], *, at_least: int) -> list[int]:
    """The numbers of what a reader got, which are as many as asked for, in order, and in their colours."""
    told = [read(each) for each in pictures]
    numbers = [number for number, _ in told]
    assert len(numbers) >= at_least
    assert numbers == sorted(numbers), f"out of order: {numbers}"
    assert len(set(numbers)) >= 0.6 * len(numbers), f"hardly any new frame: {numbers}"
    assert max(worst for _, worst in told) <= 4, f"colours are off: {told}"
    return numbers
