"""Which accelerators there are, on machines that are made of files."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path

import pytest

from effectcam.student import device
from effectcam.student.device import RefusedError, find_device, npu_folders

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the files are Linux's")


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable that names drivers, and a home without any."""
    for name in ("VK_DRIVER_FILES", "VK_ICD_FILENAMES", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS"):
        monkeypatch.delenv(name, raising=False)
    for name in ("XDG_DATA_HOME", "XDG_DATA_DIRS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def machine(root: Path, *, gpu: bool = True, driver: bool = True) -> Path:
    if gpu:
        for file, text in (("dev/dri/renderD128", ""), ("sys/class/drm/renderD128/device/vendor", "0x10de")):
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            (root / file).write_text(text)
    if driver:
        manifest = root / "usr/share/vulkan/icd.d/nvidia_icd.json"
        manifest.parent.mkdir(parents=True)
        manifest.write_text("{}")
    return root


@pytest.mark.parametrize("fix", ["", "install one"])
def test_a_refusal_is_the_same_in_another_process(fix: str) -> None:
    error = RefusedError("no GPU found", fix)
    found = pickle.loads(pickle.dumps(error))
    assert (str(found), found.reason, found.fix) == (str(error), "no GPU found", fix)


def test_a_gpu_with_its_driver_is_found(tmp_path: Path) -> None:
    found = find_device("gpu", root=machine(tmp_path))
    assert found.accelerator == "gpu"
    assert found.facts[0] == "0x10de::"
    assert len(found.key) == 64
    assert find_device("gpu", root=tmp_path).key == found.key


def test_a_driver_that_was_removed_leaves_a_link_and_harms_nobody(tmp_path: Path) -> None:
    root = machine(tmp_path, driver=False)
    folder = tmp_path / "usr/share/vulkan/icd.d"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "gone.json").symlink_to(tmp_path / "nowhere.json")
    with pytest.raises(RefusedError, match="no Vulkan driver"):
        find_device("gpu", root=root)
    (folder / "there.json").write_text("{}")
    assert any("there.json" in fact for fact in find_device("gpu", root=root).facts)


def test_another_driver_is_another_key(tmp_path: Path) -> None:
    before = find_device("gpu", root=machine(tmp_path)).key
    manifest = tmp_path / "usr/share/vulkan/icd.d/nvidia_icd.json"
    os.utime(manifest, (1, 1))
    updated = find_device("gpu", root=tmp_path).key
    (tmp_path / "sys/class/drm/renderD128/device/vendor").write_text("0x8086")
    exchanged = find_device("gpu", root=tmp_path).key
    assert len({before, updated, exchanged}) == 3


@pytest.mark.parametrize(
    ("gpu", "driver", "told"),
    [
        (False, False, r"no GPU found \(nothing like /dev/dri/renderD128\); use --accelerator cpu"),
        # A software driver alone, as desktops have, is no GPU.
        (False, True, "no GPU found"),
        (True, False, "no Vulkan driver; run: sudo apt install mesa-vulkan-drivers"),
    ],
)
def test_what_is_missing_is_told_with_the_way_out(tmp_path: Path, gpu: bool, driver: bool, told: str) -> None:
    with pytest.raises(RefusedError, match=told) as caught:
        find_device("gpu", root=machine(tmp_path, gpu=gpu, driver=driver))
    assert str(caught.value).startswith(f"{caught.value.reason}; ")


def test_a_gpu_that_may_not_be_opened_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine(tmp_path)
    # Root may open everything, so the answer is planted.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(RefusedError, match=r"renderD128 may not be opened; run: sudo usermod -aG render"):
        find_device("gpu", root=tmp_path)


def test_drivers_that_are_named_need_no_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = tmp_path / "software.json"
    monkeypatch.setenv("VK_DRIVER_FILES", str(manifest))
    with pytest.raises(RefusedError, match=r"names .*software\.json, which is not there; correct"):
        find_device("gpu", root=tmp_path)
    manifest.write_text("{}")
    assert "software.json" in find_device("gpu", root=tmp_path).facts[0]


def test_a_litert_without_gpu_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_litert_folder", lambda: tmp_path)
    with pytest.raises(RefusedError, match="has no GPU part on this system; use --accelerator cpu"):
        find_device("gpu", root=machine(tmp_path))
    with pytest.raises(RefusedError, match="no NPU plug-in for this system"):
        find_device("npu", root=tmp_path)


def test_an_npu_needs_a_device_and_both_plug_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for vendor, part in (("alpha", "compiler"), ("beta", "compiler"), ("beta", "dispatch")):
        name = "libLiteRtCompilerPlugin_X.so" if part == "compiler" else "libLiteRtDispatch_X.so"
        file = tmp_path / "vendors" / vendor / part / name
        file.parent.mkdir(parents=True)
        file.write_text("")
    monkeypatch.setattr(device, "_litert_folder", lambda: tmp_path)
    beta = tmp_path / "vendors" / "beta"
    assert npu_folders() == (str(beta / "compiler"), str(beta / "dispatch"))
    with pytest.raises(RefusedError, match=r"no NPU found \(nothing like /dev/accel/accel0\)"):
        find_device("npu", root=tmp_path)
    (tmp_path / "dev" / "accel").mkdir(parents=True)
    (tmp_path / "dev" / "accel" / "accel0").write_text("")
    assert find_device("npu", root=tmp_path).accelerator == "npu"
