"""One competitor for the processor: an x264 encode such as OBS runs while it records or streams.

    python -m effectcam.bench.encoder CLIP

Writes ``ready`` once it encodes, begins to count at a line ``measure`` on standard input, and ends at that
input's end, with its figures as JSON. So it ends with whoever started it, however that one ends.
"""

from __future__ import annotations

import itertools
import json
import signal
import sys
import threading
import time
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.source.clip import Clip
from effectcam.source.fill import filled

WIDTH, HEIGHT, FPS = 1920, 1080, 30

_OPTIONS = {
    # OBS's own choice for x264 when it records or streams: constant 6 Mbit/s, a key frame each 2 s.
    "preset": "veryfast",
    "profile": "high",
    "b": "6000k",
    "maxrate": "6000k",
    "bufsize": "6000k",
    "g": str(2 * FPS),
    "x264-params": "nal-hrd=cbr",
}
_PICTURES = 30
_PAN = 8
"""Pixels a frame that the picture moves aside: without it a portrait costs x264 next to nothing."""
_WARM_FRAMES = 10


@dataclass(slots=True)
class _Count:
    """Since the measurement began."""

    frames: int = 0
    skipped: int = 0
    bits: int = 0
    times: list[float] = field(default_factory=list)
    begun: float = field(default_factory=time.perf_counter)
    cpu: float = field(default_factory=time.process_time)


def pictures(clip: Path) -> list[NDArray[np.uint8]]:
    """Planar YUV 4:2:0 of the size to encode, panning."""
    made = []
    with Clip(clip) as opened:
        for index, frame in enumerate(itertools.islice(opened, _PICTURES)):
            moved = np.roll(filled(frame.pixels, WIDTH, HEIGHT), index * _PAN, axis=1)
            made.append(np.asarray(cv2.cvtColor(moved, cv2.COLOR_RGB2YUV_I420), np.uint8))
    return made


def encode(shown: list[NDArray[np.uint8]], wishes: _Wishes) -> dict[str, Any]:
    """Encode ``shown`` forwards and backwards in real time until it is to stop; the figures."""
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    context.time_base, context.framerate = Fraction(1, FPS), Fraction(FPS)
    context.options = _OPTIONS
    count = _Count()
    start = time.perf_counter()
    order = itertools.cycle([*shown, *shown[-2:0:-1]])
    for index in itertools.count():
        if wishes.stop.is_set():
            break
        if wishes.measure.is_set():
            wishes.measure.clear()
            count = _Count()
        if index == _WARM_FRAMES:
            print("ready", flush=True)
        now, due = time.perf_counter() - start, index / FPS
        picture = next(order)
        if now - due > 1 / FPS:
            # As OBS does when the encoder lags: what is a frame late is left out.
            count.skipped += 1
            continue
        if due > now:
            time.sleep(due - now)
        begun = time.perf_counter()
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts = index
        count.bits += sum(8 * packet.size for packet in context.encode(frame))
        count.times.append(time.perf_counter() - begun)
        count.frames += 1
    return _figures(count)


def _figures(count: _Count) -> dict[str, Any]:
    seconds = time.perf_counter() - count.begun
    p50, p95 = np.percentile(count.times, (50, 95)) if count.times else (0.0, 0.0)
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "fps": FPS,
        "frames": count.frames,
        "skipped": count.skipped,
        "encode_p50_ms": round(1000 * float(p50), 3),
        "encode_p95_ms": round(1000 * float(p95), 3),
        "cpu_seconds": round(time.process_time() - count.cpu, 3),
        "megabits_per_s": round(count.bits / seconds / 1e6, 3),
    }


class _Wishes:
    """What whoever started this process wants of it, read from standard input."""

    def __init__(self) -> None:
        self.measure, self.stop = threading.Event(), threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in sys.stdin:
            if line.strip() == "measure":
                self.measure.set()
        self.stop.set()


def main() -> None:
    # A Ctrl-C in the terminal goes to all its programs; this one ends with its parent.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    figures = encode(pictures(Path(sys.argv[1])), _Wishes())
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
