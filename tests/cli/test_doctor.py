"""Each finding, on machines that are made of files."""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from effectcam.cli import main
from effectcam.doctor import Finding, accelerators, cameras, effects, libraries, loopback, machine, obs
from effectcam.installing import pip
from effectcam.source.devices import CameraDevice, CaptureMode, Holder, VirtualCameraDevice
from effectcam.student.accelerator import Accelerator
from effectcam.student.choice import Surroundings
from effectcam.student.device import Device, RefusedError
from effectcam.student.network import Network
from effectcam.student.timing_cache import TimingCache
from tests.cli.conftest import write_effect
from tests.student.conftest import DATA, standing_in

GOOD = {
    "mediapipe": "0.10.21",
    "ai-edge-litert": "2.3.0",
    "numpy": "1.26.4",
    "opencv-contrib-python": "4.11.0.86",
    "av": "18.1.0",
    "pyvirtualcam": "0.15.0",
}


def test_the_command_tells_one_fix_a_finding(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["doctor", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["schema"] == "effectcam.doctor/1"
    findings = told["findings"]
    assert {"Python", "mediapipe", "LiteRT", "numpy", "OpenCV", "CPU", "cores", "GPU", "NPU"} <= {
        each["name"] for each in findings
    }
    for finding in findings:
        assert (finding["status"] == "ok") == (finding["fix"] == "")
    assert code == any(finding["status"] == "fail" for finding in findings)

    assert main(["doctor"]) == code
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("      fix: ") for line in lines) == sum(
        bool(each["fix"]) for each in findings
    )


@pytest.mark.parametrize(
    ("version", "status"),
    [((3, 10, 4), "fail"), ((3, 11, 0), "ok"), ((3, 12, 9), "ok"), ((3, 13, 0), "fail")],
)
def test_python(version: tuple[int, ...], status: str) -> None:
    assert libraries.check_python(version).status == status


@pytest.mark.parametrize(
    ("check", "changed", "status", "fix"),
    [
        (libraries.check_mediapipe, {}, "ok", ""),
        (libraries.check_mediapipe, {"mediapipe": "1.2.2"}, "fail", "pip install mediapipe==0.10.21"),
        (libraries.check_mediapipe, {"mediapipe": None}, "fail", "pip install mediapipe==0.10.21"),
        (libraries.check_litert, {}, "ok", ""),
        (libraries.check_litert, {"ai-edge-litert": None, "tflite-runtime": "2.14.0"}, "warn",
         "pip install \"ai-edge-litert~=2.3.0\""),
        (libraries.check_litert, {"ai-edge-litert": None}, "fail", "pip install \"ai-edge-litert~=2.3.0\""),
        (libraries.check_litert, {"ai-edge-litert": "1.0.1"}, "ok", ""),
        (libraries.check_litert, {"ai-edge-litert": "2.4.0"}, "warn", 'pip install "ai-edge-litert~=2.3.0"'),
        (libraries.check_litert, {"ai-edge-litert": "2.30.0"}, "warn", "pip install"),
        (libraries.check_numpy, {}, "ok", ""),
        (libraries.check_numpy, {"numpy": "2.1.0"}, "fail", 'pip install "numpy<2"'),
        (libraries.check_opencv, {}, "ok", ""),
        (libraries.check_opencv, {"opencv-python": "4.11.0"}, "fail",
         "pip uninstall -y opencv-contrib-python opencv-python && "),
        (libraries.check_opencv, {"opencv-contrib-python": None}, "fail", "pip install --force-reinstall"),
        (libraries.check_opencv, {"opencv-contrib-python": None, "opencv-python-headless": "4.11.0"}, "warn",
         "pip install --force"),
    ],
)  # fmt: skip
def test_libraries(
    check: Callable[[dict[str, str]], Finding], changed: dict[str, str | None], status: str, fix: str
) -> None:
    versions = {name: version for name, version in (GOOD | changed).items() if version is not None}
    finding = check(versions)
    assert finding.status == status
    assert fix in finding.fix
    assert finding.fix.startswith(pip("")) == bool(fix)
    assert bool(finding.fix) == bool(fix)


def test_a_library_that_does_not_load() -> None:
    def load(name: str) -> object:
        raise ImportError("libGL.so.1: cannot open shared object file: No such file or directory")

    finding = libraries.check_loading("cv2", load=load, fix="reinstall")
    assert finding is not None
    assert finding.status == "fail"
    assert "libgl1" in finding.fix
    assert libraries.check_loading("json", fix="reinstall") is None


@pytest.mark.parametrize("module", ["ai_edge_litert.interpreter", "pyvirtualcam", "mediapipe"])
def test_all_that_a_run_imports_is_loaded(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    load = importlib.import_module

    def import_module(name: str) -> object:
        if name == module:
            raise ImportError("it was built for another system")
        return load(name)

    monkeypatch.setattr(libraries.check_loading, "__kwdefaults__", {"load": import_module})
    found = list(libraries.check_libraries(GOOD))
    assert [each.name for each in found if each.status == "fail" and "built for" in each.text] == [
        f"import {module}"
    ]


def test_a_part_that_fails_costs_no_other_finding(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> Iterable[Finding]:
        raise RuntimeError("nobody thought of this")

    monkeypatch.setattr(cameras, "check_cameras", fail)
    assert main(["doctor"]) == 1
    told = capsys.readouterr().out
    assert "cameras: cannot be looked at (RuntimeError: nobody thought of this)" in told
    assert "CPU: " in told and "numpy: " in told


def test_effects_are_compared_with_their_hashes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EFFECTCAM_EFFECTS", str(tmp_path))
    folder = write_effect(tmp_path, "ghost")
    finding = effects.check_effect("ghost", folder)
    assert (finding.status, finding.text) == ("ok", "1.2.0, hashes of 2 files match")
    (folder / "CARD.md").write_text("changed")
    finding = effects.check_effect("ghost", folder)
    assert finding.status == "fail"
    assert "effectcam effects install --replace" in finding.fix


def test_no_bundled_effect_is_a_fault(tmp_path: Path) -> None:
    first, *_ = effects.check_effects({})
    assert (first.name, first.status) == ("effects", "fail")


def camera(*formats: str, driver: str = "uvcvideo", holders: tuple[Holder, ...] = ()) -> CameraDevice:
    modes = tuple(CaptureMode(each, 1280, 720, 30.0) for each in formats)
    return CameraDevice(0, "/dev/video0", "Cam", driver, modes, holders)


def test_cameras() -> None:
    assert cameras.check_camera(camera("YUYV", "MJPG")).status == "ok"
    assert cameras.check_camera(camera()).status == "ok"
    slow = cameras.check_camera(camera("YUYV"))
    assert (slow.status, "no MJPG" in slow.text) == ("warn", True)
    assert cameras.check_camera(camera("YU12", driver="v4l2 loopback")).status == "ok"
    held = cameras.check_camera(camera("MJPG", holders=(Holder(42, "zoom"),)))
    assert (held.status, "zoom (process 42)" in held.text) == ("warn", True)


def test_camera_permission(tmp_path: Path) -> None:
    sysfs, dev = tmp_path / "sys", tmp_path / "dev"
    (sysfs / "video0").mkdir(parents=True)
    dev.mkdir()
    (dev / "video0").touch()
    assert cameras.check_permission(sysfs=sysfs, dev=dev, may_open=lambda path: True) is None
    finding = cameras.check_permission(sysfs=sysfs, dev=dev, may_open=lambda path: False)
    assert finding is not None
    assert finding.status == "fail"
    assert "usermod -aG video" in finding.fix


class Kernel:
    """A /sys in which v4l2loopback is loaded."""

    def __init__(self, root: Path) -> None:
        self.module = root / "module"
        self.nodes = root / "nodes"
        (self.module / "parameters").mkdir(parents=True)
        self.nodes.mkdir()

    def load(
        self, *, version: str = "0.13.2", exclusive: str = "Y,N,N,N", labels: tuple[str, ...] = ("effectcam",)
    ) -> None:
        (self.module / "version").write_text(version + "\n")
        (self.module / "parameters" / "exclusive_caps").write_text(exclusive + "\n")
        for index, label in enumerate(labels):
            (self.nodes / f"video{index}").mkdir(exist_ok=True)
            (self.nodes / f"video{index}" / "name").write_text(label + "\n")


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    return Kernel(tmp_path)


def test_loopback_in_order(kernel: Kernel) -> None:
    kernel.load()
    assert loopback.check_module(module=kernel.module).text == "loaded, version 0.13.2"
    assert loopback.check_version(module=kernel.module) is None
    assert loopback.check_exclusive_caps(module=kernel.module, nodes=kernel.nodes) is None
    assert loopback.check_label(nodes=kernel.nodes) is None


def test_loopback_not_loaded(tmp_path: Path) -> None:
    modules = tmp_path / "modules"
    (modules / "updates" / "dkms").mkdir(parents=True)
    absent = loopback.check_module(module=tmp_path / "none", modules=modules)
    assert (absent.status, absent.fix.startswith("sudo apt install v4l2loopback-dkms")) == ("warn", True)
    (modules / "updates" / "dkms" / "v4l2loopback.ko.xz").touch()
    idle = loopback.check_module(module=tmp_path / "none", modules=modules)
    assert (idle.status, idle.fix.startswith("sudo modprobe v4l2loopback")) == ("warn", True)


@pytest.mark.parametrize(
    ("version", "stale"),
    [("0.12.5", True), ("0.12.7", True), ("0.12.7-2", True), ("0.13.0", False), ("", True)],
)
def test_loopback_versions_that_go_stale(kernel: Kernel, version: str, stale: bool) -> None:
    kernel.load(version=version)
    assert (loopback.check_version(module=kernel.module) is not None) == stale


@pytest.mark.parametrize(
    ("exclusive", "labels", "well"),
    [
        ("Y,N,N", ("a",), True),
        ("N,N,N", ("a",), False),
        ("Y,N,N", ("a", "b"), False),
        ("Y,Y,N", ("a", "b"), True),
    ],
)
def test_exclusive_caps_of_the_devices_there_are(
    kernel: Kernel, exclusive: str, labels: tuple[str, ...], well: bool
) -> None:
    kernel.load(exclusive=exclusive, labels=labels)
    finding = loopback.check_exclusive_caps(module=kernel.module, nodes=kernel.nodes)
    assert (finding is None) == well
    assert finding is None or "exclusive_caps=1" in finding.fix


def test_a_label_that_nobody_would_pick(kernel: Kernel) -> None:
    kernel.load(labels=("Dummy video device (0x0000)",))
    finding = loopback.check_label(nodes=kernel.nodes)
    assert finding is not None
    assert 'card_label="effectcam"' in finding.fix
    kernel.load(labels=("My Cam",))
    assert loopback.check_label(nodes=kernel.nodes) is None


@pytest.mark.parametrize(
    ("free", "stale", "holders", "status", "says"),
    [
        (True, False, (), "ok", "is free"),
        (True, True, (), "ok", "mends it by itself"),
        (False, False, (), "warn", "cannot see"),
        (False, False, (Holder(9, "ffmpeg"),), "warn", "ffmpeg"),
    ],
)
def test_loopback_devices(
    free: bool, stale: bool, holders: tuple[Holder, ...], status: str, says: str
) -> None:
    device = VirtualCameraDevice(
        "/dev/video9", "effectcam", "v4l2 loopback", free, True, holders, stale=stale
    )
    finding = loopback.check_device(device)
    assert (finding.status, says in finding.text) == (status, True)
    assert bool(finding.fix) == (status != "ok")


def test_obs(tmp_path: Path) -> None:
    assert obs.check_obs_macos(applications=tmp_path).status == "warn"
    (tmp_path / "OBS.app").mkdir()
    assert obs.check_obs_macos(applications=tmp_path).status == "ok"
    assert obs.check_obs_windows(True).status == "ok"
    assert "OBS Studio 28" in obs.check_obs_windows(False).fix
    assert obs.check_single_instance(False) is None
    for platform, way_out in (("win32", "Unity Capture"), ("darwin", "window capture")):
        finding = obs.check_single_instance(True, platform=platform)
        assert finding is not None
        assert finding.status == "warn"
        assert way_out in finding.fix


@pytest.mark.parametrize(
    ("platform", "answer", "running"),
    [
        ("win32", "obs64.exe   1234 Console  1  300,000 K", True),
        ("win32", "INFO: No tasks are running which match the specified criteria.", False),
        ("darwin", "731\n", True),
        ("darwin", "", False),
    ],
)
def test_whether_obs_runs(platform: str, answer: str, running: bool) -> None:
    assert obs.obs_is_running(platform=platform, ask=lambda command: answer) == running


def test_an_answer_in_another_code_page_is_read(tmp_path: Path) -> None:
    program = tmp_path / "tasklist.py"
    program.write_text("import sys; sys.stdout.buffer.write(b'obs64.exe ausgef\\x81hrt')")
    assert "obs64.exe" in obs._ask([sys.executable, str(program)])
    assert obs._ask([str(tmp_path / "none")]) == ""


@pytest.mark.parametrize(
    ("cpuinfo", "kind", "status", "text"),
    [
        ("flags : fpu sse4_2 avx avx2 avx512f amx_tile\n", "x86_64", "ok", "x86_64 with avx512, amx, avx2"),
        ("flags : fpu sse4_2\n", "x86_64", "warn", "without avx2"),
        ("Features : fp asimd evtstrm\n", "aarch64", "ok", "aarch64 with neon"),
        ("Features : half thumb neon\n", "armv7l", "ok", "armv7l with neon"),
        (None, "arm64", "ok", "arm64 with neon"),
        (None, "AMD64", "ok", "does not list"),
    ],
)
def test_cpu(tmp_path: Path, cpuinfo: str | None, kind: str, status: str, text: str) -> None:
    if cpuinfo is not None:
        (tmp_path / "cpuinfo").write_text("processor : 0\n" + cpuinfo)
    finding = machine.check_cpu(proc=tmp_path, machine=kind)
    assert finding.status == status
    assert text in finding.text


def test_cores_and_memory(tmp_path: Path) -> None:
    assert machine.check_cores(1).status == "warn"
    assert machine.check_cores(8).status == "ok"
    assert machine.check_memory(proc=tmp_path) is None
    for megabytes, status in ((4000, "ok"), (300, "fail")):
        (tmp_path / "meminfo").write_text(f"MemTotal: 9 kB\nMemAvailable:   {megabytes * 1024} kB\n")
        finding = machine.check_memory(proc=tmp_path)
        assert finding is not None
        assert finding.status == status


def test_an_accelerator_that_is_not_there_is_no_fault() -> None:
    def find(accelerator: Accelerator) -> Device:
        raise RefusedError("no GPU found")

    around = Surroundings(cache=TimingCache(print), find=find)
    assert accelerators.check_accelerator("gpu", None, around=around) == Finding(
        "GPU", "ok", "no GPU found: students run on the CPU"
    )


def test_an_accelerator_without_a_driver_gets_a_fix() -> None:
    def find(accelerator: Accelerator) -> Device:
        raise RefusedError("the GPU has no Vulkan driver", "run: sudo apt install mesa-vulkan-drivers")

    finding = accelerators.check_accelerator(
        "gpu", None, around=Surroundings(cache=TimingCache(print), find=find)
    )
    assert (finding.status, finding.fix) == ("warn", "run: sudo apt install mesa-vulkan-drivers")


@pytest.mark.parametrize(
    ("how", "status", "told"),
    [
        ("draws", "ok", r"GPU \(LiteRT\) draws unet\.tflite as the CPU does, .* ms a picture"),
        ("crashes at compile", "warn", r"gpu refused for unet\.tflite: its driver crashed \(SIGABRT\)"),
        ("fails after 2", "warn", "fails after some pictures"),
    ],
)
def test_an_accelerator_is_tried_in_a_process_of_its_own(how: str, status: str, told: str) -> None:
    around = Surroundings(
        cache=TimingCache(print),
        find=lambda accelerator: Device(accelerator, ("planted",)),
        command=standing_in(how),
    )
    network = Network((DATA / "unet.tflite").read_bytes(), "unet.tflite")
    finding = accelerators.check_accelerator("gpu", network, around=around)
    assert finding.status == status
    assert re.search(told, finding.text)
    assert bool(finding.fix) == (status == "warn")
