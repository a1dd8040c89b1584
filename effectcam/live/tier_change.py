"""Another tier of the effect in use, opened while the present one goes on drawing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from typing import NamedTuple

from effectcam.effect.manifest import Place
from effectcam.errors import reason
from effectcam.pipeline import Pipeline
from effectcam.student.protocol import Student


class _Coming(NamedTuple):
    pipeline: Pipeline
    """That they were opened for; another may be at work when they are there."""
    tier: str
    students: Future[Mapping[Place, Student]]


class TierChange:
    """Brings a pipeline to another of its tiers between two frames. For the loop's thread alone."""

    def __init__(self, loader: Executor, tell: Callable[[str], None]) -> None:
        """``loader`` opens students in a thread of its own; ``tell`` hears of those that do not open."""
        self._loader = loader
        self._tell = tell
        self._coming: _Coming | None = None
        self.refused: set[tuple[str, str]] = set()
        """Effect and tier of students that did not open: not to be tried again."""

    def start(self, pipeline: Pipeline, tier: str) -> None:
        """Have the students of ``tier`` opened; nothing while others are on their way."""
        if self._coming is None:
            self._coming = _Coming(pipeline, tier, self._loader.submit(pipeline.open_tier, tier))

    def settle(self, pipeline: Pipeline) -> None:
        """Have ``pipeline``, which is at work, draw with the students that are there by now."""
        coming = self._coming
        if coming is None or not coming.students.done():
            return
        self._coming = None
        try:
            students = coming.students.result()
        except Exception as error:
            name = coming.pipeline.effect.name
            self.refused.add((name, coming.tier))
            self._tell(f"{name}, {coming.tier} tier: {reason(error)}")
            return
        if coming.pipeline is pipeline:
            pipeline.change_tier(coming.tier, students)
        else:
            _close(students)

    def close(self) -> None:
        """Once the loader is shut down: close what nobody will draw with."""
        if self._coming is not None and self._coming.students.exception() is None:
            _close(self._coming.students.result())
        self._coming = None


def _close(students: Mapping[Place, Student]) -> None:
    for student in students.values():
        student.close()
