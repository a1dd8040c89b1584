"""Puts a drawn crop back into the picture: in the crop's box only, in 8 bits, with the original's detail.

With drawing S, crop C as the student saw it, picture B and mask a, the finished picture is

    B (1 - a) + a (S + g (B - C))

where g brings back the finest detail, which is just what B has and its own small copy C has not.
Gathered by what is known at the size of the crop and what only at the size of the picture:

    B (1 - a (1 - g))  +  a (S - g C)
      weight              part

Weight and part are computed on 256 x 256 pixels, travel through one warp as four 8-bit channels, and
leave one multiplication and one addition for the full size.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.composite.mask import box_of
from effectcam.face.crop import Crop
from effectcam.frame import Pixels

_TRANSPARENT = (0.0, 0.0, 0.0, 255.0)

_REACH = 3
"""Pixels by which interpolation, by cubic and then bilinear, spreads one of a drawing's."""


def prepare(
    drawing: NDArray[np.uint8], seen: Pixels, mask: NDArray[np.uint8], *, detail: float, keep: bool = True
) -> NDArray[np.uint8]:
    """Part and weight, uint8 (N, N, 4), of a drawing (N, N, 3 or 4; alpha straight) of ``seen`` (N, N, 3).

    ``mask`` uint8 (N, N), 255 shows the drawing. ``detail`` 0 to 1 is g above; where the drawing is
    much darker than the picture it is lowered to what keeps the part above zero, so that dark lines
    and hollows stay dark. ``keep`` False leaves the detail out of the weight: for a canvas that gets
    the whole picture's detail in one go at the end.
    """
    alpha = (
        mask if drawing.shape[2] == 3 else cv2.multiply(mask, cv2.extractChannel(drawing, 3), scale=1 / 255)
    )
    colour = drawing if drawing.shape[2] == 3 else cv2.cvtColor(drawing, cv2.COLOR_RGBA2RGB)
    if detail > 0:
        if keep:
            dark = cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY)
            light = cv2.cvtColor(seen, cv2.COLOR_RGB2GRAY)
            # S / C in steps of 1/255, at most g.
            share = np.minimum(cv2.divide(dark, light, scale=255), np.uint8(round(255 * detail)))
            colour = cv2.subtract(
                colour, cv2.multiply(seen, cv2.cvtColor(share, cv2.COLOR_GRAY2RGB), scale=1 / 255)
            )
            weight = cv2.bitwise_not(cv2.multiply(alpha, cv2.bitwise_not(share), scale=1 / 255))
        else:
            colour = cv2.addWeighted(colour, 1.0, seen, -detail, 0)
            weight = cv2.bitwise_not(alpha)
    else:
        weight = cv2.bitwise_not(alpha)
    part = cv2.multiply(colour, cv2.cvtColor(alpha, cv2.COLOR_GRAY2RGB), scale=1 / 255)
    return np.asarray(cv2.merge((*cv2.split(part), weight)), np.uint8)


class Layer(NamedTuple):
    """A drawing at the picture's own size and place, ready to be laid."""

    left: int
    top: int
    part: NDArray[np.uint8]
    """(h, w, 3)"""
    weight: NDArray[np.uint8]
    """(h, w, 3), all three the same: of what is there already, in 1/255."""


def place(prepared: NDArray[np.uint8], crop: Crop, width: int, height: int) -> Layer | None:
    """What ``prepare`` made, brought by the crop's own affine to a picture of ``width`` by ``height``;
    None when nothing of it is in the picture. Needs no picture, so it can be done before there is one."""
    shown = _shown(prepared)
    box = _box_in_picture(shown, prepared.shape[0], crop, width, height)
    if box is None:
        return None
    left, top, right, bottom = box
    size, corner = prepared.shape[0], (0, 0)
    if crop.side > 1.2 * size:
        # Doubling by cubic first and sampling that bilinearly keeps lines as crisp as a cubic warp,
        # which takes several times as long.
        prepared, corner = prepared[shown], (2 * shown[1].start, 2 * shown[0].start)
        prepared = np.asarray(cv2.resize(prepared, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), np.uint8)
        size *= 2
    while size > 1 and crop.side <= 0.5 * size:
        # A far face: sampled one by one out of many, pixels of the drawing would flicker.
        size //= 2
        prepared = np.asarray(cv2.resize(prepared, (size, size), interpolation=cv2.INTER_AREA), np.uint8)
    affine = crop.to_picture(size)
    affine[:, 2] += affine[:, :2] @ corner - (left, top)
    warped = cv2.warpAffine(
        prepared,
        affine,
        (right - left, bottom - top),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=_TRANSPARENT,
    )
    weight = cv2.cvtColor(cv2.extractChannel(warped, 3), cv2.COLOR_GRAY2RGB)
    part = cv2.cvtColor(warped, cv2.COLOR_RGBA2RGB)
    return Layer(left, top, np.asarray(part, np.uint8), np.asarray(weight, np.uint8))


def lay(canvas: Pixels, layer: Layer) -> None:
    """Lay what ``place`` made into ``canvas`` uint8 (H, W, 3), in place: one product and one sum."""
    rows, columns = layer.part.shape[:2]
    region = canvas[layer.top : layer.top + rows, layer.left : layer.left + columns]
    under = cv2.multiply(region, layer.weight, scale=1 / 255)
    region[:] = cv2.add(under, layer.part, dst=under)


def _shown(prepared: NDArray[np.uint8]) -> tuple[slice, slice]:
    """Rows and columns round what is not transparent, often half of the crop, and round what interpolation
    makes of that; both empty where all is."""
    clear = np.array(_TRANSPARENT)
    return box_of(np.asarray(cv2.bitwise_not(cv2.inRange(prepared, clear, clear)), np.uint8), margin=_REACH)


def _box_in_picture(
    shown: tuple[slice, slice], size: int, crop: Crop, width: int, height: int
) -> tuple[int, int, int, int] | None:
    """As ``Crop.box``, but only round what is ``shown`` of its (size, size): the warp's time goes with the
    pixels it writes."""
    box = crop.box(width, height)
    rows, columns = shown
    if box is None or rows.stop == rows.start:
        return None
    x, y = np.array([columns.start - 1, columns.stop]), np.array([rows.start - 1, rows.stop])
    affine = crop.to_picture(size)
    corners = affine[:, :2] @ np.array([[x[0], x[1], x[0], x[1]], [y[0], y[0], y[1], y[1]]]) + affine[:, 2:]
    least, most = np.floor(corners.min(axis=1)), np.ceil(corners.max(axis=1)) + 1
    left, top = max(box[0], int(least[0])), max(box[1], int(least[1]))
    right, bottom = min(box[2], int(most[0])), min(box[3], int(most[1]))
    return (left, top, right, bottom) if left < right and top < bottom else None
