"""The file of a bench's report: written for people to look into as well, read without believing it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from effectcam.bench.report import SCHEMA, Report
from effectcam.errors import ReportError


class _Head(msgspec.Struct):
    schema: str = ""


def report_json(report: Report) -> bytes:
    """The file's content, ASCII: indented, with each list of plain values on one line, since there is one
    for each frame. Floats have 6 decimals at most."""
    return (_text(msgspec.to_builtins(report), "") + "\n").encode("ascii")


def read_report(path: str | Path) -> Report:
    """The report in a file. Raises ReportError when it is missing, damaged or of another schema."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ReportError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    try:
        found = msgspec.json.decode(data, type=_Head).schema
        if found == SCHEMA:
            return msgspec.json.decode(data, type=Report)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ReportError(f"{path}: is no report of effectcam bench ({error}); make it again") from None
    told = f"has the schema {found[:40]!r}" if found else "has no schema"
    raise ReportError(f"{path}: {told} instead of {SCHEMA!r}; make it with: effectcam bench --json")


def _text(value: Any, indent: str) -> str:
    deeper = indent + "  "
    if isinstance(value, dict) and value:
        lines = [f"{deeper}{json.dumps(key)}: {_text(item, deeper)}" for key, item in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        return "[\n" + ",\n".join(deeper + _text(item, deeper) for item in value) + f"\n{indent}]"
    if isinstance(value, list):
        return "[" + ",".join(_text(item, deeper) for item in value) + "]"
    return json.dumps(round(value, 6) if isinstance(value, float) else value, allow_nan=False)
