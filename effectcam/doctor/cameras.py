"""The cameras: there, allowed, free, and able to send compressed pictures."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from effectcam.doctor.finding import Finding, fail, ok, warn
from effectcam.source.devices import LOOPBACK_DRIVERS, SYSFS, CameraDevice, list_cameras

DEV = Path("/dev")

_NO_CAMERA = {
    "darwin": "plug one in, and allow the terminal to use it in System Settings, Privacy & Security, Camera",
    "win32": "plug one in, and allow desktop apps to use it in Settings, Privacy & security, Camera",
}


def _may_open(path: Path) -> bool:
    return os.access(path, os.R_OK | os.W_OK)


def check_permission(
    *, sysfs: Path = SYSFS, dev: Path = DEV, may_open: Callable[[Path], bool] = _may_open
) -> Finding | None:
    """A finding if video devices exist that this user may not open (Linux)."""
    nodes = sorted(dev / entry.name for entry in sysfs.glob("video*"))
    barred = [node for node in nodes if node.exists() and not may_open(node)]
    if not barred:
        return None
    return fail(
        "camera permission",
        f"this user may not open {', '.join(map(str, barred))}",
        "sudo usermod -aG video $USER, then log in again",
    )


def check_camera(camera: CameraDevice) -> Finding:
    name = f"camera {camera.index}"
    if camera.holders:
        return warn(
            name,
            f"{camera.name!r} is in use by {', '.join(map(str, camera.holders))}",
            "close that program before effectcam run",
        )
    formats = {mode.pixel_format for mode in camera.modes}
    if formats and not formats & {"MJPG", "JPEG"} and camera.driver not in LOOPBACK_DRIVERS:
        return warn(
            name,
            f"{camera.name!r} offers no MJPG, only {', '.join(sorted(formats))}: full rate in small sizes",
            "effectcam run --size 640x480, or a USB 3 port",
        )
    return ok(name, f"{camera.name!r} at {camera.path}")


def check_cameras(cameras: list[CameraDevice] | None = None) -> Iterable[Finding]:
    """Permission first, because a camera that may not be opened is not listed."""
    barred = check_permission() if sys.platform == "linux" else None
    if barred is not None:
        yield barred
    found = list_cameras() if cameras is None else cameras
    if not found and barred is None:
        yield warn(
            "camera", "none found; clips work all the same", _NO_CAMERA.get(sys.platform, "plug one in")
        )
    for camera in found:
        yield check_camera(camera)
