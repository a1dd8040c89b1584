"""``effectcam credentials``: what a recording says about itself."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from effectcam.cli.options import FilePath


@click.command(short_help="Show what a recording's content credentials say.")
@click.argument("file", type=FilePath())
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def credentials(file: Path, as_json: bool) -> int:
    """Show what a recording's content credentials (C2PA) say, and whether they hold.

    FILE is an .mp4, .m4v or .mov, made by effectcam or another program. The exit code is 1 when it has no
    credentials, or was changed after it was signed.
    """
    from effectcam.cli import terminal
    from effectcam.sink.credentials import read

    found = read(file)
    if as_json:
        told = None if found is None else asdict(found)
        terminal.print_json({"schema": "effectcam.credentials/2", "file": str(file), "credentials": told})
    elif found is None:
        terminal.out().print(f"{file} has no content credentials")
    else:
        table = terminal.table("", "")
        table.show_header = False
        effects = ", ".join(f"{name} {version}".strip() for name, version in found.effects)
        signer = "this installation of effectcam" if found.own else f"{found.signed_by} (not known here)"
        rows = {
            "made by": found.made_by,
            "effects" if len(found.effects) > 1 else "effect": effects,
            "picture": ", ".join(found.source_types),
            "where": "on the maker's own machine" if found.local else "",
            "signed by": signer,
            "since then": "; ".join(found.problems) or "unchanged",
        }
        for name, value in rows.items():
            if value:
                style = "red" if name == "since then" and found.problems else ""
                table.add_row(*terminal.row(name, value, style=style))
        terminal.out().print(table)
    return 0 if found is not None and not found.problems else 1
