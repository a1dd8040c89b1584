"""What is installed is what was written: the wheel's content, and the lock beside the pins."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from effectcam.effect.catalogue import FOLDER_VARIABLE

ROOT = Path(__file__).resolve().parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    pytest.importorskip("hatchling", reason="building the wheel needs hatchling, of the dev extra")
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as opened:
        yield opened


def files_below(folder: str) -> set[str]:
    """Files of the checkout that are worth installing, as paths below the repository's root."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / folder).rglob("*")
        if path.is_file()
        and not any(part.startswith((".", "__pycache__")) for part in path.relative_to(ROOT).parts)
    }


def test_the_wheel_holds_the_package_and_the_effects_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    holds = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert holds == files_below("effectcam") | {f"effectcam/{name}" for name in files_below("models")}


@pytest.mark.parametrize("pattern", ["*.pbtxt", "*.npz", "*.toml", "*.webp", "media/demo.mp4"])
def test_data_travels_in_the_wheel(wheel: zipfile.ZipFile, pattern: str) -> None:
    written = {path.relative_to(ROOT).as_posix() for path in (ROOT / "effectcam").rglob(pattern)}
    assert written, f"the checkout has no effectcam/**/{pattern}"
    assert written <= set(wheel.namelist())


def test_an_unpacked_wheel_finds_its_own_effects(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    installed, empty = tmp_path / "site-packages", tmp_path / "empty"
    wheel.extractall(installed)
    empty.mkdir()
    program = (
        "import json, sys; sys.path.insert(0, sys.argv[1])\n"
        "from effectcam.effect.catalogue import bundled_folder, catalogue\n"
        "print(json.dumps([str(bundled_folder()), sorted(catalogue())]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(installed)],
        cwd=empty,
        env={**os.environ, FOLDER_VARIABLE: str(empty), "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    folder, names = json.loads(done.stdout)
    assert Path(folder) == installed.resolve() / "effectcam" / "models"
    assert names == sorted(path.parent.name for path in (ROOT / "models").glob("*/effect.toml"))
    assert names


def test_the_wheel_says_what_it_needs_and_what_it_runs(wheel: zipfile.ZipFile) -> None:
    said = metadata(wheel)
    assert said["License-Expression"] == "MIT"
    assert said["Requires-Python"] == "<3.13,>=3.11"
    assert any(line.startswith("mediapipe==0.10.21") for line in said.get_all("Requires-Dist", []))
    (entry_points,) = (name for name in wheel.namelist() if name.endswith("/entry_points.txt"))
    assert "effectcam = effectcam.cli:main" in wheel.read(entry_points).decode()
    assert any(name.endswith("/LICENSE") for name in wheel.namelist())


def metadata(wheel: zipfile.ZipFile) -> Message:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return Parser().parsestr(wheel.read(name).decode())


def locked(*files: str) -> dict[str, str]:
    """Version by package name."""
    lines = [line for file in files for line in (ROOT / file).read_text(encoding="utf-8").splitlines()]
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pins}


def test_the_lock_gives_every_package_one_version() -> None:
    default, added = locked("constraints.txt"), locked("constraints-distill.txt")
    assert not default.keys() & added.keys()
    for version in (default | added).values():
        # A build label such as +cpu exists on one machine only.
        assert "+" not in version


@pytest.mark.parametrize("extra", ["", "credentials", "midi", "dev", "distill"])
def test_the_lock_keeps_to_the_pins(extra: str) -> None:
    versions = locked("constraints.txt", *(["constraints-distill.txt"] if extra == "distill" else []))
    lines = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    linux = {"sys_platform": "linux", "platform_machine": "x86_64"}
    wanted = [requirement for line in lines if applies(requirement := Requirement(line), linux)]
    assert wanted
    for requirement in wanted:
        if requirement.name == "effectcam":  # other extras, which have their own turn
            continue
        version = versions[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{requirement} is locked at {version}"


@pytest.mark.parametrize(
    ("system", "machine", "runtime"),
    [
        ("linux", "x86_64", "ai-edge-litert>=2.3"),
        ("linux", "aarch64", "ai-edge-litert>=2.3"),
        ("darwin", "arm64", "ai-edge-litert>=2.3"),
        ("win32", "AMD64", "ai-edge-litert>=2.3"),
        ("darwin", "x86_64", "ai-edge-litert==1.0.1"),
        ("linux", "armv7l", "tflite-runtime"),
    ],
)
def test_every_machine_gets_exactly_one_runtime(system: str, machine: str, runtime: str) -> None:
    where = {"sys_platform": system, "platform_machine": machine}
    names = [
        line
        for line in PROJECT["dependencies"]
        if line.startswith(("ai-edge-litert", "tflite-runtime")) and applies(Requirement(line), where)
    ]
    assert len(names) == 1
    assert names[0].startswith(runtime)


def applies(requirement: Requirement, where: dict[str, str]) -> bool:
    return requirement.marker is None or requirement.marker.evaluate(where)
