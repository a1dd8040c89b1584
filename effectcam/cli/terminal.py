"""What commands print with: consoles, tables, progress. Imported inside commands, since rich is."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from effectcam.cli.app import one_line
from effectcam.ledger import STAGES


class _Console(Console):
    """Leaves it to the command line what becomes of output that nobody reads."""

    def on_broken_pipe(self) -> NoReturn:
        raise BrokenPipeError


def out() -> Console:
    """Standard output. Names of files and effects are printed as they are, never read as markup."""
    # A pipe has no width; tables there must not be folded at 80.
    width = None if sys.stdout.isatty() else 1000
    return _Console(markup=False, highlight=False, emoji=False, soft_wrap=True, width=width)


def out_apart() -> Console:
    """Standard output like `out`, by a way of its own: a thread that hangs in it holds no lock of
    ``sys.stdout``, for which the program would wait when it ends."""
    console = out()
    # What stands in for it, in a notebook or a test, need not be a file.
    with suppress(OSError, ValueError):
        console.file = open(  # noqa: SIM115 - it lasts as long as the console
            sys.stdout.fileno(), "w", encoding=sys.stdout.encoding, errors="backslashreplace", closefd=False
        )
    return console


def err() -> Console:
    """Standard error, for progress and notes: what a pipe must not carry."""
    return _Console(stderr=True, markup=False, highlight=False, emoji=False, soft_wrap=True)


def note(message: str) -> None:
    """One line on standard error that is no failure; nor is it one if nobody can read it."""
    with suppress(OSError):
        err().print(f"effectcam: note: {one_line(message)}")


def table(*columns: str, right: Iterable[str] = ()) -> Table:
    """An empty table; columns named in ``right`` hold numbers."""
    made = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    numbers = set(right)
    for column in columns:
        made.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    return made


def row(*cells: object, style: str = "") -> list[Text]:
    """Cells for ``Table.add_row`` that are taken literally."""
    return [Text(one_line(str(cell)), style=style) for cell in cells]


def ledger_table(stages: Mapping[str, Mapping[str, float]]) -> Table:
    """Stage times as ``Ledger.summary`` gives them, one row a stage that ran."""
    made = table("stage", "p50 ms", "p95 ms", "p99 ms", right=("p50 ms", "p95 ms", "p99 ms"))
    for stage in STAGES:
        times = stages[stage]
        if times["p99"]:
            style = "bold" if stage == "chain" else ""
            made.add_row(*row(stage, *(f"{times[name]:.1f}" for name in ("p50", "p95", "p99")), style=style))
    return made


def blocks() -> tuple[str, str]:
    """Letters for the strong and the faint part of a bar, such as the terminal has."""
    try:
        "█░".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return "#", "."
    return "█", "░"


def progress(*, by_itself: bool = True) -> Progress:
    """Progress bars on standard error; silent where that is no terminal. ``by_itself`` False leaves it to
    the caller to ``refresh`` them, where a thread that does would be in the way."""
    console = err()
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
        auto_refresh=by_itself,
    )


def print_json(value: Mapping[str, Any] | Sequence[Any]) -> None:
    """``value`` as JSON on standard output, for programs; in ASCII, whatever the terminal's encoding."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")
