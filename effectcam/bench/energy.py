"""Energy of the processor package, where RAPL's counters can be read."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from effectcam.bench.report import Energy

_POWERCAP = Path("/sys/class/powercap")


@dataclass(slots=True)
class _Counter:
    name: str
    file: Path
    wraps_at: int
    """Microjoules at which it begins anew: at 100 W after three quarters of an hour."""
    last: int
    counted: int = 0


class EnergyMeter:
    """Adds up what the counters of Linux's ``powercap`` tell: each processor package, and its memory where
    that is counted beside it. They count the whole machine, not this process.
    """

    def __init__(self, folder: Path = _POWERCAP) -> None:
        """Counts from now on; never raises, see `unread`."""
        self.unread: str | None = None
        """Why nothing is counted."""
        self._counters: list[_Counter] = []
        if sys.platform != "linux":
            self.unread = "energy is read from Linux's powercap alone"
            return
        domains = sorted(folder.glob("intel-rapl:*"))
        if not domains:
            self.unread = "this machine shows no RAPL counters (virtual machines and most ARM boards do not)"
        for domain in domains:
            try:
                name = (domain / "name").read_text(encoding="ascii").strip()
                # Cores and graphics are parts of the package, which would count twice.
                if name.startswith("package") or name == "dram":
                    wraps_at = int((domain / "max_energy_range_uj").read_text(encoding="ascii"))
                    now = int((domain / "energy_uj").read_text(encoding="ascii"))
                    self._counters.append(_Counter(name, domain / "energy_uj", wraps_at, now))
            except PermissionError:
                self._counters.clear()
                self.unread = f"only root may read {domain / 'energy_uj'}"
                return
            except (OSError, ValueError) as error:
                self._counters.clear()
                self.unread = f"{domain} cannot be read ({error})"
                return
        if domains and not self._counters:
            self.unread = f"no RAPL counter in {folder} is that of a processor package"

    def sample(self) -> None:
        """To be called more often than the counters wrap, at least each minute."""
        for counter in self._counters:
            try:
                now = int(counter.file.read_text(encoding="ascii"))
            except (OSError, ValueError) as error:
                self._counters.clear()
                self.unread = f"{counter.file} could no longer be read ({error})"
                return
            counter.counted += (now - counter.last) % (counter.wraps_at + 1)
            counter.last = now

    def skip(self) -> None:
        """What was used since the last sample, others used: it does not count."""
        counted = [counter.counted for counter in self._counters]
        self.sample()
        for counter, before in zip(self._counters, counted, strict=False):
            counter.counted = before

    def result(self, seconds: float, frames: int) -> Energy:
        """Of the ``seconds`` since the meter was made, in which ``frames`` were finished."""
        self.sample()
        if not self._counters:
            return Energy(joules=None, joules_per_frame=None, watts=None, domains=[], unread=self.unread)
        joules = sum(counter.counted for counter in self._counters) / 1e6
        return Energy(
            joules=joules,
            joules_per_frame=joules / frames,
            watts=joules / seconds,
            domains=[counter.name for counter in self._counters],
            unread=None,
        )
