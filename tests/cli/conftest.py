from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from effectcam.effect.manifest import Manifest, Model, Provenance, Space, Tier
from effectcam.effect.writer import write_package
from tests.cli import forked

ROOT = Path(__file__).resolve().parents[2]
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
DATA = ROOT / "tests" / "data"

Run = Callable[..., subprocess.CompletedProcess[str]]


def write_effect(folder: Path, name: str, *, model: str = "negative", space: Space = "face") -> Path:
    """A sound package called ``name`` in ``folder``, around one of the small models of tests/data."""
    path = folder / name
    path.mkdir(parents=True)
    students = {}
    for place in space.split("+"):
        shutil.copy(DATA / f"{model}.tflite", path / f"{place}.tflite")
        students[place] = Model(f"{place}.tflite", (32, 32))
    (path / "CARD.md").write_text(f"# {name}\n", encoding="utf-8")
    manifest = Manifest(
        name=name,
        version="1.2.0",
        title=name.title(),
        description="For tests.",
        space=space,
        licence="MIT",
        tiers=MappingProxyType({"standard": Tier(**students)}),
        provenance=Provenance("arithmetic", "none", "2026-01-01"),
    )
    write_package(path, manifest)
    return path


STARTED: list[subprocess.Popen[Any]] = []
"""Runs in sessions of their own, which no Ctrl-C reaches."""


@pytest.fixture(autouse=True)
def nobody_is_left() -> Iterator[None]:
    """A test that fails leaves none of its runs at work: some never end by themselves."""
    yield
    while STARTED:
        process = STARTED.pop()
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="session")
def effects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The user's folder of effects: two for the face, one for the frame, one that answers NaN to black."""
    folder = tmp_path_factory.mktemp("effects")
    write_effect(folder, "negative-face")
    write_effect(folder, "plain-face", model="identity")
    write_effect(folder, "negative-frame", space="frame+face")
    write_effect(folder, "broken-student", model="nan_where_black", space="frame")
    return folder


@pytest.fixture(scope="session")
def environment(effects: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the command is run with: our effects, no screen, no measurements from before."""
    # Output that is not buffered needs no locks, which can be waited for in vain.
    left_out = ("DISPLAY", "EFFECTCAM_NATIVE_LOG", "PYTHONUNBUFFERED")
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    return kept | {
        "EFFECTCAM_EFFECTS": str(effects),
        "PYTHONPATH": str(ROOT),
        "XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache")),
        # Its list of fonts takes a minute to make.
        "MPLCONFIGDIR": os.environ.get("MPLCONFIGDIR") or str(_CACHE / "matplotlib"),
        "PYTHONIOENCODING": "utf-8",
        "OMP_NUM_THREADS": "1",
    }


@pytest.fixture(scope="session")
def cli(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs ``effectcam`` with the given arguments in a process of its own."""
    folder = tmp_path_factory.mktemp("cli")

    def run(*arguments: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
        # A process from nothing where the environment counts before there is an effectcam.
        if not more and forked.POSSIBLE:
            return forked.run([*map(str, arguments)], environment, folder)
        return subprocess.run(
            [sys.executable, "-m", "effectcam", *map(str, arguments)],
            env=environment | more,
            capture_output=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            timeout=600,
            check=False,
        )

    return run


def one_line(result: subprocess.CompletedProcess[str]) -> str:
    """The only line on standard error, which must be effectcam's own."""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("effectcam: ")
    return lines[0]


@pytest.fixture
def full_pipe() -> Iterator[tuple[int, int]]:
    """Both its ends; whoever writes to it stands still until somebody reads. For POSIX."""
    ends = os.pipe()
    os.set_blocking(ends[1], False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(ends[1], b"." * 4096)
    os.set_blocking(ends[1], True)
    yield ends
    for end in ends:
        os.close(end)
