"""The bytes of a package, in a folder or in a zip, with every size bounded before it is read.

A package is flat: plain files side by side, no folder, no link. So there is no path to climb along,
and a zip is read in memory, never unpacked to be looked at.
"""

from __future__ import annotations

import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from effectcam.errors import PackageError

MANIFEST = "effect.toml"

MOST_FILES = 32
_MOST_ENTRIES = 2 * MOST_FILES + 8
"""Of a zip: the Finder adds an entry to each of the files, and file managers a few more, see `is_litter`."""
_MB = 1_000_000
LARGEST = {".toml": 64_000, ".tflite": 20 * _MB, ".webp": 4 * _MB, ".png": 4 * _MB, ".jpg": 4 * _MB}
LARGEST |= {".md": 256_000, ".txt": 256_000}
"""Bytes that a file may have, by suffix. There is no suffix for code."""
LARGEST_PACKAGE = 40 * _MB
_STEEPEST = 100
"""Unpacked over packed size. Weights and pictures hardly shrink; only a bomb gets near deflate's 1000."""

_END_MARK = b"PK\5\6"
_END = struct.Struct("<10sHI6x")
"""The record at a zip's end: entries and size of its directory."""
_LONGEST_END = _END.size + 65_535
_LONGEST_ENTRY = 2048
"""Bytes that a plain file's entry in the directory may take, remarks of file managers included."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
FILE_RULE = "up to 63 of A-Z, a-z, 0-9, '.', '_', '-', ending in " + ", ".join(LARGEST)


def is_plain_name(name: str) -> bool:
    """Whether a package may hold a file of this name: no folder, no odd sign, a known suffix.

    >>> is_plain_name("face.tflite"), is_plain_name("../face.tflite"), is_plain_name("run.py")
    (True, False, False)
    """
    return bool(_NAME.fullmatch(name)) and not _DEVICE.fullmatch(name) and Path(name).suffix in LARGEST


_LITTER = re.compile(r"\.ds_store|\._.*|thumbs\.db|desktop\.ini", re.IGNORECASE | re.DOTALL)


def is_litter(path: str) -> bool:
    """Whether file managers leave this in a folder or zip without being asked. It is passed over: never
    read, hashed or copied.

    >>> is_litter(".DS_Store"), is_litter("__MACOSX/ghost/._effect.toml"), is_litter("ghost/effect.toml")
    (True, True, False)
    """
    return path.startswith("__MACOSX/") or bool(_LITTER.fullmatch(path.rpartition("/")[2]))


class Archive(Protocol):
    """A package that has been looked at but not read. Sizes and names are known to be in bounds."""

    @property
    def label(self) -> str:
        """Short name of the package for messages."""
        ...

    @property
    def sizes(self) -> Mapping[str, int]:
        """Bytes of every file, by name."""
        ...

    def read(self, name: str) -> bytes:
        """The whole file. PackageError when it cannot be read or has grown beyond its size."""
        ...


def open_archive(path: Path) -> Archive:
    """The package at ``path``, a folder or a zip. PackageError when it is neither, or unsafe."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise PackageError(f"cannot open the effect {path}: {reason}; check the path") from None
    if stat.S_ISDIR(mode):
        return FolderArchive(path)
    if stat.S_ISREG(mode):
        return ZipArchive(path)
    raise PackageError(f"{path} is neither a folder nor a zip; give the path of an effect package")


class FolderArchive:
    """Plain files in one folder. ``draft`` True lets it be without ``effect.toml``."""

    def __init__(self, path: Path, *, draft: bool = False) -> None:
        self._path = path
        self.label = path.resolve().name or str(path)
        self.sizes: dict[str, int] = {}
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    if not is_litter(entry.name):
                        self._add(entry)
        except OSError as error:
            raise PackageError(f"cannot list {path}: {error.strerror}; check the path") from None
        _check_total(self.label, self.sizes, draft=draft)

    def _add(self, entry: os.DirEntry[str]) -> None:
        if entry.is_symlink():
            raise PackageError(f"{self.label}/{entry.name} is a link; put the file itself there")
        if not entry.is_file(follow_symlinks=False):
            raise PackageError(f"{self.label}/{entry.name} is not a plain file; a package has no folders")
        _add_size(self.label, self.sizes, entry.name, entry.stat(follow_symlinks=False).st_size)

    def read(self, name: str) -> bytes:
        path = self._path / name
        try:
            # Not following links closes the gap between the listing and the reading.
            handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
            with open(handle, "rb") as file:
                data = file.read(self.sizes[name] + 1)
        except OSError as error:
            raise PackageError(f"cannot read {self.label}/{name}: {error.strerror}; check the file") from None
        return _of_size(self.label, name, data, self.sizes[name])


