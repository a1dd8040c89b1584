"""What all benchmarks have in common as commands: one line for an error, and a fitting exit code."""

from __future__ import annotations

import signal
import sys

import click

from effectcam.errors import EffectcamError


def run(command: click.Command, name: str) -> int:
    """Run ``command`` on the process's own arguments, and return the exit code; ``name`` is the module's.

    SIGTERM and a closed terminal unwind it like Ctrl-C, so that nobody it has started is left at work.
    """
    for ending in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, ending, None)
        # Under nohup a closed terminal is to be ignored, and stays so.
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
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
