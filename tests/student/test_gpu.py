"""The real GPU path: LiteRT's WebGPU accelerator on a Vulkan device, which may be a software one.

Runs where a device is found, and on SwiftShader where Debian's package chromium is installed; elsewhere it is
skipped. With ``EFFECTCAM_GPU=require``, as in ``.ci/run``, to be skipped is a failure.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from effectcam import Clip, Pipeline, load_effect
from effectcam.cli.demo import demo_clip
from effectcam.effect.catalogue import bundled_folder
from effectcam.effect.manifest import Place
from effectcam.face.crop import cut, fit_head
from effectcam.face.mesh import FaceMesh
from effectcam.frame import Frame, Pixels
from effectcam.student.accelerator import Delegation
from effectcam.student.choice import Surroundings, open_placed
from effectcam.student.device import RefusedError, find_device
from effectcam.student.fallback import FallbackStudent
from effectcam.student.network import Network
from effectcam.student.parity import TOLERANCE
from effectcam.student.remote import RemoteStudent
from effectcam.student.timing_cache import TimingCache
from tests.student.conftest import make_models

SWIFTSHADER = Path("/usr/lib/chromium/vk_swiftshader_icd.json")
FRAME = 60
"""Of the demo clip, away from those that the project's own comparison uses."""


@pytest.fixture(autouse=True)
def vulkan(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A device for this test's workers."""
    if SWIFTSHADER.is_file() and "VK_DRIVER_FILES" not in os.environ:
        monkeypatch.setenv("VK_DRIVER_FILES", str(SWIFTSHADER))
    if "XDG_RUNTIME_DIR" not in os.environ:
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    try:
        find_device("gpu")
    except RefusedError as error:
        if os.environ.get("EFFECTCAM_GPU") == "require":
            pytest.fail(f"EFFECTCAM_GPU=require, and {error}")
        pytest.skip(f"no Vulkan device ({error.reason}); Debian's package chromium brings a software one")


def bundled_students() -> list[tuple[str, str, Place]]:
    effects = [load_effect(folder) for folder in sorted(bundled_folder().iterdir()) if folder.is_dir()]
    return [
        (effect.name, tier, place) for effect in effects for tier in effect.tiers for place in effect.places
    ]


@cache
def demo_frame() -> Frame:
    with demo_clip() as path, Clip(str(path)) as clip:
        return next(frame for frame in clip if frame.index == FRAME)


@cache
def demo_landmarks() -> object:
    with FaceMesh(1) as mesh:
        return mesh.process(demo_frame())[0].landmarks


def real_picture(effect_name: str, place: Place, size: tuple[int, int]) -> Pixels:
    """What the pipeline would hand to the student."""
    pixels = demo_frame().pixels
    if place == "frame":
        return np.asarray(cv2.resize(pixels, size[::-1], interpolation=cv2.INTER_AREA), np.uint8)
    spec = load_effect(effect_name).crop
    crop = fit_head(demo_landmarks()).scaled(spec.margin).shifted(*spec.shift)  # type: ignore[arg-type]
    return cut(pixels, crop, size[0])


@pytest.mark.parametrize(
    ("effect", "tier", "place"), [pytest.param(*each, id="-".join(each)) for each in bundled_students()]
)
def test_the_gpu_draws_what_the_cpu_draws(effect: str, tier: str, place: Place) -> None:
    network = load_effect(effect).network(place, tier=tier)
    with network.open(1) as cpu:
        picture = real_picture(effect, place, cpu.size)
        expected = cpu.run(picture).copy()
    with RemoteStudent(network, "gpu") as gpu:
        drawn = gpu.run(picture)
        assert np.abs(drawn.astype(int) - expected).max() <= TOLERANCE
        delegation = gpu.placement.delegation
    assert expected.std() > 20, "nothing is drawn, so equality proves nothing"
    assert isinstance(delegation, Delegation)
    assert delegation.delegated == delegation.operators > 50, "the whole student is the GPU's"


def test_what_the_gpu_lacks_is_left_to_the_cpu_and_told(data: Path) -> None:
    net = make_models().Net()
    image = net.input([1, 32, 32, 3])
    zeros = net.operator(schema.BuiltinOperator.ZEROS_LIKE, [image], [1, 32, 32, 3])
    network = Network(net.finish(net.sigmoid(net.add(zeros, image))), "mixed.tflite")
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    with network.open(1) as cpu, RemoteStudent(network, "gpu") as gpu:
        assert gpu.placement.delegation == Delegation(operators=3, delegated=2)
        assert str(gpu.placement.delegation) == "2 of 3 operators"
        assert np.abs(gpu.run(picture).astype(int) - cpu.run(picture)).max() <= TOLERANCE


def test_a_gpu_that_dies_mid_run_costs_no_frame() -> None:
    """In the whole pipeline: on the GPU, then killed, then on the CPU."""
    told: list[str] = []
    frame = demo_frame()
    with Pipeline("zombie", threads=1, accelerator="gpu", tell=told.append) as pipeline:
        student = pipeline.students["face"]
        assert isinstance(student, FallbackStudent)
        first = pipeline.process(frame).pixels
        remote = student._student
        assert isinstance(remote, RemoteStudent), "the GPU drew it"
        os.kill(remote.pid, signal.SIGKILL)
        second = pipeline.process(frame.with_pixels(frame.pixels)).pixels
        assert student.placement.accelerator == "cpu"
    with Pipeline("zombie", threads=1) as pipeline:
        drawn = [pipeline.process(frame).pixels for _ in range(2)]
    assert np.abs(first.astype(int) - drawn[0]).max() <= TOLERANCE + 1, "one more for the blend's rounding"
    assert np.array_equal(second, drawn[1])
    assert [line.split(" ")[0] for line in told] == ["zombie/face.tflite", "gpu"]
    assert "failed on zombie/face.tflite: its driver crashed (SIGKILL); the cpu draws from here on" in told[1]


def test_auto_refuses_a_software_gpu_by_its_time(data: Path, tmp_path: Path) -> None:
    if "swiftshader" not in os.environ.get("VK_DRIVER_FILES", ""):
        pytest.skip("a real GPU may be the faster one")
    network = load_effect("toon").network("face")
    told: list[str] = []
    around = Surroundings(cache=TimingCache(told.append, path=tmp_path / "cache.json"))
    for _ in range(2):
        with open_placed(network, "auto", threads=1, tell=told.append, around=around) as student:
            assert student.placement.accelerator == "cpu"
    trying, chosen, again = told
    assert trying.startswith("trying gpu for toon/face.tflite")
    assert " ms a picture on SwiftShader Device (Subzero), the cpu " in chosen
    assert again.startswith(f"{chosen} (measured on ")


@pytest.mark.parametrize(
    ("fault", "told"),
    [("abort();", r"its driver crashed \(SIGABRT\)"), ("sleep(60);", r"it gave no answer within 3\.0 s")],
)
def test_a_real_driver_that_crashes_or_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: Path, fault: str, told: str
) -> None:
    """A library that Vulkan's loader takes for a driver, and that does so as soon as it is loaded."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("a driver is compiled with gcc")
    source, library, manifest = (tmp_path / name for name in ("driver.c", "driver.so", "driver.json"))
    source.write_text(
        "#include <stdlib.h>\n#include <unistd.h>\n"
        f"__attribute__((constructor)) static void start(void) {{ {fault} }}\n"
    )
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    manifest.write_text(
        '{"file_format_version": "1.0.0", "ICD": {"library_path": "./driver.so", "api_version": "1.1.0"}}'
    )
    monkeypatch.setenv("VK_DRIVER_FILES", str(manifest))
    lines: list[str] = []
    around = Surroundings(
        cache=TimingCache(lines.append, path=tmp_path / "cache.json"),
        patience=3.0 if fault.startswith("sleep") else 60.0,
    )
    network = load_effect("toon").network("face")
    with open_placed(network, "auto", threads=1, tell=lines.append, around=around) as student:
        assert student.placement.accelerator == "cpu"
        assert student.run(real_picture("toon", "face", student.size)).std() > 20
    assert re.search(f"gpu: {told}", lines[1])
