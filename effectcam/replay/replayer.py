"""One clip after another through one pipeline, as a run of ``effectcam replay`` wants it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from effectcam.effect.package import Effect
from effectcam.errors import EffectcamError, ReportError, SinkError, SourceError
from effectcam.pipeline import Pipeline
from effectcam.replay.bundle import read_bundle
from effectcam.replay.bundle_clip import BundleClip, Faithfulness, RecordedFaces
from effectcam.replay.evidence import Evidence, Findings, Room
from effectcam.replay.faults import FaultScript
from effectcam.replay.faulty_clip import FaultyClip, PlantedFaults
from effectcam.replay.gates import Gate, judge
from effectcam.replay.golden import GoldenRecorder, Recorded, read_golden
from effectcam.replay.golden_check import GoldenChecker, golden_of, golden_picture
from effectcam.replay.metrics import Meters, metrics_for
from effectcam.replay.onlooker import Onlooker
from effectcam.replay.player import Watcher, play
from effectcam.replay.report import ClipReport
from effectcam.replay.resume import done_before, keep_report
from effectcam.source.clip import Clip
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
    room: Room | None = None
    """What a page has for each clip; None where no page is wanted, and nothing is kept for one."""
    faults: FaultScript | None = None
    """Planted in every clip."""
    bundle: Path | None = None
    """The clip is this bug bundle, run with the faces that are in it."""
    resume: bool = False
    """Pass over clips whose trace and output are there, see `effectcam.replay.resume`."""


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

    report: ClipReport
    done_before: bool = False
    """Whether an earlier run did it, and not this one."""
    recorded: Recorded | None = None
    """For the golden."""
    findings: Findings | None = None
    """For the page."""


class Replayer:
    """Plays the plans of a run. A context manager.

    A pipeline is opened at once, so that a wrong strength is no clip's failure, and anew after a failure that
    may have left it unwell. Raises what `Pipeline` raises.
    """

    def __init__(
        self, effect: Effect, settings: ReplaySettings, *, tell: Callable[[str], None] | None = None
    ) -> None:
        """``tell``: see `Pipeline`. Raises ReportError for a bundle that is none."""
        self._bundle = None if settings.bundle is None else read_bundle(settings.bundle)
        self._planted = None if settings.faults is None else PlantedFaults(settings.faults)
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
        except Exception:
            self.close()
            raise

    def _play(self, plan: ClipPlan, pipeline: Pipeline, watch: Watcher | None) -> Played:
        if self._settings.resume:
            where = (plan.clip, pipeline, plan.output, plan.trace)
            if (done := done_before(*where, metrics=self._settings.metrics)) is not None:
                return Played(report=done, done_before=True)
        recorder = checker = golden = meters = evidence = faithful = None
        with ExitStack() as stack:
            onlookers: list[Onlooker] = []
            if plan.record is not None:
                recorder = stack.enter_context(GoldenRecorder(plan.record, plan.stem))
                onlookers.append(recorder)
            if plan.check is not None:
                golden = golden_of(read_golden(plan.check), plan.stem, plan.check)
                checker = stack.enter_context(GoldenChecker(plan.check, plan.stem, golden))
                onlookers.append(checker)
            if self._bundle is not None:
                faithful = Faithfulness(self._bundle)
                onlookers.append(faithful)
            if self._settings.metrics:
                metrics = metrics_for(pipeline.effect, faces=pipeline.max_faces)
                if self._settings.room is not None:
                    pictures = partial(golden_picture, plan.check, plan.stem, golden)
                    evidence = Evidence(pipeline.ledger, room=self._settings.room, golden=pictures)
                    metrics.append(evidence)
                meters = stack.enter_context(
                    Meters(metrics) if evidence is None else Meters(metrics, each=evidence.note)
                )
            report = play(
                *(plan.clip, pipeline, plan.output),
                trace=plan.trace,
                meters=meters,
                onlookers=onlookers,
                watch=watch,
                footage=self._open_footage,
            )
        if plan.trace is not None:
            keep_report(report, plan.trace, pipeline.effect)
        if checker is not None:
            report = replace(
                report, metrics={**(report.metrics or {}), **checker.likeness}, check=checker.found
            )
        if faithful is not None:
            report = replace(report, faithful="; ".join([str(faithful), *faithful.notes]))
        if plan.gates:
            before = golden.metrics if golden is not None else None
            report = replace(report, gates=tuple(judge(plan.gates, report.metrics or {}, before)))
        return Played(
            report=report,
            recorded=None if recorder is None else recorder.recorded(report.metrics),
            findings=None if evidence is None else evidence.findings(),
        )

    def _open_footage(self, path: str) -> Clip | FaultyClip | BundleClip:
        if self._bundle is not None:
            return BundleClip(self._bundle)
        clip = Clip(path)
        if self._planted is None:
            return clip
        try:
            return self._planted.over(clip)
        except BaseException:
            clip.close()
            raise

    def close(self) -> None:
        """A second call does nothing."""
        # Let go of first: one that cannot be closed must not be played with again.
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            pipeline.close()

    def __enter__(self) -> Replayer:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _open(self) -> Pipeline:
        settings = self._settings
        make = Pipeline if self._planted is None else self._planted.pipeline
        return make(
            self._effect,
            mesh=None if self._bundle is None else RecordedFaces(self._bundle, settings.max_faces),
            tier=settings.tier,
            strength=settings.strength,
            max_faces=settings.max_faces,
            threads=settings.threads,
            accelerator=settings.accelerator,
            tell=self._tell,
        )
