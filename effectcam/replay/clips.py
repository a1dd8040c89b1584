"""Which clips are meant: files, and folders that stand for the clips in them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from effectcam.errors import SourceError, UsageError

SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".m2ts", ".mts"}
    | {".wmv", ".flv", ".3gp", ".ogv", ".mxf", ".y4m", ".gif"}
)
"""How the names of clips end, in any case of letters."""


def gather(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The clips that ``arguments`` stand for, and a line for each folder in which something was passed over.

    A folder stands for the files in it, not below it, whose names end in one of `SUFFIXES`, in the natural
    order of their names. Whatever else is named is taken as it is. Raises UsageError for a folder without a
    clip, SourceError for one that cannot be read.
    """
    clips: list[str] = []
    notes = []
    for argument in arguments:
        if not is_folder(argument):
            clips.append(argument)
            continue
        folder = Path(argument)
        found: list[Path] = []
        others: list[Path] = []
        try:
            for path in sorted(folder.iterdir(), key=lambda path: natural(path.name)):
                (found if _is_clip(path) else others).append(path)
        except OSError as error:
            raise SourceError(f"{folder}: cannot be read ({error.strerror}); check its permissions") from None
        # What is hidden is no one's clip, and no one misses it.
        skipped = [path.name for path in others if not path.name.startswith(".")]
        found = [path for path in found if not path.name.startswith(".")]
        if not found:
            raise UsageError(f"{folder}: has no clip in it ({', '.join(sorted(SUFFIXES))}); name another")
        if skipped:
            notes.append(f"{folder}: passed over, no clips by their names: {_listed(skipped)}")
        clips += map(str, found)
    return clips, notes


def is_folder(argument: str) -> bool:
    """Whether it stands for the clips in it. What cannot be looked at does not: to open it will tell why."""
    try:
        return Path(argument).is_dir()
    except (OSError, ValueError):
        return False


def _is_clip(path: Path) -> bool:
    """By its name, unless it is there as something else. A link that leads nowhere is a clip that is missing,
    and must not be passed over."""
    if path.suffix.lower() not in SUFFIXES:
        return False
    try:
        return path.is_file() or (path.is_symlink() and not path.exists())
    except OSError:
        return True


def natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts numbers in names by their worth.

    >>> sorted(["s10.mp4", "s9.mp4", "S1.mp4"], key=natural)
    ['S1.mp4', 's9.mp4', 's10.mp4']
    """
    parts = re.split(r"(\d+)", name.casefold())
    # Every second part is a number. The name itself decides between 7 and 007.
    return [(int(part), "") if place % 2 else (0, part) for place, part in enumerate(parts)] + [(0, name)]


def _listed(names: Sequence[str], *, most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
