"""What becomes of errors and of the package's public names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

import effectcam
from effectcam.cli import app, main
from effectcam.errors import EffectcamError, SinkError, UsageError


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (UsageError("a\nb"), 2, "effectcam: a; b\n"),
        (SinkError("no \x1b[31mcolour"), 1, "effectcam: no \\x1b[31mcolour\n"),
        (OSError(28, "No space left on device", "/x/y"), 1,
         "effectcam: /x/y: No space left on device; free some space or choose another disk\n"),
        (MemoryError(), 1,
         "effectcam: the machine ran out of memory; close other programs or use smaller clips\n"),
        (KeyboardInterrupt(), 130, ""),
        (click.Abort(), 130, ""),
        (click.UsageError("odd"), 2, "effectcam: odd\n"),
    ],
)  # fmt: skip
def test_every_error_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    line: str,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(app.effectcam, "main", fail)
    before = os.dup(1)
    try:
        assert main(["devices"]) == code
    finally:
        os.dup2(before, 1)
        os.close(before)
    assert capsys.readouterr().err == line


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
def test_a_reader_that_goes_away_is_no_news(environment: dict[str, str]) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "effectcam", "effects", "list"]
    result = subprocess.run(command, env=environment, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (result.returncode, result.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_to_a_full_disk(environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "effectcam", "effects", "list", "--json"]
    with open("/dev/full", "wb") as full:
        result = subprocess.run(command, env=environment, stdout=full, stderr=subprocess.PIPE, check=False)
    assert result.returncode == 1
    assert result.stderr.decode() == (
        "effectcam: No space left on device; free some space or choose another disk\n"
    )


@pytest.mark.parametrize("name", effectcam.__all__)
def test_public_names_are_what_they_say(name: str) -> None:
    assert getattr(effectcam, name).__name__ == name
    assert name in dir(effectcam)


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(effectcam, "Kamera")
    assert issubclass(effectcam.UsageError, EffectcamError)
    assert isinstance(effectcam.__version__, str)
