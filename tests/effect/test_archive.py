from __future__ import annotations

import os
import stat
import sys
import zipfile
from pathlib import Path

import pytest

from effectcam.effect.archive import FolderArchive, ZipArchive, is_plain_name, open_archive
from effectcam.errors import PackageError


def write_zip(path: Path, entries: dict[str, bytes], *, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


ODD_NAMES = ". .. .hidden.md a/b.md a\\b.md /a.md C:a.md nul.md a.py a.so a ä.md -rf.md a.TFLITE"


@pytest.mark.parametrize("name", [*ODD_NAMES.split(), "", "a.md\n", "a b.md", "x" * 64 + ".md"])
def test_odd_names_are_not_plain(name: str) -> None:
    assert not is_plain_name(name)


def test_a_zip_may_hold_its_files_in_one_folder(tmp_path: Path) -> None:
    for folder in ("", "ghost/"):
        entries = {f"{folder}effect.toml": b"toml", f"{folder}CARD.md": b"card"}
        archive = open_archive(write_zip(tmp_path / "x.zip", entries))
        assert archive.sizes == {"effect.toml": 4, "CARD.md": 4}
        assert archive.read("CARD.md") == b"card"


def test_a_zip_with_an_entry_for_its_folder_is_fine(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"ghost/": b"", "ghost/effect.toml": b"toml"})
    assert ZipArchive(path).sizes == {"effect.toml": 4}


LITTER = (".DS_Store", "._effect.toml", "Thumbs.db", "desktop.ini")


def test_what_file_managers_leave_in_a_folder_is_passed_over(tmp_path: Path) -> None:
    for name in ("effect.toml", *LITTER):
        (tmp_path / name).write_bytes(b"toml")
    for index in range(31):
        (tmp_path / f"{index}.md").touch()
    assert FolderArchive(tmp_path).sizes.keys() == {"effect.toml", *(f"{index}.md" for index in range(31))}


@pytest.mark.parametrize("folder", ["", "ghost/"])
def test_a_zip_of_the_finders_is_read(tmp_path: Path, folder: str) -> None:
    names = ["effect.toml", *(f"{index}.md" for index in range(31))]
    entries = {"__MACOSX/": b"", **({folder: b"", f"__MACOSX/._{folder[:-1]}": b"x"} if folder else {})}
    entries |= {f"{folder}{name}": b"x" for name in LITTER}
    entries |= {f"__MACOSX/{folder}._{name}": b"x" for name in names}
    entries |= {f"{folder}{name}": b"toml" for name in names}
    archive = ZipArchive(write_zip(tmp_path / "x.zip", entries))
    assert archive.sizes == dict.fromkeys(names, 4)
    assert archive.read("effect.toml") == b"toml"
    with pytest.raises(PackageError, match="more than 32 files"):
        ZipArchive(write_zip(tmp_path / "y.zip", {f"{index}.md": b"" for index in range(40)}))


@pytest.mark.parametrize(
    "name",
    [
        "../evil.md",
        "/etc/evil.md",
        "ghost/../../evil.md",
        "..\\evil.md",
        "C:\\evil.md",
        "sub/evil.md",
        "run.py",
    ],
)
def test_a_zip_that_climbs_or_carries_code_is_refused(tmp_path: Path, name: str) -> None:
    path = write_zip(tmp_path / "x.zip", {"effect.toml": b"toml", name: b"evil"})
    with pytest.raises(PackageError, match=r"x\.zip: entry .* is not a file name for a package"):
        ZipArchive(path)
    assert not list(tmp_path.parent.rglob("evil.md"))


def test_a_climbing_common_folder_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"../effect.toml": b"toml", "../CARD.md": b"card"})
    with pytest.raises(PackageError, match="is not a file name for a package"):
        ZipArchive(path)


def test_a_bomb_is_refused_unread(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"effect.toml": b"toml", "face.tflite": b"\0" * 15_000_000})
    assert path.stat().st_size < 20_000
    with pytest.raises(PackageError, match=r"would grow from \d+ to 15000000 bytes, more than 100 times"):
        ZipArchive(path)


def test_a_zip_that_lies_about_its_sizes_gives_no_more_than_it_said(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"effect.toml": b"toml", "CARD.md": os.urandom(2000) * 40})
    raw = path.read_bytes()
    size = (80_000).to_bytes(4, "little")
    assert raw.count(size) == 2
    path.write_bytes(raw.replace(size, (3000).to_bytes(4, "little")))
    archive = ZipArchive(path)
    assert archive.sizes["CARD.md"] == 3000
    with pytest.raises(PackageError, match=r"CARD\.md"):
        archive.read("CARD.md")


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("effect.toml", "toml")
        link = zipfile.ZipInfo("CARD.md")
        link.create_system = 3
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(PackageError, match=r"entry 'CARD.md' is a link or a device"):
        ZipArchive(path)


def test_the_same_name_twice_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"effect.toml": b"toml", "CARD.md": b"one"})
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("CARD.md", b"two")
    with pytest.raises(PackageError, match=r"'CARD\.md' is there twice"):
        ZipArchive(path)
    with pytest.raises(PackageError, match="twice in different case"):
        ZipArchive(write_zip(tmp_path / "y.zip", {"effect.toml": b"", "CARD.md": b"", "card.md": b""}))


