"""``effectcam bench``: where every millisecond goes, on this device, with this effect."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from effectcam.cli.bench_compare import compare
from effectcam.cli.bench_matrix import matrix
from effectcam.cli.options import (
    FilePath,
    NumberRange,
    Size,
    TextPath,
    accelerator,
    cores,
    json_file,
    priority,
    threads,
    tier,
)
from effectcam.errors import UsageError, nearest

if TYPE_CHECKING:
    from rich.table import Table

    from effectcam.bench.plan import Tell
    from effectcam.bench.report import Report

_BAR = 24
"""Characters of the longest bar."""


class _Bench(click.Group):
    """Says what to do with a clip that stands where a command would."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.commands and not args[0].startswith("-"):
            raise UsageError(
                f"no command {args[0]!r}; {nearest(args[0], self.commands)}; a clip is given with --clip"
            )
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Bench,
    invoke_without_command=True,
    short_help="Measure an effect on this device: every stage, its tail, memory, energy.",
)
@click.option("--effect", "-e", "name", default="toon", show_default=True, help="Effect: a name or a path.")
@tier
@accelerator("cpu")
@threads
@cores
@priority
@click.option("--clip", type=FilePath(), metavar="CLIP", help="Its frames.  [default: the demo clip]")
@click.option("--size", type=Size(), default="1280x720", show_default=True, help="Of the frames.")
@click.option(
    "--faces",
    type=click.IntRange(1, 4),
    default=1,
    show_default=True,
    help="In view: a clip's only face is laid side by side so many times.",
)
@click.option(
    "--frames", type=click.IntRange(10, 10_000_000), metavar="N", help="How many count.  [default: 300]"
)
@click.option("--seconds", type=NumberRange(1, 86_400), metavar="S", help="How long it counts instead.")
@click.option("--minutes", type=NumberRange(0.1, 1440), metavar="M", help="The same, in minutes.")
@click.option("--fps", type=NumberRange(1, 240), help="Offer frames at this rate.  [default: full speed]")
@click.option(
    "--burn-in",
    type=click.IntRange(1, 10_000),
    default=30,
    metavar="N",
    show_default=True,
    help="Frames before the first that counts.",
)
@click.option(
    "--overlap",
    is_flag=True,
    help="Begin a frame while the one before is with the student: more frames a second, each one later.",
)
@click.option(
    "--under-load",
    type=click.IntRange(0, 64),
    default=0,
    metavar="N",
    help="Run N x264 encodes of 1080p30 beside it, as OBS does.",
)
@click.option(
    "--cold-starts",
    type=click.IntRange(0, 100),
    default=3,
    metavar="N",
    show_default=True,
    help="Fresh processes to time.",
)
@json_file()
@click.option("--html", "html_file", type=TextPath(), metavar="FILE", help="Write it as a page with plots.")
@click.pass_context
def bench(ctx: click.Context, /, json_file: Path | None, html_file: Path | None, **wishes: Any) -> int:
    """Measure an effect on this device: every stage, its tail, memory, energy.

    Runs over a clip's frames, decoded beforehand, as a live run would. After the burn-in every frame counts.
    Ctrl-C ends it early and keeps what was measured.
    """
    if ctx.invoked_subcommand is not None:
        sources = {ctx.get_parameter_source(name) for name in ctx.params}
        if click.core.ParameterSource.COMMANDLINE in sources:
            raise UsageError(
                f"options before {ctx.invoked_subcommand!r} have no effect; put those that it takes behind it"
            )
        return 0
    return _bench(json_file, html_file, **wishes)


bench.add_command(compare)
bench.add_command(matrix)


