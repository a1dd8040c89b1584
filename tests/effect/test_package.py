from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from effectcam.effect import load_effect
from effectcam.effect.writer import zip_package
from effectcam.errors import PackageError, StudentError, UsageError
from tests.effect.conftest import DATA, Build

RGBA = ('output = "rgb"', 'output = "rgba"')


def add_hashes(folder: Path) -> None:
    """List the files as a stranger would who checks nothing else."""
    lines = ["", "[files]"]
    for path in sorted(folder.iterdir()):
        if path.name != "effect.toml":
            lines.append(f'"{path.name}" = "{hashlib.sha256(path.read_bytes()).hexdigest()}"')
    with (folder / "effect.toml").open("a", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def test_a_folder_and_its_zip_load_alike(package: Build, tmp_path: Path) -> None:
    folder = package()
    zipped = zip_package(folder, tmp_path / "ghost-1.0.0.zip")
    for path in (folder, zipped, str(folder), str(zipped)):
        effect = load_effect(path)
        assert (effect.name, effect.title) == ("ghost", "Ghost")
        assert effect.read("face.tflite") == (DATA / "negative.tflite").read_bytes()
        assert effect.card() == "# Ghost\n"
        preview = effect.preview()
        assert preview is not None
        assert preview[8:12] == b"WEBP"


def test_its_student_runs_from_folder_and_zip(package: Build, tmp_path: Path) -> None:
    folder = package()
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    for path in (folder, zip_package(folder, tmp_path / "x.zip")):
        effect = load_effect(path)
        with effect.open_student("face", threads=1) as student:
            assert student.size == effect.model("face").size
            assert np.array_equal(student.run(image), 255 - image)


def test_its_student_follows_the_declared_ranges(package: Build) -> None:
    ranges = ("input_range = [0.0, 1.0]\noutput_range = [0.0, 1.0]", "output_range = [-1.0, 1.0]")
    effect = load_effect(package(ranges))
    with effect.open_student("face", threads=1) as student:
        # The model gives 1 - x, from 0 to 1, which is mid grey to white on a scale from -1 to 1.
        black = student.run(np.zeros((32, 32, 3), np.uint8)).copy()
        white = student.run(np.full((32, 32, 3), 255, np.uint8))
    assert (black.min(), white.min()) == (255, 128)


def test_an_rgba_effect_gives_four_channels(package: Build) -> None:
    effect = load_effect(package(RGBA, model="rgba"))
    with effect.open_student("face", threads=1) as student:
        assert student.run(np.zeros((32, 32, 3), np.uint8)).shape == (32, 32, 4)


def test_the_failing_student_names_its_effect(package: Build) -> None:
    effect = load_effect(package(model="nan_where_black"))
    with (
        effect.open_student("face", threads=1) as student,
        pytest.raises(StudentError, match=r"^ghost/face\.tflite returned NaN or infinity; install"),
    ):
        student.run(np.zeros((32, 32, 3), np.uint8))


def test_what_it_does_not_have_is_a_usage_error(package: Build) -> None:
    effect = load_effect(package())
    with pytest.raises(UsageError, match="ghost has no tier 'high'; known: standard"):
        effect.model("face", "high")
    with pytest.raises(UsageError, match="works in the space 'face', without a frame student"):
        effect.model("frame")
    with pytest.raises(UsageError, match=r"ghost has no file 'faces\.tflite'; did you mean 'face\.tflite'\?"):
        effect.read("faces.tflite")


def test_a_changed_file_is_refused(package: Build) -> None:
    folder = package()
    shutil.copy(DATA / "identity.tflite", folder / "face.tflite")
    with pytest.raises(
        PackageError, match=r"ghost/face\.tflite has SHA-256 [0-9a-f]{12}…, not the .* in effect"
    ):
        load_effect(folder)


def test_a_file_changed_after_loading_is_not_run(package: Build) -> None:
    folder = package()
    effect = load_effect(folder)
    shutil.copy(DATA / "identity.tflite", folder / "face.tflite")
    with pytest.raises(PackageError, match="has SHA-256"):
        effect.open_student("face", threads=1)
    (folder / "face.tflite").unlink()
    with pytest.raises(PackageError, match=r"ghost/face\.tflite is gone; install the effect again"):
        effect.open_student("face", threads=1)


def test_a_missing_and_a_surplus_file_are_refused(package: Build) -> None:
    folder = package()
    (folder / "LICENCE.txt").write_text("MIT")
    with pytest.raises(PackageError, match=r"ghost/LICENCE\.txt is not listed in \[files\]; remove it"):
        load_effect(folder)
    (folder / "LICENCE.txt").unlink()
    (folder / "face.tflite").unlink()
    with pytest.raises(PackageError, match=r"ghost/face\.tflite is missing; copy"):
        load_effect(folder)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("custom_operator", "custom operator 'ReadFile'"),
        ("random_operator", "operator 148"),
        ("outside_weights", "weights outside the file"),
        ("placed_weights", "weights outside the file"),
        ("two_inputs", "2 input tensors"),
        ("two_outputs", "2 output tensors"),
        ("int8", "int8 as its input type"),
        ("half_size", r"shape \(1, 16, 16, 3\)"),
        ("wide", r"has size \[32, 64\], not the declared \[32, 32\] \(height, width\); correct effect\.toml"),
        ("rgba", r"gives 4 channels, but \[tensor\] output declares 3"),
    ],
)
def test_a_model_that_is_not_what_was_declared_is_refused(draft: Build, model: str, reason: str) -> None:
    folder = draft(model=model)
    add_hashes(folder)
    with pytest.raises(PackageError, match=rf"^ghost/face\.tflite .*{reason}") as caught:
        load_effect(folder)
    assert "\n" not in str(caught.value)


