"""What the figures were measured on."""

from __future__ import annotations

import hashlib
import os
import platform
from pathlib import Path

import psutil

from effectcam.bench.peak import measure_peak
from effectcam.bench.report import Accelerator, Cores, Device
from effectcam.doctor.device_type import RUNTIMES, cpu_name, instruction_sets, library_versions, system_name
from effectcam.doctor.machine import cpu_flags
from effectcam.student.accelerator import ON_CPU, Placement
from effectcam.student.threads import usable_cores


def fingerprint() -> Device:
    """This machine, its peak measured (see `measure_peak`); of its accelerators the CPU alone, see
    `accelerator`.

    Says nothing that tells two machines of one model apart: no host name, no serial number.
    """
    cpu, flags = cpu_name(), instruction_sets()
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
        system=system_name(),
        kernel=f"{platform.system()} {platform.release()}",
        virtual=_virtual(),
        libraries=library_versions(),
        accelerators=[accelerator(ON_CPU)],
        peak=measure_peak(cores.usable),
    )


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


def accelerator(placement: Placement) -> Accelerator:
    """Where a student runs, in a report's terms."""
    if placement.accelerator != "cpu":
        return Accelerator(name=placement.accelerator, device=placement.device, driver=placement.driver)
    runtimes = [f"{name} {version}" for name, version in library_versions().items() if name in RUNTIMES]
    driver = f"{placement.driver} of {runtimes[0]}" if runtimes else placement.driver
    return Accelerator(name="cpu", device=cpu_name(), driver=driver)
