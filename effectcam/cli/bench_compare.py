"""``effectcam bench compare``: faster, slower, or no difference seen."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from effectcam.cli.options import FilePath, NumberRange, json_file
from effectcam.errors import UsageError, nearest

if TYPE_CHECKING:
    from effectcam.bench.comparison import Comparison

SLOWER, UNSURE = 3, 4
"""Exit codes: something is slower; nothing can be told."""


@click.command(
    short_help="Compare two reports, or two folders of them: faster, slower, or no difference seen."
)
@click.argument("a", type=FilePath())
@click.argument("b", type=FilePath())
@click.option(
    "--across",
    multiple=True,
    metavar="TRAIT",
    help="Compare although they differ in this: tier, effect, accelerator, size, device…",
)
@click.option(
    "--stage", "stages", multiple=True, metavar="STAGE", help="Only this, with its p99.  [default: all]"
)
@click.option(
    "--threshold",
    type=NumberRange(0, 1000),
    default=5.0,
    metavar="PERCENT",
    show_default=True,
    help="A smaller difference does not count.",
)
@json_file("comparison")
@click.pass_context
def compare(
    ctx: click.Context,
    a: Path,
    b: Path,
    across: tuple[str, ...],
    stages: tuple[str, ...],
    threshold: float,
    json_file: Path | None,
) -> None:
    """How B differs from A, stage by stage; each is a report, or a folder of reports of one kind.

    Exit code 0: nothing is slower. 3: something is. 4: nothing can be told. 2: they are not alike.
    """
    from effectcam.bench import comparison
    from effectcam.bench.groups import read_group
    from effectcam.bench.likeness import TRAITS
    from effectcam.cli import terminal
    from effectcam.replay.player import refuse_to_replace
    from effectcam.sink.part_file import reserved

    for trait in across:
        if trait not in TRAITS:
            raise UsageError(f"reports have no trait {trait!r}; {nearest(trait, TRAITS)}")
    to_stdout = str(json_file) == "-"
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(reserved(None if to_stdout else json_file))
        sides = read_group(a), read_group(b)
        if json_file is not None and not to_stdout:
            refuse_to_replace(json_file, [str(path) for side in sides for path in side.files])
        found = comparison.compare(*sides, across=across, stages=stages, threshold=threshold / 100)
        if file is not None:
            file.fill(comparison.comparison_json(found))
    if to_stdout:
        click.echo(comparison.comparison_json(found), nl=False)
    else:
        _show(found)
    for line in found.notes:
        terminal.note(line)
    if found.unsure is not None:
        terminal.note(f"nothing can be told: {found.unsure}")
        ctx.exit(UNSURE)
    ctx.exit(SLOWER if any(row.verdict == "slower" for row in found.rows) else 0)


def _show(found: Comparison) -> None:
    from effectcam.bench.comparison import design_line
    from effectcam.cli import terminal

    console = terminal.out()
    for place, (name, side) in enumerate((("A", found.a), ("B", found.b))):
        traits = "".join(f", {trait} {both[place]}" for trait, both in found.across.items())
        console.print(f"{name}  {side.path}{traits}", style="bold")
    console.print(design_line(found))
    numbers = ("A ms", "B ms", "B / A", "99 % interval", "p")
    table = terminal.table("stage", "", *numbers, "", right=numbers)
    styles = {"slower": "bold red", "faster": "bold green"}
    for row in found.rows:
        table.add_row(
            *terminal.row(
                row.stage,
                row.quantile,
                f"{row.a_ms:.2f}",
                f"{row.b_ms:.2f}",
                f"{row.ratio:.3f}",
                f"{row.low:.3f} to {row.high:.3f}",
                f"{row.p:.3f}",
                row.verdict,
                style=styles.get(row.verdict, ""),
            )
        )
    console.print(table)
