"""``effectcam report``, and what ``replay`` makes of it; pages and faults from the command line."""

from __future__ import annotations

import json
import os
import re
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from effectcam.cli.report import _environment, _nameless, _without_home
from effectcam.doctor.cameras import check_camera
from effectcam.doctor.finding import warn
from effectcam.replay.bundle import read_bundle
from effectcam.replay.trace import TraceReader
from effectcam.source.devices import CameraDevice, Holder
from tests import media
from tests.cli.conftest import Run, one_line
from tests.face.clips import face_clip


def test_a_report_is_packed_told_and_run_again(cli: Run, tmp_path: Path) -> None:
    clip, out = face_clip(tmp_path / "clip.mp4"), tmp_path / "bug.zip"
    call = ("report", clip, "--effect", "negative-face", "--strength", "0.5", "--frames", "5", "--out", out)
    result = cli(*call, "--threads", "1")
    assert (result.returncode, result.stderr) == (0, "")
    with zipfile.ZipFile(out) as archive:
        names = archive.namelist()
        assert archive.testzip() is None
    files = ["README.txt", "bundle.json", "trace.jsonl", "faces.f32", "device.json", "doctor.json"]
    assert names == files
    assert all(name in result.stdout for name in names)
    assert "5 frames, without a picture of a face. Nothing was sent" in result.stdout

    traces = tmp_path / "traces"
    again = cli("replay", "--bundle", out, "--trace", traces, "--threads", "1")
    assert again.returncode == 0
    assert "5 frames: identities, decisions and crops are those that were recorded" in again.stdout
    assert "was recorded with negative-face 1.2.0, standard tier, strength 0.5, faces: 1" in one_line(again)
    with TraceReader(traces / "bug.jsonl") as reader:
        assert reader.header.effect.strength == 0.5 and len(list(reader)) == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bug.zip", "clip.mp4", "traces"]

    # As well where a program reads, and for whoever gets the page.
    page = tmp_path / "page.html"
    again = cli("replay", "--bundle", out, "--json", "-", "--report", page, "--threads", "1")
    line = "5 frames: identities, decisions and crops are those that were recorded"
    assert json.loads(again.stdout)["clips"][0]["faithful"] == line
    assert f"effectcam: note: {line}" in again.stderr.splitlines()
    assert f"<li>{line}</li>" in page.read_text(encoding="utf-8")


def test_a_report_of_what_fails_is_made_all_the_same(cli: Run, tmp_path: Path) -> None:
    pictures = [np.full((48, 64, 3), level, np.uint8) for level in (128, 128, 0)]
    clip, out = media.write_clip(tmp_path / "me.mp4", pictures=pictures, count=3), tmp_path / "bug.zip"
    result = cli("report", clip, "--effect", "broken-student", "--out", out, "--threads", "1")
    assert result.returncode == 0
    assert one_line(result).startswith("effectcam: note: it failed after 2 frames, as the report tells: ")
    assert "2 frames, without a picture of a face" in result.stdout
    contents = read_bundle(out).contents
    assert contents.error is not None and contents.error in one_line(result)
    again = cli("replay", "--bundle", out, "--trace", tmp_path / "traces", "--threads", "1")
    assert f"there it failed after 2 frames: {contents.error}" in again.stderr


def test_pages_show_what_faults_did(cli: Run, tmp_path: Path) -> None:
    clip, page, traces = face_clip(tmp_path / "clip.mp4"), tmp_path / "page.html", tmp_path / "traces"
    script = tmp_path / "faults.toml"
    script.write_text('[[fault]]\nkind = "nan"\nframe = 3\n[[fault]]\nkind = "dropped"\nframes = [6, 7]\n')
    result = cli(
        *("replay", clip, "--effect", "negative-face", "--threads", "1", "--faults", script),
        *("--report", page, "--trace", traces, "--jobs", "2"),
    )
    assert (result.returncode, result.stderr) == (0, "")
    text = page.read_text(encoding="utf-8")
    assert "planted: nan in frame 3" in text and text.count("<article") == 1
    assert len(re.findall('class="stage', text)) == 6 and "Worst frames" in text and 'data-lines="' in text
    with TraceReader(traces / "clip.jsonl") as reader:
        lines = list(reader)
    assert [line.frame for line in lines if line.faults == ["nan"]] == [3]
    assert [line.frame for line in lines if line.faults == ["dropped"]] == [6] and len(lines) == 10


