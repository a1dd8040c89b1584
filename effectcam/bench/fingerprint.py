"""What the figures were measured on."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import psutil

from effectcam.bench.peak import measure_peak
from effectcam.bench.report import Accelerator, Cores, Device
from effectcam.doctor.machine import cpu_flags
from effectcam.student.accelerator import ON_CPU, Placement
from effectcam.student.threads import usable_cores

_RUNTIMES = ("ai-edge-litert", "tflite-runtime")
_LIBRARIES = ("mediapipe", *_RUNTIMES, "opencv-contrib-python", "numpy", "av")

_TELLING = (
    *("sse4", "avx", "fma", "f16c", "amx"),
    *("neon", "asimd", "sve", "sme2", "i8mm", "bf16", "dotprod", "fphp"),
)
"""How the flags begin that arithmetic can gain from; a CPU has a hundred others."""


def fingerprint() -> Device:
    """This machine, its peak measured (see `measure_peak`); of its accelerators the CPU alone, see
    `accelerator`.

    Says nothing that tells two machines of one model apart: no host name, no serial number.
    """
    cpu, flags = _cpu(), _flags()
    cores = Cores(
        usable=usable_cores(), logical=os.cpu_count() or 1, physical=psutil.cpu_count(logical=False)
    )
    memory = psutil.virtual_memory().total / 1e6
    # To whole gigabytes: how much of it the firmware keeps differs between equal machines.
    hardware = [cpu, platform.machine(), *flags, str(cores.logical), str(round(memory / 1000))]
    frequency = psutil.cpu_freq() if hasattr(psutil, "cpu_freq") else None
    return Device(
        id=hashlib.sha256("\n".join(hardware).encode()).hexdigest()[:12],
        cpu=cpu,
        architecture=platform.machine(),
        flags=flags,
        cores=cores,
        max_mhz=frequency.max if frequency is not None and frequency.max else None,
        memory_mb=round(memory),
        system=_system(),
        kernel=f"{platform.system()} {platform.release()}",
        virtual=_virtual(),
        libraries=_versions(),
        accelerators=[accelerator(ON_CPU)],
        peak=measure_peak(cores.usable),
    )


def _cpu() -> str:
    """The name that its maker gave it."""
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


def _flags() -> list[str]:
    """Empty where the system does not list them."""
    found = cpu_flags()
    if sys.platform == "darwin":
        lines = _sysctl("hw.optional").splitlines()
        on = [line.partition(":")[0] for line in lines if line.endswith(": 1")]
        found = {name.rpartition(".")[2].lower().removeprefix("feat_") for name in on}
    return sorted(flag for flag in found if flag.startswith(_TELLING) or "vnni" in flag)


def _sysctl(name: str) -> str:
    # A tree of values comes with their names, a single one without.
    option = [] if name == "hw.optional" else ["-n"]
    return subprocess.run(
        ["/usr/sbin/sysctl", *option, name], capture_output=True, text=True, check=False
    ).stdout.strip()


def _system() -> str:
    if sys.platform == "linux":
        try:
            return platform.freedesktop_os_release()["PRETTY_NAME"]
        except (OSError, KeyError):
            return "Linux"
    if sys.platform == "darwin":
        return f"macOS {platform.mac_ver()[0]}"
    return f"{platform.system()} {platform.release()} {platform.version()}"


def _virtual() -> str | None:
    """The hypervisor's name as far as Linux tells it, None on bare metal and where nothing is known."""
    if "hypervisor" not in cpu_flags():
        return None
    for file in ("/sys/hypervisor/type", "/sys/class/dmi/id/sys_vendor"):
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except OSError:
            continue
    return "unnamed hypervisor"


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def accelerator(placement: Placement) -> Accelerator:
    """Where a student runs, in a report's terms."""
    if placement.accelerator != "cpu":
        return Accelerator(name=placement.accelerator, device=placement.device, driver=placement.driver)
    runtimes = [f"{name} {version}" for name, version in _versions().items() if name in _RUNTIMES]
    driver = f"{placement.driver} of {runtimes[0]}" if runtimes else placement.driver
    return Accelerator(name="cpu", device=_cpu(), driver=driver)
