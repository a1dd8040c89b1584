"""``effectcam replay``: clips in, clips with the effect and a report out."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from effectcam.cli.options import FilePath, accelerator, pipeline_options
from effectcam.errors import EffectcamError, SinkError, SourceError, UsageError

if TYPE_CHECKING:
    from rich.progress import TaskID
    from rich.table import Table

    from effectcam.effect import Effect
    from effectcam.frame import Frame
    from effectcam.pipeline import Pipeline
    from effectcam.replay.player import Watcher
    from effectcam.replay.report import ClipReport
    from effectcam.source import Clip
    from effectcam.student.accelerator import Wish


@click.command(short_help="Run clips through an effect into files, and measure it.")
@click.argument("clips", nargs=-1, required=True, metavar="CLIP...")
@click.option("--effect", "-e", "name", required=True, metavar="NAME", help="Effect: a name or a path.")
@click.option("--out", "-o", required=True, type=FilePath(), metavar="DIR", help="Results: DIR/<stem>.mp4.")
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
    out: Path,
    json_file: Path | None,
    strength: float | None,
    faces: int,
    tier: str,
    threads: int | None,
    accelerator: Wish,
) -> int:
    """Run clips through an effect into files, and measure it.

    Results have the frame count, size, timestamps and sound of their clips. A clip that fails does not
    stop the others; the exit code is then 1.
    """
    from effectcam.cli import terminal
    from effectcam.cli.app import tell
    from effectcam.effect import load_effect
    from effectcam.replay.player import make_folder, plan_outputs, refuse_to_replace
    from effectcam.replay.report import replay_report, report_json
    from effectcam.sink.part_file import reserved

    effect = load_effect(name)
    effect.tier(tier)
    outputs = plan_outputs(clips, out)
    to_stdout = str(json_file) == "-"
    if json_file is not None and not to_stdout:
        refuse_to_replace(json_file, clips)
        if any(json_file.absolute() == output.absolute() for output in outputs):
            raise UsageError(f"{json_file} would be both the report and a clip; give the report another name")
    make_folder(out)
    with reserved(None if to_stdout else json_file) as report_file:
        running = _Run(
            effect,
            tier=tier,
            strength=strength,
            max_faces=faces,
            threads=threads,
            accelerator=accelerator,
            tell=terminal.note,
        )
        with contextlib.closing(running):
            running.run(clips, outputs)
        report = report_json(
            replay_report(effect, tier=tier, clips=running.reports, failures=running.failures)
        )
        if report_file is not None:
            report_file.fill(report.encode("ascii"))
    if to_stdout:
        click.echo(report, nl=False)
    elif running.reports:
        terminal.out().print(_table(running.reports))
    for failure in running.failures:
        tell(failure)
    return 1 if running.failures else 0


class _Run:
    """One pipeline for all clips, opened anew after a failure that may have left it unwell."""

    def __init__(self, effect: Effect, **settings: Any) -> None:
        """``settings`` are those of `Pipeline`."""
        self._effect = effect
        self._settings = settings
        self.reports: list[ClipReport] = []
        self.failures: list[str] = []
        # Opened before the first clip: a wrong strength is no clip's failure.
        self._pipeline: Pipeline | None = self._open()

    def _open(self) -> Pipeline:
        from effectcam.pipeline import Pipeline

        return Pipeline(self._effect, **self._settings)

    def run(self, clips: tuple[str, ...], outputs: list[Path]) -> None:
        from effectcam.cli import terminal

        with terminal.progress() as bars:
            whole = bars.add_task("clips", total=len(clips), visible=len(clips) > 1)
            for clip, output in zip(clips, outputs, strict=True):
                bar = bars.add_task(Path(clip).name, total=None)

                def advance(_before: Frame, _after: Frame, source: Clip, bar: TaskID = bar) -> None:
                    bars.update(bar, total=source.frames, advance=1)

                try:
                    report = self._play(clip, output, advance)
                except EffectcamError as error:
                    self.failures.append(str(error))
                else:
                    self.reports.append(report)
                    for warning in report.warnings:
                        terminal.note(warning)
                bars.remove_task(bar)
                bars.advance(whole)

    def _play(self, clip: str, output: Path, watch: Watcher) -> ClipReport:
        from effectcam.replay.player import play

        self._pipeline = self._pipeline or self._open()
        try:
            return play(clip, self._pipeline, output, watch=watch)
        except (SourceError, SinkError):
            raise
        except EffectcamError as error:
            self.close()
            raise type(error)(f"{clip}: {error}") from None

    def close(self) -> None:
        if self._pipeline is not None:
            self._pipeline.close()
            self._pipeline = None


def _table(reports: list[ClipReport]) -> Table:
    from effectcam.cli import terminal

    numbers = ("frames", "with face", "faces", "chain p50 ms", "p95", "p99")
    made = terminal.table("output", "size", *numbers, right=numbers)
    for report in reports:
        chain = report.stages_ms["chain"]
        made.add_row(
            *terminal.row(
                report.output,
                f"{report.width}x{report.height}",
                report.frames,
                report.faces.frames_with_face,
                report.faces.identities,
                *(f"{chain[name]:.1f}" for name in ("p50", "p95", "p99")),
            )
        )
    return made
