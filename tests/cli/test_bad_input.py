"""Whatever is wrong with the input: one line that says so, the right exit code, nothing half-written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from effectcam.cli import main
from effectcam.source.devices import list_virtual_cameras
from tests import media
from tests.cli.conftest import Run, one_line, write_effect


def test_clips_that_cannot_be_read_do_not_stop_the_others(cli: Run, tmp_path: Path) -> None:
    clips, out = tmp_path / "clips", tmp_path / "out"
    clips.mkdir()
    (clips / "empty.mp4").touch()
    (clips / "text.mp4").write_text("not a video\n" * 99)
    media.truncated(clips / "cut.mp4", keep=0.6, index_first=False)
    media.no_frames(clips / "no-frames.mp4")
    media.audio_only(clips / "sound.mp4")
    media.write_clip(clips / "good.mp4")
    bad = {
        "missing": "no such file",
        "empty": "the file is empty",
        "text": "is not a video",
        "cut": "is cut short",
        "no-frames": "no video stream",
        "sound": "sound alone",
    }
    names = [*bad, "good"]
    result = cli(
        *("replay", *(clips / f"{name}.mp4" for name in names)),
        *("--effect", "plain-face", "--out", out, "--threads", "1"),
    )
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    assert len(lines) == len(bad)
    for line, (name, reason) in zip(lines, bad.items(), strict=True):
        assert line.startswith(f"effectcam: {clips / name}.mp4: ")
        assert reason in line
        assert "; " in line
    assert [path.name for path in out.iterdir()] == ["good.mp4"]
    assert len(media.times(out / "good.mp4")) == 12


def test_a_clip_cut_short_gives_what_is_left_and_a_note(cli: Run, tmp_path: Path) -> None:
    clip = media.truncated(tmp_path / "cut.mp4", keep=0.6, index_first=True)
    result = cli("run", clip, "--effect", "plain-face", "--record", tmp_path / "out.mp4", "--threads", "1")
    assert result.returncode == 0
    assert all(line.startswith("effectcam: note: ") for line in result.stderr.splitlines())
    assert "cut short" in result.stderr
    assert 0 < len(media.times(tmp_path / "out.mp4")) < 60


def test_odd_pictures_go_through(cli: Run, tmp_path: Path) -> None:
    """1x1, 8K, grey, 10 bits and alpha; no face in any."""
    made = {
        "dot": media.write_clip(tmp_path / "dot.mp4", pix_fmt="yuv444p", width=1, height=1, count=3),
        "8k": media.write_clip(
            tmp_path / "8k.mp4", width=7680, height=4320, count=2, options={"preset": "ultrafast"}
        ),
        "grey": media.grey(tmp_path / "grey.mkv"),
        "ten": media.ten_bit(tmp_path / "ten.mp4"),
        "alpha": media.alpha(tmp_path / "alpha.mov"),
    }
    out = tmp_path / "out"
    result = cli("replay", *made.values(), "--effect", "negative-frame", "--out", out, "--threads", "1")
    assert result.stderr == ""
    assert result.returncode == 0
    for name, clip in made.items():
        assert media.times(out / f"{name}.mp4") == media.times(clip)


def test_frames_beyond_8k_are_refused(cli: Run, tmp_path: Path) -> None:
    clip = tmp_path / "wide.mkv"
    media.write_clip(clip, codec="ffv1", width=8200, height=16, count=1)
    result = cli("run", clip, "--effect", "plain-face", "--record", tmp_path / "out.mp4")
    assert result.returncode == 1
    assert "8200x16 are too large" in one_line(result)
    assert not (tmp_path / "out.mp4").exists()


def test_a_student_that_answers_nan(cli: Run, tmp_path: Path) -> None:
    clip = media.write_clip(tmp_path / "black.mp4", pictures=[np.zeros((48, 64, 3), np.uint8)] * 3, count=3)
    good = tmp_path / "out" / "black.mp4"
    good.parent.mkdir()
    good.write_text("from an earlier run")
    result = cli("replay", clip, "--effect", "broken-student", "--out", good.parent, "--threads", "1")
    assert result.returncode == 1
    assert "NaN" in one_line(result)
    assert good.read_text() == "from an earlier run"
    assert list(good.parent.iterdir()) == [good]


@pytest.mark.parametrize("source", ["97", "/dev/video97", "no camera of this name"])
def test_an_absent_camera(cli: Run, source: str) -> None:
    result = cli("run", source, "--no-wait", "--effect", "plain-face")
    assert result.returncode == 1
    assert f"camera {source!r}" in one_line(result)


def test_no_virtual_camera(cli: Run, tmp_path: Path) -> None:
    if list_virtual_cameras():
        pytest.skip("this machine has a virtual camera")
    clip = media.write_clip(tmp_path / "a.mp4")
    arguments = ("run", clip, "--effect", "plain-face", "--threads", "1")
    result = cli(*arguments, "--virtual-camera", "--record", tmp_path / "out.mp4")
    assert result.returncode == 1
    assert "virtual camera" in one_line(result)
    assert list(tmp_path.iterdir()) == [clip]

    result = cli(*arguments)
    assert result.returncode == 2
    assert "--record FILE.mp4" in one_line(result)


@pytest.mark.parametrize("command", ["run", "demo", "replay", "show"])
def test_an_unknown_effect_names_the_nearest(cli: Run, tmp_path: Path, command: str) -> None:
    arguments: tuple[str | Path, ...] = {
        "run": ("run", "0", "--effect", "negative-fase"),
        "demo": ("demo", "--effect", "negative-fase"),
        "replay": ("replay", "a.mp4", "--effect", "negative-fase", "--out", tmp_path / "out"),
        "show": ("effects", "show", "negative-fase"),
    }[command]
    result = cli(*arguments)
    assert result.returncode == 2
    assert one_line(result) == "effectcam: no effect 'negative-fase'; did you mean 'negative-face'?"
    assert not (tmp_path / "out").exists()


def test_packages_that_are_not_what_they_say(cli: Run, tmp_path: Path) -> None:
    changed = write_effect(tmp_path, "changed")
    (changed / "CARD.md").write_text("another card")
    climbing = tmp_path / "climbing.zip"
    with zipfile.ZipFile(climbing, "w") as archive:
        archive.writestr("../effect.toml", "")
    home = {"EFFECTCAM_EFFECTS": str(tmp_path / "home")}
    for arguments, reason in (
        (("effects", "install", changed), "SHA-256"),
        (("run", "0", "--effect", changed), "SHA-256"),
        (("effects", "install", climbing), "'../effect.toml'"),
        (("effects", "install", tmp_path / "absent.zip"), "No such file"),
    ):
        result = cli(*arguments, **home)
        assert result.returncode == 1
        assert reason in one_line(result)
    assert not (tmp_path / "home").exists()


def test_wrong_calls(
    effects: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EFFECTCAM_EFFECTS", str(effects))
    clip = media.write_clip(tmp_path / "a.mp4")
    (tmp_path / "b").mkdir()
    twin = media.write_clip(tmp_path / "b" / "A.mp4")
    replay = ("replay", clip, "--effect", "plain-face", "--out", tmp_path / "out")
    for arguments, reason in (
        (("efects",), "did you mean 'effects'?"),
        (("replay", "--effect", "plain-face", "--out", "out"), "Missing argument 'CLIP...'"),
        ((*replay, "--strength", "7"), "'--strength': 7.0 is not in the range"),
        ((*replay, "--tier", "standart"), "did you mean 'standard'?"),
        ((*replay, "--faces", "0"), "'--faces': 0 is not in the range"),
        ((*replay, clip), "is given twice"),
        ((*replay, twin), "would both become"),
        (("replay", clip, "--effect", "plain-face", "--out", tmp_path), "is the input"),
        ((*replay, "--json", clip), "a text is written there"),
        ((*replay, "--json", tmp_path / "out" / "a.mp4"), "a text is written there"),
        (("run", clip, "--effect", "plain-face", "--record", clip, "--threads", "1"), "is the input"),
        (("run", clip, "--size", "wide"), "'wide' is no size"),
    ):
        assert main([*map(str, arguments)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("effectcam: ")
        assert reason in line
    assert not (tmp_path / "out").exists()
    assert len(media.times(clip)) == 12


def test_a_folder_that_cannot_be_written(cli: Run, tmp_path: Path) -> None:
    clip = media.write_clip(tmp_path / "a.mp4")
    result = cli("replay", clip, "--effect", "plain-face", "--out", clip / "out")
    assert result.returncode == 1
    assert "is a file and no folder" in one_line(result)
    report = tmp_path / "absent" / "report.json"
    result = cli("replay", clip, "--effect", "plain-face", "--out", tmp_path / "out", "--json", report)
    assert result.returncode == 1
    assert f"there is no folder {report.parent}" in one_line(result)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 kB."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root on Linux")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let root mount a tmpfs")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_read_only(cli: Run, small_disk: Path, tmp_path: Path) -> None:
    clip = media.write_clip(tmp_path / "a.mp4")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    result = cli("replay", clip, "--effect", "plain-face", "--out", small_disk, "--threads", "1")
    assert result.returncode == 1
    assert "Read-only file system" in one_line(result)


def test_a_disk_that_fills_up(cli: Run, small_disk: Path, tmp_path: Path) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (40, 96, 128, 3), np.uint8)
    clip = media.write_clip(tmp_path / "a.mp4", width=128, height=96, pictures=list(noise), count=40)
    good = small_disk / "a.mp4"
    good.write_text("from an earlier run")
    for arguments in (
        ("replay", clip, "--effect", "plain-face", "--out", small_disk, "--threads", "1"),
        # Noise, not the blur that hides it.
        ("run", clip, "-e", "plain-face", "--record", good, "--overwrite", "--on-lost", "passthrough"),
    ):
        result = cli(*arguments)
        assert result.returncode == 1
        assert "the disk is full" in result.stderr.splitlines()[-1]
        assert "Traceback" not in result.stderr
        assert good.read_text() == "from an earlier run"
        assert list(small_disk.iterdir()) == [good]


@pytest.mark.skipif(sys.platform == "win32", reason="bytes in file names, and a shell")
def test_names_outside_utf_8_and_missing_outputs_spoil_nothing(
    environment: dict[str, str], tmp_path: Path
) -> None:
    clip = media.write_clip(tmp_path / "clip.mp4")
    odd = os.fsencode(tmp_path) + b"/bad\xff.mp4"
    os.rename(os.fsencode(clip), odd)
    report = tmp_path / "report.json"
    call: list[str | bytes | Path] = [sys.executable, "-m", "effectcam", "replay", odd]
    call += ["--effect", "plain-face", "--threads", "1"]
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *call, "--out", tmp_path / "out", "--json", report],
        env=environment,
        stderr=subprocess.PIPE,
        timeout=600,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    told = json.loads(report.read_text(encoding="ascii"))["clips"][0]
    assert os.fsencode(told["path"]) == odd


@pytest.mark.parametrize(
    "call",
    [
        ("replay", "x.mp4", "--effect", "plain-face", "--out", ""),
        ("replay", "x.mp4", "--effect", "plain-face", "--out", "o", "--json", ""),
        ("run", "x.mp4", "--stills", ""),
        ("effects", "install", ""),
        ("demo", "--out", ""),
    ],
    ids=" ".join,
)
def test_an_empty_path_is_not_the_current_folder(cli: Run, call: tuple[str, ...]) -> None:
    result = cli(*call)
    assert result.returncode == 2
    assert "the path is empty" in one_line(result)


@pytest.mark.parametrize(
    "call",
    [
        ("replay", "--effect", "plain-face", "--json", "a.mp4", "b.mp4"),
        ("replay", "--effect", "plain-face", "--report", "a.mp4", "b.mp4"),
        ("replay", "--effect", "plain-face", "--out", "o", "--junit", "a.mp4", "b.mp4"),
        ("run", "--record", "o.mp4", "--governor-trace", "a.mp4", "b.mp4"),
        ("bench", "--frames", "10", "--html", "a.mp4"),
        ("latency", "--json", "a.mp4"),
    ],
    ids=" ".join,
)
def test_an_option_without_its_file_does_not_eat_a_clip(
    cli: Run, tmp_path: Path, call: tuple[str, ...]
) -> None:
    for name in ("a.mp4", "b.mp4"):
        media.write_clip(tmp_path / name)
    before = (tmp_path / "a.mp4").read_bytes()
    result = cli(*(tmp_path / word if word.endswith(".mp4") else word for word in call))
    assert result.returncode == 2
    assert "a.mp4': a text is written there, and no .mp4; give it another name" in one_line(result)
    assert (tmp_path / "a.mp4").read_bytes() == before


@pytest.mark.skipif(sys.platform == "win32", reason="a device with a name")
def test_a_report_does_not_replace_a_device(cli: Run, tmp_path: Path) -> None:
    clip = media.write_clip(tmp_path / "clip.mp4")
    out = tmp_path / "out"
    result = cli("replay", clip, "--effect", "plain-face", "--out", out, "--json", os.devnull)
    assert result.returncode == 2
    assert "device or a pipe" in one_line(result)
    assert Path(os.devnull).is_char_device()


def test_a_fault_of_ours_is_one_line_too(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise KeyError("plan")

    monkeypatch.setattr("effectcam.effect.catalogue.catalogue", fail)
    monkeypatch.delenv("EFFECTCAM_TRACEBACK", raising=False)
    assert main(["effects", "list"]) == 1
    assert "effectcam: unexpected KeyError: 'plan'; please report it" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--panel", "is no port; name the camera or clip before --panel"),
        ("--midi", "is a clip or camera and not a MIDI port; name it before --midi"),
        ("--obs", "is a clip or camera and not OBS's address; name it before --obs"),
    ],
)
def test_a_clip_after_an_option_that_may_take_something(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, told: str
) -> None:
    clip = media.write_clip(tmp_path / "me.mp4", count=2)
    assert main(["run", "--window", option, str(clip)]) == 2
    line = capsys.readouterr().err
    assert told in line and str(clip) in line
    assert line.count("\n") == 1
