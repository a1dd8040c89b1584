"""A worker of ``effectcam bench matrix`` whose students take longer.

python -m benchmarks.slower_worker 10
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, fields
from typing import Any

from benchmarks.slow_device import SlowStudent
from effectcam.bench import worker
from effectcam.effect.manifest import Place
from effectcam.effect.package import Effect
from effectcam.frame import Pixels
from effectcam.student.choice import PlacedStudent


class SpinningStudent(SlowStudent):
    """A student that keeps its core busy for a share longer than it takes."""

    def __init__(self, student: PlacedStudent, share: float) -> None:
        super().__init__(student, lambda: None)
        self._share = share

    def run(self, image: Pixels) -> Pixels:
        begun = time.perf_counter()
        drawn = super().run(image)
        end = time.perf_counter()
        while time.perf_counter() < end + self._share * (end - begun):
            pass
        return drawn


@dataclass(frozen=True, slots=True, kw_only=True)
class SpinningEffect(Effect):
    """An effect with such students."""

    share: float

    def open_student(self, place: Place, **options: Any) -> PlacedStudent:
        return SpinningStudent(Effect.open_student(self, place, **options), self.share)  # type: ignore[return-value]


def spinning(effect: Effect, share: float) -> SpinningEffect:
    """``effect`` with students that take ``share`` of their time longer."""
    values = {field.name: getattr(effect, field.name) for field in fields(Effect)}
    return SpinningEffect(**values, share=share)


if __name__ == "__main__":
    worker.main(lambda effect: spinning(effect, float(sys.argv[1]) / 100))