class ZipArchive:
    """A zip with the package's files at its root or all in one folder, as file managers make it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.label = path.name
        self.sizes: dict[str, int] = {}
        self._entries: dict[str, str] = {}
        # The directory of a zip is read whole, so the zip itself is bounded first.
        if path.stat().st_size > LARGEST_PACKAGE + _MB:
            raise PackageError(
                f"{self.label} has more than {LARGEST_PACKAGE // _MB} MB; no effect needs that"
            )
        try:
            # Reading the directory of a zip costs time and memory for every entry, so that these are
            # counted first.
            count = entry_count(path)
            entries = _entries(path) if count <= _MOST_ENTRIES else None
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, zlib.error):
            raise PackageError(f"{self.label} is not a zip or is cut short; download it again") from None
        if entries is None:
            raise PackageError(f"{self.label} has {count} entries; a package has {MOST_FILES} files at most")
        entries = [entry for entry in entries if not is_litter(entry.filename)]
        folder = self._common_folder(entries)
        for entry in entries:
            if folder and entry.filename == folder:
                continue
            self._add(entry, folder)
        _check_total(self.label, self.sizes, draft=False)

    def _common_folder(self, entries: list[zipfile.ZipInfo]) -> str:
        """``"toon/"`` when every entry lies in it, else nothing. Only a plain name counts."""
        first = entries[0].filename.split("/")[0] if entries else ""
        folder = first + "/"
        plain = bool(_NAME.fullmatch(first))
        return folder if plain and all(entry.filename.startswith(folder) for entry in entries) else ""

    def _add(self, entry: zipfile.ZipInfo, folder: str) -> None:
        where = f"{self.label}: entry {entry.filename!r}"
        name = entry.filename.removeprefix(folder)
        if not is_plain_name(name):
            raise PackageError(f"{where} is not a file name for a package; {FILE_RULE}")
        mode = entry.external_attr >> 16
        if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            raise PackageError(f"{where} is a link or a device; zip the file itself")
        if entry.flag_bits & 1:
            raise PackageError(f"{where} is encrypted; zip it without a password")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise PackageError(f"{where} has compression method {entry.compress_type}; use deflate or none")
        if entry.file_size > _STEEPEST * max(entry.compress_size, 1):
            raise PackageError(
                f"{where} would grow from {entry.compress_size} to {entry.file_size} bytes, "
                f"more than {_STEEPEST} times; do not trust this zip"
            )
        if name in self.sizes:
            raise PackageError(f"{where} is there twice; zip the folder again")
        _add_size(self.label, self.sizes, name, entry.file_size)
        self._entries[name] = entry.filename

    def read(self, name: str) -> bytes:
        try:
            with zipfile.ZipFile(self._path) as archive, archive.open(self._entries[name]) as file:
                data = file.read(self.sizes[name] + 1)
        except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, EOFError, KeyError, zlib.error):
            raise PackageError(
                f"cannot read {name} in {self.label}: it is damaged; download it again"
            ) from None
        return _of_size(self.label, name, data, self.sizes[name])


def _entries(path: Path) -> list[zipfile.ZipInfo]:
    with zipfile.ZipFile(path) as archive:
        return archive.infolist()


def entry_count(path: Path) -> int:
    """Entries of a zip, from the record at its end (APPNOTE 4.3.16), found as zipfile finds it.

    A directory larger than so many entries need counts as one of as many as would fit into it. Raises
    BadZipFile without that record, or with the 64-bit one, which no package is large enough to need.
    """
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _LONGEST_END))
        tail = file.read(_LONGEST_END)
    at = len(tail) - _END.size
    if not (tail[at : at + 4] == _END_MARK and tail.endswith(b"\0\0")):
        at = tail.rfind(_END_MARK)
    if at < 0 or len(tail) - at < _END.size or tail[max(0, at - 20) : at].startswith(b"PK\6\7"):
        raise zipfile.BadZipFile
    _, count, size = _END.unpack_from(tail, at)
    return max(int(count), int(size) // _LONGEST_ENTRY)


def _add_size(label: str, sizes: dict[str, int], name: str, size: int) -> None:
    """Note a file's size, once its name and size are in bounds."""
    if not is_plain_name(name):
        raise PackageError(f"{label} holds {name!r}, which is no file of a package; remove it ({FILE_RULE})")
    if name.lower() in (known.lower() for known in sizes):
        raise PackageError(f"{label} holds {name!r} twice in different case; rename one")
    most = LARGEST[Path(name).suffix]
    if size > most:
        raise PackageError(f"{label}/{name} has {size} bytes; such a file may have {most} at most")
    sizes[name] = size
    if len(sizes) > MOST_FILES:
        raise PackageError(
            f"{label} holds more than {MOST_FILES} files; remove what the effect does not need"
        )


def _check_total(label: str, sizes: Mapping[str, int], *, draft: bool) -> None:
    total = sum(sizes.values())
    if total > LARGEST_PACKAGE:
        raise PackageError(f"{label} has {total} bytes in all; a package may have {LARGEST_PACKAGE} at most")
    if MANIFEST not in sizes and not draft:
        raise PackageError(f"{label} has no {MANIFEST}; give the folder or zip of an effect")


def _of_size(label: str, name: str, data: bytes, size: int) -> bytes:
    if len(data) != size:
        raise PackageError(f"{label}/{name} is not the {size} bytes it should be; copy or download it again")
    return data
