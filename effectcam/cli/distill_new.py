"""``effectcam distill new``: from a teacher and a folder of pictures to an installed effect."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(short_help="All of it at once: a folder in, an installed effect out.")
@click.argument("name")
@click.option(
    "--teacher",
    required=True,
    metavar="MODULE:NAME",
    help="What draws: a function of (image, landmarks), or a class that makes one.",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path, exists=True),
    required=True,
    help="Folder of portraits and clips to learn from.",
)
@click.option(
    "--source", required=True, help="Where the pictures came from, and under what rights; for the card."
)
@click.option("--licence", default="all rights reserved", show_default=True, help="Of the effect.")
@click.option("--looks-real", is_flag=True, help="An onlooker could take the result for a real face.")
@click.option("--draft", is_flag=True, help="Train a quarter of an hour, to see whether it can be learnt.")
@click.option(
    "--from",
    "begin",
    metavar="EFFECT",
    help="Go on from this effect's students instead of from the bundled base; 'nothing' begins without any.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for recipe, pairs, training and package; NAME by default.",
)
@click.pass_context
def new(
    context: click.Context,
    name: str,
    teacher: str,
    data: Path,
    source: str,
    licence: str,
    looks_real: bool,
    draft: bool,
    begin: str | None,
    out: Path | None,
) -> None:
    """Make the effect NAME and install it.

    Asks the teacher about a face to find out whether it draws frames too and says where the face
    changes, writes a recipe, makes pairs, trains, exports, measures and installs. Stopped and started
    again it goes on where it was; a recipe that is there already is used as it stands, so edit it and
    say the same again.
    """
    from effectcam.cli.distill import export, pairs
    from effectcam.cli.distill_train import train
    from effectcam.distill.origin import has_base
    from effectcam.distill.recipe import load_recipe
    from effectcam.effect.catalogue import bundled_folder, install
    from effectcam.effect.manifest import NAME
    from effectcam.errors import UsageError

    if not NAME.fullmatch(name):
        raise UsageError(f"an effect cannot be called {name!r}; use 1 to 40 of a-z, 0-9 and -")
    if (bundled_folder() / name).is_dir():
        raise UsageError(f"{name!r} is an effect that comes with effectcam; give yours another name")
    folder = out or Path(name)
    recipe, work = folder / "recipe.toml", folder / "work"
    if not recipe.exists():
        text = _drafted(name, teacher, data, licence=licence, looks_real=looks_real, draft=draft)
        folder.mkdir(parents=True, exist_ok=True)
        recipe.write_text(text, encoding="utf-8")
        click.echo(f"recipe: {recipe}")
    plan = load_recipe(str(recipe))
    if not all((work / space / "pairs" / "pairs.json").is_file() for space in plan.students):
        context.invoke(pairs, recipe=str(recipe), data=data, work=work)
    if begin is None and all(has_base(student) for student in plan.students.values()):
        begin = "base"
    context.invoke(train, recipe=str(recipe), work=work, begin=None if begin == "nothing" else begin)
    context.invoke(export, recipe=str(recipe), work=work, out=folder / "effect", source=source)
    effect = install(folder / "effect" / plan.name, replace=True)
    click.echo(
        f"installed {effect.name} {effect.version}; see {effect.path / 'preview.webp'} and CARD.md there"
    )


def _drafted(name: str, teacher: str, data: Path, *, licence: str, looks_real: bool, draft: bool) -> str:
    from effectcam.distill.data import people
    from effectcam.distill.draft import examine, recipe_text
    from effectcam.distill.recipe import import_teacher
    from effectcam.errors import UsageError

    drawing = import_teacher(teacher, [Path.cwd()])
    person = next(people(data), None)
    if person is None:
        raise UsageError(f"no face was found in {data}; give portraits or clips with a face in view")
    nature = examine(drawing, person)
    return recipe_text(name, teacher, nature, licence=licence, looks_real=looks_real, draft=draft)
