"""One thing that was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """How one thing stands, and what to do about it."""

    name: str
    status: Status
    """``ok``; ``warn``: works, but less well or not in every program; ``fail``: needs repair."""
    text: str
    fix: str = ""
    """One command or step, empty exactly when all is well."""


def ok(name: str, text: str) -> Finding:
    return Finding(name, "ok", text)


def warn(name: str, text: str, fix: str) -> Finding:
    return Finding(name, "warn", text, fix)


def fail(name: str, text: str, fix: str) -> Finding:
    return Finding(name, "fail", text, fix)
