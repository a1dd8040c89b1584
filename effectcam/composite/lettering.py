"""Text as a picture: OpenCV's stroke font, drawn large, rounded, and brought down to size."""

from __future__ import annotations

import unicodedata

import cv2
import numpy as np
from numpy.typing import NDArray

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_DRAWN = 96
"""Height of a capital as drawn, in pixels: several times any label's, a little above a title's."""

_CAPITAL = 21
"""Height of a capital in the font's own units."""

_SPACE = 9
"""Between words, in the font's own units: its own blank is as wide as a letter and tears lines apart."""

_DEPTH = 7
"""What letters such as g and brackets reach below the line, in the font's own units."""


def lettering(text: str, height: float, *, weight: float = 0.13) -> NDArray[np.uint8]:
    """How much of each pixel ``text`` covers, uint8 (rows, columns), 0 to 255.

    ``height`` is that of a capital in pixels, from 5; the picture is a little taller, with as much
    room above the capitals as letters like g take below the line, so that centring it centres the
    text. ``weight`` is the width of a stroke as a share of the capitals' height: 0.09 is light, 0.18
    bold. The font knows ASCII alone: accents are left out, other signs become question marks.
    """
    scale = max(1.0, height / _DRAWN) * _DRAWN / _CAPITAL
    stroke = max(1, round(weight * scale * _CAPITAL))
    depth = round(_DEPTH * scale) + stroke
    words = _ascii(text).split() or [""]
    widths = [cv2.getTextSize(word, _FONT, scale, stroke)[0][0] for word in words]
    space = round(_SPACE * scale)
    width = sum(widths) + space * (len(words) - 1) + 2 * stroke
    canvas = np.zeros((round(_CAPITAL * scale) + 2 * depth, width), np.uint8)
    left = stroke
    for word, advance in zip(words, widths, strict=True):
        cv2.putText(canvas, word, (left, canvas.shape[0] - depth), _FONT, scale, (255,), stroke, cv2.LINE_8)
        left += advance + space
    # The font's curves are polygons of a few sides. Blurred and cut at one half they are round again.
    soft = cv2.GaussianBlur(canvas, (0, 0), 0.45 * stroke)
    cover = np.clip((soft.astype(np.float32) - 104) * (255 / 48), 0, 255).astype(np.uint8)
    ratio = height / (scale * _CAPITAL)
    size = max(1, round(canvas.shape[1] * ratio)), max(1, round(canvas.shape[0] * ratio))
    return np.asarray(cv2.resize(cover, size, interpolation=cv2.INTER_AREA), np.uint8)


def _ascii(text: str) -> str:
    """
    >>> _ascii("Caméra n° 2…")
    'Camera n? 2...'
    """
    parts = (c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return "".join(c if " " <= c <= "~" else "?" for c in parts)
