"""Inks by their names on screen, and how they are laid over one another."""

from __future__ import annotations

import functools

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.distill.teachers.drawing.lines import Plane
from effectcam.distill.teachers.head.face_parts import Picture

Colour = NDArray[np.float32]
"""Lab, shape (3,)."""


@functools.cache
def colour(name: str) -> Colour:
    """Lab of an sRGB colour written as ``#rrggbb``; do not write to it."""
    rgb = np.array([[[int(name[i : i + 2], 16) / 255 for i in (1, 3, 5)]]], np.float32)
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB), np.float32).reshape(3)


def laid(under: Picture, over: Picture | Colour, amount: Plane, /) -> Picture:
    """``over`` on ``under``, Lab (H, W, 3) or one colour, opaque where ``amount`` (H, W) is 1."""
    return np.asarray(under + (over - under) * amount[..., None], np.float32)


def ramp(lightness: Plane, stops: tuple[tuple[float, str], ...], /) -> Picture:
    """A colour for each lightness (H, W): Lab, between the nearest two of ``stops`` (lightness, name).

    Continuous, so that a picture a little lighter is drawn in colours a little different; flatness must come
    from ``lightness``.
    """
    at = [stop for stop, _ in stops]
    inks = np.array([colour(name) for _, name in stops])
    return np.dstack([np.interp(lightness, at, inks[:, i]) for i in range(3)]).astype(np.float32)
