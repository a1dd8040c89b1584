"""Writes constraints.txt and constraints-distill.txt from a fresh resolve of pyproject.toml.

    .venv/bin/python scripts/lock.py

With Python 3.11, whose wheels are the older ones where the two differ: 3.12 takes those too. Resolves
everything together, so that the two files never disagree: what the default install and the
``dev`` extra need goes into the first, what ``distill`` adds into the second. Installs nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

_DEFAULT = """\
# What `make install` installs: the versions that effectcam was tested with, the dev extra included.
# Written by scripts/lock.py.
"""
_DISTILL = """\
# What `make install-distill` adds to constraints.txt. Written by scripts/lock.py.
# The libraries of torch's build for NVIDIA's GPUs have no line: each build asks for its own.
"""

_OF_THE_GPU = ("cuda-", "nvidia-", "triton")


def resolve(extras: str) -> dict[str, dict[str, Any]]:
    """The metadata of every package that pip would install, by normalised name, without effectcam's."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        options = ["--quiet", "--dry-run", "--ignore-installed", "--report", str(report)]
        install = [sys.executable, "-m", "pip", "install", *options, "--editable", f"{ROOT}[{extras}]"]
        subprocess.run(install, check=True)
        packages = [item["metadata"] for item in json.loads(report.read_bytes())["install"]]
    return {_normalised(package["name"]): package for package in packages if package["name"] != "effectcam"}


def _normalised(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _lines(packages: dict[str, dict[str, Any]]) -> str:
    # The label behind a plus names a build, such as torch's +cpu; other machines have another.
    wanted = (name for name in sorted(packages) if not name.startswith(_OF_THE_GPU))
    return "".join(f"{name}=={packages[name]['version'].split('+')[0]}\n" for name in wanted)


def main() -> None:
    if sys.version_info[:2] != (3, 11):
        sys.exit("lock.py: run it with Python 3.11; what 3.12 would choose need not be there for it")
    default, everything = resolve("dev"), resolve("dev,distill")
    first = {name: package for name, package in everything.items() if name in default}
    second = {name: package for name, package in everything.items() if name not in default}
    (ROOT / "constraints.txt").write_text(_DEFAULT + _lines(first), encoding="utf-8")
    (ROOT / "constraints-distill.txt").write_text(_DISTILL + _lines(second), encoding="utf-8")


if __name__ == "__main__":
    main()
