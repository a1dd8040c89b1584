from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
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


def test_a_package_of_ones_own_is_zipped_and_installed(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package = write_effect(tmp_path, "ghost")
    (package / "CARD.md").write_text("# Another text\n", encoding="utf-8")
    target = tmp_path / "ghost.zip"
    assert main(["effects", "pack", str(package), "--out", str(target)]) == 0
    assert "effectcam effects install ghost.zip" in capsys.readouterr().out
    first = target.read_bytes()
    assert main(["effects", "pack", str(package), "--out", str(target)]) == 0
    assert target.read_bytes() == first
    assert main(["effects", "install", str(target)]) == 0

    (package / "face.tflite").write_bytes(b"no model")
    assert main(["effects", "pack", str(package), "--out", str(target)]) == 1
    assert "face.tflite" in capsys.readouterr().err
    assert target.read_bytes() == first, "what was there stays"


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


def test_gallery_shows_what_each_effect_makes_of_one_picture(home: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    assert main(["effects", "gallery", "toon", "zombie", "--columns", "3", "--out", str(sheet)]) == 0
    picture = cv2.imread(str(sheet))
    assert picture is not None
    tiles = [picture[10:250, 10 + 330 * n : 330 + 330 * n].astype(int) for n in range(3)]
    bare, toon, zombie = tiles
    assert np.abs(toon - bare).mean() > 8, "it redraws the whole frame"
    assert np.abs(zombie - bare)[60:200, 100:220].mean() > 15, "the face is in the middle of the tile"
    assert np.abs(zombie - bare)[:, :60].max() == 0, "and the room is left alone"


def test_gallery_of_a_still_picture_of_ones_own(home: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.jpg"
    assert cv2.imwrite(str(mine), np.full((90, 200, 3), 130, np.uint8))
    sheet = tmp_path / "sheet.webp"
    assert main(["effects", "gallery", "zombie", "--on", str(mine), "--out", str(sheet)]) == 0
    picture = cv2.imread(str(sheet))
    assert picture is not None
    assert picture.shape == (290, 670, 3), "two tiles: it, and the effect that finds no face in it"


def test_gallery_that_cannot_be_written_is_told_before_anything_is_drawn(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("effectcam.cli.gallery.Gallery.add", lambda *_: pytest.fail("was drawn"))
    assert main(["effects", "gallery", "zombie", "--out", str(tmp_path / "none" / "sheet.png")]) == 1
    assert "there is no folder" in capsys.readouterr().err


def test_gallery_spares_the_picture_that_it_is_made_of(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "me.png"
    picture.write_bytes(b"mine")
    assert main(["effects", "gallery", "--on", str(picture), "--out", str(picture)]) == 2
    assert "is the input" in capsys.readouterr().err
    assert picture.read_bytes() == b"mine"


def test_gallery_leaves_out_what_is_damaged_and_says_so(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["effects", "install", str(write_effect(tmp_path, "ghost"))]) == 0
    (home / "ghost" / "face.tflite").write_bytes(b"no model")
    assert main(["effects", "gallery", "--out", str(tmp_path / "all.png")]) == 1
    assert "effect ghost is left out" in capsys.readouterr().err
    assert (tmp_path / "all.png").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "all.gif"], "all.gif: a gallery is a picture; end its name in one of .png, .webp, .jpg"),
        (["tooon"], "toon"),
        (["--on", "absent.mp4"], "absent.mp4"),
    ],
)
def test_gallery_refuses_in_one_line(
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["effects", "gallery", *arguments]) in (1, 2)
    told = capsys.readouterr().err.strip()
    assert message in told
    assert "Traceback" not in told
    assert not list(tmp_path.glob("gallery.*"))