def test_the_entries_are_counted_before_the_directory_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = write_zip(tmp_path / "many.zip", {f"{index}.md": b"" for index in range(3000)})
    # The same, claiming one entry: the size of the directory gives it away.
    data = bytearray(many.read_bytes())
    data[-14:-10] = b"\1\0\1\0"
    lying = tmp_path / "lying.zip"
    lying.write_bytes(data)
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(PackageError, match="3000 entries"):
        ZipArchive(many)
    with pytest.raises(PackageError, match="entries; a package has 32"):
        ZipArchive(lying)


@pytest.mark.parametrize("comment", [b"", b"a remark", b"PK\5\6 a false end"])
def test_a_zip_with_a_remark_is_read(tmp_path: Path, comment: bytes) -> None:
    path = write_zip(tmp_path / "x.zip", {"effect.toml": b"toml"})
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = comment
    if comment.startswith(b"PK"):
        with pytest.raises(PackageError, match="not a zip"):
            ZipArchive(path)
    else:
        assert ZipArchive(path).read("effect.toml") == b"toml"


def test_too_many_entries_are_refused(tmp_path: Path) -> None:
    entries = {"effect.toml": b"toml"} | {f"{index}.md": b"" for index in range(100)}
    with pytest.raises(PackageError, match="101 entries; a package has 32 files at most"):
        ZipArchive(write_zip(tmp_path / "x.zip", entries))


def test_unusual_compression_and_encryption_are_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"effect.toml": b"toml"}, compression=zipfile.ZIP_LZMA)
    with pytest.raises(PackageError, match="compression method 14; use deflate or none"):
        ZipArchive(path)
    path = write_zip(tmp_path / "y.zip", {"effect.toml": b"toml"})
    raw = bytearray(path.read_bytes())
    raw[6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)
    with pytest.raises(PackageError, match="is encrypted"):
        ZipArchive(path)


@pytest.mark.parametrize("keep", [0, 1, 40, -30])
def test_a_cut_zip_is_told(tmp_path: Path, keep: int) -> None:
    path = write_zip(tmp_path / "x.zip", {"effect.toml": b"toml" * 50})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(PackageError, match=r"x\.zip is not a zip or is cut short; download it again"):
        ZipArchive(path)


def test_damaged_content_is_told_when_read(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"effect.toml": os.urandom(500)})
    raw = bytearray(path.read_bytes())
    raw[200] ^= 0xFF
    path.write_bytes(raw)
    with pytest.raises(PackageError, match=r"cannot read effect\.toml in x\.zip: it is damaged"):
        ZipArchive(path).read("effect.toml")


def test_a_huge_zip_is_refused_before_its_directory_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    with pytest.raises(PackageError, match="more than 40 MB"):
        ZipArchive(path)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_a_link_in_a_folder_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret.md"
    secret.write_text("secret")
    folder = tmp_path / "ghost"
    folder.mkdir()
    (folder / "effect.toml").write_text("toml")
    (folder / "CARD.md").symlink_to(secret)
    with pytest.raises(PackageError, match=r"ghost/CARD\.md is a link; put the file itself there"):
        FolderArchive(folder)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_a_file_swapped_for_a_link_after_the_listing_is_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.md"
    secret.write_text("secret")
    folder = tmp_path / "ghost"
    folder.mkdir()
    (folder / "effect.toml").write_text("toml")
    (folder / "CARD.md").write_text("public")
    archive = FolderArchive(folder)
    (folder / "CARD.md").unlink()
    (folder / "CARD.md").symlink_to(secret)
    with pytest.raises(PackageError, match=r"cannot read ghost/CARD\.md"):
        archive.read("CARD.md")


def test_folders_and_other_files_in_a_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "effect.toml").write_text("toml")
    (tmp_path / "run.py").write_text("print()")
    with pytest.raises(PackageError, match=r"holds 'run\.py', which is no file of a package; remove it"):
        FolderArchive(tmp_path)
    (tmp_path / "run.py").unlink()
    (tmp_path / "sub").mkdir()
    with pytest.raises(PackageError, match="/sub is not a plain file; a package has no folders"):
        FolderArchive(tmp_path)


@pytest.mark.parametrize(("name", "size"), [("face.tflite", 20_000_001), ("effect.toml", 64_001)])
def test_a_file_beyond_its_bound_is_refused(tmp_path: Path, name: str, size: int) -> None:
    (tmp_path / "effect.toml").write_text("toml")
    with (tmp_path / name).open("wb") as file:
        file.truncate(size)
    with pytest.raises(
        PackageError, match=rf"/{name} has {size} bytes; such a file may have {size - 1} at most"
    ):
        FolderArchive(tmp_path)


def test_the_whole_package_is_bounded_too(tmp_path: Path) -> None:
    (tmp_path / "effect.toml").write_text("toml")
    for name in ("a.tflite", "b.tflite", "c.tflite"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(15_000_000)
    with pytest.raises(PackageError, match="45000004 bytes in all; a package may have 40000000 at most"):
        FolderArchive(tmp_path)


def test_what_is_neither_folder_nor_zip_is_told(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"cannot open the effect .*none: No such file"):
        open_archive(tmp_path / "none")
    with pytest.raises(PackageError, match=r"has no effect\.toml; give the folder or zip of an effect"):
        open_archive(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(PackageError, match="pipe is neither a folder nor a zip"):
            open_archive(tmp_path / "pipe")
