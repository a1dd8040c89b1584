"""Messages between a run and its worker: a line of JSON, and as many bytes as it says."""

from __future__ import annotations

import json
from typing import Any, BinaryIO

Message = dict[str, Any]

_LONGEST_LINE = 4096


def send(stream: BinaryIO, message: Message, data: bytes | memoryview = b"") -> None:
    """Raises OSError when nobody reads any more. ``data`` is a flat memory of bytes."""
    stream.write(json.dumps({**message, "bytes": len(data)}).encode("ascii") + b"\n")
    stream.write(data)
    stream.flush()


def receive(stream: BinaryIO, into: memoryview | None = None) -> tuple[Message, bytes]:
    """The next message. Its bytes are put into ``into`` if they fill it exactly, else handed back.
    Raises EOFError when the other side has ended, ValueError for what is no message."""
    line = stream.readline(_LONGEST_LINE)
    if not line.endswith(b"\n"):
        raise EOFError
    message: Message = json.loads(line)
    length = message["bytes"]
    if into is not None and length == len(into):
        while into:
            count = stream.readinto(into)  # type: ignore[attr-defined]
            if not count:
                raise EOFError
            into = into[count:]
        return message, b""
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return message, data
