"""``effectcam distill new``: from a teacher and a folder of pictures to an installed effect."""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from effectcam.distill.recipe import Recipe

_SHOWN = 5
"""People on the picture of what the teacher draws."""


@click.command(short_help="All of it at once: a folder in, an installed effect out.")
@click.argument("name")
@click.option(
    "--teacher",
    required=True,
    metavar="MODULE:NAME",
    help="What draws: a function of (image, landmarks), or a class that makes one.",
)
@click.option(
    "--teacher-option",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    help="What the class is made with, once for each: text, a number, true or false.",
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
    options: tuple[str, ...],
    data: Path,
    source: str,
    licence: str,
    looks_real: bool,
    draft: bool,
    begin: str | None,
    out: Path | None,
) -> None:
    """Make the effect NAME and install it.

    Asks the teacher about a few faces to find out whether it draws frames too and says where the face
    changes, writes what it drew and a recipe, makes pairs, trains, exports, measures and installs. Stopped
    and started again it goes on where it was; a recipe that is there already is used as it stands, so edit
    it and say the same again.
    """
    from effectcam.effect.archive import MANIFEST
    from effectcam.effect.catalogue import bundled_folder, user_folder
    from effectcam.effect.manifest import NAME
    from effectcam.errors import UsageError

    if not NAME.fullmatch(name):
        raise UsageError(f"an effect cannot be called {name!r}; use 1 to 40 of a-z, 0-9 and -")
    if (bundled_folder() / name).is_dir():
        raise UsageError(f"{name!r} is an effect that comes with effectcam; give yours another name")
    if not source.strip():
        raise UsageError("--source is empty; say where the pictures came from, and under what rights")
    folder = out or Path(name)
    if folder.resolve().is_relative_to(data.resolve()):
        raise UsageError(
            f"{folder} would lie in {data}, and its drawings be learnt from as portraits; give another --out"
        )
    # It is installed in place of one of its name, and another's would be lost.
    if (user_folder() / name).exists() and not (folder / "effect" / name / MANIFEST).is_file():
        raise UsageError(
            f"an effect {name!r} is installed that was not made in {folder}; give yours another name, or say "
            f"'effectcam effects remove {name}' first"
        )
    recipe, made_with = folder / "recipe.toml", dict(map(_option, options))
    try:
        if recipe.exists():
            _tell_unheard(context, recipe, made_with)
        else:
            draw = functools.partial(_draft, folder, name, teacher, made_with, data)
            draw(licence=licence, looks_real=looks_real, draft=draft)
        _make(context, recipe, folder, name, teacher=teacher, data=data, source=source, begin=begin)
    except KeyboardInterrupt:
        click.echo("\nstopped; the same command goes on from here", err=True)
        raise


def _option(text: str) -> tuple[str, object]:
    """KEY=VALUE, where the value is what TOML takes it for, and text where it takes it for nothing."""
    from effectcam.errors import UsageError

    key, equals, value = text.partition("=")
    if not (equals and key.isidentifier()):
        raise UsageError(f"--teacher-option is {text!r}; write KEY=VALUE, as style=mosaic or strength=0.8")
    try:
        read = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        read = value
    return key, read if isinstance(read, str | int | float) else value


def _tell_unheard(context: click.Context, recipe: Path, made_with: dict[str, object]) -> None:
    """A recipe that is there is used as it stands; what the command says otherwise must not go unheard in
    silence."""
    from effectcam.distill.recipe import load_recipe

    plan = load_recipe(str(recipe))
    for key in ("licence", "looks_real"):
        given = context.get_parameter_source(key) is not ParameterSource.DEFAULT
        stands = plan.manifest.get(key, False)
        if given and context.params[key] != stands:
            _note(f"{recipe} has {key} = {json.dumps(stands)}, which counts; change it there")
    for space, student in plan.students.items():
        if made_with and student.teacher != made_with:
            _note(f"{recipe} has {dict(student.teacher)} under [students.{space}.teacher], which counts")


def _note(line: str) -> None:
    click.echo(line, err=True)


def _draft(
    folder: Path,
    name: str,
    teacher: str,
    made_with: dict[str, object],
    data: Path,
    *,
    licence: str,
    looks_real: bool,
    draft: bool,
) -> None:
    """Write the recipe, and a picture of what it is that will be learnt."""
    import cv2

    from effectcam.distill.data import people
    from effectcam.distill.draft import contact_sheet, examine, recipe_text
    from effectcam.distill.recipe import import_teacher, load_recipe
    from effectcam.errors import UsageError

    drawing = import_teacher(teacher, [Path.cwd()], **made_with)
    passed_over = functools.partial(click.echo, err=True)
    few = list(itertools.islice(people(data, tell=passed_over), _SHOWN))
    if not few:
        raise UsageError(f"no face was found in {data}; give portraits or clips with a face in view")
    nature = examine(drawing, few[0])
    sheet = cv2.cvtColor(contact_sheet(drawing, few, alpha=nature.alpha), cv2.COLOR_RGB2BGR)
    folder.mkdir(parents=True, exist_ok=True)
    _, picture = cv2.imencode(".png", sheet)
    (folder / "teacher.png").write_bytes(picture.tobytes())
    text = recipe_text(
        name, teacher, nature, licence=licence, looks_real=looks_real, draft=draft, options=made_with
    )
    # Under its name only once it holds: it is used as it stands from then on.
    unchecked = folder / "recipe.unchecked.toml"
    unchecked.write_text(text, encoding="utf-8")
    try:
        load_recipe(str(unchecked))
        unchecked.replace(folder / "recipe.toml")
    finally:
        unchecked.unlink(missing_ok=True)
    click.echo(f"what will be learnt: {folder / 'teacher.png'}")


