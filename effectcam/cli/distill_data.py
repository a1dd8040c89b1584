"""``effectcam distill data``: folders of portraits and clips in, a dataset with a data card out."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(short_help="Curate folders of pictures into a dataset.")
@click.argument(
    "folders",
    metavar="FOLDER...",
    nargs=-1,
    required=True,
    type=click.Path(file_okay=False, path_type=Path, exists=True),
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder for the dataset; give it to --data of the other stages.",
)
@click.option(
    "--licence",
    default="",
    metavar="TEXT",
    help="Whose pictures, under what rights: for folders without a LICENCE or source.toml.",
)
@click.option(
    "--hold-out", type=click.IntRange(1), default=40, show_default=True, help="People to measure on only."
)
@click.option(
    "--every", type=click.IntRange(1), default=20, show_default=True, help="Take one in so many clip frames."
)
@click.option(
    "--smallest",
    type=float,
    default=40.0,
    show_default=True,
    help="Least distance between the outer corners of the eyes, in pixels.",
)
@click.option(
    "--turn",
    type=float,
    default=45.0,
    show_default=True,
    help="Furthest turn of a head to the side, in degrees.",
)
def data(
    folders: tuple[Path, ...],
    out: Path,
    licence: str,
    hold_out: int,
    every: int,
    smallest: float,
    turn: float,
) -> None:
    """Find the faces, refuse what teaches little, and write the rest as a dataset.

    Refused, each with its reason: blur, small or cut-off faces, far turns, bad exposure, pictures without
    colour, near duplicates, no face or several. Skin tones are measured, rare ones get more weight, people
    are held out whole, and DATA.md says what there is. Stopped and started again it goes on where it
    was; after pictures were added or removed it looks at the new ones only.
    """
    from collections import Counter

    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from effectcam.distill import dataset
    from effectcam.distill.curate import curate
    from effectcam.distill.fitness import Limits

    limits = Limits(smallest=smallest, yaw=turn)
    steps = curate(folders, out, licence=licence, limits=limits, every=every, hold_out=hold_out)
    columns = (TextColumn("faces"), BarColumn(), TextColumn("{task.completed} of {task.total} files"))
    with Progress(*columns, TimeRemainingColumn()) as progress:
        task = progress.add_task("faces", total=None)
        for _, done, total in steps:
            progress.update(task, completed=done, total=total)
    entries = dataset.read_index(out)
    refused = Counter(dataset.refusals(out))
    told = ", ".join(f"{count} {reason}" for reason, count in refused.most_common())
    people, held_out = len({e.person for e in entries}), sum(e.split == "held-out" for e in entries)
    click.echo(
        f"{len(entries)} pictures of {people} people, {held_out} of them held out; "
        f"{refused.total()} refused{f' ({told})' if told else ''}"
    )
    click.echo(f"look at {out / 'DATA.md'}; next: effectcam distill pairs RECIPE --data {out} --work FOLDER")
