"""What came of a run as JUnit XML, which every CI server shows: a case for each clip, golden and gate."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Case:
    """One line of the server's table."""

    clip: str
    name: str
    """What was asked of the clip: "replay", "golden", or a gate's name."""
    outcome: Literal["passed", "failed", "error", "skipped"] = "passed"
    """``failed``: it is worse or different; ``error``: it could not be told; ``skipped``: it was not run."""
    told: str = ""
    """Why, in a line."""


def junit_xml(suite: str, cases: Sequence[Case]) -> bytes:
    """The file, in ASCII; ``suite`` names the run. Attributes as in the schema that Jenkins, GitLab and
    pytest agree on."""
    counts: dict[str, Any] = {
        "tests": str(len(cases)),
        "failures": str(sum(case.outcome == "failed" for case in cases)),
        "errors": str(sum(case.outcome == "error" for case in cases)),
        "skipped": str(sum(case.outcome == "skipped" for case in cases)),
    }
    root = ET.Element("testsuites", name="effectcam replay", **counts)
    table = ET.SubElement(root, "testsuite", name=_text(suite), **counts)
    for case in cases:
        row = ET.SubElement(table, "testcase", classname=_text(case.clip), name=_text(case.name))
        if case.outcome != "passed":
            tag = "failure" if case.outcome == "failed" else case.outcome
            ET.SubElement(row, tag, message=_text(case.told)).text = _text(case.told)
    ET.indent(root)
    data: bytes = ET.tostring(root, encoding="us-ascii", xml_declaration=True)
    return data + b"\n"


def _text(text: str) -> str:
    """Without what XML cannot hold: control characters, and bytes of a file's name that are no text."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