def test_no_secret_and_no_name_of_the_user_goes_along(monkeypatch: pytest.MonkeyPatch) -> None:
    home = str(Path.home())
    for name in os.environ:
        if name.startswith("EFFECTCAM_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("EFFECTCAM_OBS_PASSWORD", "hunter2")
    monkeypatch.setenv("EFFECTCAM_EFFECTS", f"{home}/looks")
    assert _without_home(_environment()) == {
        "EFFECTCAM_EFFECTS": "~/looks",
        "EFFECTCAM_OBS_PASSWORD": "(set)",
    }
    assert _without_home([{"text": f"in {home}/x and {home}/y"}]) == [{"text": "in ~/x and ~/y"}]


@pytest.mark.skipif(sys.platform == "win32", reason="a backslash is part of a name elsewhere")
def test_the_home_folder_is_known_in_every_form(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real, link = tmp_path / "disk" / "d\\al", tmp_path / "al"
    real.mkdir(parents=True)
    link.symlink_to(real)
    monkeypatch.setattr(Path, "home", lambda: link)
    for told, cleaned in (
        (f"{link}/x, {real}/x, {str(real / 'x')!r}", "~/x, ~/x, '~/x'"),
        (f"no file {link}", "no file ~"),
        (f"{real}: no such folder; see {link}.", "~: no such folder; see ~."),
        (f"{link}ice/x {link}.bak {link}-2", f"{link}ice/x {link}.bak {link}-2"),
    ):
        assert _without_home({"text": told}) == {"text": cleaned}


def test_cameras_are_told_by_number() -> None:
    for name in ("Jane Doe's Webcam", "Webcam", 'Jane\'s "good" one'):
        camera = CameraDevice(3, "/dev/video3", name, "uvcvideo", (), ())
        busy = replace(camera, holders=(Holder(7, "zoom"),))
        told = [_nameless(check_camera(each)).text for each in (camera, busy)]
        assert told == ["camera 3 at /dev/video3", "camera 3 is in use by zoom (process 7)"]
    plain = warn("camera permission", "this user may not open '/dev/video3'", "log in again")
    assert _nameless(plain) == plain


@pytest.mark.parametrize(
    ("call", "code", "words"),
    [
        (("replay", "CLIP", "--bundle", "CLIP"), 2, "--bundle has its own frames; give it without clips"),
        (("replay", "--bundle", "CLIP"), 1, "is no bundle of effectcam report, or is damaged"),
        (("replay", "CLIP", "--trace", "t"), 2, "Missing option '--effect' / '-e'; or give --bundle"),
        (
            ("replay", "CLIP", "-e", "negative-frame", "--faults", "captur", "--trace", "HERE/t"),
            *(2, "no fault script 'captur'; did you mean 'capture'?"),
        ),
        (
            ("replay", "CLIP", "-e", "negative-frame", "--faults", "capture", "--trace", "HERE/t"),
            *(1, "(dropped) runs to frame 14, but clip.mp4 has 12 frames; choose 0 to 11"),
        ),
        (("replay", "CLIP", "-e", "negative-frame", "--report", "CLIP"), 2, "a text is written there"),
        (
            ("replay", "CLIP", "-e", "negative-frame", "--report", "HERE/p", "--json", "HERE/p"),
            *(2, "would be both the page and a report"),
        ),
        (("report", "CLIP", "-e", "negative-face", "-o", "CLIP"), 2, "a report must end in .zip"),
        (
            ("report", "CLIP", "-e", "negative-face", "-o", "HERE/b.zip", "--frames", "3000", "--faces", "5"),
            *(2, "are too many for a report; give --frames 2400 or fewer"),
        ),
        (("report", "99", "-e", "negative-face", "-o", "HERE/b.zip"), 1, "camera '99'"),
        (("report", "HERE/gone.mp4", "-e", "negative-face", "-o", "HERE/b.zip"), 1, "no such file"),
    ],
)
def test_what_makes_no_sense_is_refused_and_leaves_nothing(
    call: tuple[str, ...], code: int, words: str, cli: Run, tmp_path: Path
) -> None:
    clip = media.write_clip(tmp_path / "clip.mp4")
    before = clip.read_bytes()
    result = cli(*(each.replace("CLIP", str(clip)).replace("HERE", str(tmp_path)) for each in call))
    assert result.returncode == code and words in one_line(result)
    assert clip.read_bytes() == before
    assert {path.name for path in tmp_path.rglob("*")} <= {"clip.mp4", "t"}
