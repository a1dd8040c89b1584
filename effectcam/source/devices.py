"""Which cameras and virtual cameras there are, what each can do, and who is using it."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from effectcam.errors import SourceError, nearest
from effectcam.source.v4l2 import Capability, Node, fourcc_name

SYSFS = Path("/sys/class/video4linux")
PROC = Path("/proc")
LOOPBACK_MODULE = Path("/sys/module/v4l2loopback")

LOOPBACK_DRIVERS = {"v4l2 loopback", "akvcam"}

# Without a list to read, cameras are found by opening them one after the other.
_PROBED_INDEXES = range(6)

_NONE_FOUND = "no camera found; plug one in, or run a clip: effectcam run CLIP.mp4"


@dataclass(frozen=True, slots=True)
class CaptureMode:
    """One way in which a camera can deliver pictures."""

    pixel_format: str
    """FOURCC; MJPG reaches full rate over USB 2, YUYV above 640x480 seldom does."""
    width: int
    height: int
    fps: float | None
    """The highest rate that the driver claims, or None where it claims nothing. In the dark most
    cameras deliver half of it."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has a device open."""

    pid: int
    name: str

    def __str__(self) -> str:
        return f"{self.name} (process {self.pid})"


@dataclass(frozen=True, slots=True)
class CameraDevice:
    """A camera that can be read."""

    index: int
    path: str
    """``/dev/videoN`` on Linux; the index as text elsewhere."""
    name: str
    driver: str
    modes: tuple[CaptureMode, ...]
    """Empty where the system does not tell."""
    holders: tuple[Holder, ...]
    """Programs that have it open, as far as this user may see; a camera serves one at a time."""
    bus: str = ""
    """The socket it is plugged into, as the driver names it (``usb-0000:00:14.0-2``); empty where the
    system or a driver that lets nobody in does not tell."""


@dataclass(frozen=True, slots=True)
class VirtualCameraDevice:
    """A loopback device: pictures written to it come out as a camera."""

    path: str
    name: str
    """The label that programs show; set with the module's ``card_label``."""
    driver: str
    free: bool
    """False while another program feeds it. A stale one is free: opening it mends it."""
    exclusive: bool
    """True if it shows itself as a pure camera while fed, as Chrome and Zoom demand
    (``exclusive_caps=1``)."""
    holders: tuple[Holder, ...]
    stale: bool = False
    """True if its last feeder left it unable to take pictures, a fault of v4l2loopback up to 0.12.7."""


def list_cameras(*, sysfs: Path = SYSFS, open_node: Callable[[str], Node] = Node) -> list[CameraDevice]:
    """All cameras of this machine, by index.

    On Linux, loopback devices that someone feeds are among them, since they are cameras then. On
    Windows and macOS there is no list to read without further libraries: each index up to 5 is
    opened for a moment, so the camera's light may blink, and names and modes stay unknown.
    """
    if sys.platform != "linux":
        return list(_probe_indexes())
    cameras = []
    for index, path, name in _nodes(sysfs):
        described = _describe(path, open_node)
        if described is None or not described[0].captures:
            continue
        capability, modes = described
        name = name or capability.card
        cameras.append(
            CameraDevice(index, path, name, capability.driver, modes, holders_of(path), bus=capability.bus)
        )
    return cameras


def list_virtual_cameras(
    *,
    sysfs: Path = SYSFS,
    open_node: Callable[[str], Node] = Node,
    module: Path = LOOPBACK_MODULE,
) -> list[VirtualCameraDevice]:
    """All loopback devices, by index; always empty on Windows and macOS.

    There, whether OBS's or Unity Capture's camera is installed shows when it is opened.
    """
    if sys.platform != "linux":
        return []
    described = [(path, name, _describe(path, open_node)) for _, path, name in _nodes(sysfs)]
    loopbacks = [
        (path, name, answer[0])
        for path, name, answer in described
        if answer is not None and answer[0].driver in LOOPBACK_DRIVERS
    ]
    always_exclusive = _exclusive_caps(module, len(loopbacks))
    found = []
    for path, name, capability in loopbacks:
        holders = holders_of(path)
        # With exclusive_caps=1 a device is output alone until it is fed, and capture alone then. It is
        # both where its last feeder left but a reader stayed.
        exclusive = always_exclusive or not (capability.captures and capability.outputs)
        stale = not capability.captures and not capability.outputs
        free = stale or (capability.outputs and (exclusive or not holders))
        label = name or capability.card
        found.append(
            VirtualCameraDevice(path, label, capability.driver, free, exclusive, holders, stale=stale)
        )
    return found


