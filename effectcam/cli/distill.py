"""``effectcam distill``: pairs, training, export; each stage a command that can be repeated."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from effectcam.cli.distill_all import all_effects
from effectcam.cli.distill_base import base
from effectcam.cli.distill_data import data as curated
from effectcam.cli.distill_new import new
from effectcam.cli.distill_search import search
from effectcam.cli.distill_train import train

if TYPE_CHECKING:
    from effectcam.distill.data import Person

_FOLDER = click.Path(file_okay=False, path_type=Path)
_PRESENT = click.Path(file_okay=False, path_type=Path, exists=True)


@click.group(short_help="Make an effect from a slow teacher.")
def distill() -> None:
    """Make an effect: a slow teacher draws pairs, a small student learns them, a package comes out.

    RECIPE is a bundled one (toon, zombie, ...) or your own .toml file. Every stage keeps its results in
    --work and can be run again: pairs are made once, training goes on from its last checkpoint. 'data' makes
    a dataset of good pictures from folders of any, with a card; a plain folder will do as well.
    'new' does it all, from a folder of pictures to an installed effect; 'all' takes several recipes.
    """


distill.add_command(base)
distill.add_command(curated)
distill.add_command(new)
distill.add_command(search)
distill.add_command(train)
distill.add_command(all_effects)


@distill.command()
@click.argument("recipe")
@click.option("--data", type=_PRESENT, required=True, help="Folder of portraits and clips, or a curated one.")
@click.option("--work", type=_FOLDER, required=True, help="Folder to keep pairs and training in.")
@click.option(
    "--hold-out",
    type=click.IntRange(1),
    metavar="N",
    help="Portraits to measure on only.  [default: a quarter, at most 40]",
)
@click.option(
    "--every", type=click.IntRange(1), default=20, show_default=True, help="Take one in so many clip frames."
)
def pairs(recipe: str, data: Path, work: Path, hold_out: int | None, every: int) -> None:
    """Find the faces in a folder and ask the teacher about each.

    A folder that 'distill data' made brings its own choice of people to measure on and of clip frames;
    --hold-out and --every are for plain ones.
    """
    from rich.progress import track

    from effectcam.distill import data as faces
    from effectcam.distill.dataset import is_dataset
    from effectcam.distill.pairs import forget_drawings, write_pairs
    from effectcam.distill.recipe import load_recipe
    from effectcam.errors import StudentError, UsageError

    plan = load_recipe(recipe)
    if work.resolve().is_relative_to(data.resolve()) and not is_dataset(data):
        raise UsageError(
            f"{work} would lie in {data}, and its drawings be learnt from as portraits; give another --work"
        )
    # Before minutes are spent on what cannot be kept.
    work.mkdir(parents=True, exist_ok=True)
    # So are an author's slips told before all faces are sought; what is made here is not kept, for two
    # teachers may not fit into memory.
    for space in plan.students:
        plan.make_teacher(space)
    faces.listed(data)
    mirrored = any(student.net.position for student in plan.students.values())
    passed_over = functools.partial(click.echo, err=True)
    crowd = list(
        track(faces.people(data, every=every, mirrored=mirrored, tell=passed_over), description="faces")
    )
    held_out = faces.held_out(crowd, hold_out or _quarter(crowd), data, tell=passed_over)
    for space in plan.students:
        stage = write_pairs(plan, space, crowd, held_out, work / space / "pairs")
        done = 0
        try:
            for _ in track(stage, description=f"{space} pairs", total=len(crowd)):
                done += 1
        except StudentError as error:
            if done == len(crowd):
                raise
            # The teacher's own words hardly tell over which of hundreds of pictures it fell.
            raise StudentError(f"{error} (at {crowd[done].name})") from error
    for space in plan.students:
        forget_drawings(work / space / "pairs")
    click.echo(
        f"{len(crowd)} pictures, {len(held_out)} held out; "
        f"next: effectcam distill train {recipe} --work {work}"
    )


def _quarter(crowd: Sequence[Person]) -> int:
    """How many portraits to measure on: as 'distill data' chooses, for a small folder has few to spare."""
    portraits = sum(not (person.from_clip or person.mirrored) for person in crowd)
    return max(2, min(40, portraits // 4))


@distill.command()
@click.argument("recipe")
@click.option("--work", type=_FOLDER, required=True, help="The folder of pairs and training.")
@click.option("--out", type=_FOLDER, required=True, help="Folder to write the effect's own folder into.")
@click.option(
    "--source", required=True, help="Where the pictures came from, and under what rights; for the card."
)
@click.option(
    "--preview",
    type=click.Path(dir_okay=False, path_type=Path, exists=True),
    help="Clip for the preview picture and for what the card measures on a clip; the demo's by default.",
)
def export(recipe: str, work: Path, out: Path, source: str, preview: Path | None) -> None:
    """Export the trained students, measure them, and write the effect's package."""
    from effectcam.cli.demo import demo_clip
    from effectcam.distill.package import build
    from effectcam.distill.recipe import load_recipe

    plan = load_recipe(recipe)
    with contextlib.nullcontext(preview) if preview else demo_clip() as clip:
        effect = build(plan, work, out / plan.name, data=source, preview=clip)
    click.echo(f"{effect.path}; try it: effectcam demo --effect {effect.path}")
