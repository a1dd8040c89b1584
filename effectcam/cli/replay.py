"""``effectcam replay``: clips in; clips with the effect, traces, metrics and a report out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click

from effectcam.cli.options import FilePath, TextPath, accelerator, json_file, pipeline_options
from effectcam.cli.replay_diff import diff
from effectcam.cli.replay_wishes import Wishes

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from effectcam.effect.manifest import Manifest
    from effectcam.replay.batch import Batch
    from effectcam.replay.replayer import ClipPlan, Played


class _ClipsOrCommand(click.Command):
    """Takes clips, or the name of a subcommand where the first clip would be; a clip of that name is
    ``./diff``."""

    commands: ClassVar = {"diff": diff}

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        if args and args[0] in self.commands:
            return self.commands[args[0]].make_context(f"{info_name} {args[0]}", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, command.get_short_help_str(100)) for name, command in self.commands.items()]
            )


@click.command(cls=_ClipsOrCommand, short_help="Run clips through an effect into files, and measure it.")
@click.argument("clips", nargs=-1, metavar="CLIP...")
@click.option("--effect", "-e", "name", metavar="NAME", help="Effect: a name or a path.")
@click.option("--out", "-o", type=FilePath(), metavar="DIR", help="Results: DIR/<stem>.mp4.")
@click.option("--trace", type=FilePath(), metavar="DIR", help="What was done, by frame: DIR/<stem>.jsonl.")
@click.option("--metrics", is_flag=True, help="Measure steadiness, seams and faces, in the table and report.")
@click.option("--record", type=FilePath(), metavar="DIR", help="Record a golden, to compare later runs with.")
@click.option("--check", type=FilePath(), metavar="DIR", help="Compare with the golden there.")
@click.option(
    "--gates",
    type=FilePath(),
    metavar="FILE",
    help="Limits of the metrics, as TOML; exit code 1 beyond them.",
)
@json_file()
@click.option(
    "--report",
    "page",
    type=TextPath(),
    metavar="FILE",
    help="Write a page: pictures, worst frames, timelines, gates.",
)
@click.option("--junit", type=TextPath(), metavar="FILE", help="Write what passed and failed as JUnit XML.")
@click.option(
    "--faults",
    metavar="FILE",
    help="Plant the faults of a script, or of one that comes along: capture, cuts, scene, student.",
)
@click.option(
    "--bundle",
    type=FilePath(),
    metavar="FILE",
    help="Instead of clips a zip of effectcam report, on a stand-in face.",
)
@click.option(
    "--jobs",
    "-j",
    type=click.IntRange(1, 64),
    default=1,
    metavar="N",
    show_default=True,
    help="Clips at once, each in a process of its own.",
)
@click.option("--resume", is_flag=True, help="Pass over clips whose trace tells that they are done.")
@pipeline_options
@accelerator("cpu")
@click.pass_context
def replay(ctx: click.Context, /, clips: tuple[str, ...], **wishes: Any) -> int:
    """Run clips through an effect into files, and measure it. A folder stands for the clips in it.

    Results have the frame count, size, timestamps and sound of their clips. Traces of two runs are equal, to
    the byte, if nothing changed. A clip that fails, parts from its golden or does not pass a gate does not
    stop the others; the exit code is then 1.
    """
    commandline = click.core.ParameterSource.COMMANDLINE
    given = {name for name in ctx.params if ctx.get_parameter_source(name) is commandline}
    return _replay(clips, Wishes(**wishes), given)


def _replay(clips: Sequence[str], wishes: Wishes, given: Collection[str]) -> int:
    from effectcam.cli import terminal
    from effectcam.cli.app import noting, tell
    from effectcam.effect import load_effect
    from effectcam.replay.batch import run_batch
    from effectcam.replay.clips import gather, is_folder
    from effectcam.replay.golden import GoldenFolder
    from effectcam.replay.junit import junit_xml
    from effectcam.replay.player import make_folder
    from effectcam.replay.report import replay_report, report_json
    from effectcam.replay.verdicts import cases, troubles
    from effectcam.sink.part_file import reserved

    wishes.refuse_nonsense(clips)
    wishes, notes = wishes.as_recorded(given)
    effect = load_effect(wishes.name or "")
    effect.tier(wishes.tier)
    gates, faults = wishes.read_gates(), wishes.read_faults()
    # Of single clips nobody expects that they are all.
    whole = any(map(is_folder, clips))
    clips, passed_over = gather(clips if wishes.bundle is None else [str(wishes.bundle)])
    notes += passed_over
    plans = wishes.plan(clips, gates)
    notes += wishes.refuse_other_golden(effect, plans, gates)
    lacking: list[str] = []
    if missing := wishes.missing(plans):
        line = f"{wishes.check}: has clips that were not given: {', '.join(missing)}"
        way_out = "; give their files too, or delete the golden and record it anew"
        (lacking if whole else notes).append(line + (way_out if whole else ""))
    for line in notes:
        terminal.note(line)
    for folder in (wishes.out, wishes.trace):
        if folder is not None:
            make_folder(folder)
    with ExitStack() as stack:
        places = {kind: stack.enter_context(reserved(file)) for kind, file in wishes.files.items()}
        golden = None
        if wishes.record is not None:
            golden = stack.enter_context(GoldenFolder(wishes.record, [plan.stem for plan in plans]))
            for line in wishes.what_is_replaced(golden.replaced, effect, gates):
                terminal.note(line)
            plans = [replace(plan, record=golden.path) for plan in plans]
        bars = stack.enter_context(terminal.progress())
        settings = wishes.settings(gates, len(plans), faults)
        batch = run_batch(effect, settings, plans, jobs=wishes.jobs, spectator=_Bars(bars, len(plans)))
        bars.stop()
        found = [line for report in batch.reports for line in troubles(report)]
        report = report_json(
            replay_report(
                effect,
                tier=wishes.tier,
                accelerator=wishes.accelerator,
                clips=batch.reports,
                skipped=batch.skipped(plans),
                missing=missing,
                failures=batch.lines,
            )
        )
        faithful = [clip.faithful for clip in batch.reports if clip.faithful is not None]
        told = [
            *notes,
            *faithful,
            *(f"planted: {fault}" for fault in (faults.faults if faults is not None else ())),
        ]
        made: dict[str, Callable[[], bytes]] = {
            "report": lambda: report.encode("ascii"),
            "JUnit file": lambda: junit_xml(
                f"{effect.name} {effect.version}, {wishes.tier}", cases(plans, batch, missing)
            ),
            "page": lambda: _page(batch, effect, wishes, [*batch.lines, *lacking], told),
        }
        # One that cannot be written must not cost the others, nor what there is to tell.
        unwritten: list[str] = []
        # Later runs are held to it, so it is none of what did not pass.
        if golden is not None and not batch.failures and not found:
            with noting(unwritten):
                golden.finish(batch.recorded)
        for kind, place in places.items():
            if place is not None:
                with noting(unwritten):
                    place.fill(made[kind]())
    if wishes.to_stdout:
        click.echo(report, nl=False)
    else:
        _show(batch, wishes)
    for line in faithful:
        if wishes.to_stdout:
            terminal.note(line)
        else:
            terminal.out().print(line)
    if skipped := batch.skipped(plans):
        clips_are = "clip is" if len(skipped) == 1 else "clips are"
        terminal.note(f"{len(skipped)} {clips_are} done already, as told by {wishes.trace}; not run again")
    if golden is not None and batch.failures:
        tell(f"{wishes.record}: no golden was recorded, since clips failed; mend them or leave them out")
    elif golden is not None and found:
        tell(
            f"{wishes.record}: no golden was recorded, since gates were not passed; mend that, or record "
            "without --gates"
        )
    found += lacking
    for line in (*found, *batch.lines, *unwritten):
        tell(line)
    return 1 if found or batch.failures or unwritten else 0


def _show(batch: Batch, wishes: Wishes) -> None:
    from effectcam.cli import terminal
    from effectcam.cli.replay_tables import checks_table, clips_table, metrics_table

    reports = batch.reports
    if reports:
        console = terminal.out()
        console.print(clips_table(reports))
        if any(report.metrics for report in reports):
            console.print(metrics_table(reports))
        if wishes.check is not None:
            console.print(checks_table(reports))


def _page(
    batch: Batch, effect: Manifest, wishes: Wishes, failures: Sequence[str], told: Sequence[str]
) -> bytes:
    from effectcam.replay.evidence import Findings
    from effectcam.replay.page import ShownClip, replay_page

    shown = [
        ShownClip(played.report, played.findings or Findings()) for _, played in sorted(batch.played.items())
    ]
    page = replay_page(
        effect,
        shown,
        tier=wishes.tier,
        accelerator=wishes.accelerator,
        failures=failures,
        told=told,
    )
    # Names of files need not be text in any encoding.
    return page.encode("utf-8", "backslashreplace")


class _Bars:
    """A bar for every clip that is running, and one for all of them."""

    def __init__(self, bars: Progress, clips: int) -> None:
        self._bars = bars
        self._whole = bars.add_task("clips", total=clips, visible=clips > 1)
        self._running: dict[int, TaskID] = {}

    def begin(self, place: int, plan: ClipPlan) -> None:
        self._running[place] = self._bars.add_task(Path(plan.clip).name, total=None)

    def advance(self, place: int, frames: int, total: int | None) -> None:
        self._bars.update(self._running[place], completed=frames, total=total)

    def end(self, place: int, played: Played | None) -> None:
        from effectcam.cli import terminal

        self._bars.remove_task(self._running.pop(place))
        self._bars.advance(self._whole)
        for warning in played.report.warnings if played else ():
            terminal.note(warning)

    def tell(self, line: str) -> None:
        from effectcam.cli import terminal

        terminal.note(line)