def _bench(
    json_file: Path | None,
    html_file: Path | None,
    *,
    name: str,
    clip: Path | None,
    frames: int | None,
    seconds: float | None,
    minutes: float | None,
    fps: float | None,
    **wishes: Any,
) -> int:
    if sum(value is not None for value in (frames, seconds, minutes)) > 1:
        raise UsageError("give one of --frames, --seconds and --minutes, not several")
    from effectcam.bench.footage import check_size
    from effectcam.bench.harness import run
    from effectcam.bench.page import report_page
    from effectcam.bench.plan import Plan
    from effectcam.bench.report_file import report_json
    from effectcam.cli import terminal
    from effectcam.cli.app import noting, tell
    from effectcam.cli.demo import demo_clip
    from effectcam.effect import load_effect
    from effectcam.replay.player import refuse_to_replace
    from effectcam.sink.part_file import reserved

    check_size(*wishes["size"])
    effect = load_effect(name)
    effect.tier(wishes["tier"])
    to_stdout = str(json_file) == "-"
    if json_file is not None and html_file is not None and json_file.absolute() == html_file.absolute():
        raise UsageError(f"{json_file} would be both the report and the page; give the page another name")
    for file in (json_file, html_file):
        if file is not None and clip is not None and str(file) != "-":
            refuse_to_replace(file, (str(clip),))
    if minutes is not None:
        seconds = 60 * minutes
    elif frames is None and seconds is None:
        frames = 300
    with contextlib.ExitStack() as stack:
        report_file = stack.enter_context(reserved(None if to_stdout else json_file))
        page_file = stack.enter_context(reserved(html_file))
        plan = Plan(
            effect=effect,
            clip=clip or stack.enter_context(demo_clip()),
            frames=frames,
            seconds=seconds,
            pace_fps=fps,
            **wishes,
        )
        report = run(plan, tell=stack.enter_context(telling()))
        # What took minutes to measure is told even where it cannot be written.
        unwritten: list[str] = []
        with noting(unwritten):
            if report_file is not None:
                report_file.fill(report_json(report))
        with noting(unwritten):
            if page_file is not None:
                page_file.fill(report_page(report).encode("utf-8"))
    if to_stdout:
        click.echo(report_json(report), nl=False)
    else:
        show(report)
    for line in report.conditions.notes:
        terminal.note(line)
    for line in unwritten:
        tell(line)
    return 1 if unwritten else 0


@contextlib.contextmanager
def telling() -> Iterator[Tell]:
    """Tells of the run where it says so itself, between two frames: a thread that draws bars beside it would
    be measured along."""
    from effectcam.cli import terminal

    with terminal.progress(by_itself=False) as bars:
        bar = bars.add_task("", total=100)

        def tell(what: str, share: float) -> None:
            bars.update(bar, description=what, completed=round(100 * share))
            bars.refresh()

        yield tell


def show(report: Report) -> None:
    from effectcam.bench import words
    from effectcam.cli import terminal

    console = terminal.out()
    effect, device = report.settings.effect, report.device
    console.print(
        f"{effect.name} {effect.version} on {device.cpu}, {report.settings.cores} cores", style="bold"
    )
    console.print(words.settings_line(report))
    console.print(_table(report))
    for name, told in _facts(report):
        console.print(f"{name:<12} {told}")


def _facts(report: Report) -> list[tuple[str, str]]:
    from effectcam.bench import words

    facts = [("throughput", words.rates_line(report.rates)), ("deadlines", words.deadlines_line(report))]
    if report.delay_ms is not None:
        facts.append(("due to done", words.delay_line(report.delay_ms, report.drops)))
    if report.cold_start is not None:
        facts.append(("cold start", words.cold_start_line(report.cold_start.median)))
    facts += [(f"{student.place} student", words.student_line(student)) for student in report.students]
    facts.append(("cpu", words.cpu_line(report.cpu)))
    facts.append(("memory", words.memory_line(report.memory)))
    facts.append(("energy", words.energy_line(report.energy)))
    facts += [("beside it", words.encoder_line(encoder, report.seconds)) for encoder in report.load]
    return facts


def _table(report: Report) -> Table:
    """The stages, with a bar for the p50 of each and, lighter, what its p99 takes more."""
    from effectcam.cli import terminal

    columns = ("p50", "p95", "p99", "max")
    made = terminal.table("stage", *(f"{c} ms" for c in columns), "", right=[f"{c} ms" for c in columns])
    most = max(times.p99 for times in report.stages_ms.values()) or 1.0
    solid, light = terminal.blocks()
    for stage, times in report.stages_ms.items():
        median, tail = round(_BAR * times.p50 / most), round(_BAR * times.p99 / most)
        bar = solid * median + light * (tail - median)
        cells = [f"{getattr(times, column):.1f}" for column in columns]
        made.add_row(*terminal.row(stage, *cells, bar, style="bold" if stage == "chain" else ""))
    return made
