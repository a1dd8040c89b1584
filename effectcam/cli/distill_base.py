"""``effectcam distill base``: one student for many looks, to tune effects from."""

from __future__ import annotations

import time
from pathlib import Path

import click

_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command(short_help="Teach one student many looks, to tune effects from.")
@click.argument("recipes", metavar="RECIPE...", nargs=-1, required=True)
@click.option("--work", type=_FOLDER, required=True, help="Folder with each effect's pairs in WORK/NAME.")
@click.option("--space", type=click.Choice(["face", "frame"]), default="face", show_default=True)
@click.option("--minutes", type=click.FloatRange(0, min_open=True), default=60.0, show_default=True)
@click.option(
    "--from", "begin", metavar="EFFECT", help="Go on from this effect's student instead of from nothing."
)
@click.option("--cpu-time", is_flag=True, help="Count CPU minutes: a busy machine ends later, not worse.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The .tflite to write."
)
def base(
    recipes: tuple[str, ...],
    work: Path,
    space: str,
    minutes: float,
    begin: str | None,
    cpu_time: bool,
    out: Path,
) -> None:
    """Teach one student the looks of all RECIPEs, so that each effect is tuned from it in minutes.

    They must have students of one shape. The result is for 'distill train --from FILE'; stopped and
    started again, it goes on where it stood.
    """
    from effectcam.cli.distill_train import clock
    from effectcam.distill.base import finished_base, train_base
    from effectcam.distill.export import export
    from effectcam.distill.origin import origin_in
    from effectcam.distill.pairs import PairStore
    from effectcam.distill.recipe import load_recipe
    from effectcam.distill.train import TrainConfig
    from effectcam.errors import UsageError

    if out.suffix != ".tflite":
        raise UsageError(f"--out {out}: 'train --from' knows a base by its ending; call it {out}.tflite")
    plans = {plan.name: plan for plan in map(load_recipe, recipes)}
    for plan in plans.values():
        if space not in plan.students:
            raise UsageError(f"{plan.name} has no {space} student; it has: {', '.join(plan.students)}")
    students = {name: plan.students[space] for name, plan in plans.items()}
    first = next(iter(students.values()))
    for name, student in students.items():
        if (student.net, student.size) != (first.net, first.size):
            raise UsageError(f"{name}'s {space} student has another shape than {next(iter(plans))}'s")
    stores = {name: PairStore.load(work / name / space / "pairs") for name in plans}
    folder = work / f"base-{space}"
    config = TrainConfig(minutes=minutes, lying=0.5 if space == "frame" else 0.0)
    for at in train_base(
        stores,
        first.net,
        folder,
        config=config,
        scale=first.scale,
        origin=origin_in(begin, first) if begin else None,
        clock=time.thread_time if cpu_time else time.monotonic,
    ):
        click.echo(
            f"step {at.step}, {at.minutes:.1f} of {minutes:g} min, ends about {clock(at.left)}; "
            f"loss {at.loss:.4f}, held-out {at.psnr:.2f} dB; pictures in {folder / 'preview.png'}"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    taught, looks = finished_base(folder, first.net)
    export(taught, first.size, out)
    click.echo(f"{out}, taught {', '.join(looks)}; next: effectcam distill train RECIPE --from {out}")
