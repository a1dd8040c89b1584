"""``effectcam latency`` as it is called: what it prints, what it writes, what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from effectcam.source.devices import list_virtual_cameras
from tests.cli.conftest import Run, one_line

QUICK = ("latency", "--effect", "plain-face", "--size", "320x180", "--seconds", "1", "--threads", "1")


def test_it_prints_where_the_time_went(cli: Run, tmp_path: Path) -> None:
    written = tmp_path / "delay.json"
    result = cli(*QUICK, "--through", "memory", "--json", written)
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0] == "plain-face 1.2.0 at 320x180, 30 fps, through memory"
    rows = [line.strip() for line in lines]
    for part in (
        "waits for the chain",
        "chain",
        "- mesh",
        "- student",
        "on to the sink",
        "from hand to hand",
    ):
        assert any(row.startswith(part) for row in rows), part
    assert not any(row.startswith("device") for row in rows)
    assert sum(" to " in row and "█" in row for row in rows) >= 1
    report = json.loads(written.read_text())
    assert f"{report['frames']['sent']} frames sent, {report['frames']['read']} read" in result.stdout
    assert f"the pipeline adds {report['added_ms']['p50']:.1f} ms beyond its own chain time" in lines[-1]


def test_bars_are_drawn_in_letters_that_the_terminal_has(cli: Run) -> None:
    result = cli(*QUICK, "--through", "memory", PYTHONIOENCODING="ascii")
    assert (result.returncode, result.stderr) == (0, "")
    assert " ms  #" in result.stdout


def test_json_alone_on_standard_output(cli: Run) -> None:
    result = cli(*QUICK, "--through", "memory", "--fps", "20", "--json", "-")
    assert (result.returncode, result.stderr) == (0, "")
    report = json.loads(result.stdout)
    assert report["schema"] == "effectcam.latency/1"
    assert (report["through"], report["device"]) == ("memory", None)
    assert (report["width"], report["height"], report["fps"]) == (320, 180, 20.0)
    assert report["effect"] == {"name": "plain-face", "version": "1.2.0"}
    assert report["frames"]["read"] > 0
    assert report["frames"]["unreadable"] == 0
    assert set(report["parts_ms"]) == {"queue", "chain", "loop", "hand_over"}
    assert isinstance(report["within_one_frame"], bool)


@pytest.mark.skipif(bool(list_virtual_cameras()), reason="there is a virtual camera")
def test_without_a_virtual_camera_there_is_memory(cli: Run) -> None:
    asked = cli(*QUICK, "--through", "camera")
    assert asked.returncode == 1
    assert "virtual camera" in one_line(asked)
    left_to_it = cli(*QUICK, "--json", "-")
    assert json.loads(left_to_it.stdout)["through"] == "memory"


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (("--size", "100x100"), 2, "100x100 is too small for the stamps; give at least 160x120"),
        (("--size", "big"), 2, "'big' is no size"),
        (
            ("--through", "memory", "--device", "/dev/video9"),
            2,
            "--device /dev/video9 is for --through camera",
        ),
        (("--device", "/dev/video99"), 1, "virtual camera '/dev/video99'"),
        (("--through", "camera", "--size", "321x181"), 1, "scale the picture to even sides"),
        (("--clip", "/nowhere.mp4"), 1, "/nowhere.mp4: no such file"),
        (("--effect", "plain-fase"), 2, "did you mean 'plain-face'?"),
        (("--fps", "0"), 2, "0.0 is not in the range"),
        (("--fps", "nan"), 2, "'nan' is no number; give 1 to 240"),
        (("--seconds", "1e9"), 2, "is not in the range 1<=x<=600"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_is_refused_in_one_line(
    cli: Run, options: tuple[str, ...], code: int, says: str
) -> None:
    result = cli(*QUICK, *options)
    assert result.returncode == code
    assert says in one_line(result)
    assert not result.stdout


def test_a_report_that_cannot_be_written_is_refused_before_anything_is_measured(
    cli: Run, tmp_path: Path
) -> None:
    result = cli(*QUICK, "--seconds", "600", "--json", tmp_path / "nowhere" / "delay.json")
    assert result.returncode == 1
    assert "create it first" in one_line(result)


def test_a_failed_measurement_leaves_no_report(cli: Run, tmp_path: Path) -> None:
    written = tmp_path / "delay.json"
    written.write_text("the last one")
    result = cli(*QUICK, "--clip", "/nowhere.mp4", "--json", written)
    assert result.returncode == 1
    assert written.read_text() == "the last one"
    assert list(tmp_path.iterdir()) == [written]
