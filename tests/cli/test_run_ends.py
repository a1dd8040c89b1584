"""``effectcam run`` that is ended while it is ending: signals that come twice, a terminal that goes away."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import media
from tests.cli import test_run
from tests.cli.conftest import STARTED, Run
from tests.cli.test_run import read_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="terminals and signals of POSIX")

SLOWLY = """
import fcntl, os, runpy, signal, sys, termios, time
from effectcam.sink.video_file import VideoFile
finish, seconds = VideoFile._finish, float(os.environ["FINISHING"])
def slowly(file):
    print("FINISHING", flush=True)
    time.sleep(seconds)
    finish(file)
VideoFile._finish = slowly
# Whoever tests under nohup or in the background has them ignored, and hands that down.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
if os.isatty(0):
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
runpy.run_module("effectcam", run_name="__main__")
"""
"""The command, of whose recording the end takes as long as if hours had to be put in place."""


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return media.write_clip(tmp_path / "a.mp4", count=25)


def start(
    environment: dict[str, str],
    clip: Path,
    *arguments: str | Path,
    finishing: float = 0.0,
    terminal: int = -3,
) -> subprocess.Popen[bytes]:
    options = ("--loop", "--effect", "plain-face", "--threads", "1", "--on-lost", "passthrough", *arguments)
    process = subprocess.Popen(
        [sys.executable, "-c", SLOWLY, "run", clip, *options],
        env=environment | {"FINISHING": str(finishing)},
        start_new_session=True,
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    STARTED.append(process)
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_second_signal_does_not_cost_the_recording(
    environment: dict[str, str], clip: Path, tmp_path: Path, number: signal.Signals
) -> None:
    out = tmp_path / "out.mp4"
    process = start(environment, clip, "--record", out, finishing=1.0)
    assert process.stdout is not None
    read_until(process.stdout.fileno(), b"Ctrl-C ends it")
    time.sleep(0.5)
    process.send_signal(number)
    read_until(process.stdout.fileno(), b"FINISHING")
    process.send_signal(number)
    if number is signal.SIGINT:
        read_until(process.stdout.fileno(), b"the files are being finished; Ctrl-C once more gives them up")
    _, wrong = process.communicate(timeout=300)
    assert (process.returncode, wrong) == (0, b"")
    assert media.times(out)
    assert sorted(tmp_path.iterdir()) == [clip, out]


def test_a_third_signal_gives_it_up_and_leaves_nothing(
    environment: dict[str, str], clip: Path, tmp_path: Path
) -> None:
    process = start(environment, clip, "--record", tmp_path / "out.mp4", finishing=300)
    assert process.stdout is not None
    read_until(process.stdout.fileno(), b"Ctrl-C ends it")
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    read_until(process.stdout.fileno(), b"FINISHING")
    process.send_signal(signal.SIGINT)
    read_until(process.stdout.fileno(), b"once more")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=300)
    assert process.returncode == 130
    assert list(tmp_path.iterdir()) == [clip]


def test_a_terminal_that_is_closed_ends_the_run_like_a_signal(
    environment: dict[str, str], clip: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.mp4"
    ours, theirs = os.openpty()
    process = start(environment, clip, "--record", out, terminal=theirs)
    os.close(theirs)
    assert process.stdout is not None
    read_until(process.stdout.fileno(), b"q quit")
    time.sleep(0.5)
    os.close(ours)
    _, wrong = process.communicate(timeout=300)
    assert (process.returncode, wrong) == (0, b"")
    assert media.times(out)


def test_a_terminal_that_is_stopped_holds_up_neither_the_picture_nor_the_end(
    environment: dict[str, str], clip: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.mp4"
    ours, theirs = os.openpty()
    run = ("run", clip, "--loop", "--effect", "plain-face", "--threads", "1", "--record", out)
    process = test_run.start(environment, *run, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE)
    try:
        read_until(ours, b" fps, ")
        os.write(ours, b"\x13")  # Ctrl-S
        # Long enough for a few lines to be shown; the loop reads the keys, if it has not come to a halt.
        time.sleep(1.5)
        os.write(ours, b"mq")
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        _, wrong = process.communicate()
        os.close(ours)
        os.close(theirs)
    assert wrong == b""
    assert media.times(out)


def test_a_pager_that_reads_nothing_holds_up_neither_the_picture_nor_the_end(
    environment: dict[str, str], clip: Path, tmp_path: Path, full_pipe: tuple[int, int]
) -> None:
    out = tmp_path / "out.mp4"
    run = ("run", clip, "--effect", "plain-face", "--threads", "1", "--record", out)
    process = test_run.start(environment, *run, stdout=full_pipe[1], stderr=subprocess.PIPE)
    try:
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        _, wrong = process.communicate()
    assert wrong == b""
    assert media.times(out) == media.times(clip)


FILLING = """
import runpy, shutil, types
free = iter([10**9, 10**9])
shutil.disk_usage = lambda folder: types.SimpleNamespace(free=next(free, 10**6))
runpy.run_module("effectcam", run_name="__main__")
"""
"""The command, on a disk that is large at the start and with the first frame, and then nearly full."""


def test_a_disk_that_fills_up_ends_a_live_recording_and_keeps_it(
    environment: dict[str, str], clip: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.mp4"
    # What goes round and round is a live run, as a camera's is.
    run = ("run", clip, "--loop", "--effect", "plain-face", "--threads", "1", "--record", out)
    with_credentials = importlib.util.find_spec("c2pa") is not None
    result = subprocess.run(
        [sys.executable, "-c", FILLING, *map(str, run), *(["--credentials"] if with_credentials else [])],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )
    line = f"disk nearly full; recording ended and kept: {out}"
    assert (result.returncode, result.stderr) == (1, f"effectcam: {line}\n")
    assert line in result.stdout.splitlines()
    assert (f"{out}: signed" in result.stdout) == with_credentials
    assert media.times(out)
    assert sorted(tmp_path.iterdir()) == [clip, out]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_note_that_nobody_can_read_ends_nothing(environment: dict[str, str], tmp_path: Path) -> None:
    pytest.importorskip("c2pa", reason="the extra 'credentials' is not installed")
    clip = media.write_clip(tmp_path / "a.mov", count=5, audio="pcm_s16le")
    command = ("run", clip, "-e", "plain-face", "--threads", "1", "--record", tmp_path / "out.mp4")
    with open("/dev/full", "wb") as full:
        result = subprocess.run(
            [sys.executable, "-m", "effectcam", *command, "--credentials"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=full,
        )
    assert b"out.mp4: signed" in result.stdout


def test_a_recording_that_cannot_be_signed_is_kept_and_the_run_says_so(
    environment: dict[str, str], clip: Path, tmp_path: Path
) -> None:
    pytest.importorskip("c2pa", reason="the extra 'credentials' is not installed")
    failing = """
