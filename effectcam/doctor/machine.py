"""The machine: instructions, cores, memory."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from effectcam.doctor.finding import Finding, fail, ok, warn
from effectcam.student.threads import usable_cores

PROC = Path("/proc")

_NEEDED_MB = 600
"""What a run holds at its peak, with the libraries."""

_FAST = {"avx512": "avx512f", "amx": "amx_tile", "avx2": "avx2", "neon": "asimd"}
"""Vector units by the flag with which Linux tells them; 32-bit ARM tells ``neon`` itself."""


def cpu_flags(*, proc: Path = PROC) -> set[str]:
    """The flags of the first core; empty where the system does not list them."""
    try:
        text = (proc / "cpuinfo").read_text()
    except OSError:
        return set()
    found = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    return set(found[1].split()) if found else set()


def check_cpu(*, proc: Path = PROC, machine: str | None = None) -> Finding:
    kind = machine or platform.machine()
    flags = cpu_flags(proc=proc)
    units = [name for name, flag in _FAST.items() if flag in flags or name in flags]
    if units:
        return ok("CPU", f"{kind} with {', '.join(units)}")
    if kind.lower() in ("arm64", "aarch64"):
        return ok("CPU", f"{kind} with neon")
    if not flags:
        return ok("CPU", f"{kind}; this system does not list its instructions")
    return warn(
        "CPU",
        f"{kind} without avx2: students run several times slower",
        "choose a face effect, such as zombie, and --size 640x360",
    )


def check_cores(cores: int | None = None) -> Finding:
    count = usable_cores() if cores is None else cores
    if count >= 2:
        return ok("cores", f"{count} usable")
    return warn(
        "cores", "1 usable: camera, effect and encoder share it", "choose a face effect and --size 640x360"
    )


def check_memory(*, proc: Path = PROC) -> Finding | None:
    """None where the system does not tell."""
    try:
        found = re.search(r"^MemAvailable:\s*(\d+) kB", (proc / "meminfo").read_text(), re.MULTILINE)
    except OSError:
        return None
    if found is None:
        return None
    free = int(found[1]) // 1024
    if free >= _NEEDED_MB:
        return ok("memory", f"{free} MB free")
    return fail("memory", f"{free} MB free, a run needs about {_NEEDED_MB}", "close other programs")


def check_machine() -> Iterable[Finding]:
    """All of it."""
    yield check_cpu()
    yield check_cores()
    memory = check_memory() if sys.platform == "linux" else None
    if memory is not None:
        yield memory
