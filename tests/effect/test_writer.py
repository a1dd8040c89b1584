from __future__ import annotations

import dataclasses
import os
import shutil
import time
import zipfile
from pathlib import Path

import pytest

from effectcam.effect import load_effect
from effectcam.effect.manifest import Crop, Manifest, Model, Provenance, Tier
from effectcam.effect.writer import pack, write_package, zip_package
from effectcam.errors import PackageError, UsageError
from tests.effect.conftest import DATA, Build


def manifest(**changes: object) -> Manifest:
    whole = Manifest(
        name="ghost",
        version="0.1.0",
        title="Ghost",
        description="A negative of the face.",
        space="face",
        licence="MIT",
        tiers={"standard": Tier(face=Model("face.tflite", (32, 32)))},
        provenance=Provenance(teacher="arithmetic", data="none", trained="2026-11-21"),
    )
    return dataclasses.replace(whole, **changes)  # type: ignore[arg-type]


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "fresh"
    folder.mkdir()
    shutil.copy(DATA / "negative.tflite", folder / "face.tflite")
    return folder


def test_a_manifest_made_in_code_becomes_a_package(models: Path) -> None:
    effect = write_package(models, manifest(crop=Crop(1.8, (0.0, -0.1))))
    assert load_effect(models) == effect
    assert effect.crop == Crop(1.8, (0.0, -0.1))
    assert list(effect.files) == ["face.tflite"]
    assert sorted(os.listdir(models)) == ["effect.toml", "face.tflite"]


def test_writing_again_is_the_same_and_follows_the_files(models: Path) -> None:
    write_package(models, manifest())
    first = (models / "effect.toml").read_bytes()
    write_package(models, manifest())
    assert (models / "effect.toml").read_bytes() == first
    (models / "CARD.md").write_text("# Ghost\n")
    assert "CARD.md" in write_package(models, manifest()).files


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"name": "Ghost"}, "name is 'Ghost'"),
        ({"crop": Crop(margin=9.0)}, "crop.margin is 9.0"),
        ({"title": "two\nlines"}, "not valid TOML"),
        ({"tiers": {"standard": Tier(face=Model("face.tflite", (64, 64)))}}, "not the declared"),
        (
            {"tiers": {"standard": Tier(face=Model("gone.tflite", (32, 32)))}},
            "'gone.tflite', which is not in",
        ),
    ],
)
def test_a_package_that_would_not_load_is_not_written(
    models: Path, changes: dict[str, object], reason: str
) -> None:
    write_package(models, manifest())
    good = (models / "effect.toml").read_bytes()
    with pytest.raises(PackageError, match=reason):
        write_package(models, manifest(**changes))
    assert (models / "effect.toml").read_bytes() == good
    assert sorted(os.listdir(models)) == ["effect.toml", "face.tflite"]


def test_packing_keeps_the_authors_words(draft: Build) -> None:
    folder = draft()
    written = (folder / "effect.toml").read_text()
    pack(folder)
    packed = (folder / "effect.toml").read_text()
    assert packed.startswith(written)
    assert "margin = 2.0  # with hair" in packed
    pack(folder)
    assert (folder / "effect.toml").read_text() == packed


def test_packing_replaces_the_files_section_wherever_it_stands(draft: Build) -> None:
    folder = draft(("[crop]", '[files]\n# old\n"gone.md" = "0"\n\n[crop]'))
    effect = pack(folder)
    assert sorted(effect.files) == ["CARD.md", "face.tflite", "preview.webp"]
    text = (folder / "effect.toml").read_text()
    assert text.count("[files]") == 1
    assert "gone.md" not in text
    assert effect.crop.margin == 2.0


def test_packing_keeps_the_remarks_behind_the_files_section(draft: Build) -> None:
    remark = "# how much is seen of the hair;\n\n# ask Ann before you change it\n"
    folder = draft(("[crop]", f'[files]\n# old\n"gone.md" = "0"\n\n{remark}[crop]'))
    pack(folder)
    packed = (folder / "effect.toml").read_text()
    assert f"{remark}[crop]" in packed and "# old" not in packed and "gone.md" not in packed
    pack(folder)
    assert (folder / "effect.toml").read_text() == packed


def test_packing_a_changed_model_makes_it_load_again(package: Build) -> None:
    folder = package()
    shutil.copy(DATA / "identity.tflite", folder / "face.tflite")
    with pytest.raises(PackageError, match="has SHA-256"):
        load_effect(folder)
    pack(folder)
    assert load_effect(folder).name == "ghost"


def test_packing_what_would_not_load_leaves_it_alone(draft: Build) -> None:
    folder = draft(model="custom_operator")
    before = (folder / "effect.toml").read_bytes()
    with pytest.raises(PackageError, match="custom operator"):
        pack(folder)
    assert (folder / "effect.toml").read_bytes() == before


def test_a_zip_is_the_same_bytes_every_time(package: Build, tmp_path: Path) -> None:
    folder = package()
    first = zip_package(folder, tmp_path / "a.zip").read_bytes()
    for path in folder.iterdir():
        os.utime(path, (time.time() + 5000, time.time() + 5000))
    again = tmp_path / "b"
    shutil.copytree(folder, again)
    assert zip_package(again, tmp_path / "b.zip").read_bytes() == first
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.namelist()[-1] == "ghost/preview.webp"
        assert archive.testzip() is None


def test_a_zip_does_not_become_a_file_of_its_own_package(
    package: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(package())
    with pytest.raises(UsageError, match="write the zip elsewhere"):
        zip_package(Path(), "ghost.zip")
    assert load_effect("./").name == "ghost"


def test_a_zip_does_not_replace_another_kind_of_file(package: Build, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"a video")
    with pytest.raises(UsageError, match=r"clip\.mp4: a zipped package must end in \.zip"):
        zip_package(package(), clip)
    assert clip.read_bytes() == b"a video"


def test_a_failed_zip_leaves_the_old_one(package: Build, tmp_path: Path) -> None:
    folder = package()
    target = tmp_path / "out" / "ghost.zip"
    with pytest.raises(PackageError, match=r"cannot write .*ghost\.zip: No such file"):
        zip_package(folder, target)
    target.parent.mkdir()
    zip_package(folder, target)
    good = target.read_bytes()
    (folder / "CARD.md").write_text("changed")
    with pytest.raises(PackageError, match="has SHA-256"):
        zip_package(folder, target)
    assert target.read_bytes() == good
    assert os.listdir(target.parent) == ["ghost.zip"]
