"""``effectcam distill all``: several effects in a queue."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from effectcam.distill.queue import Job
    from effectcam.distill.recipe import Recipe

_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command("all", short_help="Several recipes in a queue.")
@click.argument("recipes", metavar="RECIPE...", nargs=-1, required=True)
@click.option(
    "--work",
    type=_FOLDER,
    required=True,
    help="Folder that keeps each effect's pairs and training in WORK/NAME.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Effects at once, each on one thread and in a process of its own.",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path, exists=True),
    help="Folder of portraits and clips; for effects that have no pairs yet.",
)
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="Training time of each student.")
@click.option("--cpu-time", is_flag=True, help="Count CPU minutes: a busy machine ends later, not worse.")
@click.option("--out", type=_FOLDER, help="Export too, each effect into its own folder here.")
@click.option("--source", help="Where the pictures came from, and under what rights; with --out.")
def all_effects(
    recipes: tuple[str, ...],
    work: Path,
    jobs: int,
    data: Path | None,
    minutes: float | None,
    cpu_time: bool,
    out: Path | None,
    source: str | None,
) -> None:
    """Make pairs where there are none, train and, with --out, export each RECIPE.

    An effect that fails holds up no other; failures are listed at the end. Stopped and started again,
    the queue goes on where it stood. What each effect prints is in WORK/NAME/log.txt.
    """
    from effectcam.cli.distill_train import clock
    from effectcam.distill.queue import Event, minutes_left, work_through
    from effectcam.distill.recipe import load_recipe
    from effectcam.errors import StudentError, UsageError

    if out and not source:
        raise UsageError("--out needs --source, which goes into the effects' cards")
    # All are read first: a misspelt one must not be found in the middle of the night.
    plans = {recipe: load_recipe(recipe) for recipe in dict.fromkeys(recipes)}
    if out:
        for plan in plans.values():
            plan.check(str(source))
    names = [plan.name for plan in plans.values()]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two of the recipes are called {name!r} and would share a folder; rename one")
    bare = [plan.name for plan in plans.values() if not _has_pairs(plan, work)]
    if bare and data is None:
        raise UsageError(f"no finished pairs of {', '.join(bare)} in {work}; give --data to make them")
    length = (*(("--minutes", str(minutes)) if minutes else ()), *(("--cpu-time",) if cpu_time else ()))
    rest = ("--out", str(out), "--source", str(source)) if out else ()
    queue = [_job(recipe, plan, work, data, length, rest) for recipe, plan in plans.items()]
    left = {plan.name: _minutes_left(plan, work, minutes) for plan in plans.values()}
    began: dict[str, float] = {}
    failures: list[Event] = []
    done = 0
    # Closed even when this loop is left by a signal, so that no training stays behind.
    with contextlib.closing(work_through(queue, at_once=jobs)) as events:
        for event in events:
            name = event.job.name
            if event.kind == "begins":
                what = event.stage
                if event.stage == "train":
                    began[name] = time.monotonic()
                elif event.stage == "export":
                    left[name] = 0.0
            else:
                left[name] = 0.0
                done += event.kind == "done"
                what = event.kind if event.kind == "done" else f"failed to {event.stage}: {event.message}"
                if event.kind == "failed":
                    failures.append(event)
            end = clock(minutes_left(_remaining(left, began), at_once=jobs))
            click.echo(f"{clock(0)} {name}: {what}; {done} of {len(queue)} done, training ends about {end}")
    if failures:
        told = "; ".join(f"{e.job.name} ({e.stage}): {e.message}" for e in failures)
        raise StudentError(f"{len(failures)} of {len(queue)} failed: {told}")


def _job(
    recipe: str,
    plan: Recipe,
    work: Path,
    data: Path | None,
    length: tuple[str, ...],
    export: tuple[str, ...],
) -> Job:
    from effectcam.distill.queue import Job, Stage

    folder = work / plan.name
    common = (recipe, "--work", str(folder))
    stages = []
    if data and not _has_pairs(plan, work):
        stages.append(Stage("pairs", ("distill", "pairs", *common, "--data", str(data))))
    stages.append(Stage("train", ("distill", "train", *common, *length)))
    if export:
        stages.append(Stage("export", ("distill", "export", *common, *export)))
    return Job(plan.name, tuple(stages), folder / "log.txt")


def _has_pairs(plan: Recipe, work: Path) -> bool:
    return all((work / plan.name / space / "pairs" / "pairs.json").is_file() for space in plan.students)


def _minutes_left(plan: Recipe, work: Path, minutes: float | None) -> float:
    """Of training; pairs and export come on top."""
    from effectcam.distill.checkpoint import minutes_spent
    from effectcam.errors import UsageError

    left = 0.0
    for space, student in plan.students.items():
        try:
            spent = minutes_spent(work / plan.name / space / "run")
        except UsageError:
            # Damaged: its own training will say so, and must not keep the others from theirs.
            continue
        left += max(0.0, (minutes or student.minutes) - spent)
    return left


def _remaining(left: dict[str, float], began: dict[str, float]) -> list[float]:
    now = time.monotonic()
    return [max(0.0, minutes - (now - began.get(name, now)) / 60) for name, minutes in left.items()]
