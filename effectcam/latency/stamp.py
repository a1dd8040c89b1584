"""A time code drawn into a picture, such that a program which sees the picture can tell which one it is.

A strip along the upper edge holds two rows of blocks. Each column is a bit: white over black is a one,
black over white a zero. A bit is read from the difference of its two blocks, so that brightness,
contrast and the colours of an effect do not matter, and a picture torn between the rows has no
difference left. A column at each end tells which way round black and white are, and a check sum stands
beside the code: a strip that cannot be read for certain is not read.
"""

from __future__ import annotations

from binascii import crc_hqx

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.errors import UsageError
from effectcam.frame import Pixels

LEAST_WIDTH, LEAST_HEIGHT = 160, 120
"""The smallest picture whose blocks an effect and halved colour leave readable."""

_CODE_BITS, _CHECK_BITS = 32, 16
_COLUMNS = _CODE_BITS + _CHECK_BITS + 2

_TICK = 1_000
"""Nanoseconds: less than it takes to draw a stamp, so that no two frames share one."""

_STRIP = 0.1
"""The strip's height as a share of the picture's: above the crop of a face in the middle, and high enough
that a student which sees the frame at 512x288 gets blocks of 10 by 14 pixels."""

_CELL = 4
"""Samples along each side of a block; the outer ones, where its neighbours bleed in, are not used."""

_LEAST_CONTRAST = 64
"""Between the two blocks of a column, of 255: grey on grey may be anything."""


def code_at(moment: int) -> int:
    """The code of a moment in nanoseconds: microseconds, begun anew every 71 minutes.

    >>> code_at(1_234_567_000)
    1234567
    """
    return moment // _TICK % (1 << _CODE_BITS)


def write(pixels: Pixels, code: int) -> None:
    """Draw ``code`` into ``pixels``, (H, W, 3) of at least 160x120, in place.

    Raises UsageError for a picture that is too small, or a code of more than 32 bits.
    """
    height, width = pixels.shape[:2]
    if width < LEAST_WIDTH or height < LEAST_HEIGHT:
        raise UsageError(
            f"{width}x{height} is too small for a stamp; give at least {LEAST_WIDTH}x{LEAST_HEIGHT}"
        )
    if not 0 <= code < 1 << _CODE_BITS:
        raise UsageError(f"code {code} does not fit into a stamp; choose 0 to {(1 << _CODE_BITS) - 1}")
    whole = code << _CHECK_BITS | _check(code)
    ones = [True, *(bool(whole >> place & 1) for place in reversed(range(_COLUMNS - 2))), False]
    upper = np.where(ones, 255, 0).astype(np.uint8)
    strip = cv2.resize(
        np.stack([upper, 255 - upper]), (width, round(height * _STRIP)), interpolation=cv2.INTER_NEAREST
    )
    pixels[: strip.shape[0]] = strip[:, :, None]


def read(pixels: NDArray[np.uint8]) -> int | None:
    """The code in a picture of any size, (H, W) grey or (H, W, 3) RGB or BGR; None where there is none
    that can be read for certain."""
    height = round(pixels.shape[0] * _STRIP)
    if height < 2:
        return None
    samples = cv2.resize(pixels[:height], (_COLUMNS * _CELL, 2 * _CELL), interpolation=cv2.INTER_AREA)
    grey = samples if samples.ndim == 2 else samples.mean(axis=2)
    blocks = grey.reshape(2, _CELL, _COLUMNS, _CELL)[:, 1:-1, :, 1:-1].mean(axis=(1, 3))
    contrast = blocks[0] - blocks[1]
    if np.abs(contrast).min() < _LEAST_CONTRAST:
        return None
    # An effect may have turned black and white round.
    ones = contrast > 0 if contrast[0] > 0 else contrast < 0
    if ones[-1]:
        return None
    whole = int("".join("1" if one else "0" for one in ones[1:-1]), 2)
    code = whole >> _CHECK_BITS
    return code if _check(code) == whole & ((1 << _CHECK_BITS) - 1) else None


def _check(code: int) -> int:
    return crc_hqx(code.to_bytes(4, "big"), 0xFFFF)
