"""Where pictures come from, and under what rights: nothing is learnt from without a line that says so."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from effectcam.distill.data import CLIPS, PICTURES, written
from effectcam.errors import UsageError, nearest

NOTICES: Final = ("LICENCE", "LICENSE", "LICENCE.txt", "LICENSE.txt", "LICENCE.md", "LICENSE.md")
TABLE: Final = "source.toml"
WAYS: Final = ("names", "folders", "look")
"""How pictures of one person are told: by their files' names, by their folders, by the look alone. The
look and the clip count in every case."""

_LONGEST_LINE = 200


@dataclass(frozen=True)
class Notice:
    """What a folder says of its pictures."""

    licence: str
    """One line: the rights under which they may be learnt from."""
    origin: str = ""
    """Who made them, or where they were found."""
    people: str = "names"
    """One of ``WAYS``."""


@dataclass(frozen=True)
class Source:
    """A folder with one notice, and the pictures and clips that it speaks for."""

    name: str
    """As the data card calls it."""
    folder: Path
    notice: Notice
    files: dict[str, Path] = field(default_factory=dict)
    """By the name that each has in the dataset."""


def find_sources(folders: Sequence[Path], *, licence: str = "") -> list[Source]:
    """The pictures and clips in ``folders`` and below, each with the notice nearest above it.

    A notice is a file ``LICENCE`` (its first line), or ``source.toml`` with ``licence`` and, if you like,
    ``origin`` and ``people``. ``licence`` speaks for whatever has none. Raises UsageError when a picture is
    left without, when a notice cannot be read, and when there is nothing in a folder.
    """
    sources: dict[Path, Source] = {}
    labels = [folder.absolute().name for folder in folders]
    for folder, label in zip(folders, labels, strict=True):
        if labels.count(label) > 1:
            raise UsageError(
                f"two of the folders are called {label!r}; rename one, so that names stay unique"
            )
        files = sorted(f for f in folder.rglob("*") if f.suffix.lower() in PICTURES | CLIPS and f.is_file())
        if not files:
            raise UsageError(
                f"no pictures or clips in {folder}; looked for {', '.join(sorted(PICTURES | CLIPS))}"
            )
        for file in files:
            place, notice = _notice_above(file.parent, folder, licence)
            if place not in sources:
                own = place.relative_to(folder).as_posix()
                sources[place] = Source(label if own == "." else f"{label}/{own}", place, notice)
            below = file.relative_to(folder)
            sources[place].files[written(below if len(folders) == 1 else Path(label, below))] = file
    return list(sources.values())


def _notice_above(folder: Path, top: Path, licence: str) -> tuple[Path, Notice]:
    for place in [folder, *folder.parents]:
        if notice := _read_notice(place):
            return place, notice
        if place == top:
            break
    if licence.strip():
        return top, Notice(licence.strip())
    raise UsageError(
        f"{folder} has no licence line; put one into {top / 'LICENCE'}, or say it with --licence "
        '"whose pictures, under what rights"'
    )


def _read_notice(folder: Path) -> Notice | None:
    if (folder / TABLE).is_file():
        return _read_table(folder / TABLE)
    for name in NOTICES:
        if (folder / name).is_file():
            lines = (folder / name).read_text(encoding="utf-8", errors="replace").splitlines()
            line = next((line.strip() for line in lines if line.strip()), "")
            if not line:
                raise UsageError(
                    f"{folder / name} is empty; write whose pictures these are and under what rights"
                )
            return Notice(line[:_LONGEST_LINE])
    return None


def _read_table(path: Path) -> Notice:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f'{path}: {error}; it needs one line: licence = "…"') from error
    known = ("licence", "origin", "people")
    for key, value in values.items():
        if key not in known:
            raise UsageError(f"{path}: {key!r} is not known; {nearest(key, known)}")
        if not isinstance(value, str):
            raise UsageError(f"{path}: {key} must be text in quotes")
    notice = Notice(**({"licence": ""} | {key: " ".join(value.split()) for key, value in values.items()}))
    if not notice.licence:
        raise UsageError(f'{path} has no licence line; add licence = "whose pictures, under what rights"')
    if notice.people not in WAYS:
        raise UsageError(f"{path}: people = {notice.people!r}; {nearest(notice.people, WAYS)}")
    return notice
