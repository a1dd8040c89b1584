"""A frame on its way through the pipeline, and the faces in it."""

from __future__ import annotations

import time
from concurrent.futures import Future, wait
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from effectcam.composite.canvas import DrawnFrame
from effectcam.face.crop import Crop
from effectcam.frame import Frame, Pixels
from effectcam.ledger import FrameTimes


@dataclass(frozen=True, slots=True)
class Face:
    """A face of the latest frame that gets the effect."""

    identity: int
    landmarks: NDArray[np.float32]
    """(468, 3), pixels of the frame."""
    crop: Crop
    """Steadied, with the effect's margin and shift."""
    seen_at: int
    """Nanoseconds, the frame's own stamp."""
    shown: float = 1.0
    """0 to 1: share of the strength that it gets, less than 1 at the effect's soft limits."""


@dataclass(slots=True)
class Passage:
    """A frame on its way through a `Pipeline`, with what each part of the way adds."""

    frame: Frame
    strength: float
    """How much of the effect it gets; decided when it sets out."""
    begun: int = field(default_factory=time.perf_counter_ns)
    times: FrameTimes = field(default_factory=FrameTimes)
    canvas: Future[DrawnFrame] | None = None
    """Where there is a student for the frame, what it makes of it."""
    ground: Future[Pixels] | None = None
    """Where there is none, a copy of the frame to lay the faces on."""
    faces: list[Face] = field(default_factory=list)
    lost: set[int] = field(default_factory=set)
    """Identities that are remembered no longer. Each part of the way forgets them when this frame comes
    there, since they may be on frames that are still on their way."""
    anew: set[int] = field(default_factory=set)
    """After a cut, all identities: nothing from before this frame holds for them. Empty once every part of
    the way has forgotten them."""
    seen: list[Pixels] = field(default_factory=list)
    """The crops of ``faces``, as they lie in the frame."""
    crops: list[Pixels] = field(default_factory=list)
    """The same as the student gets them, with the effect's warp."""
    drawings: list[NDArray[np.uint8]] = field(default_factory=list)
    """What the student made of them, RGB or RGBA; at the end, blended with what was before."""
    decisions: dict[str, object] = field(default_factory=dict)

    def wait(self) -> None:
        """Return once neither canvas nor ground is being made, whatever came of it."""
        if self.canvas is not None:
            wait([self.canvas])
        if self.ground is not None:
            wait([self.ground])
