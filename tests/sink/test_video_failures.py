"""A video file that cannot be finished, or not even begun: nothing half done is left, and nothing lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from effectcam.errors import SinkError, UsageError
from effectcam.frame import Frame
from effectcam.sink import VideoFile
from effectcam.source import Clip
from tests import media
from tests.disk import small_files
from tests.sink.frames import feed, moving
from tests.sink.video import probe


def test_the_file_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    path.write_text("the good one")
    sink = VideoFile(path, 64, 48)
    for frame in moving(5):
        sink.write(frame)
    assert path.read_text() == "the good one"
    sink.close()
    sink.close()
    sink.abort()
    assert probe(path)[1] == 5
    assert os.listdir(tmp_path) == ["out.mp4"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_exception_leaves_what_was_there(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "out.mp4"
    path.write_text("the good one")
    with pytest.raises(error), VideoFile(path, 64, 48) as sink:
        feed(sink, moving(5), error=error)
    assert path.read_text() == "the good one"
    assert os.listdir(tmp_path) == ["out.mp4"]


def test_an_interrupt_from_outside_leaves_nothing(tmp_path: Path) -> None:
    program = f"""
        import signal
        from effectcam.sink import VideoFile
        from tests.sink.frames import feed, moving
        # A shell that starts a job in the background has it ignore Ctrl-C, and children inherit that.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with VideoFile({str(tmp_path / "out.mp4")!r}, 640, 480) as sink:
            for frame in moving(100_000, width=640, height=480):
                sink.write(frame)
                if frame.index == 3:
                    print("writing", flush=True)
    """
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "writing\n"
        assert os.listdir(tmp_path) != []
        child.send_signal(signal.SIGINT)
        _, complaint = child.communicate(timeout=60)
    assert "KeyboardInterrupt" in complaint
    assert os.listdir(tmp_path) == []


def noise(count: int) -> Iterator[Frame]:
    random = np.random.default_rng(3)
    for index in range(count):
        yield Frame(random.integers(0, 256, (120, 160, 3), np.uint8), index, index * 40_000_000)


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are POSIX's")
@pytest.mark.parametrize("size", [20, 4_000, 200_000])
def test_a_file_that_may_not_grow_leaves_nothing(tmp_path: Path, size: int) -> None:
    """Small enough to fail while frames come, or only when the file is arranged at the end."""
    path = tmp_path / "out.mp4"
    path.write_text("good")
    with (
        small_files(size),
        pytest.raises(SinkError, match="nothing was kept") as caught,
        VideoFile(path, 160, 120) as sink,
    ):
        feed(sink, noise(60))
    assert "\n" not in str(caught.value)
    assert path.read_text() == "good"
    assert os.listdir(tmp_path) == ["out.mp4"]


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(tmp_path)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk needs more rights")
    try:
        with pytest.raises(SinkError, match="disk is full"), VideoFile(tmp_path / "a.mp4", 160, 120) as sink:
            feed(sink, noise(200))
        assert os.listdir(tmp_path) == []
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_places_that_cannot_be_written_are_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(SinkError, match="create it first"):
        VideoFile(tmp_path / "missing" / "a.mp4", 64, 48)
    with pytest.raises(SinkError, match="is a file and no folder"):
        VideoFile(tmp_path / "file" / "a.mp4", 64, 48)
    with pytest.raises(SinkError, match="is a folder"):
        VideoFile(tmp_path / "folder.mp4", 64, 48)
    with pytest.raises(SinkError, match="too long"):
        VideoFile(tmp_path / ("x" * 300 + ".mp4"), 64, 48)
    if os.path.isdir("/proc/1"):
        with pytest.raises(SinkError):
            VideoFile("/proc/a.mp4", 64, 48)
    assert sorted(os.listdir(tmp_path)) == ["file", "folder.mp4"]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are POSIX's")
def test_a_folder_without_permission_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    root = os.geteuid() == 0
    if root:
        # Root may write anywhere, so be nobody for a moment.
        os.seteuid(65534)
    try:
        with pytest.raises(SinkError, match=r"cannot be written \(Permission denied\); choose another"):
            VideoFile(tmp_path / "a.mp4", 64, 48)
    finally:
        if root:
            os.seteuid(0)
    assert os.listdir(tmp_path) == []


def test_wrong_calls_are_usage_errors(tmp_path: Path) -> None:
    source = media.write_clip(tmp_path / "in.mp4")
    with pytest.raises(UsageError, match=r"must end in .mp4"):
        VideoFile(tmp_path / "a.avi", 64, 48)
    with pytest.raises(UsageError, match="crf 52"):
        VideoFile(tmp_path / "a.mp4", 64, 48, crf=52)
    with pytest.raises(UsageError, match="rate 0"):
        VideoFile(tmp_path / "a.mp4", 64, 48, rate=0)
    with pytest.raises(UsageError, match="preset 'quick'"):
        VideoFile(tmp_path / "a.mp4", 64, 48, preset="quick")
    with pytest.raises(UsageError, match="0x48"):
        VideoFile(tmp_path / "a.mp4", 0, 48)
    with Clip(source) as clip, pytest.raises(UsageError, match="input itself"):
        VideoFile(source, 64, 48, source=clip)
    assert os.listdir(tmp_path) == ["in.mp4"]


def test_frames_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    wrong_shape = pytest.raises(SinkError, match=r"shape \(48, 60, 3\), not \(48, 64, 3\)")
    with wrong_shape, VideoFile(tmp_path / "a.mp4", 64, 48) as sink:
        sink.write(next(moving(1, width=60)))
    with pytest.raises(SinkError, match="not later"), VideoFile(tmp_path / "a.mp4", 64, 48) as sink:
        feed(sink, [*moving(1), *moving(1)])
    with pytest.raises(SinkError, match="no frame came"), VideoFile(tmp_path / "a.mp4", 64, 48):
        pass
    assert os.listdir(tmp_path) == []
