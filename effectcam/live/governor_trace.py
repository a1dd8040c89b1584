"""The trace of a governed run: a file of JSON lines, and the decisions made anew from it.

First a line with the governor's settings. Then, in the order in which they came: the ladder of each effect
that was at work, a line for each frame (what was seen of it, what was done, what it cost), and a line for
each step and for each other rate that the budget was set by.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from effectcam.errors import SourceError, UsageError
from effectcam.live.governor import SCHEMA, Cost, Governor, Limits, Record
from effectcam.live.ladder import Rung
from effectcam.live.similarity import Change
from effectcam.sink.part_file import PartFile, why_unwritable


class TraceFile:
    """Writes records as they come; the file is there under its name once it is closed.

    A disk that is full ends the trace and not the run: ``tell`` hears of it, and the file is not kept.
    Raises SinkError or UsageError, see `PartFile`.
    """

    def __init__(self, path: Path, *, tell: Callable[[str], None]) -> None:
        self._part = PartFile(path)
        self._tell = tell
        self._file = self._part.path.open("w", encoding="ascii")
        self._sound = True

    def __call__(self, record: Record) -> None:
        if not self._sound:
            return
        try:
            self._file.write(json.dumps(record, separators=(",", ":")) + "\n")
        except OSError as error:
            self._give_up(error)

    def close(self) -> None:
        """Put the file in place; a second call does nothing."""
        if self._file.closed:
            return
        try:
            # The last lines are written only now.
            self._file.close()
        except OSError as error:
            self._give_up(error)
        if self._sound:
            self._part.commit()

    def _give_up(self, error: OSError) -> None:
        if self._sound:
            self._sound = False
            self._part.discard()
            self._tell(f"the governor's trace ends: {why_unwritable(self._part.target, error)}")


def read_trace(path: Path) -> list[Record]:
    """The records of a trace. Raises SourceError when the file cannot be read or is none."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"cannot read the trace {path} ({error}); check the path") from None
    records = []
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            record = None
        if not isinstance(record, dict):
            raise SourceError(f"{path}, line {number} is no JSON object; record the trace again")
        records.append(record)
    return records


def replay(records: Sequence[Record]) -> list[Record]:
    """The trace that a new governor writes when it sees what ``records`` say was seen. It is equal to
    ``records``, line for line, when each decision is the same.

    Raises UsageError for another schema, or a record that lacks something.
    """
    head = records[0] if records else {}
    schema = head.get("schema")
    if schema != SCHEMA:
        raise UsageError(f"the trace has the schema {schema!r}, not {SCHEMA!r}; record it with this version")
    again: list[Record] = []
    try:
        limits = Limits(**head["limits"])
        record = head
        governor = Governor(
            fps=head["fps"],
            budget_ms=head["budget_ms"],
            measured=lambda: record.get("fps"),
            limits=limits,
            trace=again.append,
        )
        for record in records[1:]:
            _show(governor, record)
    except (LookupError, TypeError, AttributeError) as error:
        raise UsageError(
            f"the trace cannot be replayed beyond record {len(again)} ({error!r}); record it again"
        ) from None
    return again


def _show(governor: Governor, record: Record) -> None:
    """Let ``governor`` see what ``record`` says was seen; a step and the rate it holds to are its own to
    decide."""
    if "ladder" in record:
        governor.begin_on([Rung(**rung) for rung in record["ladder"]], record["start"])
    elif "frame" in record and not governor.omits(record["frame"], record["at"]) and "cost" in record:
        change, cost = record["change"], record["cost"]
        governor.plan(record["frame"], record["at"], None if change is None else Change(*change))
        governor.account(None if cost is None else Cost(**cost))
