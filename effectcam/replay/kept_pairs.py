"""Some frames before and after the effect, spread over a run whose length nobody knows, as a bundle has
them."""

from __future__ import annotations

import cv2
import numpy as np

from effectcam.frame import Frame, Pixels

MOST_BYTES = 4_000_000
"""Of a picture. A bundle may hold twice as much in one, and so many in all of its pictures."""
_QUALITY = 85
_SMALLER = 0.7
"""Sides of a picture that is too large, from one attempt to the next."""


class KeptPairs:
    """Grows to twice as many pairs as are wanted at most, whatever the run's length."""

    def __init__(self, most: int) -> None:
        """``most``: pairs; 0 keeps none."""
        self._most = most
        self._every = 1
        self._pairs: list[tuple[int, bytes, bytes]] = []
        self._latest: tuple[Frame, Frame] | None = None

    def see(self, before: Frame, after: Frame) -> None:
        """The next frame, counted from 0, and what became of it."""
        if not self._most:
            return
        self._latest = before, after
        if before.index % self._every:
            return
        self._pairs.append(_pair(before, after))
        if len(self._pairs) == 2 * self._most:
            self._pairs = self._pairs[::2]
            self._every *= 2

    @property
    def pictures(self) -> dict[str, bytes]:
        """JPEGs by name, before-NNNNNN.jpg and after-NNNNNN.jpg: of the last frame, at which a recording was
        often ended for what it shows, and of others as far apart as can be."""
        pairs = list(self._pairs)
        if self._latest is not None and self._latest[0].index != pairs[-1][0]:
            pairs.append(_pair(*self._latest))
        # From the end, so that one alone is the last.
        places = np.linspace(len(pairs) - 1, 0, min(self._most, len(pairs))).round().astype(int)
        kept: dict[str, bytes] = {}
        for frame, before, after in (pairs[place] for place in sorted(places)):
            kept |= {f"before-{frame:06}.jpg": before, f"after-{frame:06}.jpg": after}
        return kept


def _pair(before: Frame, after: Frame) -> tuple[int, bytes, bytes]:
    return before.index, small_jpeg(before.pixels), small_jpeg(after.pixels)


def small_jpeg(pixels: Pixels) -> bytes:
    """RGB as the bytes of a JPEG, scaled down until it has `MOST_BYTES` at most."""
    picture = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    while True:
        _, data = cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, _QUALITY))
        if data.size <= MOST_BYTES:
            return np.asarray(data, np.uint8).tobytes()
        picture = cv2.resize(picture, None, fx=_SMALLER, fy=_SMALLER, interpolation=cv2.INTER_AREA)