def _exclusive_caps(module: Path, devices: int) -> bool:
    """Whether the module was told exclusive_caps=1 for all of its ``devices``."""
    try:
        flags = (module / "parameters" / "exclusive_caps").read_text().strip().split(",")
    except OSError:
        return False
    # It tells a flag for each device there could be, of which most do not exist.
    return devices > 0 and all(flag in ("Y", "1") for flag in flags[:devices])


def capture_api() -> int:
    """OpenCV's number for this system's own camera interface. Others count the cameras differently."""
    import cv2

    apis = {"linux": cv2.CAP_V4L2, "win32": cv2.CAP_DSHOW, "darwin": cv2.CAP_AVFOUNDATION}
    return apis.get(sys.platform, cv2.CAP_ANY)


def find_camera(wanted: int | str | None, *, cameras: list[CameraDevice] | None = None) -> CameraDevice:
    """The camera of an index, a path or a name (whole or an unmistakable part, in any case); for None the
    first that is no loopback device.

    Raises `SourceError` that says which cameras there are.
    """
    known = list_cameras() if cameras is None else cameras
    if wanted is None:
        return _first_camera(known)
    if isinstance(wanted, int) or wanted.isdecimal():
        matches = [camera for camera in known if camera.index == int(wanted)]
    elif os.sep in wanted:
        real = os.path.realpath(wanted)
        matches = [camera for camera in known if camera.path in (wanted, real)]
    else:
        lower = wanted.casefold()
        matches = [camera for camera in known if camera.name.casefold() == lower]
        matches = matches or [camera for camera in known if lower in camera.name.casefold()]
    if len(matches) == 1 or (matches and len({camera.name for camera in matches}) == 1):
        return matches[0]
    if matches:
        listed = ", ".join(f"{camera.path} {camera.name!r}" for camera in matches)
        raise SourceError(f"camera {wanted!r} fits several: {listed}; name one by its path")
    refuse_barred(wanted)
    if not known:
        raise SourceError(f"{called(wanted)}: {_NONE_FOUND}")
    if isinstance(wanted, str) and not wanted.isdecimal() and os.sep not in wanted:
        raise SourceError(f"camera {wanted!r}: none of that name; {nearest(wanted, [c.name for c in known])}")
    listed = ", ".join(f"{camera.index} {camera.name!r}" for camera in known)
    raise SourceError(f"camera {wanted!r}: there is none; known: {listed}")


def _first_camera(known: list[CameraDevice]) -> CameraDevice:
    """A loopback device is often /dev/video0, where its module was loaded before the webcam was plugged in,
    and what it shows is another program's picture."""
    for camera in known:
        if camera.driver not in LOOPBACK_DRIVERS:
            return camera
    refuse_barred(None)
    if known:
        listed = ", ".join(f"{camera.index} {camera.name!r}" for camera in known)
        raise SourceError(
            f"{called(None)}: there are virtual ones alone: {listed}; plug one in, or name one of these"
        )
    raise SourceError(f"{called(None)}: {_NONE_FOUND}")


def called(wanted: int | str | None) -> str:
    """What to call, in a message, the camera that was asked for: 'camera 1', or 'first camera' for None."""
    return "first camera" if wanted is None else f"camera {wanted!r}"


def unlisted_camera(wanted: int | str | None) -> CameraDevice | None:
    """The camera of an index (None: of 0), unseen, for systems where a list costs opening them all; None for
    a name."""
    if isinstance(wanted, str) and not wanted.isdecimal():
        return None
    index = int(wanted or 0)
    return CameraDevice(index, str(index), f"camera {index}", "", (), ())


