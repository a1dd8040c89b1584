"""What to type to have something installed: with the Python that runs, for another's ``pip`` is of no use."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""Where effectcam's sources lie, if it runs from them."""


def pip(arguments: str) -> str:
    """A ``pip`` command line for this environment; ``arguments`` as a shell wants them."""
    return f"{shlex.quote(sys.executable)} -m pip {arguments}"


def install_extra(extra: str, *, root: Path = ROOT) -> str:
    """How to install effectcam with one of its extras: ``distill``, ``midi``, ``credentials``, ``diffusion``.

    In a checkout from there, since nobody else need have it; ``root`` is the one that is looked into.
    """
    if not _is_checkout(root):
        return pip(f"install 'effectcam[{extra}]'")
    if extra == "distill" and Path(sys.prefix) == root / ".venv":
        return f"make -C {shlex.quote(str(root))} install-distill"
    return pip(f"install -e {shlex.quote(f'{root}[{extra}]')}")


def restore(path: Path, *, root: Path = ROOT) -> str:
    """How to get back a file or folder that came with effectcam."""
    if _is_checkout(root) and path.is_relative_to(root):
        return f"git -C {shlex.quote(str(root))} checkout -- {shlex.quote(str(path.relative_to(root)))}"
    return "install effectcam again, as it was installed"


def _is_checkout(root: Path) -> bool:
    return (root / "pyproject.toml").is_file()
