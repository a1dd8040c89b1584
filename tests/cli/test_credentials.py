from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from effectcam.cli import main
from effectcam.errors import SinkError
from effectcam.sink import VideoFile
from tests.sink.frames import moving

pytest.importorskip("c2pa", reason="the extra 'credentials' is not installed")


@pytest.fixture
def recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from effectcam.sink import certificate

    monkeypatch.setattr(certificate, "own_folder", lambda: tmp_path / "credentials")
    path = tmp_path / "me.mp4"
    with VideoFile(path, 64, 48) as file:
        for frame in moving(5):
            file.write(frame)
    return path


def signed(path: Path) -> Path:
    from effectcam.sink.credentials import sign

    sign(path, effects=[("toon", "1.1.0")], source="camera")
    return path


def test_what_is_no_file_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no named pipes")
    os.mkfifo(tmp_path / "pipe.mp4")
    assert main(["credentials", str(tmp_path / "pipe.mp4")]) == 1
    assert "pipe.mp4 is no file; give a recording" in capsys.readouterr().err


def test_a_key_that_is_damaged_is_told_before_the_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from effectcam.sink import certificate
    from effectcam.sink.credentials import check_signable

    (tmp_path / "credentials").write_text("in the way")
    monkeypatch.setattr(certificate, "own_folder", lambda: tmp_path / "credentials")
    with pytest.raises(SinkError):
        check_signable(tmp_path / "me.mp4")


def test_a_signed_recording(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["credentials", str(signed(recording))]) == 0
    told = capsys.readouterr().out
    for row in (
        "made by",
        "toon 1.1.0",
        "compositeWithTrainedAlgorithmicMedia",
        "this installation",
        "unchanged",
    ):
        assert row in told


def test_a_recording_without(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["credentials", str(recording)]) == 1
    assert capsys.readouterr().out == f"{recording} has no content credentials\n"
    assert main(["credentials", str(recording), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["credentials"] is None


def test_a_changed_recording(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = bytearray(signed(recording).read_bytes())
    data[data.rindex(b"mdat") + 200] ^= 1
    recording.write_bytes(data)
    assert main(["credentials", str(recording), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["schema"] == "effectcam.credentials/2"
    assert told["credentials"]["effects"] == [["toon", "1.1.0"]] and told["credentials"]["problems"]
    assert main(["credentials", str(recording)]) == 1
    assert "unchanged" not in capsys.readouterr().out


def test_a_file_of_another_kind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["credentials", str(tmp_path / "me.txt")]) == 2
    assert capsys.readouterr().err.startswith(f"effectcam: {tmp_path / 'me.txt'}: credentials go into .mp4")
