"""Whether ``effectcam bench compare`` finds what is slower, and keeps quiet where nothing is.

    python -m benchmarks.compare --trials 10 --out trials

Each trial is a matrix of three cells: an effect, the same once more, and with students that spin a share of
their time longer. ``compare`` looks at the first two, and at the first and the third. Beside it stands what a
rank test of all frames would say, as if each were a sample of its own. Trials that are in the folder are not
measured again.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import click
import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from scipy import stats

from benchmarks.command import run
from benchmarks.machine import this_machine
from effectcam.bench.cells import Cell, cells_of
from effectcam.bench.comparison import Comparison, Row, compare
from effectcam.bench.groups import Group, read_group
from effectcam.bench.inference import ALPHA
from effectcam.bench.matrix import Matrix, Wishes
from effectcam.cli.demo import demo_clip
from effectcam.effect import Effect, load_effect

SIDES = ("as it is", "once more", "slower")


@dataclass(frozen=True, slots=True)
class Trial:
    equal: Comparison
    planted: Comparison
    cried: bool
    """Whether the test of all frames calls the equal ones different in some stage."""
    others_cores: float
    """That other programs kept busy, on average."""


def cells(effect: Effect, percent: float) -> list[Cell]:
    # On a busy machine each start would measure, and choose, another number of threads.
    (cell,) = cells_of([effect], ["standard"], ["cpu"], [1], [(1280, 720)])
    slower = (sys.executable, "-m", "benchmarks.slower_worker", str(percent))
    return [replace(cell, name=name, program=slower if name == "slower" else cell.program) for name in SIDES]


def measure(effect: Effect, clip: Path, folder: Path, percent: float, rounds: int, frames: int) -> Trial:
    folder.mkdir(parents=True, exist_ok=True)
    matrix = Matrix(folder, cells(effect, percent), Wishes(clip=clip, rounds=rounds, frames=frames))
    matrix.run()
    for name, why in matrix.refused.items():
        raise click.ClickException(f"{name}: {why}")
    first, again, slower = (read_group(folder / name) for name in SIDES)
    busy = [report.conditions.others_cores for group in (first, again, slower) for report in group.reports]
    return Trial(compare(first, again), compare(first, slower), cries(first, again), float(np.mean(busy)))


def cries(a: Group, b: Group) -> bool:
    """Bonferroni's correction for the stages is all that it has."""
    chances = []
    for stage in a.reports[0].series.stages_ms:
        frames = [np.concatenate([r.series.stages_ms[stage] for r in group.reports]) for group in (a, b)]
        chances.append(float(stats.mannwhitneyu(*frames).pvalue))
    return min(chances) * len(chances) < ALPHA


def row(found: Comparison, stage: str) -> Row:
    return next(each for each in found.rows if (each.stage, each.quantile) == (stage, "p50"))


def wrong(found: Comparison) -> list[Row]:
    """Rows that say that two equal things are not."""
    return [each for each in found.rows if each.verdict in ("slower", "faster")]


def told(each: Row) -> str:
    return f"{each.ratio:.3f} ({each.low:.3f} to {each.high:.3f})"


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number in (0, 1) else "left", no_wrap=True)
    return table


@contextlib.contextmanager
def _folder(out: Path | None) -> Iterator[Path]:
    if out is not None:
        yield out
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@click.command()
@click.option("--effect", "-e", "name", default="zombie", show_default=True)
@click.option(
    "--slower", "percent", default=10.0, show_default=True, help="Per cent that students spin longer."
)
@click.option("--trials", default=10, show_default=True, type=click.IntRange(1))
@click.option("--rounds", default=12, show_default=True, type=click.IntRange(1))
@click.option(
    "--frames", default=200, show_default=True, type=click.IntRange(10), help="Of a cell, each round."
)
@click.option("--out", type=click.Path(path_type=Path), help="Keep the reports here, and go on with them.")
def bench(name: str, percent: float, trials: int, rounds: int, frames: int, out: Path | None) -> None:
    """Trials of compare on a thing and itself, and on a thing and itself slowed down."""
    machine = this_machine()
    console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 200)
    console.print(f"{machine.cpu}, {machine.cores} cores, load {machine.load}")
    console.print(f"{name}, students {percent:g} % slower; {rounds} rounds of {frames} frames a cell")
    table = _table("trial", "others", "equal: student", "says", "planted: student", "says", "chain", "says")
    done = []
    with _folder(out) as folder, demo_clip() as clip:
        effect = load_effect(name)
        for number in range(1, trials + 1):
            trial = measure(effect, clip, folder / f"{number:02}", percent, rounds, frames)
            done.append(trial)
            equal = row(trial.equal, "student")
            planted, chain = row(trial.planted, "student"), row(trial.planted, "chain")
            says = ", ".join(f"{each.stage} {each.verdict}" for each in wrong(trial.equal)) or equal.verdict
            cells = [told(equal), says, told(planted), planted.verdict, told(chain), chain.verdict]
            table.add_row(str(number), f"{trial.others_cores:.1f}", *cells)
            print(f"trial {number} of {trials}: {cells}", file=sys.stderr, flush=True)
    console.print(table)
    found = sum(row(trial.planted, "student").verdict == "slower" for trial in done)
    console.print(f"the slower student was found in {found} of {trials}")
    console.print(
        f"equal cells were called different in {sum(bool(wrong(t.equal)) for t in done)} of {trials}"
    )
    console.print(
        f"a test of all frames would have called them so in {sum(t.cried for t in done)} of {trials}"
    )


def main() -> int:
    return run(bench, "compare")


if __name__ == "__main__":
    sys.exit(main())
