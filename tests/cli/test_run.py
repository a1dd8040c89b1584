"""``effectcam run`` from a clip to files and a window, ended by keys and by signals."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from effectcam.sink.credentials import read as read_credentials
from tests import media
from tests.cli.conftest import STARTED, Run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="terminals and signals of POSIX")

LONG = 1500


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More frames than any of these tests waits for."""
    picture = np.full((48, 64, 3), 90, np.uint8)
    path = tmp_path_factory.mktemp("clips") / "long.mp4"
    options = {"preset": "ultrafast"}
    return media.write_clip(path, count=LONG, pictures=[picture] * LONG, options=options, audio="aac")


def start(environment: dict[str, str], *arguments: str | Path, **streams: int) -> subprocess.Popen[bytes]:
    # A shell that starts the tests in the background has them ignore Ctrl-C, which children inherit.
    program = (
        "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "runpy.run_module('effectcam', run_name='__main__')"
    )
    command = [sys.executable, "-c", program, *map(str, arguments)]
    process: subprocess.Popen[bytes] = subprocess.Popen(
        command,
        env=environment,
        start_new_session=True,
        **streams,  # type: ignore[call-overload]
    )
    STARTED.append(process)
    return process


def read_until(descriptor: int, wanted: bytes, *, seconds: float = 300) -> bytes:
    """What comes from ``descriptor`` up to and with ``wanted``."""
    os.set_blocking(descriptor, False)
    text, end = b"", time.monotonic() + seconds
    while wanted not in text:
        assert time.monotonic() < end, text
        try:
            chunk = os.read(descriptor, 4096)
        except BlockingIOError:
            time.sleep(0.02)
            continue
        assert chunk, text
        text += chunk
    return text


def test_a_clip_to_a_file_keeps_every_frame(cli: Run, tmp_path: Path) -> None:
    clip = media.vfr(tmp_path / "phone.mp4", audio="aac")
    out = tmp_path / "out.mp4"
    result = cli(
        *("run", clip, "--effect", "negative-face", "--mirror", "--threads", "1"),
        *("--record", out, "--stills", tmp_path / "stills"),
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert media.times(out) == media.times(clip)
    assert media.packets(out, "audio") == media.packets(clip, "audio")
    assert len(list((tmp_path / "stills").iterdir())) == 10
    assert f"{out}: 10 frames" in result.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_and_keeps_the_recording(
    environment: dict[str, str], long_clip: Path, tmp_path: Path, number: signal.Signals
) -> None:
    out = tmp_path / "out.mp4"
    process = start(
        environment,
        *("run", long_clip, "--effect", "plain-face", "--record", out, "--threads", "1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    read_until(process.stdout.fileno(), b"Ctrl-C ends it")
    time.sleep(0.5)
    process.send_signal(number)
    _, told = process.communicate(timeout=300)
    assert (process.returncode, told) == (0, b"")
    frames = media.times(out)
    assert 0 < len(frames) < LONG
    assert frames == media.times(long_clip)[: len(frames)]
    sound = media.packets(out, "audio")
    assert abs(float(sound[-1][0] - frames[-1])) < 0.2
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_nothing_of_a_replay(
    environment: dict[str, str], long_clip: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    process = start(
        environment,
        *("replay", long_clip, "--effect", "plain-face", "--out", tmp_path, "--threads", "1"),
        *("--json", tmp_path / "report.json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    end = time.monotonic() + 300
    while not list(tmp_path.glob(".long.mp4.*.part")):
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(number)
    _, told = process.communicate(timeout=300)
    # Ctrl-C leaves the end of the line on which the terminal shows it.
    assert (process.returncode, told.strip()) == (code, b"")
    assert list(tmp_path.iterdir()) == []


def test_keys_of_the_terminal(environment: dict[str, str], long_clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    signed = ["--credentials"] if importlib.util.find_spec("c2pa") else []
    ours, theirs = os.openpty()
    process = start(
        environment,
        *("run", long_clip, "--effect", "negative-face", "--record", out, "--threads", "1"),
        *signed,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    try:
        import termios

        before = termios.tcgetattr(theirs)
        read_until(ours, b"q quit")
        for key, answer in ((b"-", b"strength 90%"), (b"m", b"mirror on"), (b"n", b"effect negative-frame")):
            os.write(ours, key)
            read_until(ours, answer)
        os.write(ours, b"q")
        read_until(ours, b"chain of negative-frame")
        os.set_blocking(ours, False)
        assert process.wait(timeout=300) == 0
        assert termios.tcgetattr(theirs) == before
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)
    assert 0 < len(media.times(out)) < LONG
    if signed:
        found = read_credentials(out)
        assert found is not None
        assert found.effects == (("negative-face", "1.2.0"), ("negative-frame", "1.2.0"))
        assert b"A clip's picture redrawn by the effects negative-face 1.2.0, negative" in out.read_bytes()


def test_without_a_virtual_camera_there_is_a_window(cli: Run, screen: str, tmp_path: Path) -> None:
    """A clip of a second before a window takes a second, although it could be shown faster."""
    from effectcam.source.devices import list_virtual_cameras

    if list_virtual_cameras():
        pytest.skip("this machine has a virtual camera")
    clip = media.write_clip(tmp_path / "a.mp4", count=26)
    result = cli("run", clip, "--effect", "plain-face", "--threads", "1", DISPLAY=screen)
    assert (result.returncode, result.stderr) == (0, "")
    assert "no virtual camera, so a window instead" in result.stdout
    assert "window 'effectcam': " in result.stdout
