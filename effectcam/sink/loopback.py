"""Linux: the v4l2loopback device behind a virtual camera: which one, whether it can be had, who watches.

A device turns from output (waits to be fed) to capture (is a camera) when it is fed, and back when the
feeder leaves. Up to version 0.12.7 the module forgets to turn it back if the feeder only ever called
``write``, as pyvirtualcam does: the device is stale then, neither output nor capture, and refuses the
next feeder. `Claim` mends a stale device before it is opened, and never leaves one behind.
"""

from __future__ import annotations

import contextlib
import os
import re
import struct
from pathlib import Path

from effectcam.errors import SinkError
from effectcam.source.devices import (
    LOOPBACK_MODULE,
    PROC,
    VirtualCameraDevice,
)

LABEL = "effectcam"
MODPROBE = f'sudo modprobe v4l2loopback devices=1 video_nr=10 exclusive_caps=1 card_label="{LABEL}"'
"""The number is far from those of webcams: programs that open /dev/video0 unasked mean one of these."""
RELOAD = f"sudo modprobe -r v4l2loopback && {MODPROBE}"
JOIN_VIDEO = "sudo usermod -aG video $USER, then log in again"

NODES = Path("/sys/devices/virtual/video4linux")
"""Of the devices that belong to no hardware."""

LAST_STALE = (0, 12, 7)
"""The last version whose devices go stale."""

_STREAM_ON = 0x4004_5612
_OUTPUT = struct.pack("=i", 2)


def module_version(module: Path = LOOPBACK_MODULE) -> tuple[int, ...]:
    """Such as (0, 13, 2); empty where the module is not loaded or, up to 0.12.7, does not tell.

    >>> module_version(Path("/nowhere"))
    ()
    """
    try:
        found = re.match(r"\d+(\.\d+)*", (module / "version").read_text())
    except OSError:
        return ()
    return tuple(map(int, found[0].split("."))) if found else ()


def goes_stale(module: Path = LOOPBACK_MODULE) -> bool:
    """Whether devices of the loaded module need mending."""
    return module.is_dir() and module_version(module) <= LAST_STALE


def choose_loopback(
    devices: list[VirtualCameraDevice],
    wanted: str | None = None,
    *,
    module: Path = LOOPBACK_MODULE,
    nodes: Path = NODES,
) -> VirtualCameraDevice:
    """The loopback device to write to.

    ``wanted`` is a path or a label. None prefers the label 'effectcam', then the lowest index, among
    those that no other program feeds. Raises `SinkError` with the way out if none is left.
    """
    if wanted is not None:
        matches = [device for device in devices if wanted == device.path]
        matches = matches or [device for device in devices if wanted.casefold() == device.name.casefold()]
    else:
        matches = sorted(devices, key=lambda device: device.name.casefold() != LABEL)
    for device in matches:
        if device.free:
            return device
    named = "virtual camera" if wanted is None else f"virtual camera {wanted!r}"
    if matches:
        raise SinkError(f"{named}: {_who_has(matches)}; {way_to_another(len(devices))}")
    if barred := barred_nodes(nodes):
        raise SinkError(f"{named}: this user may not open {', '.join(barred)}; run: {JOIN_VIDEO}")
    if devices:
        listed = ", ".join(f"{device.path} {device.name!r}" for device in devices)
        raise SinkError(f"{named}: is no loopback device; known: {listed}")
    if module.is_dir():
        raise SinkError(f"{named}: the loopback module is loaded without a device; reload it: {RELOAD}")
    raise SinkError(
        f"{named}: no loopback device on this machine; load the loopback module: {MODPROBE}; "
        "effectcam doctor says more where that fails"
    )


def way_to_another(devices: int) -> str:
    """What to do when the ``devices`` that there are will not do."""
    return f"close that program, or reload the module with a device more: {reload_with(devices + 1)}"


def reload_with(devices: int) -> str:
    """How to load the module with so many: number and caps are given to each, or the others have the first
    free number and are not listed by Chrome and Zoom."""
    numbers, caps = ",".join(str(10 + device) for device in range(devices)), ",".join("1" * devices)
    several = f"devices={devices} video_nr={numbers} exclusive_caps={caps}"
    return RELOAD.replace("devices=1 video_nr=10 exclusive_caps=1", several)


def barred_nodes(nodes: Path = NODES) -> list[str]:
    """Paths of the loopback devices that this user may not open, which is why they are not listed."""
    paths = [Path("/dev") / entry.name for entry in sorted(nodes.glob("video*"))]
    return [str(path) for path in paths if path.exists() and not os.access(path, os.R_OK | os.W_OK)]


