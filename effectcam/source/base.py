"""What every source of frames promises."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Protocol, Self

from effectcam.frame import Frame


class Source(Protocol):
    """A camera or a clip: open once built, read once from front to back, closed by its user.

    Sources need not inherit from this class; it is here so that the contract is written once.

    The constructor raises `SourceError` when no frame can be had, so that a source that exists can
    be read. Iterating yields `Frame` objects of one size, (``height``, ``width``, 3) RGB uint8, with
    ``index`` counting from 0 and ``captured_at`` strictly rising; each frame owns its pixels. A
    source that fails while it is read raises `SourceError`; one that has come to its end stops.
    """

    @property
    def width(self) -> int:
        """Pixels across, after any rotation."""
        ...

    @property
    def height(self) -> int:
        """Pixels down, after any rotation."""
        ...

    @property
    def fps(self) -> float:
        """Frames a second: the best figure known now; it may get better while frames are read."""
        ...

    def __iter__(self) -> Iterator[Frame]: ...

    def close(self) -> None:
        """Let go of the device or file; further calls do nothing."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
