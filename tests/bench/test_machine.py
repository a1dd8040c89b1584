"""What a bench says of the machine, of its neighbours and of itself."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from effectcam.bench import memory
from effectcam.bench.fingerprint import accelerator, fingerprint
from effectcam.bench.neighbours import Neighbours, disturbed
from effectcam.bench.own import OwnProcesses
from effectcam.bench.peak import sgemm_gflops
from effectcam.student.accelerator import Placement
from effectcam.student.threads import usable_cores

SPIN = "import time; end = time.time() + {seconds}\nwhile time.time() < end: pass"


def spin(seconds: float) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", SPIN.format(seconds=seconds)])


def test_the_fingerprint_is_the_same_each_time() -> None:
    first = fingerprint()
    assert first == fingerprint() and len(first.id) == 12
    assert first.cores.usable == usable_cores() <= first.cores.logical
    assert first.memory_mb > 100
    assert first.libraries["mediapipe"] == "0.10.21"
    assert first.accelerators[0].name == "cpu" and first.accelerators[0].device == first.cpu
    assert 0.1 < first.peak.one_core_gflops < 1000


def test_another_accelerator_is_told_as_its_driver_tells_it() -> None:
    found = accelerator(Placement("gpu", "Some Device", "Vulkan"))
    assert (found.name, found.device, found.driver) == ("gpu", "Some Device", "Vulkan")


def test_the_peak_takes_the_best_of_its_rounds() -> None:
    ticks = iter([0.0, 0.001, 1.0, 5.0, 10.0, 12.0, 20.0, 23.0])
    assert sgemm_gflops(lambda: next(ticks), side=1000, rounds=3) == 1.0


def test_a_clock_that_steps_coarsely_counts_several_products_as_a_round() -> None:
    class Clock:
        """A product takes 0.01 s; time is only seen in steps of 0.016."""

        now = 0.0

        def __call__(self) -> float:
            self.now += 0.0004
            return self.now // 0.016 * 0.016

    clock = Clock()

    class Values:
        def __matmul__(self, other: object) -> None:
            clock.now += 0.01

    class Generator:
        def random(self, shape: tuple[int, int], kind: object) -> Values:
            return Values()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(np.random, "default_rng", lambda seed: Generator())
        found = sgemm_gflops(clock, side=1000, rounds=20)
    assert found == pytest.approx(200, rel=0.1)


@pytest.mark.parametrize(("plugged", "told"), [(True, False), (False, True), (None, None)])
def test_a_battery_that_does_not_tell_is_not_said_to_be_in_use(
    monkeypatch: pytest.MonkeyPatch, plugged: bool | None, told: bool | None
) -> None:
    monkeypatch.setattr(
        "psutil.sensors_battery", lambda: SimpleNamespace(power_plugged=plugged), raising=False
    )
    neighbours = Neighbours()
    time.sleep(0.01)
    conditions = neighbours.conditions(0)
    assert conditions.on_battery is told
    assert any("battery" in note for note in conditions.notes) == (told is True)


@pytest.mark.skipif(sys.platform != "linux", reason="the test's busy neighbour is a Linux process")
def test_a_busy_neighbour_is_seen_and_ones_own_work_is_not() -> None:
    neighbours = Neighbours()
    other = spin(1.5)
    other.wait()
    alone, seen = neighbours.conditions(1.5), neighbours.conditions(0.0)
    assert seen.others_cores > 0.15
    assert any("other programs kept" in note for note in seen.notes)
    assert alone.others_cores < seen.others_cores - 0.3
    assert disturbed(seen)


@pytest.mark.skipif(sys.platform != "linux", reason="the test's busy neighbour is a Linux process")
def test_a_neighbour_that_works_in_a_pause_is_not_seen() -> None:
    neighbours = Neighbours()
    neighbours.pause()
    spin(1.0).wait()
    neighbours.resume()
    # What was watched is so short that even a busy machine had no second of it.
    conditions = neighbours.conditions(1.0)
    assert conditions.others_cores == 0 and not disturbed(replace(conditions, steal_share=0))


def test_workers_count_and_strangers_do_not() -> None:
    worker, stranger = spin(20), spin(20)
    try:
        own = OwnProcesses(without=[stranger.pid])
        alone = OwnProcesses(without=[stranger.pid, worker.pid])
        before, before_alone = own.cpu_seconds(), alone.cpu_seconds()
        end = time.monotonic() + 10
        while own.cpu_seconds() - before < 0.3 and time.monotonic() < end:
            time.sleep(0.05)
        assert own.cpu_seconds() - before >= 0.3
        assert own.resident_mb() > alone.resident_mb() > 10
        most = own.cpu_seconds()
        worker.kill()
        worker.wait()
        assert own.cpu_seconds() >= most, "what a worker took is not given back"
        assert own.cpu_seconds() - before >= alone.cpu_seconds() - before_alone
        assert own.resident_mb() > 10
    finally:
        for process in (worker, stranger):
            process.kill()
            process.wait()


def test_growth_needs_a_minute_and_is_a_slope() -> None:
    seconds = list(range(0, 121))
    assert memory.growth_per_minute(seconds, [300 + 0.05 * at for at in seconds]) == 3.0
    assert memory.growth_per_minute(seconds[:50], [300.0] * 50) is None
    assert memory.peak_mb() > 10


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a peak is told a process")
def test_the_peak_is_the_process_s_own_and_not_its_parent_s() -> None:
    much = bytearray(300_000_000)
    much[::4096] = b"x" * len(much[::4096])
    program = "from effectcam.bench.memory import peak_mb; print(peak_mb())"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert 5 < float(told.stdout) < 200 < len(much) / 1e6
