"""The machine's state at a moment of a run."""

from __future__ import annotations

from dataclasses import dataclass

import psutil

from effectcam.bench.own import OwnProcesses

_CPU_SENSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal", "cpu-thermal")
"""Names under which Linux tells a processor's temperature."""


@dataclass(frozen=True, slots=True)
class Sample:
    at_s: float
    """From the start of the steady state."""
    memory_mb: float
    mhz: float | None
    temperature_c: float | None


def sample(at_s: float, own: OwnProcesses) -> Sample:
    """Now; None for what the system does not tell."""
    frequency = psutil.cpu_freq() if hasattr(psutil, "cpu_freq") else None
    sensors = psutil.sensors_temperatures() if hasattr(psutil, "sensors_temperatures") else {}
    chips = [reading.current for chip in _CPU_SENSORS for reading in sensors.get(chip, [])]
    return Sample(
        at_s=at_s,
        memory_mb=own.resident_mb(),
        mhz=round(frequency.current, 1) if frequency is not None and frequency.current else None,
        temperature_c=round(max(chips), 1) if chips else None,
    )
