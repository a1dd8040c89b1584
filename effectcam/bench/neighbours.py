"""What else the machine did while it was measured."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from effectcam.bench.report import Conditions

_BUSY_CORES = 0.15
"""Of others, above which the milliseconds are those of a shared machine."""
_STEAL = 0.02

_GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


class Neighbours:
    """Watches, from its making on, what processor time others take."""

    def __init__(self) -> None:
        self._load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
        self._seen = np.zeros(3)
        self._since: NDArray[np.float64] | None = _machine_seconds()

    def pause(self) -> None:
        """Look away until `resume`."""
        if self._since is not None:
            self._seen += _machine_seconds() - self._since
        self._since = None

    def resume(self) -> None:
        self._since = _machine_seconds()

    def conditions(self, own: float) -> Conditions:
        """Of the time that it watched, of which ``own`` CPU seconds belong to the measurement; ends it."""
        self.pause()
        wall, busy, stolen = map(float, self._seen)
        others = max(0.0, busy - own) / wall
        steal = min(1.0, max(0.0, stolen / (busy + stolen))) if busy + stolen > 0 else 0.0
        battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
        plugged = None if battery is None else battery.power_plugged
        on_battery = None if plugged is None else not plugged
        nice = psutil.Process().nice() if os.name == "posix" else 0
        return Conditions(
            load_1m=self._load,
            others_cores=others,
            steal_share=steal,
            nice=nice,
            cpu_governor=_cpu_governor(),
            on_battery=on_battery,
            notes=list(_notes(others, steal, nice, on_battery)),
        )


def disturbed(conditions: Conditions) -> bool:
    """Whether others took so much that the times are not the program's own."""
    return conditions.others_cores > _BUSY_CORES or conditions.steal_share > _STEAL


def _machine_seconds() -> NDArray[np.float64]:
    """By the clock, and of all cores since the machine started: at work, and stolen by the hypervisor."""
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    stolen = getattr(times, "steal", 0.0)
    # Guests' time is part of the user's.
    guests = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    return np.array([time.perf_counter(), sum(times) - idle - stolen - guests, stolen])


def _cpu_governor() -> str | None:
    try:
        return _GOVERNOR.read_text(encoding="ascii").strip()
    except OSError:
        return None


def _notes(others: float, steal: float, nice: int, on_battery: bool | None) -> list[str]:
    notes = []
    if others > _BUSY_CORES:
        notes.append(
            f"other programs kept {others:.1f} cores busy, so the times are those of a shared machine; "
            "close them, or compare only what ran interleaved"
        )
    if steal > _STEAL:
        notes.append(f"the hypervisor gave {100 * steal:.0f} % of the wanted time to other guests")
    if nice > 0:
        notes.append(f"ran at niceness {nice}: programs of normal priority went first")
    if on_battery:
        notes.append("ran on battery, where most laptops are slower; plug the charger in")
    return notes
