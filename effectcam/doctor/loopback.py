"""Linux: the v4l2loopback kernel module behind the virtual camera, and its options."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from pathlib import Path

from effectcam.doctor.finding import Finding, fail, ok, warn
from effectcam.sink.loopback import (
    JOIN_VIDEO,
    LABEL,
    MODPROBE,
    NODES,
    RELOAD,
    barred_nodes,
    goes_stale,
    module_version,
    reload_with,
)
from effectcam.source.devices import LOOPBACK_MODULE, VirtualCameraDevice, list_virtual_cameras

MODULES = Path("/lib/modules") / platform.release()
"""Of the running kernel: a module that was built for another does not load."""

_INSTALL = "sudo apt install v4l2loopback-dkms, or your system's package of that name"


def check_module(*, module: Path = LOOPBACK_MODULE, modules: Path = MODULES) -> Finding:
    """Whether the module is loaded, and if not, whether it is installed at all."""
    if module.is_dir():
        return ok("v4l2loopback", f"loaded, version {_version(module)}")
    if any(modules.rglob("v4l2loopback.ko*")):
        return warn("v4l2loopback", "installed but not loaded, so there is no virtual camera", MODPROBE)
    return warn(
        "v4l2loopback",
        "not installed for this kernel, so there is no virtual camera",
        f"{_INSTALL}; then {MODPROBE}",
    )


def check_version(*, module: Path = LOOPBACK_MODULE) -> Finding | None:
    """A finding for the versions whose devices go stale."""
    if not goes_stale(module):
        return None
    return ok(
        "v4l2loopback version",
        f"{_version(module)} leaves a device that was fed and closed unable to be fed again; effectcam mends "
        "that by itself",
    )


def _version(module: Path) -> str:
    # Versions up to 0.12.7 do not tell.
    return ".".join(map(str, module_version(module))) or "0.12.7 or older"


def check_exclusive_caps(*, module: Path = LOOPBACK_MODULE, nodes: Path = NODES) -> Finding | None:
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
    if device.stale:
        return ok(
            name, f"{device.name!r} is stale since its last feeder left; effectcam run mends it by itself"
        )
    if device.free:
        return ok(name, f"{device.name!r} is free")
    if device.holders:
        return warn(
            name,
            f"{device.name!r} is in use by {', '.join(map(str, device.holders))}",
            "close that program, or add a device: " + reload_with(2),
        )
    return warn(
        name,
        f"{device.name!r} is in use by a program that this user cannot see",
        f"sudo fuser -v {device.path} names it; close it",
    )


def check_loopback(devices: list[VirtualCameraDevice] | None = None) -> Iterable[Finding]:
    """The module, its options, its devices."""
    yield check_module()
    if not LOOPBACK_MODULE.is_dir():
        return
    for finding in (check_version(), check_exclusive_caps(), check_label()):
        if finding is not None:
            yield finding
    found = list_virtual_cameras() if devices is None else devices
    barred = barred_nodes()
    if barred:
        yield fail("virtual camera", f"this user may not open {', '.join(barred)}", JOIN_VIDEO)
    if not found and not barred:
        yield fail("virtual camera", "the module is loaded without a device", RELOAD)
    for device in found:
        yield check_device(device)
