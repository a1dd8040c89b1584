"""``effectcam distill train``: the students of one recipe, and when they will be done."""

from __future__ import annotations

import datetime
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from effectcam.effect.manifest import TierName


@click.command()
@click.argument("recipe")
@click.option(
    "--work",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="The folder that 'distill pairs' filled.",
)
@click.option(
    "--tier",
    type=click.Choice(["lite", "standard", "high"]),
    default="standard",
    show_default=True,
    help="lite draws smaller, high deeper; both go on from the standard one.",
)
@click.option("--space", type=click.Choice(["face", "frame"]), help="Only this student; both by default.")
@click.option(
    "--minutes", type=click.FloatRange(0, min_open=True), help="Training time; the recipe's by default."
)
@click.option(
    "--from",
    "begin",
    metavar="EFFECT",
    help="Go on from this effect's students, of the same shape, instead of from nothing.",
)
@click.option(
    "--without", multiple=True, metavar="LOSS", help="Switch off one of the recipe's losses; repeatable."
)
@click.option("--cpu-time", is_flag=True, help="Count CPU minutes: a busy machine ends later, not worse.")
@click.option("--seed", type=int, default=0, show_default=True)
def train(
    recipe: str,
    work: Path,
    tier: TierName,
    space: str | None,
    minutes: float | None,
    begin: str | None,
    without: tuple[str, ...],
    cpu_time: bool,
    seed: int,
) -> None:
    """Train the students; stop and start again as you like."""
    from effectcam.distill.losses import loss_names
    from effectcam.distill.origin import Origin, origin_in, reshaped
    from effectcam.distill.pairs import PairStore
    from effectcam.distill.perceptual import perceptual_loss
    from effectcam.distill.recipe import load_recipe
    from effectcam.distill.tiers import at_tier, tier_run
    from effectcam.distill.train import TrainConfig, load_student, usual_augmentation
    from effectcam.distill.train import train as training
    from effectcam.errors import UsageError

    standard = load_recipe(recipe)
    plan = at_tier(standard, tier)
    if space is not None and space not in plan.students:
        raise UsageError(f"{plan.name} has no {space} student; it has: {', '.join(plan.students)}")
    students = {name: plan.students[name] for name in ([space] if space else plan.students)}
    on = {loss for student in students.values() for loss in student.losses.on()}
    for loss in without:
        if loss in loss_names() and loss not in on:
            raise UsageError(f"the loss {loss!r} is off in {recipe} already; on are: {', '.join(sorted(on))}")
    weights = {name: student.losses.without(without) for name, student in students.items()}
    following = sum(minutes or student.minutes for student in students.values())
    for name, student in students.items():
        config = TrainConfig(
            minutes=minutes or student.minutes,
            lying=student.lying,
            emphasis=student.emphasis,
            seed=seed,
        )
        following -= config.minutes
        pairs = PairStore.load(work / name / "pairs")
        pairs.check(plan, name, work / name / "pairs")
        run, known = tier_run(work, name, tier), tier_run(work, name, "standard")
        origin = origin_in(begin, standard.students[name]) if begin else None
        if tier != "standard" and origin is None and not (run / "student.pt").is_file():
            if not (known / "student.pt").is_file():
                raise UsageError(
                    f"{known} holds no trained student for the {tier} tier to go on from; train the standard "
                    "tier first, or name an effect with --from"
                )
            own = f"{plan.name}'s own standard student"
            origin = Origin(own, load_student(known, standard.students[name].net))
        if origin is not None:
            origin = replace(origin, student=reshaped(origin.student, student.net))
        if weights[name].perceptual:
            click.echo(f"{name}: perceptual loss by {perceptual_loss().name}")
        spent = True
        for at in training(
            pairs,
            student.net,
            run,
            config=config,
            augmentation=usual_augmentation(
                student.net, student.scale, mirror=student.mirror, one_ink=student.one_ink
            ),
            weights=weights[name],
            origin=origin,
            clock=time.thread_time if cpu_time else time.monotonic,
        ):
            spent = False
            end = f"ends about {clock(at.left)}"
            if following:
                end += f", all about {clock(at.left + following)}"
            click.echo(
                f"{name}: step {at.step}, {at.minutes:.1f} of {config.minutes:g} min, {end}; "
                f"loss {at.loss:.4f}, held-out {at.psnr:.2f} dB; "
                f"pictures in {run / 'preview.png'}"
            )
        if spent:
            click.echo(
                f"{name}: its {config.minutes:g} minutes are spent; give more --minutes to go on, or delete "
                f"{run} to begin anew"
            )
    click.echo(f"next: effectcam distill export {recipe} --work {work} --out FOLDER")


def clock(minutes: float, *, now: datetime.datetime | None = None) -> str:
    """The time of day in ``minutes`` from now, with the weekday when that is not today.

    >>> friday = datetime.datetime(2026, 3, 6, 22, 15)
    >>> clock(90, now=friday), clock(150, now=friday)
    ('23:45', 'Sat 00:45')
    """
    now = now or datetime.datetime.now()
    then = now + datetime.timedelta(minutes=minutes)
    return f"{then:%H:%M}" if then.date() == now.date() else f"{then:%a %H:%M}"
