"""``effectcam doctor``: what is missing or broken, with one fix for each finding."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from effectcam.doctor import Finding

_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


@click.command(short_help="Look for what is missing or broken, with one fix for each finding.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def doctor(as_json: bool) -> int:
    """Look for what is missing or broken, with one fix for each finding.

    Nothing is changed. The exit code is 1 when something needs repair.
    """
    import dataclasses

    from rich.text import Text

    from effectcam.cli import terminal
    from effectcam.cli.app import one_line

    findings = list(examine())
    broken = sum(finding.status == "fail" for finding in findings)
    if as_json:
        told = [dataclasses.asdict(finding) for finding in findings]
        terminal.print_json({"schema": "effectcam.doctor/1", "findings": told})
        return 1 if broken else 0
    console = terminal.out()
    for finding in findings:
        console.print(
            Text(f"{finding.status:<5}", style=_STYLES[finding.status]),
            Text(f"{one_line(finding.name)}: {one_line(finding.text)}"),
        )
        if finding.fix:
            console.print(f"      fix: {one_line(finding.fix)}")
    warnings = sum(finding.status == "warn" for finding in findings)
    console.print(f"{broken} to repair, {warnings} to know, {len(findings) - broken - warnings} in order")
    return 1 if broken else 0


def examine() -> Iterable[Finding]:
    """All findings for this machine."""
    import sys

    from effectcam.doctor.libraries import check_libraries

    yield from check_libraries()
    # The rest imports numpy and more, which the findings so far may have told to be missing.
    parts = [
        "effects",
        "cameras",
        "loopback" if sys.platform == "linux" else "obs",
        "machine",
        "accelerators",
    ]
    for part in parts:
        yield from _part(part)


def _part(name: str) -> Iterable[Finding]:
    import importlib

    from effectcam.doctor.finding import fail

    try:
        module = importlib.import_module(f"effectcam.doctor.{name}")
        yield from getattr(module, f"check_{name}")()
    except ImportError as error:
        yield fail(name, f"cannot be looked at: {error}", "repair the libraries above first")
    except Exception as error:
        # One part that fails must not cost what the others found.
        yield fail(name, f"cannot be looked at ({type(error).__name__}: {error})", "please report it")
