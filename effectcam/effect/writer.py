"""Making packages: hashes, ``effect.toml`` and zips that are the same bytes every time."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import IO

from effectcam.effect.archive import MANIFEST, Archive, FolderArchive
from effectcam.effect.manifest import Manifest, files_text, parse_manifest, toml_text
from effectcam.effect.package import Effect, check_files, read_manifest, read_package
from effectcam.errors import PackageError, UsageError

_FILES_SECTION = re.compile(
    r"^\[files\][^\n]*\n(?:(?!\[)[^\n]*(?:\n|\Z))*?(?=(?:[ \t]*(?:#[^\n]*)?\n)*(?:\[|\Z))", re.MULTILINE
)
"""With what is in it, but for the remarks right before the next section, which belong to that."""


def pack(folder: str | Path) -> Effect:
    """Bring ``[files]`` of the ``effect.toml`` in ``folder`` up to date and check the package.

    All else in ``effect.toml``, comments too, stays as the author wrote it. Raises PackageError, and
    leaves the file as it was, when the package would not load.
    """
    path = Path(folder)
    archive = FolderArchive(path)
    text = read_manifest(archive)
    manifest = _with_hashes(parse_manifest(text, origin=archive.label, with_files=False), archive)
    text = _FILES_SECTION.sub("", text.replace("\r\n", "\n")).rstrip("\n") + "\n" + files_text(manifest.files)
    return _write(path, archive, manifest, text)


def write_package(folder: str | Path, manifest: Manifest) -> Effect:
    """Write ``effect.toml`` for the models, preview and card that lie in ``folder``.

    ``manifest.files`` is ignored: the hashes are those of the files found. Raises PackageError, and
    writes nothing, when the package would not load.
    """
    path = Path(folder)
    archive = FolderArchive(path, draft=True)
    manifest = _with_hashes(manifest, archive)
    return _write(path, archive, manifest, toml_text(manifest))


def zip_package(folder: str | Path, target: str | Path) -> Path:
    """Check the package in ``folder`` and zip it, in a folder of its name, to ``target``.

    The same files give the same bytes: sorted, dated 1980, and stored, not deflated, because the
    bytes of deflate differ between zlib versions and weights hardly shrink. Raises UsageError for a
    ``target`` in the package itself, which would not load with it, and for one that does not end in .zip.
    """
    target = Path(target)
    if target.suffix.lower() != ".zip":
        raise UsageError(f"{target}: a zipped package must end in .zip")
    effect = read_package(Path(folder))
    if target.resolve().parent == effect.path.resolve():
        raise UsageError(f"{target} would be a file of the package itself; write the zip elsewhere (--out)")
    archive = FolderArchive(effect.path)
    with _replacing(target) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as packed:
        for name in sorted(archive.sizes):
            entry = zipfile.ZipInfo(f"{effect.name}/{name}")
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            packed.writestr(entry, archive.read(name))
    return target


def _with_hashes(manifest: Manifest, archive: Archive) -> Manifest:
    files: Mapping[str, str] = {
        name: hashlib.sha256(archive.read(name)).hexdigest()
        for name in sorted(archive.sizes)
        if name != MANIFEST
    }
    return dataclasses.replace(manifest, files=MappingProxyType(files))


def _write(path: Path, archive: Archive, manifest: Manifest, text: str) -> Effect:
    # What was written is what will be read: a manifest made in code meets the same rules as a file.
    if parse_manifest(text, origin=archive.label) != manifest:
        raise PackageError(
            f"cannot write {archive.label}/{MANIFEST} so that it reads back the same; write it by hand"
        )
    check_files(archive, manifest)
    with _replacing(path / MANIFEST) as file:
        file.write(text.encode("utf-8"))
    return read_package(path)


@contextmanager
def _replacing(target: Path) -> Iterator[IO[bytes]]:
    """A file that takes ``target``'s place when the block ends well, and vanishes when it does not."""
    try:
        handle, name = tempfile.mkstemp(prefix=".effectcam-", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
            os.chmod(name, 0o644)
            os.replace(name, target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise PackageError(
            f"cannot write {target}: {error.strerror or error}; check the path and space"
        ) from None
