"""Options that several commands share."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

_NO_TEXT = frozenset({".jpg", ".jpeg", ".png", ".webp", ".zip", ".tflite"})

Command = TypeVar("Command", bound=Callable[..., Any])

strength = click.option(
    "--strength",
    type=click.FloatRange(0, 1),
    metavar="0..1",
    help="How much of the effect shows.  [default: the effect's own]",
)
faces = click.option(
    "--faces",
    type=click.IntRange(1, 16),
    default=1,
    metavar="N",
    show_default=True,
    help="Faces that get the effect; others stay.",
)
tier = click.option("--tier", default="standard", show_default=True, help="lite, standard or high.")
threads = click.option(
    "--threads",
    type=click.IntRange(1, 64),
    metavar="N",
    help="CPU threads of each student.  [default: measured]",
)


cores = click.option(
    "--cores",
    type=click.IntRange(1),
    metavar="N",
    help="CPU cores to keep to.  [default: half of them, at least 2]",
)
priority = click.option(
    "--priority",
    type=click.Choice(["normal", "raised"]),
    default="normal",
    show_default=True,
    help="raised: before other programs, such as the encoder.",
)


def accelerator(default: str) -> Callable[[Command], Command]:
    """``--accelerator``. Where answers are compared by the byte, the default must be ``cpu``."""
    return click.option(
        "--accelerator",
        type=click.Choice(["auto", "cpu", "gpu", "npu"]),
        default=default,
        show_default=True,
        help="What draws. auto: the fastest that draws the same.",
    )


def json_file(what: str = "report") -> Callable[[Command], Command]:
    """``--json FILE`` for ``what`` comes of a command, as the parameter ``json_file``."""
    return click.option(
        "--json",
        "json_file",
        type=TextPath(allow_dash=True),
        metavar="FILE",
        help=f"Write the {what} ('-': print it).",
    )


class NumberRange(click.FloatRange):
    """A number between two others; "nan", which is not outside of any range, is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is no number; give {self.min:g} to {self.max:g}", param, ctx)
        return number


class FilePath(click.Path):
    """A path that is not empty: an empty one would stand for the current folder."""

    def __init__(self, *, allow_dash: bool = False) -> None:
        super().__init__(path_type=Path, allow_dash=allow_dash)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("the path is empty; name a file or folder", param, ctx)
        return super().convert(value, param, ctx)


class TextPath(FilePath):
    """A text to write. An option that was given no file takes the word behind it, which is the first clip:
    what by its name is a clip, a picture or a package is therefore not replaced."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from effectcam.replay.clips import SUFFIXES

        path = super().convert(value, param, ctx)
        if (suffix := path.suffix.lower()) in SUFFIXES | _NO_TEXT:
            self.fail(
                f"{value!r}: a text is written there, and no {suffix}; give it another name", param, ctx
            )
        return path


class Size(click.ParamType[tuple[int, int]]):
    """(width, height) in pixels, written such as 1280x720."""

    name = "WxH"

    def convert(
        self, value: str | tuple[int, int], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"(\d{1,5})[xX](\d{1,5})", value)
        if found is None:
            self.fail(f"{value!r} is no size; give width and height such as 1280x720", param, ctx)
        return int(found[1]), int(found[2])


def pipeline_options(command: Command) -> Command:
    """What the constructor of a `Pipeline` takes: strength, faces, tier, threads."""
    return strength(faces(tier(threads(command))))
