from __future__ import annotations

import errno
from pathlib import Path

import pytest

from effectcam.errors import SinkError, SourceError, UsageError
from effectcam.live.governor import Record
from effectcam.live.governor_trace import TraceFile, read_trace, replay
from tests.live.test_governor import MOVING, STILL, Machine, flat


def record(path: Path) -> Machine:
    """A run that goes down the ladder and comes to rest on it, traced to ``path``."""
    file = TraceFile(path, tell=print)
    machine = Machine("standard", "lite")
    for each in machine.trace:
        file(each)
    before = len(machine.trace)
    machine.run(8, flat(standard=60, lite=70))
    machine.run(4, flat(standard=60, lite=70), change=lambda now: STILL)
    machine.run(2, flat(standard=60, lite=70), change=lambda now: MOVING)
    for each in machine.trace[before:]:
        file(each)
    assert not path.exists()
    file.close()
    return machine


def test_a_file_replays_as_the_run_did(tmp_path: Path) -> None:
    machine = record(tmp_path / "trace.jsonl")
    records = read_trace(tmp_path / "trace.jsonl")
    assert replay(records) == records == replay(machine.trace)
    assert {each["did"] for each in records if "did" in each} == {"draw", "predict", "repeat", "omit"}
    assert sum("step" in each for each in records) >= 4


def test_a_decision_that_differs_is_found(tmp_path: Path) -> None:
    record(tmp_path / "trace.jsonl")
    records = read_trace(tmp_path / "trace.jsonl")
    place = next(number for number, each in enumerate(records) if each.get("did") == "repeat")
    records[place] = {**records[place], "did": "draw"}
    again = replay(records)
    assert [number for number, each in enumerate(again) if each != records[number]] == [place]


def test_an_unfinished_trace_replays_as_far_as_it_goes(tmp_path: Path) -> None:
    machine = record(tmp_path / "trace.jsonl")
    part = machine.trace[: len(machine.trace) // 2]
    again = replay(part)
    # The step that came after the last frame is decided, though not recorded.
    assert again[: len(part)] == part and len(again) <= len(part) + 1


HEAD = {"schema": "effectcam.governor/2", "fps": 30.0, "budget_ms": 33.3, "limits": {}}


@pytest.mark.parametrize(
    ("records", "wanted"),
    [
        ([], "has the schema None"),
        ([{"schema": "effectcam.governor/9"}], r"'effectcam\.governor/9', not 'effectcam\.governor/2'"),
        ([{"schema": "effectcam.governor/2"}], "beyond record 0"),
        ([{**HEAD, "limits": {"haste": 1}}], "beyond record 0"),
        ([{**HEAD, "fps": 0}], "give a number above 0"),
        ([HEAD, {"ladder": [{"tier": "lite"}]}], "beyond record 1"),
        ([HEAD, {"frame": 0, "at": 0, "did": "draw", "change": [1, 2], "cost": None}], "beyond record 1"),
        ([HEAD, {"frame": 0, "at": 0, "change": None, "cost": {"tier": "lite"}}], "beyond record 1"),
        ([HEAD, {"ladder": [{"tier": "lite", "every": 2}], "start": 7}, {"frame": 0, "at": 0}], "record 2"),
    ],
)
def test_what_is_no_trace_is_refused(records: list[Record], wanted: str) -> None:
    with pytest.raises(UsageError, match=wanted):
        replay(records)


@pytest.mark.parametrize("text", ["[1]\n", '{"a": 1\n', "{}\nnonsense\n", "é\n", "[" * 100_000])
def test_what_is_no_json_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match=r"trace\.jsonl"):
        read_trace(path)


def test_a_trace_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="check the path"):
        read_trace(tmp_path / "none.jsonl")


def test_there_must_be_a_place_for_it(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="there is no folder"):
        TraceFile(tmp_path / "none" / "trace.jsonl", tell=print)


def test_a_full_disk_ends_the_trace_and_keeps_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text("before")
    told: list[str] = []
    file = TraceFile(path, tell=told.append)

    def full(text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(file._file, "write", full)
    for _ in range(3):
        file({"frame": 1})
    file.close()
    file.close()
    assert len(told) == 1 and "disk is full" in told[0]
    assert path.read_text() == "before"
    assert [each.name for each in tmp_path.iterdir()] == ["trace.jsonl"]
