"""Seam: can one see where the drawing ends?"""

from __future__ import annotations

import math
from typing import ClassVar, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.face.crop import Crop
from effectcam.frame import Pixels
from effectcam.replay.metrics.figure import Figure, Values
from effectcam.replay.metrics.moment import Mask, Moment

Points = NDArray[np.float64]
"""(N, 2): x, y."""

_REACH = 1 / 128
"""Sides of the crop, to either side of the line: two pixels of a student's 256. A hard edge lies wholly
within that, a rim as soft as the effects' has less than half of its step there."""
_STRETCH = 1 / 16
"""Sides of the crop along the line, over which the steps are averaged: texture cancels out, an edge that
follows the line stays."""
_SHORTEST = 1 / 2
"""Sides round a piece of the line: smaller ones are holes and specks in the drawing's alpha."""
_NOISE = 1.0
"""Steps of 255, added above and below the ratio's line: so much is not seen, and a flat wall must not divide
by nothing."""


class SeamRatio:
    """How much more of an edge the output has along the drawing's rim than the input has there.

    The rim is the line on which the drawing, mask and its own alpha together, has half the weight. Across it,
    colours are compared at 1/128 of the crop's side on either side; the signed differences are averaged along
    stretches of 1/16 of a side, by channel, so that texture, whose signs vary, cancels out and what runs
    along the line stays; of each stretch the root mean square over the channels is taken. With S the mean
    over all stretches:

        seam = (S(output) + 1) / (S(input) + 1)

    in steps of 255. An effect that draws the frame as well changes contrast everywhere, and that is no seam:
    its ratio is divided by the same ratio along a line just outside, where the frame alone is drawn. For a
    face effect that second ratio is 1, since nothing is drawn there. 1: no edge that was not there before.
    Below 1: the drawing's rim hides edges. Of several faces the worst.

    There is no such measure in the literature on live effects; this one was defined here.
    """

    figures: ClassVar[tuple[Figure, ...]] = (
        Figure("seam", "edge along the drawing's rim, output over input"),
    )

    def see(self, moment: Moment) -> Values:
        ratios = []
        for face, alpha in zip(moment.faces, moment.alphas, strict=True):
            on_rim = _ratio(moment, face.crop, _line(alpha, 127))
            if on_rim is None:
                continue
            beside = None
            if moment.whole:
                beyond = math.ceil(2 * _REACH * alpha.shape[0])
                beside = _ratio(moment, face.crop, _line(alpha, 0, beyond=beyond))
            ratios.append(on_rim / (beside or 1.0))
        return {"seam": max(ratios)} if ratios else {}

    def close(self) -> None:
        pass


class _Line(NamedTuple):
    """Stretches of a line in the space of a crop, each of as many points."""

    points: Points
    normals: Points
    """Of length 1, towards the weaker side."""
    size: int
    """Of the crop."""
    stretch: int
    """Points in each."""


def _line(alpha: Mask, level: int, *, beyond: int = 0) -> _Line | None:
    """Where ``alpha`` falls to ``level``, or ``beyond`` pixels farther out; None where it has no such rim."""
    size = alpha.shape[0]
    # A drawing that is opaque up to the crop's edge ends there.
    room = beyond + size // 16 + 1
    padded = cv2.copyMakeBorder(alpha, room, room, room, room, cv2.BORDER_CONSTANT, value=(0,))
    if beyond:
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * beyond + 1, 2 * beyond + 1))
        padded = cv2.dilate(padded, disc)
    smooth = np.asarray(cv2.GaussianBlur(padded, (0, 0), size * _REACH), np.float32)
    found, _ = cv2.findContours(np.asarray(smooth > level, np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    stretch = max(2, round(size * _STRETCH))
    pieces = [
        piece.reshape(-1, 2)[: len(piece) // stretch * stretch]
        for piece in found
        if len(piece) >= max(stretch, size * _SHORTEST)
    ]
    if not pieces:
        return None
    points = np.concatenate(pieces)
    columns, rows = points.T
    slopes = [cv2.Sobel(smooth, cv2.CV_32F, *axes)[rows, columns] for axes in ((1, 0), (0, 1))]
    normals = -np.stack(slopes, axis=1).astype(np.float64)
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    return _Line(points - float(room), normals / np.maximum(lengths, 1e-6), size, stretch)


def _ratio(moment: Moment, crop: Crop, line: _Line | None) -> float | None:
    if line is None:
        return None
    before, after = (_steps(pixels, crop, line) for pixels in (moment.before.pixels, moment.after.pixels))
    if before is None or after is None:
        return None
    return (after + _NOISE) / (before + _NOISE)


def _steps(pixels: Pixels, crop: Crop, line: _Line) -> float | None:
    """Mean height of the step across the line, over its stretches in the picture."""
    affine = crop.to_picture(line.size)
    points = line.points @ affine[:, :2].T + affine[:, 2]
    turn = affine[:, :2] / (crop.side / line.size)
    across = line.normals @ turn.T * max(1.0, crop.side * _REACH)
    inner, outer = points - across, points + across
    height, width = pixels.shape[:2]
    edge = np.array([width - 1, height - 1])
    inside = np.all((inner >= 0) & (inner <= edge) & (outer >= 0) & (outer <= edge), axis=1)
    whole = inside.reshape(-1, line.stretch).all(axis=1)
    if not whole.any():
        return None
    steps = _sampled(pixels, inner, line.stretch) - _sampled(pixels, outer, line.stretch)
    means = steps.mean(axis=1)[whole]
    return float(np.sqrt(np.square(means).mean(axis=1)).mean())


def _sampled(pixels: Pixels, points: Points, stretch: int) -> NDArray[np.float32]:
    """(stretches, points of each, 3), bilinear."""
    x, y = np.asarray(points.T.reshape(2, -1, stretch), np.float32)
    return np.asarray(cv2.remap(pixels, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)
