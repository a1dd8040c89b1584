"""What a bench is to measure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from effectcam.effect.package import Effect
from effectcam.student.accelerator import Wish

Tell = Callable[[str, float], None]
"""Called between frames with what is being done and which share of that is done, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to measure. Of ``frames`` and ``seconds`` one is None."""

    effect: Effect
    tier: str = "standard"
    accelerator: Wish = "cpu"
    threads: int | None = None
    """Of each student; None measures."""
    cores: int | None = None
    """To keep to; None: half of them, two at least, as a live run does."""
    priority: Literal["normal", "raised"] = "normal"
    clip: Path
    size: tuple[int, int] = (1280, 720)
    faces: int = 1
    frames: int | None = 300
    seconds: float | None = None
    pace_fps: float | None = None
    """Frames a second to offer; None offers each as soon as the one before is done."""
    burn_in: int = 30
    """Frames that do not count: the first ones allocate, and the tracker has yet to find the face."""
    overlap: bool = False
    """Begin a frame while the one before is with the student, which then gets half of the cores."""
    under_load: int = 0
    cold_starts: int = 3
