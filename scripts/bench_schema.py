"""Writes effectcam/bench/schema.json from the classes of effectcam/bench/report.py and their docstrings.

.venv/bin/python scripts/bench_schema.py
"""

from __future__ import annotations

import ast
import inspect
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from effectcam.bench import report

TARGET = Path(report.__file__).with_name("schema.json")


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a report, each field with the text that stands below it in the code."""
    made = msgspec.json.schema(report.Report)
    texts = _field_texts()
    for name, record in made["$defs"].items():
        for field, description in texts.get(name, {}).items():
            record["properties"][field]["description"] = description
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": report.SCHEMA,
        **made,
    }


def _field_texts() -> dict[str, dict[str, str]]:
    """By class and field: Python keeps no docstrings of fields, so they are read from the source."""
    texts: dict[str, dict[str, str]] = {}
    for node in ast.parse(inspect.getsource(report)).body:
        if not isinstance(node, ast.ClassDef):
            continue
        fields = texts.setdefault(node.name, {})
        for field, text in pairwise(node.body):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(text, ast.Expr)
                and isinstance(text.value, ast.Constant)
            ):
                fields[field.target.id] = " ".join(str(text.value.value).split())
    return texts


def text() -> str:
    return json.dumps(schema(), indent=1) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="ascii")
