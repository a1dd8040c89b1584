"""``effectcam replay`` against goldens: what a user sees, exit codes, and the files for CI."""

from __future__ import annotations

import json
import shutil
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests import media
from tests.cli.conftest import Run, one_line, write_effect
from tests.disk import small_files
from tests.face.clips import face_clip


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two clips in it, and something else."""
    folder = tmp_path_factory.mktemp("clips")
    face_clip(folder / "face.mp4")
    media.write_clip(folder / "bare.mp4", count=4)
    (folder / "notes.txt").write_text("mine")
    return folder


@pytest.fixture(scope="module")
def golden(cli: Run, clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("golden") / "new" / "gold"
    result = cli("replay", clips, "--effect", "negative-face", "--record", target, "--metrics")
    assert result.returncode == 0
    assert one_line(result).endswith("passed over, no clips by their names: notes.txt")
    return target


def snapshot(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_passes_with_its_gates(cli: Run, clips: Path, golden: Path, tmp_path: Path) -> None:
    gates, junit = tmp_path / "gates.toml", tmp_path / "junit.xml"
    gates.write_text("[psnr]\nworst = 100\n[coverage]\nvalue = { limit = 90, worse = 0 }\n")
    before = snapshot(golden)
    result = cli(
        *("replay", clips / "face.mp4", "--effect", "negative-face", "--check", golden),
        *("--gates", gates, "--junit", junit, "--json", tmp_path / "report.json"),
    )
    assert result.returncode == 0
    assert one_line(result) == f"effectcam: note: {golden}: has clips that were not given: bare.mp4"
    (entry,) = json.loads((tmp_path / "report.json").read_text())["clips"]
    assert (entry["check"]["first"], entry["check"]["exact"], entry["check"]["frames"]) == (
        *(None, True, [12, 12]),
    )
    assert entry["check"]["pictures"] == {"psnr": 100.0, "ssim": 1.0, "most": 0}
    assert [(gate["gate"], gate["passed"]) for gate in entry["gates"]] == [
        ("psnr worst", True),
        ("coverage value", True),
    ]
    (suite,) = ET.parse(junit).getroot()
    assert (suite.get("name"), suite.get("failures")) == ("negative-face 1.2.0, standard", "0")
    names = ["replay", "golden", "psnr worst", "coverage value"]
    assert [case.get("name") for case in suite] == [*names, "golden"]
    assert (suite[-1].get("classname"), [each.tag for each in suite[-1]]) == ("bare.mp4", ["skipped"])
    assert snapshot(golden) == before


def test_a_change_is_told_by_clip_frame_and_stage(
    cli: Run, clips: Path, golden: Path, tmp_path: Path
) -> None:
    """An effect of the same name and version with another student, checked by its path."""
    other = write_effect(tmp_path / "other", "negative-face", model="contrast")
    gates, junit = tmp_path / "gates.toml", tmp_path / "junit.xml"
    gates.write_text("[psnr]\nvalue = 60\n")
    before = snapshot(golden)
    result = cli(
        *("replay", clips, "--effect", other, "--check", golden, "--gates", gates),
        *("--junit", junit, "--trace", tmp_path / "traces", "--threads", "1"),
    )
    assert result.returncode == 1
    note, *lines = result.stderr.splitlines()
    assert note.endswith("notes.txt")
    (parts, gate) = lines
    face = f"effectcam: {clips / 'face.mp4'}: "
    assert parts.startswith(f"{face}parts from its golden at frame 0, drawing: of face 0: ")
    assert "12 of 12 frames differ" in parts and "face student's SHA-256: " in parts
    assert gate.startswith(f"{face}psnr value is ") and "at least 60 is asked for" in gate
    rows = {line.split()[0]: line.split() for line in result.stdout.splitlines() if line.strip()}
    assert rows[str(clips / "face.mp4")][1:6] == ["parts", "frame", "0,", "drawing", "12"]
    assert rows[str(clips / "bare.mp4")][1] == "same"
    (suite,) = ET.parse(junit).getroot()
    assert [suite.get(name) for name in ("tests", "failures", "errors")] == ["6", "2", "0"]
    assert snapshot(golden) == before

    result = cli("replay", "diff", golden, tmp_path / "traces")
    assert result.returncode == 1
    rows = {line.split()[0]: line.split() for line in result.stdout.splitlines() if line.strip()}
    assert rows["clip"] == [
        "clip",
        "parts",
        "at",
        "frames",
        "differ",
        "drawing",
        "output",
        "PSNR",
        "dB",
        "SSIM",
        "most",
    ]
    assert rows["face"][1:] == ["parts", "frame", "0,", "drawing", "12", "12", "12", "12"]
    assert rows["bare"][1:] == ["same", "4", "0", "0", "0"]
    assert any(line.startswith("effectcam: note: face student's SHA") for line in result.stderr.splitlines())


def test_gates_need_no_golden(cli: Run, clips: Path, tmp_path: Path) -> None:
    """They have their metrics measured; a clip without a face covers none."""
    (tmp_path / "gates.toml").write_text("[coverage]\nvalue = 90\n[identity_switches]\nvalue = 0\n")
    result = cli(
        *("replay", clips / "bare.mp4", "--effect", "negative-face", "--gates", tmp_path / "gates.toml"),
        *("--junit", tmp_path / "junit.xml"),
    )
    assert result.returncode == 1
    assert one_line(result).endswith("bare.mp4: coverage value is 0, at least 90 is asked for")
    (suite,) = ET.parse(tmp_path / "junit.xml").getroot()
    assert [(case.get("name"), len(case)) for case in suite] == [
        *(("replay", 0), ("coverage value", 1), ("identity_switches value", 0)),
    ]


def test_diff_of_what_is_the_same_or_missing(cli: Run, golden: Path, tmp_path: Path) -> None:
    result = cli("replay", "diff", golden, golden)
    assert (result.returncode, result.stderr) == (0, "")
    assert "100.0" in result.stdout
    (tmp_path / "less").mkdir()
    shutil.copy(golden / "face.jsonl", tmp_path / "less")
    result = cli("replay", "diff", golden, tmp_path / "less")
    assert result.returncode == 1 and "less: has no bare" in one_line(result)
    (tmp_path / "less" / "face.jsonl").write_bytes(b"{}\n")
    result = cli("replay", "diff", golden, tmp_path / "less")
    assert result.returncode == 1 and "face.jsonl: has no schema" in result.stderr
    for folder, words, code in (
        (tmp_path, "has no trace in it", 1),
        (tmp_path / "less" / "face.jsonl", "one is a folder", 2),
        (tmp_path / "gone", "gone: there is no such file or folder", 1),
    ):
        result = cli("replay", "diff", golden, folder)
        assert result.returncode == code and words in one_line(result)


def test_a_folder_that_lacks_clips_of_the_golden_fails(
    cli: Run, clips: Path, golden: Path, tmp_path: Path
) -> None:
    folder, junit, report = tmp_path / "clips", tmp_path / "junit.xml", tmp_path / "report.json"
    folder.mkdir()
    shutil.copy(clips / "bare.mp4", folder)
    call = ("replay", folder, "--effect", "negative-face", "--check", golden, "--junit", junit)
    page = tmp_path / "page.html"
    result = cli(*call, "--json", report, "--report", page)
    assert result.returncode == 1
    told = f"effectcam: {golden}: has clips that were not given: face.mp4; give their files too, or "
    assert one_line(result).startswith(told)
    assert json.loads(report.read_text())["missing"] == ["face.mp4"]
    text = page.read_text(encoding="utf-8")
    assert "<h2>Failed</h2>" in text and "<h2>Passed</h2>" not in text
    assert text.count("has clips that were not given: face.mp4") == 1
    root = ET.parse(junit).getroot()
    assert [root.get(name) for name in ("tests", "failures", "skipped")] == ["3", "0", "1"]
    (last,) = root.findall(".//skipped/..")
    assert (last.get("classname"), last.get("name")) == ("face.mp4", "golden")
    if sys.platform != "win32":
        (folder / "face.mp4").symlink_to(tmp_path / "gone.mp4")
        result = cli(*call)
        assert result.returncode == 1 and "face.mp4: no such file" in one_line(result)


def test_a_clip_called_diff_is_a_clip(cli: Run, tmp_path: Path) -> None:
    result = cli("replay", tmp_path / "diff", "--effect", "plain-face", "--metrics")
    assert result.returncode == 1 and "diff: no such file" in one_line(result)
    result = cli("replay", "diff", "only-one")
    assert result.returncode == 2 and "effectcam replay diff --help" in one_line(result)


@pytest.mark.parametrize(
    ("options", "words", "code"),
    [
        (["--check", "GOLD", "--strength", "0.5"], "was recorded with a strength of 1.0, not 0.5", 2),
        (["--check", "GOLD", "--effect", "plain-face"], "the effect negative-face, not plain-face", 2),
        (["--check", "GOLD", "--record", "HERE/new"], "--record and --check at once", 2),
        (["--check", "HERE/none"], "there is no such folder; record a golden with", 1),
        (["--check", "HERE"], "is no golden, it has no golden.json", 1),
        (["--record", "HERE"], "holds files that are no golden's (gates.toml)", 2),
        (["--record", "GOLD"], "the golden of bare would be lost", 2),
        (["--gates", "HERE/gates.toml"], "seam p95 is about a golden; give --check", 2),
        (["--check", "GOLD", "--gates", "HERE/none.toml"], "none.toml: cannot be read", 2),
        (["--junit", "HERE/j.xml", "--metrics"], "give one of them", 2),
        (["--out", "HERE/o", "--resume"], "give --trace DIR", 2),
        (["--trace", "HERE/t", "--resume", "--check", "GOLD"], "--resume with --check", 2),
        (["--record", "HERE/g", "--accelerator", "auto"], "--record with --accelerator auto", 2),
        (["--check", "GOLD", "--trace", "GOLD"], "belongs to the golden", 2),
        (["--check", "GOLD", "--json", "GOLD/../gold/golden.json"], "belongs to the golden", 2),
        (["--record", "HERE/g", "--out", "HERE/g"], "belongs to the golden", 2),
        (["--trace", "GOLD"], "is a golden, and nothing else belongs there", 2),
        (["--metrics", "--report", "GOLD/page.html"], "is a golden, and nothing else belongs there", 2),
        (["--record", "HERE/" + "g" * 300], "the name is too long", 1),
        (["--out", "HERE/one.toml"], "one.toml: part of its path is a file and no folder", 1),
        (["--gates", "HERE/one.toml", "--junit", "HERE/one.toml"], "is the input", 2),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_lost(
    options: list[str], words: str, code: int, cli: Run, clips: Path, golden: Path, tmp_path: Path
) -> None:
    (tmp_path / "gates.toml").write_text("[seam]\np95 = { worse = 0.1 }\n")
    (tmp_path / "one.toml").write_text("[seam]\nvalue = 2\n")
    before = snapshot(golden)
    arguments = [each.replace("GOLD", str(golden)).replace("HERE", str(tmp_path)) for each in options]
    result = cli("replay", clips / "face.mp4", "--effect", "negative-face", *arguments)
    assert result.returncode == code and words in one_line(result)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gates.toml", "one.toml"]
    assert (tmp_path / "one.toml").read_text().startswith("[seam]")
    assert snapshot(golden) == before and [path.name for path in golden.parent.iterdir()] == ["gold"]


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are POSIX's")
def test_a_page_that_cannot_be_written_does_not_cost_the_verdict(
    cli: Run, clips: Path, golden: Path, tmp_path: Path
) -> None:
    other = write_effect(tmp_path / "other", "negative-face", model="contrast")
    page, junit = tmp_path / "page.html", tmp_path / "junit.xml"
    with small_files(20_000):
        result = cli(
            *("replay", clips / "face.mp4", "--effect", other, "--check", golden, "--threads", "1"),
            *("--report", page, "--junit", junit),
            EFFECTCAM_NATIVE_LOG="",
        )
    assert result.returncode == 1
    _, parts, full = result.stderr.splitlines()
    assert "parts from its golden at frame 0, drawing" in parts
    assert full.startswith(f"effectcam: {page}: ") and "nothing was kept" in full
    assert not page.exists() and ET.parse(junit).getroot().get("failures") == "1"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["junit.xml", "other"]


def test_a_clip_that_fails_keeps_the_golden_as_it_was(
    cli: Run, clips: Path, golden: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    shutil.copy(clips / "bare.mp4", folder)
    (folder / "face.mp4").write_bytes((clips / "face.mp4").read_bytes()[:-9000])
    before = snapshot(golden)
    result = cli("replay", folder, "--effect", "negative-face", "--record", golden, "--metrics")
    assert result.returncode == 1
    assert [line.split(": ")[1] for line in result.stderr.splitlines()] == [
        str(golden),
        str(folder / "face.mp4"),
    ]
    assert "no golden was recorded" in result.stderr
    assert snapshot(golden) == before and [path.name for path in golden.parent.iterdir()] == ["gold"]
    result = cli("replay", folder, "--effect", "negative-face", "--check", golden)
    assert result.returncode == 1 and "face.mp4: is " in one_line(result)


def test_a_golden_is_not_replaced_by_another_without_a_word(
    cli: Run, clips: Path, golden: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "gold"
    shutil.copytree(golden, copy)
    before = snapshot(copy)
    call = ("replay", clips / "bare.mp4", clips / "face.mp4", "--threads", "1", "--record", copy)
    result = cli(*call, "--effect", "plain-face")
    assert result.returncode == 2
    told = f"{copy}: is a golden of negative-face, and plain-face would take its place; name another folder"
    assert told in one_line(result) and snapshot(copy) == before
    result = cli(*call, "--effect", "negative-face", "--strength", "0.5")
    assert result.returncode == 0
    so_far = f"effectcam: note: {copy}: the golden there so far"
    assert result.stderr.splitlines() == [
        f"{so_far} was recorded with a strength of 1.0, the new one with 0.5",
        f"{so_far} has metrics, the new one has none without --metrics",
    ]
    assert json.loads((copy / "golden.json").read_text())["effect"]["strength"] == 0.5
    assert [path.name for path in tmp_path.iterdir()] == ["gold"]


def test_what_does_not_pass_its_gates_becomes_no_golden(
    cli: Run, clips: Path, golden: Path, tmp_path: Path
) -> None:
    gates = tmp_path / "gates.toml"
    gates.write_text("[coverage]\nvalue = 90\n")
    before = snapshot(golden)
    for target in (golden, tmp_path / "new"):
        result = cli("replay", clips, "--effect", "negative-face", "--record", target, "--gates", gates)
        assert result.returncode == 1
        _, told, gate = result.stderr.splitlines()
        assert told.startswith(f"effectcam: {target}: no golden was recorded, since gates were not passed; ")
        assert "bare.mp4: coverage value is 0" in gate
    assert snapshot(golden) == before and [path.name for path in golden.parent.iterdir()] == ["gold"]
    assert [path.name for path in tmp_path.iterdir()] == ["gates.toml"]


def test_a_clip_without_a_say_does_not_keep_the_others_from_their_gates(
    cli: Run, clips: Path, golden: Path, tmp_path: Path
) -> None:
    gates, report = tmp_path / "gates.toml", tmp_path / "report.json"
    gates.write_text("[seam]\nvalue = { worse = 0.1 }\n")
    index = json.loads((golden / "golden.json").read_text())
    assert "seam" in index["clips"]["face"]["metrics"] and "seam" not in index["clips"]["bare"]["metrics"]
    call = ("replay", clips, "--effect", "negative-face", "--gates", gates, "--threads", "1")
    result = cli(*call, "--check", golden, "--json", report)
    assert result.returncode == 1
    _, told = result.stderr.splitlines()
    assert told == f"effectcam: {clips / 'bare.mp4'}: seam value: no frame of the clip had a say"
    entries = json.loads(report.read_text())["clips"]
    assert [entry["gates"][0]["passed"] for entry in entries] == [False, True]
    # Without any metrics there is nothing to compare with, whatever the clip.
    shutil.copytree(golden, tmp_path / "gold")
    index["clips"]["face"]["metrics"] = None
    (tmp_path / "gold" / "golden.json").write_text(json.dumps(index))
    result = cli(*call, "--check", tmp_path / "gold")
    assert result.returncode == 2
    assert "has no metrics of face.mp4, and " in one_line(result) and "record it with" in one_line(result)
