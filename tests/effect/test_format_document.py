"""docs/effect-format.md shows a manifest that is valid and numbers that are the code's."""

from __future__ import annotations

import re
from pathlib import Path

from effectcam.effect.archive import LARGEST, LARGEST_PACKAGE, MOST_FILES
from effectcam.effect.manifest import parse_manifest
from effectcam.student.model_file import LONGEST_SIDE

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "effect-format.md").read_text(encoding="utf-8")


def test_the_example_is_valid() -> None:
    example = re.search(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    assert example
    whole = example[1].replace('"its SHA-256"', f'"{"0" * 64}"')
    manifest = parse_manifest(whole, origin="document")
    assert manifest.detail.gain == 0.3
    for key in re.findall(r"^(\w+) =", example[1], re.MULTILINE):
        assert f"`{key}`" in TEXT or f".{key}`" in TEXT, f"{key} is not explained"


def test_its_bounds_are_the_codes() -> None:
    assert f"More than {MOST_FILES} files" in TEXT
    assert f"a model above {LARGEST['.tflite'] // 1_000_000} MB" in TEXT
    assert f"a picture above {LARGEST['.webp'] // 1_000_000} MB" in TEXT
    assert f"a text above {LARGEST['.md'] // 1000} kB" in TEXT
    assert f"`effect.toml` above {LARGEST['.toml'] // 1000} kB" in TEXT
    assert f"a package above {LARGEST_PACKAGE // 1_000_000} MB" in TEXT
    assert f"16 to {LONGEST_SIDE} each" in TEXT
    for suffix in LARGEST:
        assert f"`{suffix}`" in TEXT
