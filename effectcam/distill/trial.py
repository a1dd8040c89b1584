"""What a search finds out about a student: how long it takes on this device, and what it learns in a
short time."""

from __future__ import annotations

import contextlib
import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from effectcam.distill.dataset import put
from effectcam.distill.export import export
from effectcam.distill.net import Student
from effectcam.distill.pairs import PairStore
from effectcam.distill.recipe import StudentRecipe
from effectcam.distill.shapes import Shape
from effectcam.distill.train import Progress, TrainConfig, load_student, train, usual_augmentation
from effectcam.distill.verify import verify
from effectcam.errors import UsageError
from effectcam.student.litert import LiteRtStudent
from effectcam.student.past import with_past


@dataclass(frozen=True)
class Trials:
    """Trials of many shapes of one student, each in a folder of its own and for the same time."""

    recipe: StudentRecipe
    store: PairStore
    folder: Path
    minutes: float
    """Of training, each."""
    threads: int = 1
    """That a student is measured on. Training has one in any case."""
    cpu_time: bool = False
    """Count this thread's CPU time, in training and in measuring: on a busy machine a student then is not
    called slow because it had to wait."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.cpu_time and self.threads != 1:
            raise UsageError("CPU time is counted on one thread only; leave out --threads or --cpu-time")

    @property
    def clock(self) -> Callable[[], float]:
        return time.thread_time if self.cpu_time else time.perf_counter

    def latencies(self, shapes: Sequence[Shape], *, rounds: int = 41) -> dict[Shape, float]:
        """Median milliseconds of a picture through LiteRT. All take turns, so that whatever else the machine
        does hits all alike. Weights do not matter, so it is done before anything is trained."""
        taken: dict[Shape, list[float]] = {shape: [] for shape in shapes}
        with contextlib.ExitStack() as stack:
            students = {}
            for shape in shapes:
                student = LiteRtStudent(
                    self._untrained(shape), channels=shape.net.channels, threads=self.threads, name=shape.name
                )
                students[shape] = stack.enter_context(student)
            for turn in range(-2, rounds):
                for shape, student in students.items():
                    picture = with_past(np.full((*shape.size, 3), 127, np.uint8), None, student.inputs)
                    begun = self.clock()
                    student.run(picture)
                    if turn >= 0:
                        taken[shape].append(1000 * (self.clock() - begun))
        return {shape: statistics.median(times) for shape, times in taken.items()}

    def prepare(self, shape: Shape) -> None:
        """Export it with random weights, for `latencies`; once."""
        path = self._untrained(shape)
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            export(Student(shape.net), shape.size, path)

    def train(self, shape: Shape) -> Iterator[Progress]:
        """Train it to the end of its time, from wherever an earlier call was stopped."""
        config = TrainConfig(
            minutes=self.minutes,
            lying=self.recipe.lying,
            emphasis=self.recipe.emphasis,
            seed=self.seed,
            save_every=30.0,
        )
        yield from train(
            self.store,
            shape.net,
            self.folder / shape.name,
            config=config,
            augmentation=usual_augmentation(
                shape.net,
                self._as_recipe(shape).scale,
                mirror=self.recipe.mirror,
                one_ink=self.recipe.one_ink,
            ),
            weights=self.recipe.losses,
            clock=self.clock,
        )

    def judge(self, shape: Shape) -> float:
        """Percent of the SSIM gap that the trained student closes on the people held out; kept."""
        folder = self.folder / shape.name
        trained = folder / "student.tflite"
        export(load_student(folder, shape.net), shape.size, trained)
        gap = verify(self.store, trained, self._as_recipe(shape).scale).overall.gap_closed
        put(folder / "gap.json", json.dumps({"gap_closed": gap}).encode())
        return gap

    def judged(self, shape: Shape) -> float | None:
        """What `judge` found, or None for a trial that is not finished."""
        path = self.folder / shape.name / "gap.json"
        try:
            return float(json.loads(path.read_text(encoding="utf-8"))["gap_closed"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{path} is damaged; delete it to have the trial judged again") from error

    def _untrained(self, shape: Shape) -> Path:
        return self.folder / shape.name / "untrained.tflite"

    def _as_recipe(self, shape: Shape) -> StudentRecipe:
        return replace(self.recipe, size=shape.size, net=shape.net)
