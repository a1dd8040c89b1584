"""Asks a Linux video device what it is and what it can do (Video4Linux2 ioctls).

Only questions, no settings: looking at a camera in use does not disturb it. The structures are those
of ``linux/videodev2.h``, which the kernel keeps unchanged.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

CAPABILITY = struct.Struct("=16s32s32s3I12x")
FORMAT = struct.Struct("=3I32s2I12x")
FRAME_SIZE = struct.Struct("=9I8x")
FRAME_INTERVAL = struct.Struct("=11I8x")

CAP_CAPTURE = 0x1
CAP_OUTPUT = 0x2
CAP_M2M = 0x8000 | 0x4000
CAP_DEVICE_CAPS = 0x8000_0000

BUFFER_CAPTURE = 1
_DISCRETE = 1

# Devices that scale to anything name only the smallest and largest size; these are what people pick.
COMMON_SIZES = ((640, 480), (1280, 720), (1920, 1080))

# A driver that never says 'that was the last one' must not hang the listing.
_MOST_ANSWERS = 256


def _request(direction: int, number: int, layout: struct.Struct) -> int:
    """The ioctl number for 'V' requests: direction 2 reads, 3 writes and reads."""
    return direction << 30 | layout.size << 16 | ord("V") << 8 | number


QUERYCAP = _request(2, 0, CAPABILITY)
ENUM_FMT = _request(3, 2, FORMAT)
ENUM_FRAMESIZES = _request(3, 74, FRAME_SIZE)
ENUM_FRAMEINTERVALS = _request(3, 75, FRAME_INTERVAL)


@dataclass(frozen=True, slots=True)
class Capability:
    """What a device node says of itself."""

    driver: str
    card: str
    bus: str
    captures: bool
    """Gives pictures: a camera, or a loopback that someone feeds."""
    outputs: bool
    """Takes pictures: a loopback that waits to be fed."""


class Node:
    """An open ``/dev/videoN``. Raises OSError where the node cannot be opened."""

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def close(self) -> None:
        os.close(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def ask(self, request: int, buffer: bytearray) -> bool:
        """One ioctl, answered in place; False where the device has no (further) answer."""
        import fcntl

        try:
            fcntl.ioctl(self._fd, request, buffer, True)
        except OSError:
            return False
        return True

    def capability(self) -> Capability | None:
        """What the node is, or None if it is no video device."""
        buffer = bytearray(CAPABILITY.size)
        if not self.ask(QUERYCAP, buffer):
            return None
        driver, card, bus, _, whole, node = CAPABILITY.unpack(buffer)
        flags = node if whole & CAP_DEVICE_CAPS else whole
        codec = bool(flags & CAP_M2M)
        return Capability(
            _text(driver),
            _text(card),
            _text(bus),
            captures=bool(flags & CAP_CAPTURE) and not codec,
            outputs=bool(flags & CAP_OUTPUT) and not codec,
        )

    def formats(self) -> Iterator[int]:
        """The pixel formats a camera delivers, as FOURCC numbers, the driver's favourite first."""
        for index in range(_MOST_ANSWERS):
            buffer = bytearray(FORMAT.pack(index, BUFFER_CAPTURE, 0, b"", 0, 0))
            if not self.ask(ENUM_FMT, buffer):
                return
            yield FORMAT.unpack(buffer)[4]

    def sizes(self, pixel_format: int) -> Iterator[tuple[int, int]]:
        """The (width, height) pairs of one format."""
        for index in range(_MOST_ANSWERS):
            buffer = bytearray(FRAME_SIZE.pack(index, pixel_format, *(0,) * 7))
            if not self.ask(ENUM_FRAMESIZES, buffer):
                return
            kind, a, b, _, c, d, _ = FRAME_SIZE.unpack(buffer)[2:]
            if kind == _DISCRETE:
                yield a, b
                continue
            least, most = (a, c), (b, d)
            yield from (
                size
                for size in COMMON_SIZES
                if all(lo <= x <= hi for lo, x, hi in zip(least, size, most, strict=True))
            )
            if most not in COMMON_SIZES:
                yield most
            return

    def fastest(self, pixel_format: int, width: int, height: int) -> float | None:
        """The highest rate, in frames a second, that the driver claims for one format and size."""
        best: float | None = None
        for index in range(_MOST_ANSWERS):
            buffer = bytearray(FRAME_INTERVAL.pack(index, pixel_format, width, height, *(0,) * 7))
            if not self.ask(ENUM_FRAMEINTERVALS, buffer):
                break
            # Discrete interval or the shortest of a range: both stand in the same place, in seconds.
            kind, numerator, denominator = FRAME_INTERVAL.unpack(buffer)[4:7]
            if numerator and denominator:
                best = max(best or 0.0, denominator / numerator)
            if kind != _DISCRETE:
                break
        return best


def fourcc_name(fourcc: int) -> str:
    """A pixel format as people write it.

    >>> fourcc_name(0x47504A4D)
    'MJPG'
    """
    return fourcc.to_bytes(4, "little").decode("latin-1").strip()


def _text(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode("utf-8", "replace")
