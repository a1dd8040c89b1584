"""Choosing a loopback device, from lists and folders as the kernel shows them; tests/vm has real ones."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from effectcam.errors import SinkError
from effectcam.sink import VirtualCamera
from effectcam.sink.loopback import Claim, check_format, choose_loopback, readers_of
from effectcam.source.devices import Holder, VirtualCameraDevice

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="loopback devices are Linux's")


def loopback(path: str, name: str, *, free: bool = True, held_by: str | None = None) -> VirtualCameraDevice:
    holders = (Holder(42, held_by),) if held_by else ()
    return VirtualCameraDevice(path, name, "v4l2 loopback", free, True, holders)


def test_our_own_label_comes_first_then_the_first_free_one() -> None:
    a, b = loopback("/dev/video8", "OBS"), loopback("/dev/video9", "EffectCam")
    busy = loopback("/dev/video9", "effectcam", free=False)
    assert choose_loopback([a, b]) is b
    assert choose_loopback([a, busy]) is a
    assert choose_loopback([a, b], "obs") is a
    assert choose_loopback([a, b], "/dev/video8") is a


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ("zoom", "no loopback device; known: /dev/video8 'OBS'"),
        (None, r"/dev/video8 in use \(obs \(process 42\)\).*devices=2 video_nr=10,11 exclusive_caps=1,1"),
        ("OBS", "in use"),
    ],
)
def test_a_loopback_that_cannot_be_had_is_explained(wanted: str | None, says: str, tmp_path: Path) -> None:
    with pytest.raises(SinkError, match=says):
        choose_loopback([loopback("/dev/video8", "OBS", free=False, held_by="obs")], wanted, nodes=tmp_path)


def test_without_a_loopback_the_command_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        SinkError, match=r"sudo modprobe v4l2loopback .*exclusive_caps=1 card_label=.effectcam."
    ):
        choose_loopback([], module=tmp_path / "none", nodes=tmp_path)
    with pytest.raises(SinkError, match="loaded without a device; reload it"):
        choose_loopback([], module=tmp_path, nodes=tmp_path)


def test_one_run_of_effectcam_at_a_time(tmp_path: Path) -> None:
    (tmp_path / "video9").touch()
    device = loopback(str(tmp_path / "video9"), "effectcam")
    first = Claim(device, 64, 48)
    with pytest.raises(SinkError, match="another run of effectcam feeds it"):
        Claim(device, 64, 48)
    first.close()
    first.close()
    Claim(device, 64, 48).close()
    with pytest.raises(SinkError, match="No such file"):
        Claim(loopback(str(tmp_path / "video8"), "effectcam"), 64, 48)


def test_a_camera_that_does_not_open_lets_go_of_its_device(tmp_path: Path) -> None:
    """A plain file takes the place of a device that another program has just spoilt."""
    (tmp_path / "video9").touch()
    device = loopback(str(tmp_path / "video9"), "effectcam")
    with pytest.raises(SinkError, match=r"v4l2loopback.*sudo modprobe -r"):
        VirtualCamera(64, 48, backend="v4l2loopback", loopbacks=[device])
    Claim(device, 64, 48).close()


def test_a_format_that_a_watched_device_is_kept_at(tmp_path: Path) -> None:
    told = tmp_path / "video9" / "format"
    told.parent.mkdir()
    for free in ("", "YU12:640x360@30\n"):
        told.write_text(free)
        check_format("/dev/video9", 640, 360, nodes=tmp_path)
    check_format("/dev/video8", 640, 360, nodes=tmp_path)
    with pytest.raises(SinkError, match="keeps it at YU12 640x360, not YU12 1280x720; close that program"):
        check_format("/dev/video9", 1280, 720, nodes=tmp_path)
    told.write_text("YUYV:640x360@30000/1001\n")
    with pytest.raises(SinkError, match="keeps it at YUYV 640x360"):
        check_format("/dev/video9", 640, 360, nodes=tmp_path)


class Proc:
    """What the kernel tells of open files: ours are in 'self', another program's in '1'."""

    def __init__(self, root: Path, devices: int = 1) -> None:
        self.root = root
        self.nodes, self.module = root / "nodes", root / "module"
        for index in range(devices):
            (self.nodes / f"video{9 + index}").mkdir(parents=True)
        self.module.mkdir()
        for process in ("self", "1", str(os.getpid())):
            (root / process / "fd").mkdir(parents=True)

    def opens(self, process: str, path: str) -> None:
        folder = self.root / process / "fd"
        (folder / str(len(list(folder.iterdir())))).symlink_to(path)

    def readers(self, opened: int, path: str = "/dev/video9") -> int | None:
        (self.module / "refcnt").write_text(f"{opened}\n")
        return readers_of(path, module=self.module, nodes=self.nodes, proc=self.root)


def test_watchers_of_the_only_device_are_all_openings_but_ours(tmp_path: Path) -> None:
    proc = Proc(tmp_path)
    assert readers_of("/dev/video9", module=tmp_path / "none", nodes=proc.nodes, proc=tmp_path) is None
    proc.opens("self", "/dev/video9")
    proc.opens("self", "/dev/null")
    assert proc.readers(1) == 0
    assert proc.readers(3) == 2


def test_watchers_of_one_device_of_two_are_looked_for(tmp_path: Path) -> None:
    proc = Proc(tmp_path, devices=2)
    for process in ("self", str(os.getpid())):
        proc.opens(process, "/dev/video9")
    assert proc.readers(1) == 0
    proc.opens("1", "/dev/video10")
    assert proc.readers(2) == 0
    proc.opens("1", "/dev/video9")
    assert proc.readers(3) == 1


def test_a_watcher_that_may_not_be_seen_could_watch_any_of_two_devices(tmp_path: Path) -> None:
    proc = Proc(tmp_path, devices=2)
    proc.opens("self", "/dev/video9")
    proc.opens("1", "/dev/video10")
    assert proc.readers(3) is None
    assert proc.readers(2) == 0
    proc.opens("1", "/dev/video9")
    assert proc.readers(4) == 1
