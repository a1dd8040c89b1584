"""Linux: the v4l2loopback kernel module behind the virtual camera, and its options."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable
from pathlib import Path

from effectcam.doctor.finding import Finding, fail, ok, warn
from effectcam.sink.virtual_camera import LABEL, MODPROBE
from effectcam.source.devices import VirtualCameraDevice, list_virtual_cameras

MODULE = Path("/sys/module/v4l2loopback")
NODES = Path("/sys/devices/virtual/video4linux")
MODULES = Path("/lib/modules") / platform.release()
"""Of the running kernel: a module that was built for another does not load."""

RELOAD = f"sudo modprobe -r v4l2loopback && {MODPROBE}"

_LAST_STALE = (0, 12, 7)
"""Up to this version a device that was fed and closed does not become an output again when
``exclusive_caps`` is on, so it works once."""

_INSTALL = "sudo apt install v4l2loopback-dkms, or your system's package of that name"


def check_module(*, module: Path = MODULE, modules: Path = MODULES) -> Finding:
    """Whether the module is loaded, and if not, whether it is installed at all."""
    if module.is_dir():
        version = module_version(module)
        return ok("v4l2loopback", f"loaded, version {version}" if version else "loaded")
    if any(modules.rglob("v4l2loopback.ko*")):
        return warn("v4l2loopback", "installed but not loaded, so there is no virtual camera", MODPROBE)
    return warn(
        "v4l2loopback",
        "not installed for this kernel, so there is no virtual camera",
        f"{_INSTALL}; then {MODPROBE}",
    )


def module_version(module: Path = MODULE) -> str:
    """The module's own word, empty where it gives none."""
    try:
        return (module / "version").read_text().strip()
    except OSError:
        return ""


def check_version(*, module: Path = MODULE) -> Finding | None:
    """A finding for the versions whose devices go stale."""
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", module_version(module))
    if found is None or tuple(map(int, found.groups())) > _LAST_STALE:
        return None
    return warn(
        "v4l2loopback version",
        f"{found[0]}: a device may be fed once only; started again, it is 'not a video output device'",
        f"install version 0.13 or later; until then, before each new start: {RELOAD}",
    )


def check_exclusive_caps(*, module: Path = MODULE, nodes: Path = NODES) -> Finding | None:
    """A finding if some device would not look like a camera to browsers and Zoom."""
    try:
        flags = (module / "parameters" / "exclusive_caps").read_text().strip().split(",")
    except OSError:
        return None
    # The kernel tells a flag for each device there could be; only those that exist matter.
    count = len(list(nodes.glob("video*")))
    if all(flag in ("Y", "1") for flag in flags[:count]):
        return None
    return warn("exclusive_caps", "is off: Chrome and Zoom will not list the virtual camera", RELOAD)


def check_label(*, nodes: Path = NODES) -> Finding | None:
    """A finding unless one device bears a name that people can pick from a list."""
    names = []
    for node in sorted(nodes.glob("video*")):
        try:
            names.append((node / "name").read_text().strip())
        except OSError:
            continue
    if not names or any(name.casefold() == LABEL for name in names):
        return None
    if any(not name.startswith("Dummy video device") for name in names):
        return None
    return warn("card_label", f"programs will show the virtual camera as {names[0]!r}", RELOAD)


def check_device(device: VirtualCameraDevice) -> Finding:
    """One loopback device: free, fed, or stale."""
    name = f"virtual camera {device.path}"
    if device.free:
        return ok(name, f"{device.name!r} is free")
    if device.holders:
        return warn(
            name,
            f"{device.name!r} is in use by {', '.join(map(str, device.holders))}",
            "close that program, or add a device: " + RELOAD.replace("devices=1", "devices=2"),
        )
    if device.exclusive:
        return fail(
            name, f"{device.name!r} takes no pictures though nobody is seen to feed it: stale", RELOAD
        )
    return warn(name, f"{device.name!r} takes no pictures", RELOAD)


def check_loopback(devices: list[VirtualCameraDevice] | None = None) -> Iterable[Finding]:
    """The module, its options, its devices."""
    yield check_module()
    if not MODULE.is_dir():
        return
    for finding in (check_version(), check_exclusive_caps(), check_label()):
        if finding is not None:
            yield finding
    found = list_virtual_cameras() if devices is None else devices
    if not found:
        yield fail("virtual camera", "the module is loaded but has no device that this user may open", RELOAD)
    for device in found:
        yield check_device(device)
