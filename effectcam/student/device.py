"""Which accelerators this machine has, as far as files tell: nothing is loaded, no driver is woken.

So a machine without a GPU learns so in a millisecond, and a broken driver harms nobody here.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from effectcam.errors import StudentError
from effectcam.student.accelerator import Accelerator

_JOIN_GROUP = "run: sudo usermod -aG render $USER, then log in again"


class RefusedError(StudentError):
    """An accelerator that is not there, that nothing drives, or that draws something else. ``fix`` is empty
    where nothing is broken."""

    def __init__(self, reason: str, fix: str = "") -> None:
        super().__init__(f"{reason}; {fix or 'use --accelerator cpu'}")
        self.reason, self.fix = reason, fix

    def __reduce__(self) -> tuple[type[RefusedError], tuple[str, str]]:
        # The usual way hands the whole line to another process as the reason, which gets its end twice.
        return RefusedError, (self.reason, self.fix)


@dataclass(frozen=True, slots=True)
class Device:
    """An accelerator that seems to be there."""

    accelerator: Accelerator
    facts: tuple[str, ...]
    """What tells it from another and from itself with another driver."""

    @property
    def key(self) -> str:
        """Changes with the device, its driver, the system's kernel, the CPU beside it and LiteRT."""
        own = (*self.facts, platform.platform(), _cpu(), str(os.cpu_count()), _litert_version())
        return hashlib.sha256("\n".join(own).encode()).hexdigest()


def find_device(accelerator: Accelerator, *, root: Path = Path("/")) -> Device:
    """The machine's, of ``gpu`` or ``npu``. Raises RefusedError when it is not there or its driver is not.
    ``root``: the folder that holds ``dev`` and ``sys``, on Linux."""
    if accelerator == "npu":
        return _find_npu(root)
    if not any(_litert_folder().glob("*LiteRt*Accelerator*")):
        raise RefusedError(f"LiteRT {_litert_version()} has no GPU part on this system")
    if sys.platform == "darwin":
        return Device("gpu", ("Metal", platform.machine(), platform.mac_ver()[0]))
    if sys.platform == "win32":
        return Device("gpu", _windows_devices("{4d36e968-e325-11ce-bfc1-08002be10318}", "a GPU"))
    return Device("gpu", tuple(_vulkan(root, os.environ)))


def _vulkan(root: Path, environment: Mapping[str, str]) -> Iterator[str]:
    chosen = environment.get("VK_DRIVER_FILES") or environment.get("VK_ICD_FILENAMES")
    if chosen:
        # Whoever names drivers knows what is there; a software driver needs no device at all.
        manifests = [Path(name) for name in chosen.split(os.pathsep) if name]
        for manifest in manifests:
            if not manifest.exists():
                raise RefusedError(
                    f"VK_DRIVER_FILES names {manifest}, which is not there",
                    "correct the variable or unset it",
                )
    else:
        nodes = sorted((root / "dev" / "dri").glob("renderD*"))
        others = [node for name in ("nvidiactl", "dxg") if (node := root / "dev" / name).exists()]
        if not nodes and not others:
            raise RefusedError("no GPU found (nothing like /dev/dri/renderD128)")
        closed = [node for node in nodes if not os.access(node, os.R_OK | os.W_OK)]
        if len(closed) == len(nodes) and not others:
            raise RefusedError(f"the GPU at {closed[0]} may not be opened", _JOIN_GROUP)
        # A driver that was removed may leave a link that leads nowhere.
        manifests = [
            file
            for folder in _manifest_folders(root, environment)
            for file in folder.glob("*.json")
            if file.is_file()
        ]
        if not manifests:
            raise RefusedError(
                "the GPU has no Vulkan driver",
                "run: sudo apt install mesa-vulkan-drivers, or install NVIDIA's driver",
            )
        for node in nodes:
            about = root / "sys" / "class" / "drm" / node.name / "device"
            yield ":".join(_text(about / name) for name in ("vendor", "device", "revision"))
    for manifest in sorted(manifests):
        # An update of the driver writes its manifest anew.
        told = manifest.stat()
        yield f"{manifest} {told.st_size} {told.st_mtime_ns}"


def _manifest_folders(root: Path, environment: Mapping[str, str]) -> Iterable[Path]:
    """Where Vulkan's loader looks for drivers, by its documentation ("Driver Discovery on Linux")."""
    home = Path(environment.get("HOME") or "~").expanduser()
    bases = [
        environment.get("XDG_CONFIG_HOME") or home / ".config",
        *(environment.get("XDG_CONFIG_DIRS") or str(root / "etc" / "xdg")).split(os.pathsep),
        root / "etc",
        environment.get("XDG_DATA_HOME") or home / ".local" / "share",
        *(
            environment.get("XDG_DATA_DIRS")
            or f"{root / 'usr' / 'local' / 'share'}{os.pathsep}{root / 'usr' / 'share'}"
        ).split(os.pathsep),
    ]
    return (Path(base) / "vulkan" / "icd.d" for base in bases)


def _find_npu(root: Path) -> Device:
    folders = npu_folders()
    if folders is None:
        raise RefusedError(f"LiteRT {_litert_version()} has no NPU plug-in for this system")
    if sys.platform == "win32":
        return Device("npu", _windows_devices("{f01a9d53-3ff6-48d2-9f97-c8a7004be10c}", "an NPU"))
    nodes = sorted((root / "dev" / "accel").glob("accel*"))
    if not nodes:
        raise RefusedError("no NPU found (nothing like /dev/accel/accel0)")
    if not any(os.access(node, os.R_OK | os.W_OK) for node in nodes):
        raise RefusedError(f"the NPU at {nodes[0]} may not be opened", _JOIN_GROUP)
    about = root / "sys" / "class" / "accel"
    return Device(
        "npu",
        tuple(
            ":".join(
                (folders[0], *(_text(about / node.name / "device" / name) for name in ("vendor", "device")))
            )
            for node in nodes
        ),
    )


def npu_folders() -> tuple[str, str] | None:
    """(compiler's folder, dispatcher's folder) of the first vendor whose plug-ins LiteRT brings both of,
    None without one. A compiler alone makes models for other machines."""
    for vendor in sorted((_litert_folder() / "vendors").glob("*")):
        compiler, dispatch = vendor / "compiler", vendor / "dispatch"
        if any(compiler.glob("*LiteRtCompilerPlugin*")) and any(dispatch.glob("*LiteRtDispatch*")):
            return str(compiler), str(dispatch)
    return None


def _windows_devices(device_class: str, what: str) -> tuple[str, ...]:
    """Name and driver version of each device of a class, from the registry."""
    import winreg

    found = []
    base = rf"SYSTEM\CurrentControlSet\Control\Class\{device_class}"
    for number in range(16):
        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, rf"{base}\{number:04}") as key:  # type: ignore[attr-defined,unused-ignore]
                name = winreg.QueryValueEx(key, "DriverDesc")[0]  # type: ignore[attr-defined,unused-ignore]
                found.append(f"{name} {winreg.QueryValueEx(key, 'DriverVersion')[0]}")  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            continue
    if not found:
        raise RefusedError(f"no driver of {what} is installed")
    return tuple(found)


@cache
def _litert_folder() -> Path:
    spec = find_spec("ai_edge_litert")
    return Path(spec.origin).parent if spec is not None and spec.origin else Path("/nonexistent")


@cache
def _litert_version() -> str:
    try:
        return version("ai-edge-litert")
    except PackageNotFoundError:
        return "(none)"


@cache
def _cpu() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", _text(Path("/proc/cpuinfo")), re.MULTILINE)
    return found[1] if found else platform.processor()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
