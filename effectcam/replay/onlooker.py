"""The contract of what looks on while a clip is replayed."""

from __future__ import annotations

from typing import Protocol

from effectcam.frame import Frame
from effectcam.replay.trace import Header, TracedFrame


class Onlooker(Protocol):
    """Gets what a trace would say, line by line, and the pictures. Holds no more than a few frames, however
    many come. What a call raises ends the replay."""

    def begin(self, header: Header) -> None:
        """Before the first frame."""
        ...

    def see(self, line: TracedFrame, after: Frame) -> None:
        """A frame as it came out; ``after`` is only read. They come in order, without gaps."""
        ...

    def end(self) -> None:
        """All frames were seen; not called for a replay that fails."""
        ...
