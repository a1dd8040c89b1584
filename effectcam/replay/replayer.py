"""One clip after another through one pipeline, as a run of ``effectcam replay`` wants it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from effectcam.effect.package import Effect
from effectcam.errors import EffectcamError, ReportError, SinkError, SourceError
from effectcam.pipeline import Pipeline
from effectcam.replay.gates import Gate, judge
from effectcam.replay.golden import GoldenRecorder, Recorded, read_golden
from effectcam.replay.golden_check import GoldenChecker, golden_of
from effectcam.replay.metrics import Meters, metrics_for
from effectcam.replay.onlooker import Onlooker
from effectcam.replay.player import Watcher, play
from effectcam.replay.report import ClipReport
from effectcam.replay.resume import is_done
from effectcam.student.accelerator import Wish


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaySettings:
    """What all clips of a run have in common, in values that another process can be told. See `Pipeline`."""

    tier: str = "standard"
    strength: float | None = None
    max_faces: int = 1
    threads: int | None = None
    accelerator: Wish = "cpu"
    metrics: bool = False
    resume: bool = False
    """Pass over clips whose trace and output are there, see `is_done`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipPlan:
    """What becomes of a clip, in values that another process can be told."""

    clip: str
    output: Path | None = None
    trace: Path | None = None
    record: Path | None = None
    """Folder of a golden to record into, see `GoldenFolder`."""
    check: Path | None = None
    """Folder of a golden to compare with."""
    gates: tuple[Gate, ...] = ()

    @property
    def stem(self) -> str:
        """Of the clip, by which a golden knows it."""
        return Path(self.clip).stem


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What came of a clip."""

    report: ClipReport | None
    """None for one that was done already."""
    recorded: Recorded | None = None
    """For the golden."""


class Replayer:
    """Plays the plans of a run. A context manager.

    A pipeline is opened at once, so that a wrong strength is no clip's failure, and anew after a failure that
    may have left it unwell. Raises what `Pipeline` raises.
    """

    def __init__(
        self, effect: Effect, settings: ReplaySettings, *, tell: Callable[[str], None] | None = None
    ) -> None:
        """``tell``: see `Pipeline`."""
        self._effect = effect
        self._settings = settings
        self._tell = tell
        self._pipeline: Pipeline | None = self._open()

    def play(self, plan: ClipPlan, *, watch: Watcher | None = None) -> Played:
        """Raises what `play` raises, with the clip's name in front."""
        pipeline = self._pipeline = self._pipeline or self._open()
        try:
            return self._play(plan, pipeline, watch)
        except (SourceError, SinkError, ReportError):
            raise
        except EffectcamError as error:
            self.close()
            raise type(error)(f"{plan.clip}: {error}") from None

    def _play(self, plan: ClipPlan, pipeline: Pipeline, watch: Watcher | None) -> Played:
        if self._settings.resume and is_done(plan.clip, pipeline, plan.output, plan.trace):
            return Played(report=None)
        recorder = checker = golden = meters = None
        with ExitStack() as stack:
            onlookers: list[Onlooker] = []
            if plan.record is not None:
                recorder = stack.enter_context(GoldenRecorder(plan.record, plan.stem))
                onlookers.append(recorder)
            if plan.check is not None:
                golden = golden_of(read_golden(plan.check), plan.stem, plan.check)
                checker = stack.enter_context(GoldenChecker(plan.check, plan.stem, golden))
                onlookers.append(checker)
            if self._settings.metrics:
                metrics = metrics_for(pipeline.effect, faces=pipeline.max_faces)
                meters = stack.enter_context(Meters(metrics))
            report = play(
                *(plan.clip, pipeline, plan.output),
                trace=plan.trace,
                meters=meters,
                onlookers=onlookers,
                watch=watch,
            )
        if checker is not None:
            report = replace(
                report, metrics={**(report.metrics or {}), **checker.likeness}, check=checker.found
            )
        if plan.gates:
            before = golden.metrics if golden is not None else None
            report = replace(report, gates=tuple(judge(plan.gates, report.metrics or {}, before)))
        return Played(report=report, recorded=None if recorder is None else recorder.recorded(report.metrics))

    def close(self) -> None:
        """A second call does nothing."""
        if self._pipeline is not None:
            self._pipeline.close()
            self._pipeline = None

    def __enter__(self) -> Replayer:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _open(self) -> Pipeline:
        settings = self._settings
        return Pipeline(
            self._effect,
            tier=settings.tier,
            strength=settings.strength,
            max_faces=settings.max_faces,
            threads=settings.threads,
            accelerator=settings.accelerator,
            tell=self._tell,
        )
