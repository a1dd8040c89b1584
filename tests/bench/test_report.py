"""A report is read back as it was written, and nothing else passes for one."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from effectcam.bench import report as records
from effectcam.bench.report_file import read_report, report_json
from effectcam.errors import ReportError
from scripts import bench_schema
from tests.bench.reports import made_report

SCHEMA = json.loads(Path(records.__file__).with_name("schema.json").read_text(encoding="ascii"))


def test_it_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    made = made_report(frames=50)
    file.write_bytes(report_json(made))
    found = read_report(file)
    assert (found.series, found.settings, found.device) == (made.series, made.settings, made.device)
    file.write_bytes(report_json(found))
    assert read_report(file) == found


def test_it_keeps_the_published_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(json.loads(report_json(made_report())), SCHEMA)


def test_the_schema_refuses_what_is_missing_or_negative() -> None:
    told = json.loads(report_json(made_report()))
    told["stages_ms"]["chain"]["p50"] = -1
    with pytest.raises(jsonschema.ValidationError, match="-1 is less than the minimum"):
        jsonschema.validate(told, SCHEMA)
    del told["stages_ms"]
    with pytest.raises(jsonschema.ValidationError, match="'stages_ms' is a required property"):
        jsonschema.validate(told, SCHEMA)


def test_the_published_schema_is_that_of_the_classes() -> None:
    assert json.loads(bench_schema.text()) == SCHEMA, "run: .venv/bin/python scripts/bench_schema.py"


def test_the_frames_of_a_stage_are_one_line() -> None:
    lines = report_json(made_report(frames=300)).decode("ascii").splitlines()
    assert sum(line.count(",") > 290 for line in lines) == 6
    assert len(lines) < 400


def test_unknown_fields_are_passed_over(tmp_path: Path) -> None:
    told = json.loads(report_json(made_report()))
    told["settings"]["governor"] = "none"
    file = tmp_path / "r.json"
    file.write_text(json.dumps(told))
    assert read_report(file).settings == made_report().settings


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no report of effectcam bench"),
        (b"{", "is no report of effectcam bench"),
        (b"[1, 2]", "is no report of effectcam bench"),
        (b"\xff\xfe{}", "is no report of effectcam bench"),
        (b"{}", "has no schema instead of 'effectcam.bench/1'"),
        (b'{"schema": "effectcam.replay/1"}', "has the schema 'effectcam.replay/1'"),
        (b'{"schema": "effectcam.bench/1"}', "missing required field"),
    ],
)
def test_what_is_no_report_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "odd.json"
    file.write_bytes(content)
    with pytest.raises(ReportError, match=said) as raised:
        read_report(file)
    assert "\n" not in str(raised.value) and str(file) in str(raised.value)


def test_a_wrong_value_is_named_by_its_place(tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    told = json.loads(report_json(made_report()))
    told["stages_ms"]["mesh"]["p99"] = "slow"
    file.write_text(json.dumps(told))
    with pytest.raises(ReportError, match=r"Expected `float`, got `str` - at `\$.stages_ms\[...\].p99`"):
        read_report(file)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="cannot be read"):
        read_report(str(tmp_path / "none.json"))
