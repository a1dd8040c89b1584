"""What all benchmarks have in common as commands: one line for an error, and a fitting exit code."""

from __future__ import annotations

import sys

import click

from effectcam.errors import EffectcamError


def run(command: click.Command, name: str) -> int:
    """Run ``command`` on the process's own arguments, and return the exit code; ``name`` is the module's."""
    try:
        command(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except (EffectcamError, OSError) as error:
        print(f"benchmarks.{name}: {error}", file=sys.stderr)
        return getattr(error, "exit_code", 1)
    return 0
