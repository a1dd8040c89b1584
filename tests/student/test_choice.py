"""How ``auto`` chooses, with workers whose accelerator is the CPU and whose faults are planted."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from effectcam.errors import StudentError, UsageError
from effectcam.student.accelerator import Accelerator, Wish
from effectcam.student.choice import PlacedStudent, Surroundings, open_placed
from effectcam.student.device import Device, RefusedError
from effectcam.student.engine import Engine, Tensor, open_engine
from effectcam.student.model_file import ModelFile
from effectcam.student.network import Network
from effectcam.student.timing_cache import TimingCache
from tests.student.conftest import standing_in
from tests.student.test_litert import picture


class BusyCpu:
    """The CPU's engine on a machine that has much to do: the stand-ins for a GPU are faster."""

    def __init__(self, model: bytes, holds: ModelFile, threads: int) -> None:
        self._engine = open_engine(model, holds, threads)
        self.close = self._engine.close

    def invoke(self, tensor: Tensor) -> Tensor:
        time.sleep(0.1)
        return self._engine.invoke(tensor)


Engines = Callable[[bytes, ModelFile, int], Engine]


@dataclass
class Machine:
    network: Network
    cache: Path
    present: tuple[Accelerator, ...] = ("gpu",)
    serial: str = "1"
    told: list[str] = field(default_factory=list)

    def find(self, accelerator: Accelerator) -> Device:
        if accelerator not in self.present:
            raise RefusedError(f"no {accelerator} found")
        return Device(accelerator, (self.serial,))

    def open(
        self, wish: Wish, how: str = "draws", *, engine: Engines = BusyCpu, patience: float = 60.0
    ) -> PlacedStudent:
        around = Surroundings(
            cache=TimingCache(self.told.append, path=self.cache),
            find=self.find,
            command=standing_in(how),
            patience=patience,
        )
        self.told.clear()
        return open_placed(self.network, wish, threads=1, engine=engine, tell=self.told.append, around=around)


@pytest.fixture
def machine(data: Path, tmp_path: Path) -> Machine:
    network = Network((data / "unet.tflite").read_bytes(), "zombie/face.tflite")
    return Machine(network, tmp_path / "accelerators.json")


def test_the_fastest_is_taken_and_remembered(machine: Machine) -> None:
    image = picture(128, 128)
    with machine.open("auto") as student, machine.network.open(1) as here:
        assert student.placement.accelerator == "gpu"
        assert np.array_equal(student.run(image), here.run(image))
    trying, chosen = machine.told
    assert trying == "trying gpu for zombie/face.tflite: some seconds, once"
    assert chosen.startswith("zombie/face.tflite runs on the gpu, ")
    assert "; npu: no npu found; cpu: 1" in chosen
    with machine.open("auto") as student:
        assert student.placement.accelerator == "gpu"
    (line,) = machine.told
    assert line.startswith(f"{chosen} (measured on 20")


def test_what_was_remembered_may_be_gone(machine: Machine) -> None:
    machine.open("auto").close()
    with machine.open("auto", "crashes at compile") as student:
        assert student.placement.accelerator == "cpu"
    (line,) = machine.told
    assert line.startswith("zombie/face.tflite runs on the cpu; gpu refused: its driver crashed")
    with machine.open("auto") as student:
        assert student.placement.accelerator == "gpu", "another day, another measurement"
    assert machine.told[0].startswith("trying gpu")


def test_another_device_and_another_model_are_measured_anew(machine: Machine, data: Path) -> None:
    machine.open("auto", "refuses").close()
    machine.open("auto", "refuses").close()
    assert len(machine.told) == 1
    machine.serial = "2"
    machine.open("auto", "refuses").close()
    assert machine.told[0].startswith("trying gpu")
    machine.network = Network((data / "negative.tflite").read_bytes(), "ghost/face.tflite")
    machine.open("auto", "refuses").close()
    assert machine.told[0].startswith("trying gpu")


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("refuses", "gpu: No adapter found"),
        ("crashes at compile", "gpu: its driver crashed (SIGABRT)"),
        ("hangs at compile", "gpu: it gave no answer within 2.0 s"),
        ("stands still", "/255 away from the cpu, 2/255 is allowed"),
        ("gives NaN after 0", "returned NaN"),
        # Through the comparison of pictures, and then in the race.
        ("fails after 4", "gpu: zombie/face.tflite failed to run (VK_ERROR_DEVICE_LOST)"),
    ],
)
def test_every_refusal_has_its_reason_and_the_cpu_draws(machine: Machine, how: str, why: str) -> None:
    image = picture(128, 128)
    patience = 2.0 if how.startswith("hangs") else 60.0
    with machine.open("auto", how, patience=patience) as student, machine.network.open(1) as here:
        assert student.placement.accelerator == "cpu"
        assert np.array_equal(student.run(image), here.run(image))
    assert machine.told[1].startswith("zombie/face.tflite runs on the cpu, ")
    assert why in machine.told[1]
    # And it is not tried again, which would cost its seconds at every start.
    with machine.open("auto", "draws") as student:
        assert student.placement.accelerator == "cpu"
    assert why in machine.told[0]


