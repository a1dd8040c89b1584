"""``effectcam replay diff``: where two replays part."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from effectcam.cli.options import FilePath

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from effectcam.replay.recordings import ClipDifference


@click.command(short_help="Compare two recorded folders, or two traces: where they part, and in which stage.")
@click.argument("a", type=FilePath())
@click.argument("b", type=FilePath())
def diff(a: Path, b: Path) -> int:
    """Where the replays B part from those of A; each is a golden, a folder of traces, or a trace.

    On one type of machine they have to be the same, on two alike. Exit code 0: they are. 1: they part, one
    has clips that the other lacks, or one is damaged. 2: there is nothing to compare, or too little to tell.
    """
    from effectcam.cli import terminal
    from effectcam.cli.app import tell
    from effectcam.errors import ReportError
    from effectcam.replay.recordings import compare_recordings, find_recordings, pairs

    common, alone = pairs(find_recordings(a), find_recordings(b))
    found, damaged = [], []
    for stem, one, other in common:
        try:
            found.append(compare_recordings(stem, one, other))
        except ReportError as error:
            damaged.append(str(error))
    if found:
        terminal.out().print(_table(found))
    for note in dict.fromkeys(note for each in found for note in _notes(each)):
        terminal.note(note)
    for each in found:
        if each.traces.first is not None:
            tell(f"{each.stem} parts at {each.traces.first}")
        elif not each.compared:
            tell(
                f"{each.stem}: no picture was compared: digests of two types of machines or libraries differ "
                "anyway, and not both are goldens; record one on each side, or replay here with --check"
            )
    for line in (*alone, *damaged):
        tell(line)
    if alone or damaged or any(each.traces.first is not None for each in found):
        return 1
    return 0 if all(each.same for each in found) else 2


def _notes(found: ClipDifference) -> list[str]:
    if found.traces.exact:
        return list(found.traces.notes)
    told = (
        "the machines or libraries are of two kinds: digests are not compared, crops and pictures within a "
    )
    return [*found.traces.notes, f"{told}tolerance"]


def _word(found: ClipDifference) -> str:
    if found.traces.first is not None:
        return "parts"
    if not found.compared:
        return "untold"
    return "same" if found.traces.exact else "alike"


def _table(found: Sequence[ClipDifference]) -> Table:
    """A row a clip: where it parts, and the frames that differ, in all and in each stage."""
    from effectcam.cli import terminal

    stages = list(dict.fromkeys(stage for each in found for stage in each.traces.stages))
    numbers = ("frames", "differ", *stages, "PSNR dB", "SSIM", "most")
    made = terminal.table("clip", "", "parts at", *numbers, right=numbers)
    for each in found:
        traces, pictures = each.traces, each.pictures
        told = [f"{pictures.psnr:.1f}", f"{pictures.ssim:.4f}", pictures.most] if pictures else [""] * 3
        made.add_row(
            *terminal.row(
                each.stem,
                _word(each),
                f"frame {traces.first.frame}, {traces.first.stage}" if traces.first else "",
                *(traces.frames[1], traces.differing),
                *(traces.stages.get(stage, 0) for stage in stages),
                *told,
                style="" if each.same else "bold red",
            )
        )
    return made
