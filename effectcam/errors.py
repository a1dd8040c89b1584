"""What can go wrong, each kind also a fitting builtin, so that ``except OSError`` works too.

Every message is one line that carries the value and the way out. The command line prints the
message alone and exits with the kind's ``exit_code``: 2 for a wrong call, 1 for a failure.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar


class EffectcamError(Exception):
    """Base of all errors that effectcam raises on purpose."""

    exit_code: ClassVar[int] = 1


class UsageError(EffectcamError, ValueError):
    """The call itself is wrong: an unknown effect, a strength of 7, an odd option."""

    exit_code: ClassVar[int] = 2


class SourceError(EffectcamError, OSError):
    """A clip or camera cannot be opened or read."""


class SinkError(EffectcamError, OSError):
    """A virtual camera, file or window cannot be opened or written."""


class PackageError(EffectcamError, ValueError):
    """An effect package is damaged, unsafe, or not what its ``effect.toml`` says."""


class StudentError(EffectcamError, RuntimeError):
    """The network cannot be loaded or run, or returned numbers that are no picture."""


class FaceMeshError(EffectcamError, RuntimeError):
    """The MediaPipe graph cannot be built or stopped working."""


class BenchError(EffectcamError, RuntimeError):
    """A measurement cannot be made, or one of its helpers ended early."""


class ReportError(EffectcamError, ValueError):
    """A report or a trace is damaged, or of a schema that this version does not read."""


def reason(error: Exception) -> str:
    """What people are told of ``error``; one that was not raised on purpose is named by its kind.

    >>> reason(MemoryError())
    'MemoryError'
    """
    if isinstance(error, EffectcamError):
        return str(error)
    return f"{type(error).__name__}: {error}".removesuffix(": ")


def nearest(name: str, known: Iterable[str]) -> str:
    """The way out of a misspelt name: the closest known one, or the whole list.

    >>> nearest("tooon", ["toon", "zombie"])
    "did you mean 'toon'?"
    >>> nearest("xyz", ["toon", "zombie"])
    'known: toon, zombie'
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(names) or 'none'}"