import sys
import effectcam.sink.credentials as credentials
from effectcam.errors import SinkError
def sign(*_, **__):
    raise SinkError("the key is gone")
credentials.sign = sign
from effectcam.cli import main
sys.exit(main(sys.argv[1:]))
"""
    out = tmp_path / "out.mp4"
    run = ("run", clip, "--effect", "plain-face", "--threads", "1", "--record", out, "--credentials")
    result = subprocess.run(
        [sys.executable, "-c", failing, *map(str, run)],
        env=environment,
        capture_output=True,
        encoding="utf-8",
    )
    assert result.returncode == 1
    assert "kept without content credentials: the key is gone" in result.stderr
    assert media.times(out)


def test_a_recording_is_signed_though_another_output_failed(cli: Run, clip: Path, tmp_path: Path) -> None:
    pytest.importorskip("c2pa", reason="the extra 'credentials' is not installed")
    (tmp_path / "stills" / "000003.png").mkdir(parents=True)
    out = tmp_path / "out.mp4"
    result = cli(
        *("run", clip, "--effect", "plain-face", "--threads", "1", "--record", out, "--credentials"),
        *("--stills", tmp_path / "stills"),
    )
    assert result.returncode == 1
    assert "000003.png: is a folder" in result.stderr
    assert f"{out}: signed" in result.stdout
