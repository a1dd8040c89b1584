"""Search for the student that draws best in so many milliseconds on this device.

Latency needs no training, so it comes first: shapes that are far too slow are never trained. The rest
learn for equally long, and are compared by how much of the teacher they have learnt.

Nothing here learns from one trial where to look next, and no optimiser is used. Optuna's, the best kept,
begin with ten (TPE) or fifty (NSGA-II) points of just the spread that is drawn here, so a dozen or two of
trials would end before they began to model; they would have to guess the one objective that is known
before any trial; and they bring a database stack along. No halving of the field either: the rate of
learning falls to nothing at the end of a training, so the first third of one is not a short whole one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from effectcam.distill.dataset import put
from effectcam.distill.pareto import best_within, front, spread
from effectcam.distill.shapes import Shape
from effectcam.distill.train import Progress
from effectcam.errors import UsageError

BEYOND = 1.25
"""Over the budget by this factor a student is still trained, to show what a little more time would buy."""

RESERVE = 1.25
"""Shapes measured for each that is trained: which are too slow is known only then. Exporting one takes
as long as tens of training steps."""


class Workbench(Protocol):
    """Where trials are made; `trial.Trials` but for tests."""

    def prepare(self, shape: Shape) -> None:
        """Before the first `latencies`."""

    def latencies(self, shapes: Sequence[Shape]) -> dict[Shape, float]:
        """Milliseconds of each."""

    def train(self, shape: Shape) -> Iterator[Progress]: ...

    def judge(self, shape: Shape) -> float:
        """Percent of the gap closed, of a trained one; must be kept for `judged`."""

    def judged(self, shape: Shape) -> float | None:
        """The same of an earlier call, None where there was none."""


@dataclass(frozen=True)
class Event:
    """Something to tell whoever waits."""

    kind: Literal["measuring", "training", "done"]
    shape: Shape
    number: int
    of: int
    """How many there are of the kind."""
    progress: Progress | None = None
    """Of the training."""


@dataclass(frozen=True)
class Candidate:
    """One shape, and what is known of it."""

    shape: Shape
    ms: float
    gap_closed: float | None
    """None: not trained."""
    front: bool = False
    """Among those trained, no other is as quick and better, or as good and quicker."""
    chosen: bool = False
    """The best within the budget."""

    def row(self) -> dict[str, Any]:
        """As it stands in ``search.json``."""
        return {
            "name": self.shape.name,
            "size": list(self.shape.size),
            "net": asdict(self.shape.net),
            "weights": self.shape.weights(),
            "multiply_adds": self.shape.multiply_adds(),
            "ms_p50": round(self.ms, 3),
            "gap_closed": None if self.gap_closed is None else round(self.gap_closed, 2),
            "front": self.front,
            "chosen": self.chosen,
        }


@dataclass(frozen=True)
class Search:
    """One search, kept in ``folder``; stopped and started again it goes on."""

    pool: Sequence[Shape]
    """Shapes to choose from, the recipe's own first."""
    bench: Workbench
    folder: Path
    budget_ms: float
    """That the choice must fit. Trials are spread over the times up to the budget of the first run that
    trained anything; a later one may ask for less."""
    trials: int
    """Students to train, at least 2."""
    settings: dict[str, Any]
    """All else that the trials depend on; a search with others is not gone on with."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.budget_ms) and self.budget_ms > 0):
            raise UsageError(f"a budget of {self.budget_ms} ms is none; give --budget-ms a time above 0")
        if self.trials < 2:
            raise UsageError(f"{self.trials} trial is no choice; give --trials at least 2")

    def run(self) -> Iterator[Event]:
        """Measure, then train and judge what is not yet. Raises UsageError when every shape is too slow, or
        ``folder`` holds a search with other settings or for shorter times."""
        longest = self._agree()
        ms = yield from self._measure(longest)
        chosen = self._to_train(ms, longest)
        for number, shape in enumerate(chosen, start=1):
            if self.bench.judged(shape) is None:
                for at in self.bench.train(shape):
                    yield Event("training", shape, number, len(chosen), at)
                self.bench.judge(shape)
            yield Event("done", shape, number, len(chosen))

    def candidates(self) -> list[Candidate]:
        """All that were measured, the quickest first, whether or not the search has ended."""
        ms = self._measured()
        found = {shape: self.bench.judged(shape) for shape in ms}
        points = {shape: (ms[shape], gap) for shape, gap in found.items() if gap is not None}
        best, unbeaten = best_within(points, self.budget_ms), set(front(points))
        return [
            Candidate(shape, ms[shape], found[shape], shape in unbeaten, shape == best)
            for shape in sorted(ms, key=lambda shape: ms[shape])
        ]

    @property
    def own(self) -> Shape:
        """What the recipe has now."""
        return self.pool[0]

    def _agree(self) -> float:
        """The longest time that the search is for: the budget of the first run that trained anything."""
        path, settings = self.folder / "settings.json", json.loads(json.dumps(self.settings))
        now = {"budget_ms": self.budget_ms, **settings}
        was = _read(path) if path.is_file() else now
        # What an older version did not write down, or otherwise, cannot be told.
        if isinstance(was.get("pairs"), int):
            del was["pairs"]
        others = [
            f"{key} {was[key]}, now {value}"
            for key, value in settings.items()
            if was.get(key, value) != value
        ]
        longest = self.budget_ms
        if any(self.bench.judged(shape) is not None for shape in self._measured()):
            longest = float(was.get("budget_ms", 0))
            if self.budget_ms > longest:
                others.append(f"budget up to {longest:g} ms, now {self.budget_ms:g}")
        if others:
            raise UsageError(
                f"{self.folder} holds a search with other settings ({'; '.join(others)}); give them again, "
                "or begin another with --out"
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        put(path, json.dumps({**now, "budget_ms": longest}, indent=1).encode())
        return longest

    def _measure(self, longest: float) -> Generator[Event, None, dict[Shape, float]]:
        """Milliseconds of the shapes that the trials are chosen from."""
        known = self._measured()
        if self.own not in known:
            yield Event("measuring", self.own, 1, 1)
            self.bench.prepare(self.own)
            known = self.bench.latencies([self.own])
            self._keep(known)
        # Good enough to choose what to export; what is trained is chosen by what was measured.
        rate = known[self.own] / self.own.multiply_adds()
        guessed = {shape: rate * shape.multiply_adds() for shape in self.pool}
        near = _within(guessed, BEYOND * longest) or [min(guessed, key=lambda shape: guessed[shape])]
        wanted = _spread(guessed, near, math.ceil(RESERVE * self.trials), [s for s in near if s == self.own])
        new = [shape for shape in wanted if shape not in known]
        for number, shape in enumerate(new, start=1):
            yield Event("measuring", shape, number, len(new))
            self.bench.prepare(shape)
        if new:
            now = self.bench.latencies([self.own, *new])
            # The recipe's own came along to tell how busy the machine is now.
            known |= {shape: now[shape] * known[self.own] / now[self.own] for shape in new}
            self._keep(known)
        return known

    def _to_train(self, ms: dict[Shape, float], longest: float) -> list[Shape]:
        """Evenly over the times up to the limit, after what is trained already. The recipe's own is the
        first, however slow: the others are compared with it."""
        fastest = min(ms, key=lambda shape: ms[shape])
        if ms[fastest] > self.budget_ms:
            raise UsageError(
                f"nothing draws within {self.budget_ms:g} ms: the fastest, {fastest.name}, takes "
                f"{ms[fastest]:.1f}; give --budget-ms more, or smaller --sizes"
            )
        near = list(dict.fromkeys([self.own, *_within(ms, BEYOND * longest)]))
        first = [s for s in near if s == self.own or self.bench.judged(s) is not None]
        return _spread(ms, near, self.trials, first)

    def _measured(self) -> dict[Shape, float]:
        path = self.folder / "latency.json"
        if not path.is_file():
            return {}
        ms = _read(path)
        return {shape: float(ms[shape.name]) for shape in self.pool if shape.name in ms}

    def _keep(self, ms: dict[Shape, float]) -> None:
        rows = {shape.name: time for shape, time in ms.items()}
        put(self.folder / "latency.json", json.dumps(rows, indent=1).encode())


def _within(ms: dict[Shape, float], limit: float) -> list[Shape]:
    return [shape for shape, time in ms.items() if time <= limit]


def _spread(ms: dict[Shape, float], near: list[Shape], count: int, first: list[Shape]) -> list[Shape]:
    chosen = spread([ms[shape] for shape in near], count, [near.index(shape) for shape in first])
    return [near[index] for index in chosen]


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise UsageError(f"{path} is damaged; delete {path.parent} to begin the search anew") from error
