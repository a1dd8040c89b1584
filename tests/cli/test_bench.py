"""``effectcam bench`` as it is called: what it prints, what it writes, what it refuses."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from effectcam.bench.report import read_report
from tests.cli.conftest import Run, one_line
from tests.media import write_clip

QUICK = (
    *("bench", "--effect", "plain-face", "--size", "320x180", "--threads", "1"),
    *("--frames", "40", "--burn-in", "5", "--cold-starts", "0"),
)


def notes_only(result: subprocess.CompletedProcess[str]) -> bool:
    """A shared machine is told on standard error, and nothing else is."""
    return all(line.startswith("effectcam: note: ") for line in result.stderr.splitlines())


def test_it_prints_where_the_time_went_and_writes_report_and_page(cli: Run, tmp_path: Path) -> None:
    report, page = tmp_path / "r.json", tmp_path / "r.html"
    result = cli(*QUICK, "--json", report, "--html", page)
    assert result.returncode == 0 and notes_only(result), result.stderr
    lines = [line.strip() for line in result.stdout.splitlines()]
    assert lines[0].startswith("plain-face 1.2.0 on ")
    for row in (
        "mesh",
        "crop",
        "student",
        "composite",
        "chain",
        "throughput",
        "deadlines",
        "memory",
        "energy",
    ):
        assert any(line.startswith(row) for line in lines), row
    made = read_report(report)
    assert made.frames.measured == 40 and made.settings.effect.name == "plain-face"
    assert f"{made.rates.throughput:.1f} frames a second" in result.stdout
    assert f"plain-face 1.2.0 on {made.device.cpu}" in page.read_text(encoding="utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.html", "r.json"]


def test_json_alone_on_standard_output(cli: Run) -> None:
    result = cli(*QUICK[:-4], "--burn-in", "5", "--cold-starts", "1", "--json", "-")
    assert result.returncode == 0 and notes_only(result), result.stderr
    told = json.loads(result.stdout)
    assert told["schema"] == "effectcam.bench/1"
    assert told["cold_start"]["median"]["imports_ms"] > 0


def test_bars_are_drawn_in_letters_that_the_terminal_has(cli: Run) -> None:
    result = cli(*QUICK, PYTHONIOENCODING="ascii")
    assert result.returncode == 0 and notes_only(result), result.stderr
    assert "#" in result.stdout and "█" not in result.stdout


def test_a_paced_run_tells_how_late_frames_are(cli: Run) -> None:
    result = cli(*QUICK, "--fps", "60")
    assert result.returncode == 0, result.stderr
    assert any(line.startswith("due to done") for line in result.stdout.splitlines())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--frames", "0"), "0 is not in the range"),
        (("--frames", "20", "--seconds", "2"), "give one of --frames, --seconds and --minutes"),
        (("--seconds", "nan"), "'nan' is no number"),
        (("--size", "0x0"), "frames of 0x0 cannot be measured"),
        (("--size", "99999x99999"), "frames of 99999x99999 cannot be measured"),
        (("--size", "large"), "'large' is no size"),
        (("--faces", "5"), "5 is not in the range"),
        (("--effect", "plain-fase"), "did you mean 'plain-face'?"),
        (("--tier", "ultra"), "has no tier 'ultra'"),
        (("--accelerator", "abacus"), "'abacus' is not one of"),
        (("--burn-in", "0"), "0 is not in the range"),
        (("--under-load", "-1"), "-1 is not in the range"),
        (("compere",), "No such command 'compere'"),
    ],
)
def test_a_wrong_call_is_one_line(cli: Run, arguments: tuple[str, ...], said: str) -> None:
    result = cli("bench", "--effect", "plain-face", *arguments)
    assert result.returncode == 2 and result.stdout == ""
    assert said in one_line(result)


@pytest.mark.parametrize("option", ["--json", "--html"])
def test_a_report_that_cannot_be_written_is_refused_before_anything_is_measured(
    cli: Run, tmp_path: Path, option: str
) -> None:
    result = cli("bench", "--effect", "plain-face", "--minutes", "60", option, tmp_path / "none" / "r")
    assert result.returncode == 1
    assert "there is no folder" in one_line(result)


def test_report_and_page_need_two_names_and_spare_the_clip(cli: Run, tmp_path: Path) -> None:
    both = tmp_path / "r"
    result = cli(*QUICK, "--json", both, "--html", both)
    assert result.returncode == 2 and "both the report and the page" in one_line(result)
    clip = write_clip(tmp_path / "clip.mp4")
    before = clip.read_bytes()
    result = cli(*QUICK, "--clip", clip, "--html", clip)
    assert result.returncode == 2 and "is the input" in one_line(result)
    assert clip.read_bytes() == before


def test_a_failure_leaves_what_was_there_before(cli: Run, tmp_path: Path) -> None:
    clip, report = write_clip(tmp_path / "bare.mp4", width=320, height=180), tmp_path / "r.json"
    report.write_text("the one from yesterday")
    result = cli(*QUICK, "--clip", clip, "--json", report)
    assert result.returncode == 1
    assert "no face was found in 5 frames" in one_line(result)
    assert report.read_text() == "the one from yesterday"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bare.mp4", "r.json"]


@pytest.mark.parametrize(("count", "said"), [(8, "has 8 frames, fewer than the 30 of the burn-in"), (0, "")])
def test_a_short_or_missing_clip_is_one_line(cli: Run, tmp_path: Path, count: int, said: str) -> None:
    clip = tmp_path / "clip.mp4"
    if count:
        write_clip(clip, count=count)
    result = cli("bench", "--effect", "plain-face", "--clip", clip)
    assert result.returncode == 1
    assert (said or "no such file") in one_line(result)
