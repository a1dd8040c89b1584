"""The file of a live run on a disk that fills up: what there is of it is kept."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from effectcam.errors import SinkError
from effectcam.sink import FanOut, NullSink
from effectcam.sink.base import SinkEndedError
from effectcam.sink.live_recording import EVERY, RESERVE, LiveRecording, _furthest
from tests import media
from tests.disk import small_files
from tests.sink.frames import feed, moving
from tests.sink.test_video_failures import noise


class Disk:
    """Says what is free, and where it was asked."""

    free = 10 * RESERVE
    asked: Path | None = None

    def __call__(self, folder: Path) -> SimpleNamespace:
        self.asked = folder
        return SimpleNamespace(free=self.free)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    made = Disk()
    monkeypatch.setattr(shutil, "disk_usage", made)
    return made


def test_it_ends_with_room_to_spare_and_the_others_go_on(tmp_path: Path, disk: Disk) -> None:
    path = tmp_path / "take.mp4"
    told: list[str] = []
    beside = NullSink()
    with LiveRecording(path, 64, 48) as recording:
        # Without threads, each of which would get the frames that it has time for.
        recording.own_thread = beside.own_thread = False
        fan = FanOut([recording, beside], on_failure=lambda sink, error: told.append(str(error)))
        frames = list(moving(130))
        for frame in frames[:70]:
            fan.write(frame)
        disk.free = RESERVE - 1
        for frame in frames[70:]:
            fan.write(frame)
    line = f"disk nearly full; recording ended and kept: {path}"
    assert told == [line]
    assert isinstance(fan.deliveries[0].error, SinkEndedError)
    with pytest.raises(SinkError, match=line):
        fan.close()
    assert beside.frames == 130
    times = media.times(path)
    assert [*tmp_path.iterdir()] == [path]
    # All up to the next look.
    assert len(times) == fan.deliveries[0].written == 2 * EVERY * 25


def test_a_disk_with_too_little_from_the_start_is_refused(tmp_path: Path, disk: Disk) -> None:
    disk.free = 150_000_000
    with pytest.raises(SinkError, match=r"take.mp4: only 150 MB are free there, .* leave 200; free some"):
        LiveRecording(tmp_path / "take.mp4", 64, 48)
    assert [*tmp_path.iterdir()] == []


def test_of_a_link_the_disk_counts_that_it_leads_to(tmp_path: Path, disk: Disk) -> None:
    (tmp_path / "large").mkdir()
    link = tmp_path / "take.mp4"
    link.symlink_to(tmp_path / "large" / "take.mp4")
    LiveRecording(link, 64, 48).abort()
    assert disk.asked == (tmp_path / "large").resolve()


def test_a_disk_that_does_not_tell_is_recorded_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(folder: Path) -> None:
        raise OSError("no such thing here")

    monkeypatch.setattr(shutil, "disk_usage", fail)
    with LiveRecording(tmp_path / "take.mp4", 64, 48) as recording:
        feed(recording, moving(5))
    assert len(media.times(tmp_path / "take.mp4")) == 5
    with pytest.raises(SinkError, match="create it first"):
        LiveRecording(tmp_path / "none" / "take.mp4", 64, 48)


def test_a_real_disk_that_fills_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk needs more rights")
    monkeypatch.setattr("effectcam.sink.live_recording.RESERVE", 300_000)
    monkeypatch.setattr("effectcam.sink.live_recording.EVERY", 0.2)
    try:
        with pytest.raises(SinkEndedError), LiveRecording(tmp_path / "a.mp4", 160, 120) as sink:
            feed(sink, noise(400))
        assert len(media.times(tmp_path / "a.mp4")) > 10
        assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_file_that_may_grow_no_further_is_ended_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("resource", reason="only POSIX limits the size of files")
    monkeypatch.setattr("effectcam.sink.live_recording.EVERY", 0.2)
    path = tmp_path / "a.mp4"
    why = r"nearly as large as .* may hold; recording ended and kept: .*a.mp4"
    with (
        small_files(2_000_000),
        pytest.raises(SinkEndedError, match=why),
        LiveRecording(path, 160, 120) as sink,
    ):
        feed(sink, noise(400))
    assert [*tmp_path.iterdir()] == [path]
    assert 1_000_000 < path.stat().st_size <= 2_000_000
    assert len(media.times(path)) > 10


@pytest.mark.parametrize("most", [2**32 - 1, 2**34 + 4095])
def test_the_largest_file_of_a_disk_is_found_without_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    real = os.lseek

    def wind(opened: int, place: int, whence: int) -> int:
        # As the kernel does it on FAT.
        if place > most:
            raise OSError(errno.EINVAL, "Invalid argument")
        return real(opened, place, whence)

    monkeypatch.setattr(os, "lseek", wind)
    path = tmp_path / "small"
    path.write_bytes(b"as it was")
    assert _furthest(path) == most
    assert path.read_bytes() == b"as it was"


def test_a_disk_on_which_nothing_can_be_wound_sets_no_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.ESPIPE, "Illegal seek")

    monkeypatch.setattr(os, "lseek", refuse)
    path = tmp_path / "odd"
    path.touch()
    assert _furthest(path) == _furthest(tmp_path / "none") == 2**63 - 1