def refuse_barred(wanted: int | str | None, *, name: str | None = None) -> None:
    """Raise `SourceError` if a video device is there, but not for this user: such a one is not listed.

    ``name`` leaves out the devices of other names.
    """
    barred = [
        path
        for _, path, named in _nodes(SYSFS)
        if name in (None, named) and os.path.exists(path) and not _may_open(path)
    ]
    if barred:
        raise SourceError(
            f"{called(wanted)}: this user may not open {', '.join(barred)}; "
            "run: sudo usermod -aG video $USER, then log in again"
        )


def video_nodes(*, sysfs: Path = SYSFS) -> frozenset[tuple[str, int]]:
    """(name, serial) of each video device that the kernel knows; empty on Windows and macOS.

    Opens none of them and takes microseconds, so it can be asked again and again: a set unlike the
    last one means that something was plugged in or out. A device that left and came back under its
    old name has another serial.
    """
    try:
        with os.scandir(sysfs) as entries:
            return frozenset((entry.name, entry.inode()) for entry in entries)
    except OSError:
        return frozenset()


def holders_of(path: str, *, proc: Path = PROC) -> tuple[Holder, ...]:
    """The other processes that have ``path`` open; those of other users only root can see."""
    found = []
    for process in proc.glob("[0-9]*"):
        pid = int(process.name)
        if pid == os.getpid():
            continue
        try:
            if any(_points_to(link, path) for link in (process / "fd").iterdir()):
                found.append(Holder(pid, (process / "comm").read_text().strip()))
        except OSError:
            # The process is gone, or belongs to another user.
            continue
    return tuple(sorted(found, key=lambda holder: holder.pid))


def held_here(*, proc: Path = PROC) -> frozenset[str]:
    """The paths that this process has open; empty on Windows and macOS."""
    found = set()
    with contextlib.suppress(OSError):
        for link in (proc / "self" / "fd").iterdir():
            with contextlib.suppress(OSError):
                found.add(os.readlink(link))
    return frozenset(found)


def _points_to(link: Path, path: str) -> bool:
    try:
        return os.readlink(link) == path
    except OSError:
        return False


def _may_open(path: str) -> bool:
    return os.access(path, os.R_OK | os.W_OK)


def _nodes(sysfs: Path) -> Iterator[tuple[int, str, str]]:
    """(index, path, name) of each video device that the kernel lists."""
    numbered = []
    for entry in sysfs.glob("video*"):
        if match := re.fullmatch(r"video(\d+)", entry.name):
            numbered.append((int(match[1]), entry))
    for index, entry in sorted(numbered):
        try:
            name = (entry / "name").read_text().strip()
        except OSError:
            name = ""
        yield index, f"/dev/{entry.name}", name


def _describe(
    path: str, open_node: Callable[[str], Node]
) -> tuple[Capability, tuple[CaptureMode, ...]] | None:
    try:
        node = open_node(path)
    except OSError as error:
        if error.errno != errno.EBUSY:
            return None
        # Some drivers let one program in and no other, not even to be asked what they are.
        return Capability("", "", "", captures=True, outputs=False), ()
    with node:
        capability = node.capability()
        if capability is None:
            return None
        modes = tuple(_modes(node)) if capability.captures else ()
        return capability, modes


def _modes(node: Node) -> Iterator[CaptureMode]:
    for fourcc in node.formats():
        for width, height in node.sizes(fourcc):
            yield CaptureMode(fourcc_name(fourcc), width, height, node.fastest(fourcc, width, height))


def _probe_indexes() -> Iterator[CameraDevice]:
    import cv2

    level = cv2.getLogLevel()
    cv2.setLogLevel(0)
    try:
        for index in _PROBED_INDEXES:
            capture = cv2.VideoCapture(index, capture_api())
            if capture.isOpened():
                yield CameraDevice(index, str(index), f"camera {index}", capture.getBackendName(), (), ())
            capture.release()
    finally:
        cv2.setLogLevel(level)