def test_a_slow_one_is_refused_with_both_times(machine: Machine) -> None:
    with machine.open("auto", "is slow", engine=open_engine) as student:
        assert student.placement.accelerator == "cpu"
    assert "gpu: 1" in machine.told[1]
    assert " ms a picture on GPU, the cpu " in machine.told[1]


def test_a_gain_too_small_to_matter_leaves_the_gpu_to_others(machine: Machine) -> None:
    # The same engine, and the way to a worker and back.
    with machine.open("auto", "draws", engine=open_engine) as student:
        assert student.placement.accelerator == "cpu"


def test_half_precision_that_shows_is_given_up_for_whole(machine: Machine) -> None:
    with machine.open("auto", "inexact") as student:
        assert student.placement.accelerator == "gpu"
    with machine.open("auto", "inexact") as student, machine.network.open(1) as here:
        image = picture(128, 128)
        assert np.array_equal(student.run(image), here.run(image)), "remembered as exact"


def test_the_faster_of_two_is_taken(machine: Machine) -> None:
    machine.present = ("gpu", "npu")
    with machine.open("auto") as student:
        assert student.placement.accelerator in ("gpu", "npu")
    assert machine.told[0].startswith("trying gpu and npu for ")
    assert machine.told[1].count(" ms") == 3


def test_without_any_it_is_the_cpu_at_once(machine: Machine) -> None:
    machine.present = ()
    with machine.open("auto", "hangs at compile", engine=open_engine) as student:
        assert student.placement.accelerator == "cpu"
    assert machine.told == []
    assert not machine.cache.exists()


def test_one_that_was_asked_for_has_to_be_there(machine: Machine) -> None:
    with pytest.raises(StudentError, match=r"^no npu found; use --accelerator cpu$"):
        machine.open("npu")
    told = "gpu refused for zombie/face.tflite: No adapter found; update its driver or use --accelerator cpu"
    with pytest.raises(StudentError, match=f"^{told}$"):
        machine.open("gpu", "refuses")
    with pytest.raises(
        StudentError, match=r"it draws up to .*/255 away from the cpu, 2/255 is allowed; update"
    ):
        machine.open("gpu", "inverts")
    with machine.open("gpu", engine=open_engine) as student:
        assert student.placement.accelerator == "gpu"
    assert machine.told == ["zombie/face.tflite runs on the gpu (GPU, LiteRT)"]
    assert not machine.cache.exists()


def test_the_cpu_is_opened_without_a_look_at_the_rest(machine: Machine) -> None:
    with machine.open("cpu", "hangs at compile") as student:
        assert student.placement.accelerator == "cpu"
    assert machine.told == []


def test_a_damaged_cache_is_told_and_made_anew(machine: Machine) -> None:
    machine.cache.write_text("{")
    with machine.open("auto") as student:
        assert student.placement.accelerator == "gpu"
    assert (
        machine.told[0] == f"{machine.cache} is damaged or of another version: accelerators are measured anew"
    )
    assert machine.told[1].startswith("trying gpu")
    assert machine.cache.read_text().startswith('{\n  "schema"')


@pytest.mark.parametrize(
    ("wish", "threads", "told"), [("tpu", 1, "no accelerator 'tpu'"), ("cpu", 0, "1 to")]
)
def test_senseless_wishes_are_refused(machine: Machine, wish: Any, threads: int, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        open_placed(machine.network, wish, threads=threads, tell=machine.told.append)


def test_the_cpu_needs_no_home(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nowhere)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    open_placed(machine.network, "cpu", threads=1, tell=machine.told.append).close()
    monkeypatch.setenv("XDG_CACHE_HOME", str(machine.cache.parent))
    TimingCache(machine.told.append)
