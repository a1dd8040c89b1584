"""What the figures were measured on, and how fast it could go: the few lines that stand above a table."""

from __future__ import annotations

import os
from dataclasses import dataclass

from effectcam.bench.fingerprint import fingerprint


@dataclass(frozen=True, slots=True)
class Machine:
    cpu: str
    cores: int
    """That this process may use."""
    system: str
    python: str
    load: float | None
    """Processes that want to run, averaged over the last minute; None where the system does not say."""
    sgemm_gflops: float
    """Billion float32 operations a second in a large matrix product on one core: what a student would
    do if it were nothing but arithmetic."""

    @property
    def busy(self) -> bool:
        """Something else was running, so the figures are those of a shared machine."""
        return self.load is not None and self.load > 0.3


def this_machine() -> Machine:
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    device = fingerprint()
    return Machine(
        cpu=device.cpu,
        cores=device.cores.usable,
        system=f"{device.kernel} {device.architecture}",
        python=device.libraries["python"],
        load=load,
        sgemm_gflops=device.peak.one_core_gflops,
    )
