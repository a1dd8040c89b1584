"""``effectcam replay diff``: where two replays part."""

from __future__ import annotations

from pathlib import Path

import click

from effectcam.cli.options import FilePath


@click.command(short_help="Compare two recorded folders, or two traces: where they part, and in which stage.")
@click.argument("a", type=FilePath())
@click.argument("b", type=FilePath())
def diff(a: Path, b: Path) -> int:
    """Where the replays B part from those of A; each is a golden, a folder of traces, or a trace.

    Exit code 0: they are the same. 1: they part, or one of them is damaged. 2: there is nothing to compare.
    """
    from effectcam.replay.parting import compare_traces

    found = compare_traces(a, b)
    click.echo(str(found.first or "the same"))
    return 1 if found.first else 0
