"""``effectcam effects``: list, show, gallery, install, remove and pack."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from effectcam.cli.options import FilePath
from effectcam.errors import EffectcamError

if TYPE_CHECKING:
    from effectcam.effect import Effect


@click.group(short_help="List, show, compare, install, remove and pack effects.")
def effects() -> None:
    """List, show, compare, install, remove and pack effects."""


@effects.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def list_effects(as_json: bool) -> int:
    """List all effects, those that came with effectcam first.

    Every file is compared with its hash. The exit code is 1 when a package is damaged.
    """
    from effectcam.cli import terminal
    from effectcam.effect import load_effect
    from effectcam.effect.catalogue import bundled_folder, catalogue, user_folder

    listed: list[dict[str, Any]] = []
    damaged: dict[str, str] = {}
    for name, folder in catalogue().items():
        try:
            listed.append(_told(load_effect(name)))
        except EffectcamError as error:
            damaged[name] = str(error)
            listed.append({"name": name, "path": str(folder), "damaged": str(error)})
    if as_json:
        terminal.print_json({"schema": "effectcam.effects/1", "effects": listed})
        return 1 if damaged else 0
    console = terminal.out()
    if not listed:
        console.print(f"no effects in {bundled_folder()} or {user_folder()}; see: effectcam effects install")
        return 0
    table = terminal.table("name", "title", "space", "tiers", "version", "from")
    for told in listed:
        if "damaged" in told:
            table.add_row(*terminal.row(told["name"], "damaged (see below)", "", "", "", "", style="red"))
            continue
        origin = "effectcam" if told["bundled"] else "you"
        tiers = " ".join(told["tiers"])
        table.add_row(
            *terminal.row(told["name"], told["title"], told["space"], tiers, told["version"], origin)
        )
    console.print(table)
    for name, reason in damaged.items():
        terminal.note(f"effect {name} is damaged: {reason}")
    return 1 if damaged else 0


@effects.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def show(name: str, as_json: bool) -> None:
    """Show an effect: what it is, what it holds, where it comes from.

    NAME is an effect's name, or the path of a package (a folder or zip) that is not installed.
    """
    from effectcam.cli import terminal
    from effectcam.effect import load_effect

    effect = load_effect(name)
    told = _told(effect)
    if as_json:
        terminal.print_json({"schema": "effectcam.effects/1", "effects": [told]})
        return
    console = terminal.out()
    console.print(f"{effect.title} ({effect.name} {effect.version})")
    console.print(effect.description)
    facts = terminal.table("", "")
    facts.show_header = False
    for label, text in (
        ("space", effect.space + (", with its own alpha" if effect.tensor.output == "rgba" else "")),
        ("strength", f"{effect.strength.default:g} unless you say otherwise"),
        ("looks real", "yes, so tell your viewers" if effect.looks_real else "no"),
        ("licence", effect.licence),
        ("teacher", effect.provenance.teacher),
        ("data", effect.provenance.data),
        ("trained", effect.provenance.trained),
        ("package", told["path"]),
        ("hashes", f"all {len(effect.files)} files match"),
        ("card", told["card"] or "none"),
    ):
        facts.add_row(*terminal.row(label, text))
    console.print(facts)
    table = terminal.table("tier", "place", "model", "height x width", "kB", right=("kB",))
    for tier, places in told["tiers"].items():
        for place, model in places.items():
            height, width = model["size"]
            table.add_row(
                *terminal.row(tier, place, model["file"], f"{height}x{width}", round(model["bytes"] / 1000))
            )
    console.print(table)


@effects.command()
@click.argument("names", nargs=-1)
@click.option("--on", "picture", type=FilePath(), metavar="FILE", help="A clip or picture of yours.")
@click.option("--at", type=click.FloatRange(0), default=1.3, show_default=True, help="Seconds into the clip.")
@click.option("--columns", type=click.IntRange(1, 12), help="Pictures side by side.  [default: a square]")
@click.option(
    "--out", "-o", type=FilePath(), default=Path("gallery.png"), show_default=True, help="PNG, WebP or JPEG."
)
def gallery(names: tuple[str, ...], picture: Path | None, at: float, columns: int | None, out: Path) -> int:
    """Write a contact sheet: what each effect makes of one picture.

    NAMES are the effects to show, all if none is given. Without --on it is the person of the demo
    clip, who does not exist. The exit code is 1 when an effect was left out because it is damaged.
    """
    from effectcam.cli import terminal
    from effectcam.cli.demo import demo_clip
    from effectcam.cli.gallery import Gallery, check_ending, columns_for
    from effectcam.effect import load_effect
    from effectcam.effect.catalogue import catalogue
    from effectcam.replay.player import refuse_to_replace
    from effectcam.sink.part_file import reserved

    check_ending(out)
    if picture is not None:
        refuse_to_replace(out, (str(picture),))
    damaged: dict[str, str] = {}
    with demo_clip() as clip, reserved(out), terminal.progress() as bars:
        sheet = Gallery.on(picture or clip, at)
        shown = names or tuple(catalogue())
        for name in bars.track(shown, description="effects"):
            try:
                sheet.add(load_effect(name))
            except EffectcamError as error:
                if names:
                    raise
                damaged[name] = str(error)
    sheet.save(out, columns or columns_for(len(shown) + 1 - len(damaged)))
    for name, reason in damaged.items():
        terminal.note(f"effect {name} is left out: {reason}")
    count = len(shown) - len(damaged)
    terminal.out().print(f"{count} effect{'s' * (count != 1)}: {out}", highlight=False)
    return 1 if damaged else 0


@effects.command()
@click.argument("path", type=FilePath())
@click.option("--replace", is_flag=True, help="Replace an installed effect of the same name.")
def install(path: Path, replace: bool) -> None:
    """Check a package and copy it to your effects.

    PATH is a folder or a zip. A package is data alone: models, pictures, text. No code in it can run.
    """
    from effectcam.cli import terminal
    from effectcam.effect.catalogue import install as install_package

    effect = install_package(path, replace=replace)
    terminal.out().print(
        f"installed {effect.name} {effect.version} at {effect.path}; "
        f"try: effectcam run --effect {effect.name}"
    )


@effects.command()
@click.argument("name")
def remove(name: str) -> None:
    """Delete an effect that you installed."""
    from effectcam.cli import terminal
    from effectcam.effect.catalogue import uninstall

    uninstall(name)
    terminal.out().print(f"removed {name}")


@effects.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", type=FilePath(), help="The zip to write.  [default: NAME-VERSION.zip, here]")
def pack(folder: Path, out: Path | None) -> None:
    """Check a package of your own and zip it, for others to install.

    FOLDER's effect.toml gets the hashes of the files beside it; all else in it stays as you wrote it. The
    same files give the same bytes.
    """
    from effectcam.cli import terminal
    from effectcam.effect.writer import pack as bring_up_to_date
    from effectcam.effect.writer import zip_package

    effect = bring_up_to_date(folder)
    target = zip_package(folder, out or Path(f"{effect.name}-{effect.version}.zip"))
    terminal.out().print(
        f"{target}, {target.stat().st_size / 1e6:.1f} MB; others: effectcam effects install {target.name}"
    )


def _told(effect: Effect) -> dict[str, Any]:
    """The effect as plain values, for JSON."""
    from effectcam.effect.archive import open_archive
    from effectcam.effect.catalogue import bundled_folder

    sizes = open_archive(effect.path).sizes
    card = effect.path / "CARD.md" if "CARD.md" in effect.files else None
    tiers: dict[str, dict[str, Any]] = {}
    for name, tier in effect.tiers.items():
        models = {"frame": tier.frame, "face": tier.face}
        tiers[name] = {
            place: {"file": model.file, "size": list(model.size), "bytes": sizes[model.file]}
            for place, model in models.items()
            if model is not None
        }
    return {
        "name": effect.name,
        "version": effect.version,
        "title": effect.title,
        "description": effect.description,
        "space": effect.space,
        "output": effect.tensor.output,
        "strength": effect.strength.default,
        "looks_real": effect.looks_real,
        "licence": effect.licence,
        "provenance": {
            "teacher": effect.provenance.teacher,
            "data": effect.provenance.data,
            "trained": effect.provenance.trained,
        },
        "tiers": tiers,
        "hashes": "match",
        "card": None if card is None else str(card),
        "path": str(effect.path),
        "bundled": effect.path.parent == bundled_folder(),
    }
