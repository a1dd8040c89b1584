"""A printer's screen over the drawn frame: halftone dots, hatching, or the grain of paper.

Fixed to the frame and drawn at its full size, because a student cannot: it draws by what it sees, at
a fraction of the pixels, and would average any pattern away.

A screen is a picture of thresholds T (Ulichney, Digital Halftoning, 1987): where the drawing is darker
than T, there is ink. The step is soft, so that nothing jumps when the light changes a little.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.frame import Pixels

_STANDARD_HEIGHT = 720
"""Pixels are given for a frame this high, and grow with it, so that every size looks the same."""


_kept_ready = lru_cache(maxsize=2)
"""Changing to and fro between effects makes nothing anew."""

Thresholds = Callable[[int, int, float], NDArray[np.uint8]]
"""(width, height, cell in pixels) to thresholds (height, width)."""


class ScreenPolicy(Protocol):
    """What lies over the drawn frame."""

    def prepare(self, width: int, height: int) -> None:
        """Make beforehand what `lay` needs for frames of this size; it takes up to half a second."""

    def lay(self, ground: Pixels) -> None:
        """Draw over ``ground`` uint8 (H, W, 3) RGB, in place."""


class NoScreen:
    """The drawing as it is."""

    def prepare(self, width: int, height: int) -> None:
        """Nothing is needed."""

    def lay(self, ground: Pixels) -> None:
        """Nothing is done."""


class InkScreen:
    """Ink where the drawing is darker than a screen of thresholds."""

    def __init__(self, thresholds: Thresholds, cell: float, gain: float) -> None:
        """``thresholds`` makes the screen, e.g. ``halftone``. ``cell``: distance of two dots or strokes,
        pixels of a frame 720 high. ``gain`` 0 to 1: how dark the ink is."""
        self._make = thresholds
        self._cell = cell
        self._gain = gain

    def prepare(self, width: int, height: int) -> None:
        self._thresholds(width, height)

    def _thresholds(self, width: int, height: int) -> NDArray[np.uint8]:
        return self._make(width, height, self._cell * min(height, width) / _STANDARD_HEIGHT)

    def lay(self, ground: Pixels) -> None:
        """Darken ``ground`` uint8 (H, W, 3) where the screen has ink, in place."""
        thresholds = self._thresholds(ground.shape[1], ground.shape[0])
        light = cv2.cvtColor(ground, cv2.COLOR_RGB2GRAY)
        ink = np.minimum(cv2.subtract(thresholds, light), 32)
        # From no ink to all of it over 32 steps of light: a dot's rim is about a pixel wide.
        left = cv2.bitwise_not(cv2.convertScaleAbs(ink, alpha=self._gain * 255 / 32))
        cv2.multiply(ground, cv2.cvtColor(left, cv2.COLOR_GRAY2RGB), dst=ground, scale=1 / 255)


class PaperScreen:
    """The grain of paper, under everything alike."""

    def __init__(self, cell: float, gain: float) -> None:
        """``cell``: size of the grain, pixels of a frame 720 high. ``gain`` 0 to 1: how deep it is; at 1
        its deviation is a quarter of the range from black to white."""
        self._cell = cell
        self._gain = gain

    def prepare(self, width: int, height: int) -> None:
        self._grain(width, height)

    def _grain(self, width: int, height: int) -> tuple[Pixels, Pixels]:
        return _light_and_shade(width, height, self._cell * min(height, width) / _STANDARD_HEIGHT, self._gain)

    def lay(self, ground: Pixels) -> None:
        """Lighten and darken ``ground`` uint8 (H, W, 3) by the grain, in place."""
        light, shade = self._grain(ground.shape[1], ground.shape[0])
        cv2.add(ground, light, dst=ground)
        cv2.subtract(ground, shade, dst=ground)


def screen(pattern: str, cell: float, gain: float) -> ScreenPolicy:
    """The policy for a manifest's ``screen``: none, halftone, hatch or paper."""
    if pattern == "none":
        return NoScreen()
    if pattern == "paper":
        return PaperScreen(cell, gain)
    return InkScreen({"halftone": halftone, "hatch": hatching}[pattern], cell, gain)


@_kept_ready
def halftone(width: int, height: int, cell: float) -> NDArray[np.uint8]:
    """Thresholds (height, width) of round dots on a grid turned by 45 degrees, ``cell`` pixels apart.

    They end below white and start above black: light skin stays clear of dots and blacks stay solid.
    """
    across, down = _turned(width, height, 45.0)
    wave = 0.25 * (np.cos(2 * np.pi / cell * across) + np.cos(2 * np.pi / cell * down)) + 0.5
    return _kept((30 + 150 * wave).round())


@_kept_ready
def hatching(width: int, height: int, cell: float) -> NDArray[np.uint8]:
    """Thresholds (height, width) of pencil strokes ``cell`` pixels apart: one way in half shade, and
    across them in deep shade. They waver and press unevenly, as a hand does, always in the same way."""
    rng = np.random.default_rng(11)
    screens = []
    for angle, darkest in ((35.0, 165.0), (-40.0, 95.0)):
        waver, pressure = (
            cv2.GaussianBlur(rng.standard_normal((height, width)).astype(np.float32), (0, 0), 2 * cell)
            for _ in range(2)
        )
        # A blur over s pixels leaves 1 / (2 s sqrt(pi)) of white noise's deviation.
        waver, pressure = (4 * cell * np.sqrt(np.pi) * each for each in (waver, pressure))
        across = _turned(width, height, angle)[0] / cell + 0.12 * waver
        screens.append(darkest * (0.5 + 0.5 * np.cos(2 * np.pi * across)) * (1 + 0.15 * pressure))
    return _kept(np.maximum(*screens).clip(0, 200).round())


@_kept_ready
def _light_and_shade(width: int, height: int, cell: float, gain: float) -> tuple[Pixels, Pixels]:
    """What paper adds to a picture and what it takes off, each (height, width, 3)."""
    grain = 64 * gain * paper(width, height, cell)
    light, shade = (
        _kept(cv2.cvtColor(half.clip(0, 255).round().astype(np.uint8), cv2.COLOR_GRAY2RGB))
        for half in (grain, -grain)
    )
    return light, shade


def _kept(screen: NDArray[Any]) -> NDArray[np.uint8]:
    """As uint8 that is only read: every effect of one size has the same."""
    kept = np.asarray(screen, np.uint8)
    kept.flags.writeable = False
    return kept


def paper(width: int, height: int, cell: float) -> NDArray[np.float32]:
    """Grain (height, width), mean 0 and deviation 1: noise of ``cell`` pixels and of a third of that.
    Always the same one, so that it lies still and a replay gives the same bytes."""
    rng = np.random.default_rng(7)
    noise = rng.standard_normal((2, height, width)).astype(np.float32)
    layers = [cv2.GaussianBlur(each, (0, 0), cell / share) for each, share in zip(noise, (2, 6), strict=True)]
    grain = sum(layer / max(float(layer.std()), 1e-6) for layer in layers)
    return np.asarray(grain / np.sqrt(2), np.float32)


def _turned(width: int, height: int, angle: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Coordinates in pixels along two axes turned by ``angle`` degrees, each (height, width)."""
    down, across = np.mgrid[:height, :width].astype(np.float32)
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return (
        (across * cosine + down * sine).astype(np.float32),
        (down * cosine - across * sine).astype(np.float32),
    )
