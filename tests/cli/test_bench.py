"""``effectcam bench`` as it is called: what it prints, what it writes, what it refuses."""

from __future__ import annotations

import csv
import io
import itertools
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from effectcam.bench.report_file import read_report, report_json
from effectcam.cli.bench import show
from effectcam.source.clip import Clip
from effectcam.source.fill import filled
from tests.bench.reports import made_report, percentiles
from tests.cli.conftest import Run, one_line
from tests.disk import small_files
from tests.face.clips import DEMO
from tests.media import write_clip

QUICK = (
    *("bench", "--effect", "plain-face", "--size", "320x180", "--threads", "1"),
    *("--frames", "20", "--burn-in", "5", "--cold-starts", "0"),
)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The beginning of the demo, small: its whole is decoded before a bench begins."""
    with Clip(DEMO) as demo:
        pictures = [filled(frame.pixels, 320, 180) for frame in itertools.islice(demo, 12)]
    return write_clip(tmp_path_factory.mktemp("bench") / "face.mp4", width=320, height=180, pictures=pictures)


def notes_only(result: subprocess.CompletedProcess[str]) -> bool:
    """A shared machine is told on standard error, and nothing else is."""
    return all(line.startswith("effectcam: note: ") for line in result.stderr.splitlines())


def test_it_prints_where_the_time_went_and_writes_report_and_page(
    cli: Run, clip: Path, tmp_path: Path
) -> None:
    report, page = tmp_path / "r.json", tmp_path / "r.html"
    result = cli(*QUICK, "--clip", clip, "--json", report, "--html", page)
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
    assert made.frames.measured == 20 and made.settings.effect.name == "plain-face"
    assert f"{made.rates.throughput:.1f} frames a second" in result.stdout
    assert f"plain-face 1.2.0 on {made.device.cpu}" in page.read_text(encoding="utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.html", "r.json"]


def test_json_alone_on_standard_output(cli: Run, clip: Path) -> None:
    options = ("--clip", clip, "--fps", "60", "--cold-starts", "1", "--json", "-")
    result = cli(*QUICK[:-2], *options)
    assert result.returncode == 0 and notes_only(result), result.stderr
    told = json.loads(result.stdout)
    assert told["schema"] == "effectcam.bench/1"
    assert told["cold_start"]["median"]["imports_ms"] > 0
    assert told["settings"]["pace_fps"] == 60 and told["delay_ms"]["p50"] > 0


def shown(monkeypatch: pytest.MonkeyPatch, encoding: str, **changes: Any) -> str:
    """What is printed of a report on a terminal with that encoding."""
    written = io.BytesIO()
    with io.TextIOWrapper(written, encoding=encoding) as out:
        monkeypatch.setattr(sys, "stdout", out)
        show(made_report(**changes))
        out.flush()
        return written.getvalue().decode(encoding)


def test_bars_are_drawn_in_letters_that_the_terminal_has(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "#" in shown(monkeypatch, "ascii")
    assert "█" in shown(monkeypatch, "utf-8")


def test_a_paced_run_tells_how_late_frames_are(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = shown(monkeypatch, "utf-8", delay_ms=percentiles([20.0, 30.0, 40.0]))
    assert any(line.startswith("due to done  p50 30.0 ms") for line in printed.splitlines())


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
        (("compere",), "no command 'compere'; did you mean 'compare'"),
        (("clip.mp4",), "a clip is given with --clip"),
        (("matrix", "m"), "options before 'matrix' have no effect"),
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
    assert result.returncode == 2 and "a text is written there" in one_line(result)
    assert clip.read_bytes() == before


def test_a_failure_leaves_what_was_there_before(cli: Run, tmp_path: Path) -> None:
    clip, report = write_clip(tmp_path / "short.mp4", count=3), tmp_path / "r.json"
    report.write_text("the one from yesterday")
    result = cli(*QUICK, "--clip", clip, "--json", report)
    assert result.returncode == 1
    assert "has 3 frames, fewer than the 5 of the burn-in" in one_line(result)
    assert report.read_text() == "the one from yesterday"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.json", "short.mp4"]


@pytest.mark.skipif(sys.platform == "win32", reason="limits of files are POSIX's")
def test_what_was_measured_is_told_when_the_disk_fills_up(cli: Run, clip: Path, tmp_path: Path) -> None:
    report, page = tmp_path / "r.json", tmp_path / "r.html"
    with small_files(1000):
        # With a variable, it is a process that is started now and has the limit.
        result = cli(*QUICK, "--clip", clip, "--json", report, "--html", page, PYTHONDONTWRITEBYTECODE="1")
    assert result.returncode == 1
    failed = [line for line in result.stderr.splitlines() if not line.startswith("effectcam: note: ")]
    assert [line.split(":")[1].strip() for line in failed] == [str(report), str(page)]
    assert "throughput" in result.stdout and "chain" in result.stdout
    assert not [*tmp_path.iterdir()]


def test_a_missing_clip_is_one_line(cli: Run, tmp_path: Path) -> None:
    result = cli("bench", "--effect", "plain-face", "--clip", tmp_path / "none.mp4")
    assert result.returncode == 1
    assert "no such file" in one_line(result)


def reports(folder: Path, seed: int, *, count: int = 12, **changes: Any) -> Path:
    """A folder of runs that never were, one a minute."""
    folder.mkdir()
    for number in range(1, count + 1):
        made = made_report(
            seed=100 * seed + number, frames=30, made_at=f"2026-11-26T06:{number:02}:{seed:02}Z", **changes
        )
        (folder / f"{number:02}.json").write_bytes(report_json(made))
    return folder


def test_compare_tells_what_is_slower_by_its_exit_code_too(cli: Run, tmp_path: Path) -> None:
    a, again = reports(tmp_path / "a", 1), reports(tmp_path / "again", 4)
    slower, kept = reports(tmp_path / "slower", 3, slower=1.2), tmp_path / "found.json"
    result = cli("bench", "compare", a, slower, "--json", kept)
    assert result.returncode == 3 and result.stderr == ""
    lines = result.stdout.splitlines()
    assert lines[2] == "12 pairs of runs, made in turn: 360 and 360 frames"
    (chain,) = (line.split() for line in lines if line.startswith(" chain"))
    assert chain[1] == "p50" and chain[-1] == "slower" and 1.15 < float(chain[4]) < 1.25
    told = json.loads(kept.read_text())
    assert told["schema"] == "effectcam.bench-compare/1" and told["design"] == "in turn"
    assert {row["verdict"] for row in told["rows"]} == {"slower"}
    assert cli("bench", "compare", slower, a).returncode == 0
    result = cli("bench", "compare", a, again, "--json", "-")
    assert result.returncode == 0
    assert {row["verdict"] for row in json.loads(result.stdout)["rows"]} == {"no difference seen"}


def test_compare_refuses_what_is_not_alike_unless_it_is_asked_for(cli: Run, tmp_path: Path) -> None:
    settings = made_report().settings
    lite = replace(settings, effect=replace(settings.effect, tier="lite"))
    a, b = reports(tmp_path / "a", 1), reports(tmp_path / "b", 2, settings=lite)
    result = cli("bench", "compare", a, b)
    assert result.returncode == 2 and result.stdout == ""
    assert "differ in tier (standard and lite); to compare them all the same: --across tier" in one_line(
        result
    )
    result = cli("bench", "compare", a, b, "--across", "tier")
    assert result.returncode == 0 and result.stdout.startswith(f"A  {a}, tier standard\nB  {b}, tier lite\n")


def test_compare_that_cannot_tell_says_why(cli: Run, tmp_path: Path) -> None:
    a, b = reports(tmp_path / "a", 1, count=3), reports(tmp_path / "b", 2, count=3, slower=2.0)
    result = cli("bench", "compare", a, b)
    assert result.returncode == 4
    assert "nothing can be told: 3 and 3 runs are too few" in one_line(result)
    assert result.stdout.count("cannot be told") == 5


@pytest.mark.parametrize(
    ("b", "options", "code", "said"),
    [
        ("none.json", (), 1, "none.json: cannot be read"),
        ("r.html", (), 1, "r.html: is no report of effectcam bench"),
        ("", (), 1, "has no report of effectcam bench in it; name one of its cells"),
        ("a", ("--across", "teir"), 2, "reports have no trait 'teir'; did you mean 'tier'?"),
        ("a", ("--stage", "mehs"), 2, "did you mean 'mesh'?"),
        ("a", ("--threshold", "-1"), 2, "-1.0 is not in the range"),
        ("a", ("--json", "/none/c.json"), 1, "there is no folder"),
        ("a", ("--json", "A/01.json"), 2, "is the input"),
    ],
)
def test_a_wrong_comparison_is_one_line(
    cli: Run, tmp_path: Path, b: str, options: tuple[str, ...], code: int, said: str
) -> None:
    a = reports(tmp_path / "a", 1, count=2)
    (tmp_path / "r.html").write_text("<html>")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*")}
    result = cli("bench", "compare", a, tmp_path / b, *(each.replace("A", str(a)) for each in options))
    assert result.returncode == code and result.stdout == ""
    assert said in one_line(result)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*")} == before


def test_a_matrix_is_measured_and_its_cells_are_compared(cli: Run, clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "matrix"
    command = (
        *("bench", "matrix", folder, "--effect", "plain-face", "--size", "320x180", "--clip", clip),
        *("--threads", "1", "--other", tmp_path / "no-python"),
        *("--rounds", "1", "--frames", "20", "--burn-in", "5"),
    )
    result = cli(*command)
    assert result.returncode == 0, result.stderr
    cell = "plain-face-standard-cpu-320x180-1t"
    refused = f"{cell}-other"
    assert sorted(path.name for path in folder.iterdir()) == ["matrix.csv", "matrix.html", cell]
    assert notes_only(result)
    made = read_report(folder / cell / "01.json")
    assert made.frames.measured == 20 and made.settings.turn == 3 and made.settings.threads == 1
    lines = [*csv.DictReader((folder / "matrix.csv").read_text(encoding="utf-8").splitlines())]
    assert [line["cell"] for line in lines] == [cell, refused]
    assert float(lines[0]["p50_ms"]) == made.stages_ms["chain"].p50 and not lines[1]["p50_ms"]
    rows = [line for line in result.stdout.splitlines() if line.startswith(" plain-face")]
    assert rows[0].split()[0] == cell and rows[1].split()[0] == refused
    assert rows[1].rstrip().endswith("no-python cannot be started (No such file or directory); name a Python")
    # A cell is a group of reports as any other.
    result = cli("bench", "compare", folder / cell, folder / cell)
    assert result.returncode == 0 and result.stdout.count("no difference seen") == 5
    # What was begun otherwise is not gone on with.
    result = cli(*command, "--frames", "30")
    assert result.returncode == 2 and "was measured with --frames 20, not 30" in one_line(result)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--tier", "ultra"), "has no tier 'ultra'"),
        (("--effect", "plain-fase"), "did you mean 'plain-face'?"),
        (("--size", "0x0"), "frames of 0x0 cannot be measured"),
        (("--rounds", "0"), "0 is not in the range"),
        (("--clip", ""), "the path is empty"),
    ],
)
def test_a_wrong_matrix_is_one_line_and_makes_no_folder(
    cli: Run, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    result = cli("bench", "matrix", tmp_path / "m", "--effect", "plain-face", *arguments)
    assert result.returncode == 2 and said in one_line(result)
    assert not (tmp_path / "m").exists()


def test_a_matrix_into_a_file_is_refused(cli: Run, tmp_path: Path) -> None:
    (tmp_path / "m").write_text("not a folder")
    result = cli("bench", "matrix", tmp_path / "m", "--effect", "plain-face")
    assert result.returncode == 1 and str(tmp_path / "m") in one_line(result)
