"""An export takes the place of the package before it whole, or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="PyTorch comes with effectcam[distill]")

from effectcam.distill import package
from effectcam.distill.recipe import load_recipe
from effectcam.effect.catalogue import bundled_folder
from effectcam.effect.package import Effect, load_effect
from effectcam.effect.writer import pack
from effectcam.errors import PackageError, StudentError

_ZOMBIE = bundled_folder() / "zombie"
_MARBLE = bundled_folder() / "marble" / "face.tflite"


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A student that counts as trained; its export is another model than the published one."""
    (tmp_path / "work" / "face" / "run").mkdir(parents=True)
    (tmp_path / "work" / "face" / "run" / "student.pt").touch()

    def export(plan: object, space: str, tier: str, work: Path, place: Path) -> None:
        shutil.copy(_MARBLE, place / "face.tflite")

    def preview(effect: Effect, clip: Path, path: Path) -> None:
        path.write_bytes((bundled_folder() / "marble" / "preview.webp").read_bytes())

    monkeypatch.setattr(package, "_export", export)
    monkeypatch.setattr(package, "write_preview", preview)
    monkeypatch.setattr(package, "behave", lambda *_, **__: None)
    monkeypatch.setattr(package, "write_card", lambda *_, **__: "A new card.")
    return tmp_path / "work"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(_ZOMBIE, tmp_path / "zombie")
    return tmp_path / "zombie"


def _build(work: Path, folder: Path) -> Effect:
    return package.build(load_recipe("zombie"), work, folder, data="drawn", preview=Path("none.mp4"))


def _bytes(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.parametrize("stage", ["write_preview", "behave", "write_card", "swap_in"])
def test_a_failure_at_any_stage_leaves_the_package_as_it_was(
    work: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise StudentError("as it happens")

    before = _bytes(folder)
    monkeypatch.setattr(package, stage, fails)
    with pytest.raises(StudentError):
        _build(work, folder)
    assert _bytes(folder) == before
    load_effect(folder)
    assert {file.name for file in folder.parent.iterdir()} == {"work", "zombie"}


def test_the_new_package_has_what_is_its_own_and_what_the_author_added(work: Path, folder: Path) -> None:
    shutil.copy(_ZOMBIE / "face.tflite", folder / "face-high.tflite")
    (folder / "LICENCE.txt").write_text("Do as you like.")
    pack(folder)
    effect = _build(work, folder)
    assert effect == load_effect(folder)
    assert effect.path == folder.resolve()
    now = _bytes(folder)
    assert now.keys() == {"effect.toml", "face.tflite", "preview.webp", "CARD.md", "LICENCE.txt"}
    assert now["face.tflite"] == _MARBLE.read_bytes()
    assert now["CARD.md"] == b"A new card."
    assert now["LICENCE.txt"] == b"Do as you like."
    assert {file.name for file in folder.parent.iterdir()} == {"work", "zombie"}


def test_a_file_that_is_none_of_a_packages_is_told_before_anything_is_measured(
    work: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "notes.py").write_text("")
    before = _bytes(folder)
    monkeypatch.setattr(package, "_export", None)
    with pytest.raises(PackageError, match=r"zombie holds 'notes\.py'"):
        _build(work, folder)
    assert _bytes(folder) == before
