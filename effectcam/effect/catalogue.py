"""Where effects are found and put: those that come with effectcam, then the user's own."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from effectcam.effect.archive import MANIFEST, open_archive
from effectcam.effect.manifest import NAME
from effectcam.effect.package import Effect, read_package
from effectcam.errors import PackageError, UsageError, nearest
from effectcam.folders import data_folder

FOLDER_VARIABLE = "EFFECTCAM_EFFECTS"
"""Environment variable that moves the user's folder."""

_PACKAGE = Path(__file__).resolve().parent.parent


def bundled_folder() -> Path:
    """The effects that came with effectcam: inside the installed package, or ``models/`` of the source
    checkout it runs from. May be missing when the installation is broken."""
    checkout = _PACKAGE.parent
    if not (_PACKAGE / "models").is_dir() and (checkout / "pyproject.toml").is_file():
        return checkout / "models"
    return _PACKAGE / "models"


def user_folder() -> Path:
    """Where `install` puts effects, created when needed: ``$EFFECTCAM_EFFECTS`` when set, else the
    system's usual place for an application's data."""
    override = os.environ.get(FOLDER_VARIABLE)
    if override:
        return Path(override).expanduser()
    return data_folder() / "effects"


def catalogue() -> dict[str, Path]:
    """Every effect's folder by name, bundled ones first, each group sorted.

    Only looks for ``effect.toml``; `load_effect` tells whether a package is sound. A bundled effect
    hides one of the user's with the same name, so a stranger's package cannot stand in for it.
    """
    found: dict[str, Path] = {}
    for folder in (bundled_folder(), user_folder()):
        try:
            candidates = sorted(folder.iterdir())
        except OSError:
            continue
        for candidate in candidates:
            if NAME.fullmatch(candidate.name) and _holds_effect(candidate):
                found.setdefault(candidate.name, candidate)
    return found


def _holds_effect(folder: Path) -> bool:
    try:
        return (folder / MANIFEST).is_file()
    except OSError:
        # Somebody else's: pathlib passes that on.
        return False


def find_effect(name: str) -> Path:
    """The folder of the effect called ``name``. UsageError, with the nearest name, when there is none."""
    found = catalogue()
    if name in found:
        return found[name]
    folder = f"; for the folder beside you say ./{name}" if Path(name).exists() else ""
    raise UsageError(f"no effect {name!r}; {nearest(name, found)}{folder}")


def install(path: str | Path, *, replace: bool = False) -> Effect:
    """Check the package at ``path`` (folder or zip) and copy it into the user's folder.

    It appears there whole or not at all. Raises PackageError when it is unsound or the folder cannot
    be written, UsageError when the name is taken: by a bundled effect always, by an installed one
    unless ``replace``.
    """
    source = Path(path)
    effect = read_package(source)
    if (bundled_folder() / effect.name / MANIFEST).is_file():
        raise UsageError(f"{effect.name!r} is an effect that comes with effectcam; give yours another name")
    folder = user_folder()
    target = folder / effect.name
    if target.exists() and not replace:
        raise UsageError(
            f"{effect.name!r} is already installed at {target}; replace it (--replace) or rename yours"
        )

    try:
        folder.mkdir(parents=True, exist_ok=True)
        # A name that no catalogue shows, in the same file system, so that the last step is a rename.
        with tempfile.TemporaryDirectory(
            prefix=".install-", dir=folder, ignore_cleanup_errors=True
        ) as staging:
            staged = Path(staging) / effect.name
            staged.mkdir()
            archive = open_archive(source)
            for name in archive.sizes:
                (staged / name).write_bytes(archive.read(name))
            if read_package(staged).files != effect.files:
                raise PackageError(f"{source} changed while it was installed; try again")
            swap_in(staged, target, Path(staging) / "old")
    except OSError as error:
        raise PackageError(
            f"cannot install into {folder}: {error.strerror or error}; free space, or set "
            f"{FOLDER_VARIABLE} to a folder that you can write"
        ) from None
    return read_package(target)


def swap_in(staged: Path, target: Path, aside: Path) -> None:
    """Put the folder ``staged`` at ``target``; what was there goes ``aside``, and comes back if that fails.
    All three in one file system."""
    if not target.exists():
        os.rename(staged, target)
        return
    os.rename(target, aside)
    try:
        os.rename(staged, target)
    except OSError:
        os.rename(aside, target)
        raise


def uninstall(name: str) -> None:
    """Delete an installed effect. UsageError for a bundled or unknown one."""
    path = find_effect(name)
    if path.parent == bundled_folder():
        raise UsageError(f"{name!r} comes with effectcam and cannot be removed")
    try:
        if path.is_symlink():
            # An author's own folder, which stays where it is.
            path.unlink()
        else:
            shutil.rmtree(path)
    except OSError as error:
        raise PackageError(f"cannot delete {path}: {error.strerror}; check its permissions") from None
