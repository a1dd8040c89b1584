from __future__ import annotations

import json
from pathlib import Path

import pytest

from effectcam.cli import main
from effectcam.effect.writer import zip_package
from tests.cli.conftest import write_effect


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("EFFECTCAM_EFFECTS", str(folder))
    return folder


def test_install_list_show_and_remove(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package = zip_package(write_effect(tmp_path, "ghost"), tmp_path / "ghost.zip")
    assert main(["effects", "install", str(package)]) == 0
    assert "installed ghost 1.2.0" in capsys.readouterr().out

    assert main(["effects", "list"]) == 0
    assert ["ghost", "Ghost", "face", "standard", "1.2.0", "you"] in [
        line.split() for line in capsys.readouterr().out.splitlines()
    ]

    assert main(["effects", "show", "ghost"]) == 0
    told = capsys.readouterr().out
    size = round((package.parent / "ghost" / "face.tflite").stat().st_size / 1000)
    assert "Ghost (ghost 1.2.0)" in told
    assert "all 2 files match" in told
    assert str(home / "ghost" / "CARD.md") in told
    assert ["standard", "face", "face.tflite", "32x32", str(size)] in [
        line.split() for line in told.splitlines()
    ]

    assert main(["effects", "show", "ghost", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["schema"] == "effectcam.effects/1"
    assert shown["effects"][0]["tiers"]["standard"]["face"]["size"] == [32, 32]
    assert shown["effects"][0]["licence"] == "MIT"

    assert main(["effects", "install", str(package)]) == 2
    assert "already installed" in capsys.readouterr().err
    assert main(["effects", "install", "--replace", str(package)]) == 0
    assert main(["effects", "remove", "ghost"]) == 0
    assert not (home / "ghost").exists()


def test_a_damaged_effect_is_listed_as_such(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_effect(home, "sound")
    (write_effect(home, "spoilt") / "CARD.md").write_text("changed")
    assert main(["effects", "list"]) == 1
    told = capsys.readouterr()
    assert "damaged" in told.out
    assert "spoilt/CARD.md has SHA-256" in told.err
    assert main(["effects", "list", "--json"]) == 1
    listed = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)["effects"]}
    assert listed["sound"]["hashes"] == "match"
    assert "SHA-256" in listed["spoilt"]["damaged"]
