from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from effectcam.effect import catalogue as module
from effectcam.effect import load_effect
from effectcam.effect.catalogue import bundled_folder, catalogue, find_effect, install, uninstall, user_folder
from effectcam.effect.writer import pack, zip_package
from effectcam.errors import PackageError, UsageError
from tests.effect.conftest import DATA, Build


@pytest.fixture
def bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands in for the effects that come with effectcam."""
    folder = tmp_path / "site-packages" / "effectcam" / "models"
    folder.mkdir(parents=True)
    monkeypatch.setattr(module, "_PACKAGE", folder.parent)
    return folder


def test_somebody_else_s_folder_hides_no_other(
    package: Build, home: Path, bundled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(package())
    (home / "a-private").mkdir()
    is_file = Path.is_file

    def refuse(self: Path) -> bool:
        # Root may look everywhere, so a folder of mode 700 would show nothing here.
        if self.parent.name == "a-private":
            raise PermissionError(13, "Permission denied", str(self))
        return is_file(self)

    monkeypatch.setattr(Path, "is_file", refuse)
    assert list(catalogue()) == ["ghost"]


def entries(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_install_from_folder_and_zip_then_load_by_name(package: Build, home: Path, tmp_path: Path) -> None:
    source = package()
    installed = install(source)
    assert installed.path == home / "ghost"
    assert load_effect("ghost") == installed
    assert find_effect("ghost") == home / "ghost"
    shutil.rmtree(home)
    install(str(zip_package(source, tmp_path / "x.zip")))
    assert load_effect("ghost").read("face.tflite") == (DATA / "negative.tflite").read_bytes()
    assert entries(home) == ["ghost"], "no staging folder is left"


def test_an_installed_effect_is_replaced_only_on_request(package: Build, home: Path) -> None:
    source = package()
    install(source)
    shutil.copy(DATA / "identity.tflite", source / "face.tflite")
    pack(source)
    with pytest.raises(
        UsageError, match=r"'ghost' is already installed at .*; replace it \(--replace\) or rename yours"
    ):
        install(source)
    assert load_effect("ghost").read("face.tflite") == (DATA / "negative.tflite").read_bytes()
    install(source, replace=True)
    assert load_effect("ghost").read("face.tflite") == (DATA / "identity.tflite").read_bytes()
    assert entries(home) == ["ghost"]


def test_an_unsound_package_leaves_nothing_behind(package: Build, home: Path) -> None:
    source = package()
    install(source)
    (source / "CARD.md").write_text("changed")
    with pytest.raises(PackageError, match="has SHA-256"):
        install(source, replace=True)
    assert load_effect("ghost").card() == "# Ghost\n"
    assert entries(home) == ["ghost"]


def test_a_failing_last_step_brings_the_old_effect_back(
    package: Build, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = package()
    install(source)
    real, target = os.rename, home / "ghost"

    def full(old: Path, new: Path) -> None:
        if new == target and "old" not in Path(old).name:
            raise OSError(28, "No space left on device")
        real(old, new)

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(
        PackageError, match=r"cannot install into .*: No space left on device; free space, or set"
    ):
        install(source, replace=True)
    assert load_effect("ghost").name == "ghost"
    assert entries(home) == ["ghost"]


def test_a_folder_that_cannot_be_made_is_told(
    package: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("EFFECTCAM_EFFECTS", str(tmp_path / "file" / "effects"))
    with pytest.raises(PackageError, match=r"cannot install into .*EFFECTCAM_EFFECTS to a folder"):
        install(package())


def test_bundled_effects_come_first_and_cannot_be_hidden(package: Build, home: Path, bundled: Path) -> None:
    source = package()
    shutil.copytree(source, bundled / "ghost")
    with pytest.raises(UsageError, match="'ghost' is an effect that comes with effectcam"):
        install(source, replace=True)
    home.mkdir(parents=True)
    shutil.copytree(source, home / "ghost")
    shutil.copytree(source, home / "alien")
    assert catalogue() == {"ghost": bundled / "ghost", "alien": home / "alien"}
    assert list(catalogue()) == ["ghost", "alien"]
    with pytest.raises(UsageError, match="comes with effectcam and cannot be removed"):
        uninstall("ghost")
    uninstall("alien")
    assert list(catalogue()) == ["ghost"]


def test_only_folders_that_hold_an_effect_are_listed(home: Path, bundled: Path) -> None:
    assert catalogue() == {}
    (home / "empty").mkdir(parents=True)
    (home / "Upper").mkdir()
    (home / "Upper" / "effect.toml").touch()
    (home / ".install-x").mkdir()
    (home / "note.txt").touch()
    assert catalogue() == {}


def test_a_linked_folder_of_an_author_outlives_its_removal(package: Build, home: Path, bundled: Path) -> None:
    source = package()
    home.mkdir(parents=True, exist_ok=True)
    (home / "ghost").symlink_to(source)
    uninstall("ghost")
    assert entries(home) == [] and load_effect(source).name == "ghost"


def test_an_unknown_name_suggests_the_nearest(package: Build, home: Path, bundled: Path) -> None:
    with pytest.raises(UsageError, match="no effect 'gost'; known: none"):
        find_effect("gost")
    install(package())
    with pytest.raises(UsageError, match=r"no effect 'gost'; did you mean 'ghost'\?$"):
        load_effect("gost")
    with pytest.raises(UsageError, match="no effect ''"):
        load_effect("")


def test_the_bundled_folder_is_the_checkouts_or_the_wheels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "effectcam"
    package.mkdir()
    monkeypatch.setattr(module, "_PACKAGE", package)
    (tmp_path / "models").mkdir()
    assert bundled_folder() == package / "models", "models/ beside an installed package is somebody else's"
    (tmp_path / "pyproject.toml").touch()
    assert bundled_folder() == tmp_path / "models"
    (package / "models").mkdir()
    assert bundled_folder() == package / "models"


@pytest.mark.parametrize(
    ("platform", "variable", "place"),
    [
        ("linux", "XDG_DATA_HOME", "base/effectcam/effects"),
        ("linux", None, "home/.local/share/effectcam/effects"),
        ("win32", "LOCALAPPDATA", "base/effectcam/effects"),
        ("win32", None, "home/AppData/Local/effectcam/effects"),
        ("darwin", "XDG_DATA_HOME", "home/Library/Application Support/effectcam/effects"),
    ],
)
def test_the_users_folder_is_where_the_system_keeps_such_things(
    platform: str, variable: str | None, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("EFFECTCAM_EFFECTS", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("effectcam.folders.sys.platform", platform)
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    if variable:
        monkeypatch.setenv(variable, str(tmp_path / "base"))
    assert user_folder() == tmp_path / place
