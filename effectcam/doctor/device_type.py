"""What kind of device this is: processor, instruction sets, system, libraries.

Nothing here tells two machines of one model apart: no host name, no serial number.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from effectcam.doctor.machine import cpu_flags

RUNTIMES = ("ai-edge-litert", "tflite-runtime")
_LIBRARIES = ("mediapipe", *RUNTIMES, "opencv-contrib-python", "numpy", "av")

_TELLING = (
    *("sse4", "avx", "fma", "f16c", "amx"),
    *("neon", "asimd", "sve", "sme2", "i8mm", "bf16", "dotprod", "fphp"),
)
"""How the flags begin that arithmetic can gain from; a CPU has a hundred others."""


def cpu_name() -> str:
    """The name that its maker gave the processor."""
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith(("model name", "Model")):
                return line.partition(":")[2].strip()
    if sys.platform == "darwin":
        return _sysctl("machdep.cpu.brand_string") or platform.machine()
    if sys.platform == "win32":
        import winreg

        place = r"HARDWARE\DESCRIPTION\System\CentralProcessor\0"
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, place) as key:
            return str(winreg.QueryValueEx(key, "ProcessorNameString")[0]).strip()
    return platform.processor() or platform.machine()


def instruction_sets() -> list[str]:
    """The flags that arithmetic can gain from, sorted; empty where the system does not list them."""
    found = cpu_flags()
    if sys.platform == "darwin":
        lines = _sysctl("hw.optional").splitlines()
        on = [line.partition(":")[0] for line in lines if line.endswith(": 1")]
        found = {name.rpartition(".")[2].lower().removeprefix("feat_") for name in on}
    return sorted(flag for flag in found if flag.startswith(_TELLING) or "vnni" in flag)


def system_name() -> str:
    if sys.platform == "linux":
        try:
            return platform.freedesktop_os_release()["PRETTY_NAME"]
        except (OSError, KeyError):
            return "Linux"
    if sys.platform == "darwin":
        return f"macOS {platform.mac_ver()[0]}"
    return f"{platform.system()} {platform.release()} {platform.version()}"


def library_versions() -> dict[str, str]:
    """Of those that compute or decode pictures, by name, and Python's."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _sysctl(name: str) -> str:
    # A tree of values comes with their names, a single one without.
    option = [] if name == "hw.optional" else ["-n"]
    return subprocess.run(
        ["/usr/sbin/sysctl", *option, name], capture_output=True, text=True, check=False
    ).stdout.strip()
