"""Sunglasses and eyeglasses, as occluders (see ``occluders``). Lengths in face heights, see ``Canvas.at``."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.distill.occluder_canvas import (
    PLASTICS,
    Canvas,
    Covered,
    Point,
    curve,
    soften,
)
from effectcam.frame import Pixels

_METALS = ((196, 160, 92), (170, 172, 176), (60, 60, 64), (190, 130, 110))


def sunglasses(image: Pixels, landmarks: NDArray[Any], rng: np.random.Generator) -> Covered:
    """Dark or mirrored lenses: the eyes are hidden and must not be drawn."""
    canvas = Canvas(image, landmarks, rng)
    lenses = _lenses(canvas, rng, size=rng.uniform(1.0, 1.25))
    glass = np.maximum(*(canvas.mask(lens) for lens in lenses))
    top, bottom = (np.array(colour) for colour in _lens_colours(rng))
    v = canvas.rise()
    share = np.clip((v + 0.1) / 0.28, 0, 1)[..., None]
    canvas.paint(canvas.tone(top + share * (bottom - top)), glass, rng.uniform(0.86, 1.0))
    canvas.gloss(
        glass, slope=rng.uniform(-0.8, 0.8), offset=rng.uniform(-0.25, 0.25), width=0.05, opacity=0.22
    )
    _frame(canvas, rng, lenses)
    return canvas.finish(shadow=rng.uniform(0.25, 0.5), reach=rng.uniform(0.02, 0.05))


def eyeglasses(image: Pixels, landmarks: NDArray[Any], rng: np.random.Generator) -> Covered:
    """Clear lenses: only the frame and the reflections cover; the eyes behind are still the face's."""
    canvas = Canvas(image, landmarks, rng)
    lenses = _lenses(canvas, rng, size=rng.uniform(0.88, 1.08))
    glass = np.maximum(*(canvas.mask(lens) for lens in lenses))
    canvas.paint(canvas.tone((205, 220, 225)), glass, rng.uniform(0.0, 0.08))
    slope = rng.uniform(-0.9, 0.9)
    for offset in rng.uniform(-0.32, 0.32, int(rng.integers(0, 4))):
        canvas.gloss(
            glass,
            slope=slope,
            offset=float(offset),
            width=rng.uniform(0.01, 0.06),
            opacity=rng.uniform(0.12, 0.6),
        )
    _frame(canvas, rng, lenses)
    return canvas.finish(shadow=rng.uniform(0.15, 0.4), reach=rng.uniform(0.015, 0.04))


def _lenses(canvas: Canvas, rng: np.random.Generator, *, size: float) -> list[Point]:
    """Outlines of the picture's left and right lens; the far one is narrower on a turned head."""
    power = rng.uniform(2.0, 4.5)
    tall = rng.uniform(0.6, 1.0)
    drop, lift = rng.choice([(0.0, 0.0), (0.0, 0.0), (0.25, 0.0), (0.0, 0.3)])
    turn = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    x, y = (np.sign(f) * np.abs(f) ** (2 / power) for f in (np.cos(turn), np.sin(turn)))
    outlines = []
    for way, eye, corner in ((-1.0, [33, 133, 159, 145], 33), (1.0, [362, 263, 386, 374], 263)):
        reach = abs(float((canvas.points[corner] - canvas.points[168]) @ canvas.right))
        half = float(np.clip(0.58 * reach, 0.07 * canvas.unit, 0.16 * canvas.unit)) * size
        high = 0.145 * canvas.unit * size * tall
        centre = canvas.points[eye].mean(0) + (0.03 * way * canvas.right + 0.025 * canvas.down) * canvas.unit
        # Aviators hang outwards and down; cat eyes rise at the outer top corner.
        u = x * half + way * drop * 0.25 * half * np.maximum(y, 0)
        v = y * high * (1 + drop * (y > 0)) - lift * high * np.maximum(way * x, 0) * (y < 0)
        outlines.append(centre + u[:, None] * canvas.right + v[:, None] * canvas.down)
    return outlines


def _lens_colours(rng: np.random.Generator) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Top and bottom of a lens: nearly black, brown, graded, or a mirror of sky and ground."""
    pairs = (
        ((10, 10, 12), (22, 22, 26)),
        ((12, 12, 14), (70, 66, 64)),
        ((34, 20, 10), (110, 70, 40)),
        ((60, 110, 190), (190, 210, 230)),
        ((190, 80, 30), (240, 190, 90)),
    )
    return pairs[int(rng.integers(len(pairs)))]


def _frame(canvas: Canvas, rng: np.random.Generator, lenses: list[Point]) -> None:
    """Temples, rims and bridge, with a light edge where the lamp strikes."""
    thin = rng.random() < 0.4
    palette = _METALS if thin else PLASTICS
    colour = canvas.tone(palette[int(rng.integers(len(palette)))])
    width = canvas.unit * (rng.uniform(0.009, 0.014) if thin else rng.uniform(0.014, 0.028))
    rim = np.zeros(canvas.shape, np.uint8)
    for way, lens, ear in zip((-1.0, 1.0), lenses, (127, 356), strict=True):
        hinge = lens[np.argmax((lens - canvas.origin) @ (way * canvas.right - 0.4 * canvas.down))]
        end = canvas.points[ear] + 0.015 * way * canvas.unit * canvas.right
        if (end - hinge) @ canvas.right * way > 0:
            rim = np.maximum(rim, canvas.stroke([hinge, end], width * 1.1))
        rim = np.maximum(rim, canvas.stroke(lens, width, closed=True))
    inner = [lens[np.argmin(np.abs((lens - canvas.points[168]) @ canvas.right))] for lens in lenses]
    arch = (inner[0] + inner[1]) / 2 - 0.05 * canvas.unit * canvas.down
    lift = 0.02 * canvas.unit * canvas.down
    rim = np.maximum(rim, canvas.stroke(curve([inner[0] - lift, arch, inner[1] - lift]), width))
    canvas.paint(colour, rim)
    towards = canvas.light[:2] * width * 0.3
    lit = cv2.warpAffine(rim, np.array([[1, 0, -towards[0]], [0, 1, -towards[1]]]), canvas.shape[::-1])
    edge = soften(rim - np.minimum(rim, lit), 0.7)
    canvas.paint(np.minimum(colour * 1.3 + 70 * canvas.brightness, 255), edge, 0.5 if thin else 0.35)
