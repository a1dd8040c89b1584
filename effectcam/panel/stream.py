"""The live picture for those who watch the panel: encoded beside the loop, and only the latest one kept."""

from __future__ import annotations

import asyncio
import threading
import time

import cv2
import numpy as np

from effectcam.frame import Pixels
from effectcam.live.preview import Preview


class PreviewStream:
    """Makes pairs of JPEG pictures, in a thread of its own, as long as somebody watches.

    There is one latest pair. Whoever asks late gets that one, and misses those before it, so a slow
    client costs nothing but its own pictures. It gets recent ones only if its connection holds few: whoever
    sends them asks for the next pair once the last one is on its way.

    All but the encoding happens in the asyncio loop that made it.
    """

    def __init__(self, preview: Preview, *, fps: float = 12.0, width: int = 640, quality: int = 80) -> None:
        """``fps`` and ``width`` (pixels) are upper bounds; more of either, or of ``quality`` (JPEG's, to
        100), takes more of a core: 12, 640 and 80 take about a fifteenth of one."""
        self._preview = preview
        self._pause = 1 / fps
        self._width = width
        self._quality = quality
        self._loop = asyncio.get_running_loop()
        self._viewers = 0
        self._number = 0
        self._pair = b""
        self._next = asyncio.Event()
        self._wanted = threading.Event()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def viewers(self) -> int:
        return self._viewers

    @property
    def number(self) -> int:
        """Of the latest pair; whoever begins to watch waits for the one after it, as it may be old."""
        return self._number

    def __enter__(self) -> PreviewStream:
        """Somebody begins to watch."""
        self._viewers += 1
        self._wanted.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._encode, name="panel preview", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._viewers -= 1
        if not self._viewers and not self._ended.is_set():
            self._wanted.clear()

    async def next(self, after: int) -> tuple[int, bytes]:
        """The latest pair if its number is above ``after``, else the one to come: its number, and the
        bytes as `pack` lays them."""
        while self._number <= after:
            await self._next.wait()
        return self._number, self._pair

    def close(self) -> None:
        """Wait for the thread. Nobody may be watching any more, nor begin to."""
        self._ended.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join()

    def _encode(self) -> None:
        while self._wanted.wait() and not self._ended.is_set():
            with self._preview:
                self._encode_while_wanted()

    def _encode_while_wanted(self) -> None:
        seen = 0
        while self._wanted.is_set() and not self._ended.is_set():
            view = self._preview.take(seen, timeout=0.1)
            if view is None:
                continue
            seen, begun = view.number, time.monotonic()
            pair = pack(self._jpeg(view.before), self._jpeg(view.after))
            self._loop.call_soon_threadsafe(self._publish, pair)
            self._ended.wait(self._pause - (time.monotonic() - begun))

    def _publish(self, pair: bytes) -> None:
        self._number += 1
        self._pair = pair
        waiting, self._next = self._next, asyncio.Event()
        waiting.set()

    def _jpeg(self, pixels: Pixels) -> bytes:
        height, width = pixels.shape[:2]
        scale = min(1.0, self._width / width)
        # Sides of a pixel at least, whatever the shape.
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) if scale < 1 else pixels
        swapped = cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
        _, encoded = cv2.imencode(".jpg", swapped, [cv2.IMWRITE_JPEG_QUALITY, self._quality])
        return np.asarray(encoded).tobytes()


def pack(before: bytes, after: bytes) -> bytes:
    """One message with both pictures: the length of the first in 4 bytes, most significant first, then
    the first, then the second.

    >>> pack(b"ab", b"cde")
    b'\\x00\\x00\\x00\\x02abcde'
    """
    return len(before).to_bytes(4, "big") + before + after