def _who_has(devices: list[VirtualCameraDevice]) -> str:
    holders = sorted({str(holder) for device in devices for holder in device.holders})
    who = ", ".join(holders) if holders else "by a program that this user cannot see"
    return f"{', '.join(device.path for device in devices)} in use ({who})"


def check_format(path: str, width: int, height: int, *, nodes: Path = NODES) -> None:
    """Raise `SinkError` if a device is held at another format than I420 of this size.

    A device keeps its format while a program watches it. Frames of another size would be taken all
    the same, and seen as noise.
    """
    try:
        told = (nodes / Path(path).name / "format").read_text().strip()
    except OSError:
        return
    found = re.match(r"(\S+) *:(\d+)x(\d+)@", told)
    if found is None or found.groups() == ("YU12", str(width), str(height)):
        return
    raise SinkError(
        f"virtual camera {path}: a program that watches it keeps it at {found[1]} {found[2]}x{found[3]}, "
        f"not YU12 {width}x{height}; close that program, or send that size"
    )


class Claim:
    """One loopback device for this process alone, from before it is opened until after it is closed.

    A lock keeps other runs of effectcam out, also in the moment before the first frame, in which the
    device still looks free. Other programs do not ask for the lock. A stale device is mended.

    Raises `SinkError` if the device cannot be had, or not for I420 of ``width`` by ``height``.
    """

    def __init__(
        self, device: VirtualCameraDevice, width: int, height: int, *, module: Path = LOOPBACK_MODULE
    ) -> None:
        self.path = device.path
        self.warnings: list[str] = []
        if not device.exclusive:
            self.warnings.append(
                f"virtual camera {self.path}: exclusive_caps is off, so Chrome and Zoom do not list it; "
                f"reload the module: {RELOAD}"
            )
        self._heals = goes_stale(module)
        self._fd = self._open_alone()
        try:
            check_format(self.path, width, height)
        except SinkError:
            self.close()
            raise
        if device.stale and self._heals:
            # The module turns a device back when somebody closes it who had streaming switched on.
            with contextlib.suppress(OSError):
                second = _open(self.path)
                _stream_on(second)
                os.close(second)

    def _open_alone(self) -> int:
        import fcntl

        try:
            fd = _open(self.path)
        except PermissionError:
            raise SinkError(
                f"virtual camera {self.path}: this user may not open it; run: {JOIN_VIDEO}"
            ) from None
        except OSError as error:
            raise SinkError(
                f"virtual camera {self.path}: {error.strerror}; reload the module: {RELOAD}"
            ) from None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(fd)
            raise SinkError(
                f"virtual camera {self.path}: another run of effectcam feeds it; end that, or give this one "
                "a device of its own"
            ) from None
        return fd

    def hold(self) -> None:
        """Once the device is open: see to it that it turns back when this process ends, however it ends."""
        if self._heals:
            _stream_on(self._fd)

    def close(self) -> None:
        """Let go. Call it after the device was closed; further calls do nothing."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


def _open(path: str) -> int:
    return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)


def _stream_on(fd: int) -> None:
    import fcntl

    # The answer does not matter: even a device without a format yet takes note of who asked.
    with contextlib.suppress(OSError):
        fcntl.ioctl(fd, _STREAM_ON, _OUTPUT)


def readers_of(
    path: str, *, module: Path = LOOPBACK_MODULE, nodes: Path = NODES, proc: Path = PROC
) -> int | None:
    """How often other programs have a loopback device open, to pause while nobody watches.

    The module counts its openings, ours included; what is not ours is a watcher's. While only one
    device exists that is the answer, for programs of all users. With several devices the processes
    that this user may see are looked through, unless nothing but ours is open. None where it cannot
    be told, so that nobody is left without a picture: outside Linux, without the module's count, and
    where one of several devices is open in a program that this user may not see.
    """
    try:
        opened = int((module / "refcnt").read_text())
    except (OSError, ValueError):
        return None
    devices = {f"/dev/{entry.name}" for entry in nodes.glob("video*")}
    foreign = opened - _openings(proc / "self", devices)
    if foreign <= 0:
        return 0
    if len(devices) == 1:
        return foreign
    me = str(os.getpid())
    others = [process for process in proc.glob("[0-9]*") if process.name != me]
    if here := sum(_openings(process, {path}) for process in others):
        return here
    seen = sum(_openings(process, devices) for process in others)
    return 0 if seen >= foreign else None


def _openings(process: Path, paths: set[str]) -> int:
    """How many of a process's open files are among ``paths``; 0 for one that may not be looked at."""
    count = 0
    with contextlib.suppress(OSError):
        for number in os.listdir(process / "fd"):
            with contextlib.suppress(OSError):
                count += os.readlink(f"{process}/fd/{number}") in paths
    return count