def test_a_tier_without_its_file_in_the_list_is_refused(package: Build) -> None:
    folder = package()
    text = (folder / "effect.toml").read_text()
    (folder / "effect.toml").write_text(text.replace('file = "face.tflite"', 'file = "other.tflite"'))
    with pytest.raises(
        PackageError, match=r"tiers\.standard uses 'other\.tflite', which is not in \[files\]"
    ):
        load_effect(folder)


def test_a_manifest_in_another_encoding_is_told(package: Build) -> None:
    folder = package()
    text = (folder / "effect.toml").read_text()
    (folder / "effect.toml").write_bytes(text.replace("Ghost", "Gespött").encode("latin-1"))
    with pytest.raises(PackageError, match=r"ghost/effect\.toml is not UTF-8 at byte \d+; save it as UTF-8"):
        load_effect(folder)
    (folder / "effect.toml").write_bytes(text.encode("utf-8-sig"))
    assert load_effect(folder).name == "ghost"


def test_a_bare_name_is_looked_up_and_never_a_folder_beside(
    package: Build, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(package().parent)
    with pytest.raises(UsageError, match=r"no effect 'ghost'; .*; for the folder beside you say \./ghost"):
        load_effect("ghost")
    assert load_effect("./ghost").name == "ghost"
    assert load_effect(Path("ghost")).name == "ghost"


def test_a_folder_in_the_catalogue_must_have_its_effects_name(package: Build, home: Path) -> None:
    home.mkdir(parents=True)
    shutil.copytree(package(), home / "spirit")
    with pytest.raises(PackageError, match=r"spirit holds the effect 'ghost'; rename it"):
        load_effect("spirit")


def test_reading_packages_loads_no_heavy_library(package: Build) -> None:
    program = (
        "import sys\n"
        "from effectcam.effect import load_effect\n"
        "from effectcam.effect.catalogue import catalogue\n"
        f"load_effect({str(package())!r}); catalogue()\n"
        "heavy = {'cv2', 'mediapipe', 'torch', 'av', 'ai_edge_litert'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)\n"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
