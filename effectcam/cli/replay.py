"""``effectcam replay``: clips in; clips with the effect, traces, metrics and a report out."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from effectcam.cli.options import FilePath, accelerator, pipeline_options
from effectcam.errors import EffectcamError, SinkError, SourceError, UsageError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from rich.progress import TaskID
    from rich.table import Table

    from effectcam.effect import Effect
    from effectcam.frame import Frame
    from effectcam.pipeline import Pipeline
    from effectcam.replay.metrics import Meters
    from effectcam.replay.player import Watcher
    from effectcam.replay.report import ClipReport
    from effectcam.source import Clip
    from effectcam.student.accelerator import Wish


@click.command(short_help="Run clips through an effect into files, and measure it.")
@click.argument("clips", nargs=-1, required=True, metavar="CLIP...")
@click.option("--effect", "-e", "name", required=True, metavar="NAME", help="Effect: a name or a path.")
@click.option("--out", "-o", type=FilePath(), metavar="DIR", help="Results: DIR/<stem>.mp4.")
@click.option("--trace", type=FilePath(), metavar="DIR", help="What was done, by frame: DIR/<stem>.jsonl.")
@click.option("--metrics", is_flag=True, help="Measure steadiness, seams and faces, in the table and report.")
@click.option(
    "--json",
    "json_file",
    type=FilePath(allow_dash=True),
    metavar="FILE",
    help="Write the report ('-': print it).",
)
@pipeline_options
@accelerator("cpu")
def replay(
    clips: tuple[str, ...],
    name: str,
    out: Path | None,
    trace: Path | None,
    metrics: bool,
    json_file: Path | None,
    strength: float | None,
    faces: int,
    tier: str,
    threads: int | None,
    accelerator: Wish,
) -> int:
    """Run clips through an effect into files, and measure it.

    Results have the frame count, size, timestamps and sound of their clips. Traces of two runs are equal, to
    the byte, if nothing changed. A clip that fails does not stop the others; the exit code is then 1.
    """
    from effectcam.cli import terminal
    from effectcam.cli.app import tell
    from effectcam.effect import load_effect
    from effectcam.replay.player import make_folder
    from effectcam.replay.report import replay_report, report_json
    from effectcam.sink.part_file import reserved

    if out is None and trace is None and not metrics and json_file is None:
        raise UsageError("nothing would come of it; give --out, --trace, --metrics or --json")
    if trace is not None and accelerator == "auto":
        raise UsageError(
            "--trace with --accelerator auto: which one draws hangs on a measurement; name cpu, gpu or npu"
        )
    effect = load_effect(name)
    effect.tier(tier)
    plans = _plan(clips, out, trace)
    to_stdout = str(json_file) == "-"
    if json_file is not None and not to_stdout:
        _refuse_report(json_file, clips, plans)
    for folder in (out, trace):
        if folder is not None:
            make_folder(folder)
    with reserved(None if to_stdout else json_file) as report_file:
        running = _Run(
            effect,
            metrics=metrics,
            tier=tier,
            strength=strength,
            max_faces=faces,
            threads=threads,
            accelerator=accelerator,
            tell=terminal.note,
        )
        with contextlib.closing(running):
            running.run(plans)
        report = report_json(
            replay_report(
                effect, tier=tier, accelerator=accelerator, clips=running.reports, failures=running.failures
            )
        )
        if report_file is not None:
            report_file.fill(report.encode("ascii"))
    if to_stdout:
        click.echo(report, nl=False)
    elif running.reports:
        terminal.out().print(_table(running.reports))
        if metrics:
            terminal.out().print(_metrics_table(running.reports))
    for failure in running.failures:
        tell(failure)
    return 1 if running.failures else 0


class _Plan(NamedTuple):
    """What becomes of a clip."""

    clip: str
    output: Path | None
    trace: Path | None


def _plan(clips: tuple[str, ...], out: Path | None, trace: Path | None) -> list[_Plan]:
    from effectcam.replay.player import plan_outputs

    none = [None] * len(clips)
    outputs = none if out is None else plan_outputs(clips, out)
    traces = none if trace is None else plan_outputs(clips, trace, suffix=".jsonl")
    return [_Plan(*each) for each in zip(clips, outputs, traces, strict=True)]


def _refuse_report(json_file: Path, clips: tuple[str, ...], plans: list[_Plan]) -> None:
    """UsageError if the report would take the place of something else."""
    from effectcam.replay.player import refuse_to_replace

    refuse_to_replace(json_file, clips)
    for plan in plans:
        for file, kind in ((plan.output, "clip"), (plan.trace, "trace")):
            if file is not None and json_file.absolute() == file.absolute():
                raise UsageError(
                    f"{json_file} would be both the report and a {kind}; give the report another name"
                )


class _Run:
    """One pipeline for all clips, opened anew after a failure that may have left it unwell."""

    def __init__(self, effect: Effect, *, metrics: bool, **settings: Any) -> None:
        """``settings`` are those of `Pipeline`."""
        self._effect = effect
        self._metrics = metrics
        self._settings = settings
        self.reports: list[ClipReport] = []
        self.failures: list[str] = []
        # Opened before the first clip: a wrong strength is no clip's failure.
        self._pipeline: Pipeline | None = self._open()

    def _open(self) -> Pipeline:
        from effectcam.pipeline import Pipeline

        return Pipeline(self._effect, **self._settings)

    def run(self, plans: list[_Plan]) -> None:
        from effectcam.cli import terminal

        with terminal.progress() as bars:
            whole = bars.add_task("clips", total=len(plans), visible=len(plans) > 1)
            for plan in plans:
                bar = bars.add_task(Path(plan.clip).name, total=None)

                def advance(_before: Frame, _after: Frame, source: Clip, bar: TaskID = bar) -> None:
                    bars.update(bar, total=source.frames, advance=1)

                try:
                    report = self._play(plan, advance)
                except EffectcamError as error:
                    self.failures.append(str(error))
                else:
                    self.reports.append(report)
                    for warning in report.warnings:
                        terminal.note(warning)
                bars.remove_task(bar)
                bars.advance(whole)

    def _play(self, plan: _Plan, watch: Watcher) -> ClipReport:
        from effectcam.replay.player import play

        pipeline = self._pipeline = self._pipeline or self._open()
        try:
            with self._open_meters(pipeline) as meters:
                return play(plan.clip, pipeline, plan.output, trace=plan.trace, meters=meters, watch=watch)
        except (SourceError, SinkError):
            raise
        except EffectcamError as error:
            self.close()
            raise type(error)(f"{plan.clip}: {error}") from None

    def _open_meters(self, pipeline: Pipeline) -> AbstractContextManager[Meters | None]:
        if not self._metrics:
            return contextlib.nullcontext()
        from effectcam.replay.metrics import Meters, metrics_for

        return Meters(metrics_for(pipeline.effect, faces=pipeline.max_faces))

    def close(self) -> None:
        if self._pipeline is not None:
            self._pipeline.close()
            self._pipeline = None


def _table(reports: list[ClipReport]) -> Table:
    from effectcam.cli import terminal

    numbers = ("frames", "with face", "faces", "chain p50 ms", "p95", "p99")
    made = terminal.table("clip", "size", *numbers, right=numbers)
    for report in reports:
        chain = report.stages_ms["chain"]
        made.add_row(
            *terminal.row(
                report.output or report.path,
                f"{report.width}x{report.height}",
                report.frames,
                report.faces.frames_with_face,
                report.faces.identities,
                *(f"{chain[name]:.1f}" for name in ("p50", "p95", "p99")),
            )
        )
    return made


def _metrics_table(reports: list[ClipReport]) -> Table:
    """A row a figure, a column a clip."""
    from effectcam.cli import terminal
    from effectcam.replay.metrics import FIGURES

    names = [Path(report.path).name for report in reports]
    made = terminal.table("figure", "unit", "better", right=())
    for name in names:
        made.add_column(name, justify="right", overflow="fold")
    for figure in FIGURES.values():
        summaries = [(report.metrics or {}).get(figure.name) for report in reports]
        if any(summaries):
            values = (f"{each.value:.4g}" if each else "" for each in summaries)
            made.add_row(*terminal.row(figure.name, figure.unit, figure.better, *values))
    return made
