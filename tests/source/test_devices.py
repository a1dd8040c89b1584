"""Devices, without any: the kernel's answers are played back in the kernel's own structures."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from effectcam.errors import SourceError
from effectcam.source import v4l2
from effectcam.source.devices import (
    CameraDevice,
    CaptureMode,
    find_camera,
    holders_of,
    list_cameras,
    list_virtual_cameras,
    refuse_barred,
    unlisted_camera,
    video_nodes,
)

MJPG, YUYV = 0x47504A4D, 0x56595559

linux = pytest.mark.skipif(sys.platform != "linux", reason="Video4Linux is Linux's")


class Answers(v4l2.Node):
    """A node whose kernel side is played back."""

    def __init__(
        self,
        driver: str,
        flags: int,
        formats: dict[int, list[tuple[int, int, list[tuple[int, int]]]]] | None = None,
        stepwise: tuple[int, ...] | None = None,
    ) -> None:
        self.driver, self.flags, self.offer, self.stepwise = driver, flags, formats or {}, stepwise

    def close(self) -> None:
        pass

    def ask(self, request: int, buffer: bytearray) -> bool:
        index: int
        size = {0x80685600: 104, 0xC0405602: 64, 0xC02C564A: 44, 0xC034564B: 52}[request]
        assert len(buffer) == size
        index = struct.unpack_from("=I", buffer)[0]
        if request == 0x80685600:
            buffer[0 : len(self.driver)] = self.driver.encode()
            buffer[16:22] = b"A card"
            buffer[48:53] = b"usb-1"
            struct.pack_into("=I", buffer, 84, self.flags | 0x8000_0000)
            struct.pack_into("=I", buffer, 88, self.flags)
            return True
        fourccs = list(self.offer)
        if request == 0xC0405602:
            if index < len(fourccs):
                struct.pack_into("=I", buffer, 44, fourccs[index])
            return index < len(fourccs)
        sizes = self.offer[struct.unpack_from("=I", buffer, 4)[0]]
        if request == 0xC02C564A:
            if self.stepwise is not None:
                struct.pack_into("=7I", buffer, 8, 3, *self.stepwise)
                return index == 0
            if index < len(sizes):
                struct.pack_into("=3I", buffer, 8, 1, *sizes[index][:2])
            return index < len(sizes)
        asked = struct.unpack_from("=2I", buffer, 8)
        intervals = next((rates for w, h, rates in sizes if (w, h) == asked), [])
        if index < len(intervals):
            struct.pack_into("=3I", buffer, 16, 1, *intervals[index])
        return index < len(intervals)


def sysfs(folder: Path, names: dict[int, str]) -> Path:
    for index, name in names.items():
        (folder / f"video{index}").mkdir()
        (folder / f"video{index}" / "name").write_text(f"{name}\n")
    return folder


def test_requests_and_structures_are_those_of_the_kernel() -> None:
    """Numbers printed by a C program that includes linux/videodev2.h."""
    assert v4l2.QUERYCAP == 0x80685600
    assert v4l2.ENUM_FMT == 0xC0405602
    assert v4l2.ENUM_FRAMESIZES == 0xC02C564A
    assert v4l2.ENUM_FRAMEINTERVALS == 0xC034564B
    layouts = (v4l2.CAPABILITY, v4l2.FORMAT, v4l2.FRAME_SIZE, v4l2.FRAME_INTERVAL)
    assert [layout.size for layout in layouts] == [104, 64, 44, 52]


@linux
def test_cameras_are_listed_with_what_they_can_do(tmp_path: Path) -> None:
    nodes = {
        "/dev/video0": Answers(
            "uvcvideo",
            0x04200001,
            {MJPG: [(1280, 720, [(1, 15), (1, 30)])], YUYV: [(640, 480, [(1, 30)]), (1280, 720, [])]},
        ),
        "/dev/video1": Answers("uvcvideo", 0x04A00000),
        "/dev/video10": Answers("bcm2835-codec", 0x04208000),
    }
    folder = sysfs(tmp_path, {10: "decoder", 1: "Cam: metadata", 0: "HD Webcam"})
    cameras = list_cameras(sysfs=folder, open_node=nodes.__getitem__)
    assert [(camera.index, camera.path, camera.name, camera.bus) for camera in cameras] == [
        (0, "/dev/video0", "HD Webcam", "usb-1")
    ]
    assert cameras[0].modes == (
        CaptureMode("MJPG", 1280, 720, 30.0),
        CaptureMode("YUYV", 640, 480, 30.0),
        CaptureMode("YUYV", 1280, 720, None),
    )


@linux
def test_a_device_of_any_size_offers_the_usual_ones(tmp_path: Path) -> None:
    node = Answers("v4l2 loopback", 1, {YUYV: []}, stepwise=(2, 8192, 2, 1, 8192, 2))
    cameras = list_cameras(sysfs=sysfs(tmp_path, {4: "any"}), open_node=lambda path: node)
    sizes = [(mode.width, mode.height) for mode in cameras[0].modes]
    assert sizes == [(640, 480), (1280, 720), (1920, 1080), (8192, 8192)]


@linux
def test_loopbacks_are_told_apart_and_whether_they_are_free(tmp_path: Path) -> None:
    nodes = {
        "/dev/video0": Answers("uvcvideo", 1),
        "/dev/video8": Answers("v4l2 loopback", 2),
        "/dev/video9": Answers("v4l2 loopback", 1),
        "/dev/video11": Answers("v4l2 loopback", 3),
    }
    folder = sysfs(tmp_path, {0: "cam", 8: "effectcam", 9: "OBS", 11: "old"})
    found = list_virtual_cameras(sysfs=folder, open_node=nodes.__getitem__, module=tmp_path / "no module")
    assert [(device.path, device.name, device.free, device.exclusive) for device in found] == [
        ("/dev/video8", "effectcam", True, True),
        ("/dev/video9", "OBS", False, True),
        ("/dev/video11", "old", True, False),
    ]
    cameras = list_cameras(sysfs=folder, open_node=nodes.__getitem__)
    assert [camera.path for camera in cameras] == ["/dev/video0", "/dev/video9", "/dev/video11"]


@linux
def test_a_node_that_lets_nobody_in_is_listed_and_one_that_is_gone_is_not(tmp_path: Path) -> None:
    def open_node(path: str) -> v4l2.Node:
        raise OSError(16 if path.endswith("0") else 19, "no")

    cameras = list_cameras(sysfs=sysfs(tmp_path, {0: "Busy", 1: "Gone"}), open_node=open_node)
    assert [(camera.name, camera.modes) for camera in cameras] == [("Busy", ())]


@linux
def test_a_file_that_is_no_device_answers_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with v4l2.Node(str(path)) as node:
        assert node.capability() is None
        assert list(node.formats()) == []
        assert node.fastest(MJPG, 640, 480) is None


@linux
def test_the_process_that_holds_a_device_is_named(tmp_path: Path) -> None:
    held = tmp_path / "video0"
    held.touch()
    with subprocess.Popen(
        [sys.executable, "-c", f"f = open({str(held)!r}); print(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        holders = holders_of(str(held))
        child.communicate(b"\n")
    assert [holder.pid for holder in holders] == [child.pid]
    assert "python" in holders[0].name
    assert str(child.pid) in str(holders[0])
    assert holders_of(str(held)) == ()


CAMERAS = [
    CameraDevice(0, "/dev/video0", "HD Pro Webcam C920", "uvcvideo", (), ()),
    CameraDevice(2, "/dev/video2", "Integrated Camera", "uvcvideo", (), ()),
    CameraDevice(4, "/dev/video4", "Integrated IR", "uvcvideo", (), ()),
]


@pytest.mark.parametrize(
    ("wanted", "index"),
    [(0, 0), ("2", 2), ("/dev/video4", 4), ("integrated camera", 2), ("c920", 0), ("IR", 4)],
)
def test_cameras_are_found_by_index_path_or_name(wanted: int | str, index: int) -> None:
    assert find_camera(wanted, cameras=CAMERAS).index == index


def test_a_camera_is_found_through_its_lasting_link(tmp_path: Path) -> None:
    """Such as /dev/v4l/by-id/usb-..., which stays the same when indexes change."""
    node, link = tmp_path / "video3", tmp_path / "usb-Cam-index0"
    node.touch()
    link.symlink_to(node)
    camera = CameraDevice(3, os.path.realpath(node), "x", "uvcvideo", (), ())
    assert find_camera(str(link), cameras=[camera]) is camera


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ("integrated", "fits several.*/dev/video2.*/dev/video4"),
        ("C290", "none of that name"),
        (7, "there is none; known: 0 'HD Pro Webcam C920'"),
        ("/dev/video9", "there is none"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_there_is(wanted: int | str, says: str) -> None:
    with pytest.raises(SourceError, match=says):
        find_camera(wanted, cameras=CAMERAS)


def test_no_camera_at_all() -> None:
    with pytest.raises(SourceError, match=r"no camera found|may not open"):
        find_camera(0, cameras=[])


def test_the_first_camera_is_the_lowest_that_is_no_loopback() -> None:
    fed = CameraDevice(0, "/dev/video0", "effectcam", "v4l2 loopback", (), ())
    webcam = CameraDevice(1, "/dev/video1", "Webcam", "uvcvideo", (), ())
    assert find_camera(None, cameras=[fed, webcam, *CAMERAS[1:]]) is webcam
    assert find_camera("0", cameras=[fed, webcam]) is fed
    with pytest.raises(SourceError, match=r"there are virtual ones alone: 0 'effectcam'|may not open"):
        find_camera(None, cameras=[fed])
    with pytest.raises(SourceError, match=r"first camera: no camera found|may not open"):
        find_camera(None, cameras=[])


def test_plugging_changes_the_set_of_nodes(tmp_path: Path) -> None:
    assert video_nodes(sysfs=tmp_path / "none") == frozenset()
    before = video_nodes(sysfs=sysfs(tmp_path, {0: "Cam"}))
    assert [name for name, _ in before] == ["video0"]
    assert video_nodes(sysfs=tmp_path) == before
    assert video_nodes(sysfs=sysfs(tmp_path, {3: "Other"})) > before


def test_a_device_that_this_user_may_not_open_is_named_with_the_way_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("effectcam.source.devices.SYSFS", sysfs(tmp_path, {0: "Cam", 1: "Desk"}))
    monkeypatch.setattr(os.path, "exists", lambda path: True)
    monkeypatch.setattr(os, "access", lambda path, mode: path != "/dev/video1")
    with pytest.raises(SourceError, match=r"may not open /dev/video1; run: sudo usermod -aG video"):
        refuse_barred(0)
    with pytest.raises(SourceError, match="'Desk': this user may not open /dev/video1;"):
        refuse_barred("Desk", name="Desk")
    refuse_barred("Cam", name="Cam")


def test_an_index_names_a_camera_without_a_list() -> None:
    found = unlisted_camera("2")
    assert found == unlisted_camera(2)
    assert found is not None
    assert (found.index, found.path, found.name) == (2, "2", "camera 2")
    assert unlisted_camera("C920") is None
    assert unlisted_camera(None) == unlisted_camera(0)
