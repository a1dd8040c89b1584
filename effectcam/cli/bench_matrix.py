"""``effectcam bench matrix``: many cells measured in turns, into a folder."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from effectcam.cli.options import FilePath, Size, cores, priority
from effectcam.errors import BenchError

if TYPE_CHECKING:
    from effectcam.bench.figures import Figures
    from effectcam.bench.report import Report


@click.command(short_help="Measure effects, tiers, accelerators, threads and sizes in turns, into a folder.")
@click.argument("folder", type=FilePath())
@click.option(
    "--effect", "-e", "names", multiple=True, default=("toon",), show_default=True, help="A name or a path."
)
@click.option(
    "--tier", "tiers", multiple=True, default=("standard",), show_default=True, help="lite, standard or high."
)
@click.option(
    "--accelerator",
    "accelerators",
    type=click.Choice(["auto", "cpu", "gpu", "npu"]),
    multiple=True,
    default=("cpu",),
    show_default=True,
    help="What draws.",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 64),
    multiple=True,
    metavar="N",
    help="CPU threads of each student.  [default: measured]",
)
@click.option(
    "--size",
    "sizes",
    type=Size(),
    multiple=True,
    default=("1280x720",),
    show_default=True,
    help="Of the frames.",
)
@click.option(
    "--other",
    type=FilePath(),
    metavar="PYTHON",
    help="Measure another installation of effectcam too: its Python.",
)
@click.option(
    "--rounds",
    type=click.IntRange(1, 999),
    default=12,
    metavar="N",
    show_default=True,
    help="Times that each cell starts anew.",
)
@click.option(
    "--frames",
    type=click.IntRange(10, 100_000),
    default=200,
    metavar="N",
    show_default=True,
    help="Of a cell, each round.",
)
@click.option(
    "--turn",
    type=click.IntRange(1, 10_000),
    default=3,
    metavar="N",
    show_default=True,
    help="Frames until the next cell has its turn.",
)
@click.option("--clip", type=FilePath(), metavar="CLIP", help="Its frames.  [default: the demo clip]")
@click.option("--faces", type=click.IntRange(1, 4), default=1, show_default=True, help="In view.")
@click.option(
    "--burn-in",
    type=click.IntRange(1, 10_000),
    default=30,
    metavar="N",
    show_default=True,
    help="Frames of each start that do not count.",
)
@click.option(
    "--together", type=click.IntRange(2, 1000), metavar="N", help="Cells open at once.  [default: by memory]"
)
@cores
@priority
def matrix(
    folder: Path,
    names: tuple[str, ...],
    tiers: tuple[str, ...],
    accelerators: tuple[Any, ...],
    threads: tuple[int, ...],
    sizes: tuple[tuple[int, int], ...],
    other: Path | None,
    clip: Path | None,
    **wishes: Any,
) -> None:
    """Measure every combination of the options that were given several times, in turns, into FOLDER.

    What others do on the machine meanwhile hits all alike, so that their ratios hold. FOLDER gets a folder
    of reports for each cell, which bench compare reads, and matrix.csv and matrix.html. A cell that cannot
    run is told with the reason. The same command goes on where it was stopped.
    """
    from effectcam.bench.cells import cells_of
    from effectcam.bench.figures import as_csv, figures_of
    from effectcam.bench.footage import check_size
    from effectcam.bench.heat_map import matrix_page
    from effectcam.bench.matrix import Matrix, Wishes
    from effectcam.cli import terminal
    from effectcam.cli.bench import telling
    from effectcam.cli.demo import demo_clip
    from effectcam.effect import load_effect
    from effectcam.replay.player import make_folder
    from effectcam.sink.part_file import reserved

    for size in sizes:
        check_size(*size)
    effects = [load_effect(name) for name in dict.fromkeys(names)]
    for tier in tiers:
        if not any(tier in effect.tiers for effect in effects):
            effects[0].tier(tier)
    cells = cells_of(
        effects,
        tiers,
        accelerators,
        threads or (None,),
        sizes,
        other=None if other is None else str(other),
    )
    make_folder(folder)
    with contextlib.ExitStack() as stack:
        table = stack.enter_context(reserved(folder / "matrix.csv"))
        page = stack.enter_context(reserved(folder / "matrix.html"))
        plan = Wishes(clip=clip or stack.enter_context(demo_clip()), **wishes)
        measured = Matrix(folder, cells, plan)
        stopped = False
        try:
            with telling() as tell:
                measured.run(tell=tell)
        except KeyboardInterrupt:
            stopped = True
        groups = [measured.group(cell) for cell in cells]
        figures = figures_of(cells, groups, measured.refused)
        reports = [report for group in groups if group is not None for report in group.reports]
        if reports and table is not None and page is not None:
            table.fill(as_csv(figures).encode())
            page.fill(matrix_page(figures, reports[-1]).encode())
            _show(figures, reports[-1])
    if stopped:
        terminal.note("stopped; the same command goes on with the round that was not whole")
        raise KeyboardInterrupt
    if not reports:
        refused = next(each for each in figures if each.refused)
        others = f", and {len(figures) - 1} others" if len(figures) > 1 else ""
        raise BenchError(f"no cell could run: {refused.cell}{others}: {refused.refused}")


def _show(figures: Sequence[Figures], report: Report) -> None:
    from effectcam.bench.figures import COLUMNS, common_line, told
    from effectcam.cli import terminal

    console = terminal.out()
    console.print(report.device.cpu, style="bold")
    console.print(common_line(figures, report))
    why = [""] if any(each.refused for each in figures) else []
    table = terminal.table(*COLUMNS, *why, right=COLUMNS[1:])
    for each in figures:
        refused = [f"could not run: {each.refused}"] if each.refused else []
        table.add_row(*terminal.row(*told(each), *refused))
    console.print(table)
