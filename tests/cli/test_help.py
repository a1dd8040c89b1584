"""What help costs: no library is loaded for it."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import click
import pytest

from effectcam.cli.app import COMMANDS, effectcam
from effectcam.face.choice import choose_face
from effectcam.installing import install_extra
from tests.cli.conftest import Run

HEAVY = {"mediapipe", "cv2", "av", "numpy", "rich", "torch", "ai_edge_litert", "pyvirtualcam"}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["run", "--help"], ["replay", "--help"], ["effects", "--help"]]
)
def test_help_loads_no_library(arguments: list[str], environment: dict[str, str]) -> None:
    program = (
        "import sys; from effectcam.cli import main; "
        f"code = main({arguments!r}); print(code, *{{name.partition('.')[0] for name in sys.modules}})"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, encoding="utf-8", check=True
    )
    code, *modules = result.stdout.splitlines()[-1].split()
    assert code == "0"
    assert result.stdout.startswith("Usage: effectcam")
    assert "click" in modules
    assert not HEAVY & set(modules)


def test_importing_the_package_loads_no_library(environment: dict[str, str]) -> None:
    program = "import sys, effectcam; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, encoding="utf-8", check=True
    )
    assert not (HEAVY | {"click"}) & {name.partition(".")[0] for name in result.stdout.split()}


def test_help_tells_how_many_people_all_covers() -> None:
    command = effectcam.get_command(click.Context(effectcam), "run")
    assert command is not None
    faces = next(option for option in command.params if option.name == "faces")
    assert "all (up to four)" in getattr(faces, "help", "")
    assert choose_face("all")[1] == 4


@pytest.mark.skipif(
    not hasattr(os, "wait4"), reason="needs the CPU time of one child, which this system does not tell"
)
@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"]])
def test_help_takes_less_than_300_ms(arguments: list[str], environment: dict[str, str]) -> None:
    """CPU time, not the clock's: a busy machine stretches that as it likes."""
    times = []
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-m", "effectcam", *arguments], env=environment, stdout=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        times.append(usage.ru_utime + usage.ru_stime)
        if times[-1] < 0.3:
            return
        time.sleep(0.2)
    assert min(times) < 0.3


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "distill"])
def test_the_line_in_the_list_is_the_command_s_own(name: str) -> None:
    command = effectcam.get_command(click.Context(effectcam), name)
    assert command is not None
    assert command.name == name
    assert command.get_short_help_str(limit=200) == COMMANDS[name]


def test_no_argument_shows_help(cli: Run) -> None:
    result = cli()
    assert result.returncode == 2
    assert "Usage: effectcam" in result.stdout + result.stderr
    assert "effectcam demo" in result.stdout + result.stderr


def test_distill_without_torch_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from effectcam.cli import main

    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for helped in (["distill", "--help"], ["distill", "new", "--help"]):
        assert main(helped) == 0
        assert "Usage: effectcam distill" in capsys.readouterr().out
    assert main(["distill", "train"]) == 2
    assert capsys.readouterr().err == (
        f"effectcam: distill needs PyTorch, which is not installed; run: {install_extra('distill')}\n"
    )
