"""What to type to have something installed: with the Python that runs, for another's ``pip`` is of no use."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""Where effectcam's sources lie, if it runs from them."""


MEDIAPIPE = "0.10.21"
"""The last release whose Python package can build a ``CalculatorGraph``."""
LITERT = "2.3"
"""Between its minor releases the options of a compiled model have moved."""
OPENCV = "4.11.0.86"
"""What MediaPipe was tested with."""


def pip(arguments: str) -> str:
    """A ``pip`` command line for this environment; ``arguments`` as a shell wants them, what has brackets or
    signs in double quotes, which all shells know."""
    return f"{quoted(sys.executable)} -m pip {arguments}"


def quoted(word: str | Path) -> str:
    """``word`` for the shell of this system."""
    return subprocess.list2cmdline([str(word)]) if sys.platform == "win32" else shlex.quote(str(word))


def install_extra(extra: str, *, root: Path = ROOT) -> str:
    """How to install effectcam with one of its extras: ``distill``, ``midi``, ``credentials``, ``diffusion``.

    In a checkout from there, since nobody else need have it; ``root`` is the one that is looked into.
    """
    if not _is_checkout(root):
        return pip(f'install "effectcam[{extra}]"')
    if extra == "distill" and Path(sys.prefix) == root / ".venv":
        return f"make -C {quoted(root)} install-distill"
    return pip(f'install -e "{root}[{extra}]"')


def restore(path: Path, *, root: Path = ROOT) -> str:
    """How to get back a file or folder that came with effectcam."""
    if _is_checkout(root) and path.is_relative_to(root):
        return f"git -C {quoted(root)} checkout -- {quoted(path.relative_to(root))}"
    return "install effectcam again, as it was installed"


def _is_checkout(root: Path) -> bool:
    return (root / "pyproject.toml").is_file()
