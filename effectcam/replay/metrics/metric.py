"""The contract that every metric keeps."""

from __future__ import annotations

from typing import ClassVar, Protocol

from effectcam.replay.metrics.figure import Figure, Values
from effectcam.replay.metrics.moment import Moment


class Metric(Protocol):
    """Measures a stream of frames, one after another. Holds no more than a few frames' worth, however many
    come, and decides by nothing but them: the same frames give the same figures."""

    figures: ClassVar[tuple[Figure, ...]]
    """All that it may give."""

    def see(self, moment: Moment) -> Values:
        """The figures of this frame; none where it says nothing. Frames come in order, without gaps."""
        ...

    def close(self) -> None:
        """Free what it holds; a second call does nothing."""
        ...
