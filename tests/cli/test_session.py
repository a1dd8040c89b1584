"""What a live run does when its camera is away, its presets are nonsense, its clip has no face."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from effectcam.source.clip import Clip
from effectcam.source.devices import list_cameras
from tests import media
from tests.cli.conftest import Run, one_line
from tests.cli.test_run import read_until, start

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

ABSENT = "61"


@pytest.fixture(autouse=True)
def _no_such_camera() -> None:
    if any(camera.index == int(ABSENT) for camera in list_cameras()):
        pytest.skip(f"this machine has a camera {ABSENT}")


def test_a_camera_that_is_away_is_waited_for_and_a_card_goes_out(
    environment: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "out.mp4"
    process = start(
        environment,
        *("run", ABSENT, "--effect", "plain-face", "--record", out, "--threads", "1", "--size", "320x180"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    told = read_until(process.stdout.fileno(), b"Ctrl-C ends it")
    assert b"camera '61': " in told
    told = read_until(process.stdout.fileno(), b"NO CAMERA")
    process.send_signal(signal.SIGINT)
    _, wrong = process.communicate(timeout=300)
    assert (process.returncode, wrong) == (0, b"")
    with Clip(out) as recorded:
        assert (recorded.width, recorded.height) == (320, 180)
        pictures = [frame.pixels for frame in recorded]
    assert len(pictures) >= 2
    # A card: something to read on a calm ground.
    assert 5 < pictures[-1].mean() < 120 and pictures[-1].std() > 2


def test_a_camera_that_is_away_ends_a_run_that_does_not_wait(cli: Run, tmp_path: Path) -> None:
    result = cli("run", ABSENT, "--no-wait", "--effect", "plain-face", "--record", tmp_path / "out.mp4")
    assert result.returncode == 1
    assert "camera '61'" in one_line(result)
    assert list(tmp_path.iterdir()) == []


def test_without_a_source_it_is_the_first_camera(cli: Run, tmp_path: Path) -> None:
    if list_cameras():
        pytest.skip("this machine has a camera")
    result = cli("run", "--no-wait", "--effect", "plain-face", "--record", tmp_path / "out.mp4")
    assert result.returncode == 1
    assert "first camera: " in one_line(result)


@pytest.mark.parametrize("on_lost", ["blur", "passthrough"])
def test_a_clip_without_a_face_is_blurred_unless_chosen_otherwise(
    cli: Run, tmp_path: Path, on_lost: str
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)
    clip = media.write_clip(tmp_path / "a.mp4", count=10, pictures=[noise] * 10)
    out = tmp_path / "out.mp4"
    result = cli(
        *("run", clip, "--effect", "plain-face", "--record", out, "--threads", "1", "--on-lost", on_lost)
    )
    assert (result.returncode, result.stderr) == (0, "")
    with Clip(clip) as before, Clip(out) as after:
        assert len(media.times(out)) == 10
        contrast = [next(iter(source)).pixels.std() for source in (before, after)]
    assert (contrast[1] < 0.5 * contrast[0]) == (on_lost == "blur")


def test_nonsense_in_presets_is_told_before_anything_is_opened(cli: Run, tmp_path: Path) -> None:
    presets = tmp_path / "mine.toml"
    presets.write_text('[[preset]]\nname = "a"\nstrength = 7\n')
    result = cli("run", "nothing.mp4", "--effect", "plain-face", "--presets", presets)
    assert result.returncode == 2
    line = one_line(result)
    assert "mine.toml" in line and "7" in line


def test_presets_named_but_missing(cli: Run, tmp_path: Path) -> None:
    result = cli("run", "nothing.mp4", "--effect", "plain-face", "--presets", tmp_path / "none.toml")
    assert result.returncode == 2
    assert "none.toml" in one_line(result)


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("--faces", "bigest"), "no choice of faces 'bigest'"),
        (("--cores", "0"), "0"),
        (("--fps", "0"), "0"),
        (("--on-lost", "blurr"), "blurr"),
        (("--panic", "raw"), "raw"),
        (("--panel", "99999"), "99999"),
    ],
)
def test_options_out_of_range(cli: Run, tmp_path: Path, arguments: tuple[str, str], wanted: str) -> None:
    clip = media.write_clip(tmp_path / "a.mp4", count=3)
    result = cli("run", clip, "--effect", "plain-face", "--record", tmp_path / "o.mp4", *arguments)
    assert result.returncode == 2
    assert wanted in one_line(result)
    assert not (tmp_path / "o.mp4").exists()


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("in.mp4", "--credentials", "--stills", "out"), "give --record"),
        (("in.mp4", "--credentials", "--record", "out.mkv"), "out.mkv: credentials go into .mp4"),
        (("in.mp4", "--obs-input", "Mic", "--stills", "out"), "give --obs too"),
        ((ABSENT, "--loop", "--record", "out.mp4"), "'61' is a camera"),
        (("--loop", "--record", "out.mp4"), "what runs without SOURCE is a camera"),
        (("in.mp4", "--size", "640x360", "--stills", "out"), "'in.mp4' is a clip, which keeps its own"),
        (("in.mp4", "--loop", "--record", "in.mp4"), "in.mp4 is the input"),
        (("in.mp4", "--window", "--governor-trace", "in.mp4"), "a text is written there"),
    ],
)
def test_what_would_do_nothing_or_spoil_the_clip_is_refused(
    cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], wanted: str
) -> None:
    monkeypatch.chdir(tmp_path)
    before = media.write_clip(tmp_path / "in.mp4", count=3).read_bytes()
    result = cli("run", *arguments, "--effect", "plain-face")
    assert result.returncode == 2
    assert wanted in one_line(result)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]
    assert (tmp_path / "in.mp4").read_bytes() == before


def test_an_older_recording_is_not_written_over_unless_asked(cli: Run, tmp_path: Path) -> None:
    clip = media.write_clip(tmp_path / "in.mp4", count=3)
    take = tmp_path / "take1.mp4"
    take.write_text("from last night")
    again = ("run", clip, "--effect", "negative-frame", "--record", take, "--threads", "1")
    result = cli(*again)
    assert result.returncode == 2
    assert "take1.mp4 is there already; give another name, or --overwrite" in one_line(result)
    assert take.read_text() == "from last night"
    assert cli(*again, "--overwrite").returncode == 0
    assert len(media.times(take)) == 3


def test_older_pictures_are_not_written_over_unless_asked(cli: Run, tmp_path: Path) -> None:
    clip = media.write_clip(tmp_path / "in.mp4", count=3)
    shots = tmp_path / "shots"
    shots.mkdir()
    (shots / "000002.png").write_text("from last night")
    again = ("run", clip, "--effect", "negative-frame", "--stills", shots, "--threads", "1")
    result = cli(*again)
    assert result.returncode == 2
    assert "000002.png is there already; give another folder, or --overwrite" in one_line(result)
    assert [path.read_text() for path in shots.iterdir()] == ["from last night"]
    assert cli(*again, "--overwrite").returncode == 0
    assert [path.read_bytes()[1:4] for path in shots.iterdir()] == [b"PNG"] * 3


def test_a_clip_goes_round_until_it_is_ended(environment: dict[str, str], tmp_path: Path) -> None:
    clip = media.write_clip(tmp_path / "a.mp4", count=5)
    out = tmp_path / "out.mp4"
    process = start(
        environment,
        *("run", clip, "--loop", "--effect", "negative-frame", "--record", out, "--threads", "1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    read_until(process.stdout.fileno(), b" fps, chain p50")
    process.send_signal(signal.SIGINT)
    _, wrong = process.communicate(timeout=300)
    assert (process.returncode, wrong) == (0, b"")
    times = media.times(out)
    assert len(times) > 10
    assert times == sorted(set(times))
