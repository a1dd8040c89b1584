"""``effectcam distill search``: the best student that fits a budget of milliseconds on this device."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.table import Table

    from effectcam.distill.search import Event, Search


@click.command(short_help="The best student within so many milliseconds on this device.")
@click.argument("recipe")
@click.option(
    "--work",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="The folder that 'distill pairs' filled.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for this search; WORK/SPACE/search by default.",
)
@click.option("--space", type=click.Choice(["face", "frame"]), default="face", show_default=True)
@click.option("--trials", type=click.IntRange(2, 200), default=12, show_default=True, help="To train.")
@click.option(
    "--minutes",
    type=click.FloatRange(0, min_open=True),
    default=2.0,
    show_default=True,
    help="Training time of each.",
)
@click.option(
    "--budget-ms",
    type=click.FloatRange(0, min_open=True),
    default=6.0,
    show_default=True,
    help="Longest time a picture; far slower students are not trained.",
)
@click.option(
    "--sizes",
    metavar="HEIGHT,...",
    help="Heights in pixels; by default 192,224,256 for a face, 224,256,288 for a frame.",
)
@click.option(
    "--threads", type=click.IntRange(1, 64), default=1, show_default=True, help="To measure the time on."
)
@click.option(
    "--cpu-time",
    is_flag=True,
    help="Count CPU time, in training and in measuring: a busy machine ends later, not worse.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the choice and of the trainings.")
def search(
    recipe: str,
    work: Path,
    out: Path | None,
    space: str,
    trials: int,
    minutes: float,
    budget_ms: float,
    sizes: str | None,
    threads: int,
    cpu_time: bool,
    seed: int,
) -> None:
    """Try students of other widths, depths and sizes than RECIPE's.

    Measures how long each takes here, trains those that are quick enough for a short and equal time,
    and shows the front: students that no other beats in both time and quality. The best within the budget is
    printed as lines for the recipe. Stop and start again as you like; what is trained is kept, and counts
    whatever budget is asked for later.
    """
    from dataclasses import asdict

    from rich.console import Console

    from effectcam.distill.pairs import PairStore
    from effectcam.distill.recipe import load_recipe
    from effectcam.distill.search import Search
    from effectcam.distill.search_report import write_report
    from effectcam.distill.shapes import SIDES, shapes
    from effectcam.distill.trial import Trials
    from effectcam.errors import UsageError

    plan = load_recipe(recipe)
    student = plan.students.get(space)
    if student is None:
        raise UsageError(f"{plan.name} has no {space} student; it has: {', '.join(plan.students)}")
    try:
        heights = [int(side) for side in sizes.split(",")] if sizes else SIDES[space]
    except ValueError:
        raise UsageError(
            f"--sizes {sizes}: write heights with commas between them, such as 192,256"
        ) from None
    pool = shapes(student, heights, seed=seed)
    store = PairStore.load(work / space / "pairs")
    store.check(plan, space, work / space / "pairs")
    if not any(store.held_out):
        raise UsageError(f"the pairs in {work / space / 'pairs'} hold nobody out to measure on; make others")
    folder = out or work / space / "search"
    settings = {
        "net": asdict(student.net),
        "losses": asdict(student.losses),
        "sizes": sorted(heights),
        "pairs": store.fingerprint(),
        "emphasis": dict(student.emphasis),
        "lying": student.lying,
        "mirror": student.mirror,
        "one_ink": student.one_ink,
        "minutes": minutes,
        "threads": threads,
        "cpu_time": cpu_time,
        "seed": seed,
    }
    bench = Trials(student, store, folder, minutes, threads=threads, cpu_time=cpu_time, seed=seed)
    found = Search(pool, bench, folder, budget_ms, trials, settings)
    for event in found.run():
        click.echo(_told(event, minutes))
    title = f"{plan.name} {space}: {minutes:g} min of {'CPU ' if cpu_time else ''}training each"
    files = write_report(found, title)
    Console(width=120).print(_table(found, title))
    best = next(candidate.shape for candidate in found.candidates() if candidate.chosen)
    click.echo(f"{', '.join(map(str, files))}\nthe best within {budget_ms:g} ms, for {recipe}:\n")
    click.echo(best.toml(student.space))


def _told(event: Event, minutes: float) -> str:
    from effectcam.cli.distill_train import clock

    where = f"{clock(0)} {event.kind} {event.number} of {event.of}, {event.shape.name}"
    at = event.progress
    if at is None:
        return where
    return f"{where}: step {at.step}, {at.minutes:.1f} of {minutes:g} min, held-out {at.psnr:.2f} dB"


def _table(search: Search, title: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(title=title, box=box.MARKDOWN)
    table.add_column("student", no_wrap=True)
    for heading in ("weights", "multiply-adds", "ms", "gap %"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for one in search.candidates():
        notes = [
            word
            for word, true in (
                ("chosen", one.chosen),
                ("front", one.front),
                ("the recipe's", one.shape == search.own),
            )
            if true
        ]
        table.add_row(
            one.shape.name,
            f"{one.shape.weights() / 1e3:.0f} k",
            f"{one.shape.multiply_adds() / 1e6:.0f} M",
            f"{one.ms:.2f}",
            "—" if one.gap_closed is None else f"{one.gap_closed:.1f}",
            ", ".join(notes),
        )
    return table
