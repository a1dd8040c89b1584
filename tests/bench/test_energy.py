"""RAPL as the kernel shows it: files that a test can write."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from effectcam.bench.energy import EnergyMeter

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="powercap is Linux's")


def counter(folder: Path, place: str, name: str, microjoules: int, *, wraps_at: int = 10_000_000) -> Path:
    domain = folder / place
    domain.mkdir()
    (domain / "name").write_text(f"{name}\n")
    (domain / "max_energy_range_uj").write_text(f"{wraps_at}\n")
    (domain / "energy_uj").write_text(f"{microjoules}\n")
    return domain / "energy_uj"


def test_packages_and_their_memory_add_up_and_parts_of_a_package_do_not(tmp_path: Path) -> None:
    package = counter(tmp_path, "intel-rapl:0", "package-0", 1_000_000)
    cores = counter(tmp_path, "intel-rapl:0:0", "core", 500_000)
    memory = counter(tmp_path, "intel-rapl:0:1", "dram", 100_000)
    meter = EnergyMeter(tmp_path)
    package.write_text("7000000")
    cores.write_text("3000000")
    memory.write_text("1100000")
    found = meter.result(seconds=2.0, frames=100)
    assert (found.joules, found.watts, found.joules_per_frame) == (7, 3.5, 0.07)
    assert found.domains == ["package-0", "dram"] and found.unread is None


def test_what_others_used_in_their_turn_does_not_count(tmp_path: Path) -> None:
    package = counter(tmp_path, "intel-rapl:0", "package-0", 1_000_000)
    meter = EnergyMeter(tmp_path)
    package.write_text("2000000")
    meter.sample()
    package.write_text("6000000")
    meter.skip()
    package.write_text("9000000")
    assert meter.result(seconds=2.0, frames=100).joules == 4


def test_a_counter_that_begins_anew_is_counted_on(tmp_path: Path) -> None:
    package = counter(tmp_path, "intel-rapl:0", "package-0", 9_000_000, wraps_at=9_999_999)
    meter = EnergyMeter(tmp_path)
    package.write_text("2000000")
    meter.sample()
    package.write_text("1000000")
    assert meter.result(1.0, 1).joules == 3 + 9


def test_a_machine_without_counters_says_so(tmp_path: Path) -> None:
    found = EnergyMeter(tmp_path).result(1.0, 1)
    assert found.joules is None and found.domains == []
    assert "no RAPL counters" in (found.unread or "")


def test_counters_of_other_things_alone_are_not_taken_for_the_processor(tmp_path: Path) -> None:
    counter(tmp_path, "intel-rapl:1", "psys", 5)
    assert "processor package" in (EnergyMeter(tmp_path).result(1.0, 1).unread or "")


def test_a_counter_that_ceases_leaves_no_half_figure(tmp_path: Path) -> None:
    package = counter(tmp_path, "intel-rapl:0", "package-0", 1)
    meter = EnergyMeter(tmp_path)
    package.unlink()
    found = meter.result(1.0, 1)
    assert found.joules is None and "could no longer be read" in (found.unread or "")


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read anything")
def test_counters_for_root_alone_are_told(tmp_path: Path) -> None:
    counter(tmp_path, "intel-rapl:0", "package-0", 1).chmod(0)
    assert "only root may read" in (EnergyMeter(tmp_path).unread or "")