def _make(
    context: click.Context,
    recipe: Path,
    folder: Path,
    name: str,
    *,
    teacher: str,
    data: Path,
    source: str,
    begin: str | None,
) -> None:
    from effectcam.cli.distill import export, pairs
    from effectcam.cli.distill_train import train
    from effectcam.distill.dataset import put
    from effectcam.distill.origin import has_base, origin_in
    from effectcam.distill.recipe import load_recipe
    from effectcam.distill.tiers import tier_run
    from effectcam.effect.catalogue import install
    from effectcam.errors import UsageError

    work = folder / "work"
    plan = load_recipe(str(recipe))
    if plan.name != name:
        raise UsageError(
            f"{recipe} has the name {plan.name!r}, not {name!r}; change it there, or give another --out"
        )
    if plan.teacher != teacher:
        raise UsageError(
            f"{recipe} has the teacher {plan.teacher!r}, not {teacher!r}; change it there, or give "
            "another --out"
        )
    plan.check(source)
    begun = any((tier_run(work, space, "standard") / "student.pt").is_file() for space in plan.students)
    if begin is None and not begun and all(has_base(student) for student in plan.students.values()):
        begin = "base"
    elif begin == "nothing":
        begin = None
    if begin is not None:
        # An effect that is misspelt, or of another shape, must not be found out after the pairs are made.
        for student in plan.students.values():
            origin_in(begin, student)
    minutes = sum(student.minutes for student in plan.students.values())
    click.echo(f"recipe: {recipe}, {minutes:g} minutes of training")
    ingredients = work / "made-of.json"
    if all((work / space / "pairs" / "pairs.json").is_file() for space in plan.students):
        _refuse_others(ingredients, _made_of(plan, data))
    else:
        # First, so that pairs which are finished never lack it; unfinished ones are made anew.
        work.mkdir(parents=True, exist_ok=True)
        put(ingredients, json.dumps(_made_of(plan, data), indent=1).encode())
        context.invoke(pairs, recipe=str(recipe), data=data, work=work)
    context.invoke(train, recipe=str(recipe), work=work, begin=begin)
    context.invoke(export, recipe=str(recipe), work=work, out=folder / "effect", source=source)
    effect = install(folder / "effect" / plan.name, replace=True)
    click.echo(
        f"installed {effect.name} {effect.version}; see preview.webp and CARD.md in {effect.path}; "
        f"next: effectcam demo --effect {effect.name}"
    )


def _made_of(plan: Recipe, data: Path) -> dict[str, str]:
    """What pairs hang on, each as a hash: they are made once, and an author who changes the teacher must
    not be handed the effect of the day before."""
    from effectcam.distill.data import CLIPS, HELD_OUT, PICTURES
    from effectcam.distill.teacher_files import module_file, teacher_digest

    module = module_file(plan.teacher.partition(":")[0], [plan.folder, Path.cwd()])
    drawing = b"".join(teacher_digest(module, student.teacher) for student in plan.students.values())
    chosen = data / HELD_OUT
    # What file managers leave in a folder they have shown is none of its pictures.
    named = {file for file in data.rglob("*") if file.suffix.lower() in PICTURES | CLIPS}
    pictures = sorted((str(file.relative_to(data)), file.stat().st_size) for file in named)
    shapes = [
        (space, student.teacher, student.net.alpha, student.net.position > 0, student.soften)
        for space, student in plan.students.items()
    ]
    return {
        "the teacher or what it draws with": _hash(plan.teacher.encode() + drawing),
        "the recipe's crop, eyes or students": _hash(
            repr((plan.margin, plan.shift, plan.eyes, shapes)).encode()
        ),
        "the pictures in --data": _hash(repr(pictures).encode()),
        f"{HELD_OUT} in --data": _hash(chosen.read_bytes() if chosen.is_file() else b""),
    }


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _refuse_others(ingredients: Path, made_of: dict[str, str]) -> None:
    from effectcam.errors import UsageError

    if not ingredients.is_file():
        return
    was = json.loads(ingredients.read_text(encoding="utf-8"))
    # What an older version did not write down cannot be told.
    if changed := [what for what, now in made_of.items() if was.get(what, now) != now]:
        raise UsageError(
            f"{' and '.join(changed)} changed since the pairs in {ingredients.parent} were made; delete that "
            "folder to learn anew, or give another --out"
        )
