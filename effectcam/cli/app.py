"""The ``effectcam`` command: its subcommands, loaded when called, and what becomes of their errors."""

from __future__ import annotations

import contextlib
import errno
import importlib
import importlib.util
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import TextIO

import click

from effectcam.errors import EffectcamError, SinkError, UsageError, nearest
from effectcam.installing import install_extra

COMMANDS = {
    "demo": "Run a bundled clip through an effect: a first look without a camera.",
    "run": "Put an effect on a camera or a clip, live.",
    "replay": "Run clips through an effect into files, and measure it.",
    "report": "Pack a bug report of a clip or a camera: what was decided, and no picture of a face.",
    "bench": "Measure an effect on this device: every stage, its tail, memory, energy.",
    "latency": "Measure how late the picture is, from camera to virtual camera.",
    "effects": "List, show, compare, install, remove and pack effects.",
    "credentials": "Show what a recording's content credentials say.",
    "devices": "List cameras and virtual cameras with what each can do.",
    "doctor": "Look for what is missing or broken, with one fix for each finding.",
    "distill": "Make an effect: from a slow teacher to a student for this machine.",
}
"""Every command with its line in ``effectcam --help``; the module of the same name in
``effectcam.cli`` holds it under that name."""

_INTERRUPTED = 128 + signal.SIGINT
_BROKEN_PIPE = 141
"""What a shell shows for a program that SIGPIPE ended."""


class LazyGroup(click.Group):
    """A group that imports a command's module only when that command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"effectcam.cli.{cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise UsageError(f"no command {args[0]!r}; {nearest(args[0], COMMANDS)}")
        # Help needs nothing.
        asks = len(args) > 1 and not {"-h", "--help"} & set(args)
        if args[0] == "distill" and asks and importlib.util.find_spec("torch") is None:
            raise UsageError(
                f"distill needs PyTorch, which is not installed; run: {install_extra('distill')}"
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _show_version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        import effectcam as package

        click.echo(f"effectcam {package.__version__}")
        ctx.exit()


@click.command(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with: effectcam demo",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version.",
)
def effectcam() -> None:
    """Real-time camera effects that run on your own machine.

    A camera or a clip goes in; an effect redraws the face; a virtual camera for OBS, Zoom and
    browsers, a window or a file comes out.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line, the process's own by default, and return the exit code.

    Errors leave one line on standard error: 2 for a wrong call, 1 for a failure, 130 for Ctrl-C.
    """
    # Services and programs without a console have neither; what is printed then goes nowhere.
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        # A file name need not fit the terminal's encoding; it must not end the program.
        with contextlib.suppress(AttributeError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    with _ends_by_signal(), _without_native_log():
        try:
            code = _run(arguments)
            sys.stdout.flush()
        except OSError as error:
            # From the flush: what was printed could not be written.
            code = _report(error)
        except KeyboardInterrupt:
            code = _INTERRUPTED
    return code


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")


def _run(arguments: Sequence[str] | None) -> int:
    try:
        result = effectcam.main(
            None if arguments is None else list(arguments), prog_name="effectcam", standalone_mode=False
        )
        # click hands back the code of ctx.exit() and otherwise what the command returned.
        return result if isinstance(result, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        hint = f" (see: {context.command_path} --help)" if context is not None else ""
        tell(error.format_message() + hint)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        return _INTERRUPTED
    except MemoryError:
        tell("the machine ran out of memory; close other programs or use smaller clips")
        return 1
    except (EffectcamError, OSError) as error:
        return _report(error)
    except Exception as error:
        # Of a fault of ours, whoever reports it needs the trace, everybody else the one line.
        if os.environ.get("EFFECTCAM_TRACEBACK"):
            raise
        if _is_of_a_library(error):
            tell(f"{error}; run: effectcam doctor, which says what to install")
        else:
            tell(
                f"unexpected {type(error).__name__}: {error}; please report it, with what it prints when "
                "EFFECTCAM_TRACEBACK=1 is set"
            )
        return 1


def _is_of_a_library(error: Exception) -> bool:
    """Whether something that effectcam needs cannot be loaded, as on an image without OpenGL, which is no
    fault of effectcam's own code."""
    return isinstance(error, ImportError) and (error.name or "").partition(".")[0] != "effectcam"


def _report(error: EffectcamError | OSError) -> int:
    """Print the one line for ``error``; its exit code."""
    if isinstance(error, EffectcamError):
        tell(str(error))
        return error.exit_code
    if isinstance(error, BrokenPipeError):
        # Whoever read our output has gone; Python would complain once more when it flushes at exit.
        _silence_stdout()
        return _BROKEN_PIPE
    what = f"{error.filename}: " if error.filename else ""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    way_out = "; free some space or choose another disk" if full else ""
    tell(f"{what}{error.strerror or error}{way_out}")
    _silence_stdout()
    return 1


def _silence_stdout() -> None:
    with contextlib.suppress(OSError, ValueError):
        void = os.open(os.devnull, os.O_WRONLY)
        os.dup2(void, sys.stdout.fileno())


def tell(message: str) -> None:
    with contextlib.suppress(OSError):
        click.echo(f"effectcam: {one_line(message)}", err=True)


@contextlib.contextmanager
def noting(lines: list[str]) -> Iterator[None]:
    """What cannot be written in the block becomes a line, so that it costs nothing else."""
    try:
        yield
    except SinkError as error:
        lines.append(str(error))


def one_line(message: str) -> str:
    """``message`` on one line, without what a terminal would take for a command.

    >>> one_line("two\\nlines")
    'two; lines'
    """
    joined = "; ".join(line.strip() for line in message.splitlines() if line.strip())
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in joined)


@contextlib.contextmanager
def _without_native_log() -> Iterator[None]:
    """Keep what C++ libraries write to standard error off the terminal; Python's own still gets there.

    MediaPipe logs warnings from threads of its own whatever its settings say, which would bury our one
    line. The environment variable ``EFFECTCAM_NATIVE_LOG`` lets them through, for reports of crashes.
    """
    if os.environ.get("EFFECTCAM_NATIVE_LOG"):
        yield
        return
    try:
        real, void = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    except OSError:  # a program without a console
        yield
        return
    before = sys.stderr
    before.flush()
    if _is_descriptor_2(before):
        sys.stderr = os.fdopen(os.dup(real), "w", buffering=1, errors="backslashreplace")
    os.dup2(void, 2)
    os.close(void)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(real, 2)
        os.close(real)
        sys.stderr = before


def _is_descriptor_2(stream: TextIO) -> bool:
    try:
        return stream.fileno() == 2
    except (OSError, ValueError):
        return False


@contextlib.contextmanager
def _ends_by_signal() -> Iterator[None]:
    """Let SIGTERM and a closed terminal unwind the program like Ctrl-C, so that no part file is left."""

    def leave(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {}
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # Under nohup a closed terminal is to be ignored, and stays so.
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            with contextlib.suppress(ValueError):  # not in the main thread
                before[number] = signal.signal(number, leave)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
