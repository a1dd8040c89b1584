from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from effectcam.effect.writer import pack

DATA = Path(__file__).resolve().parents[1] / "data"

MANIFEST = """\
schema = "effectcam.effect/1"
name = "ghost"
version = "1.0.0"
title = "Ghost"
description = "A negative of the face."
space = "face"
licence = "MIT"
looks_real = false

[crop]
margin = 2.0  # with hair
shift = [0.0, -0.05]

[tensor]
input_range = [0.0, 1.0]
output_range = [0.0, 1.0]
output = "rgb"

[tiers.standard]
face = { file = "face.tflite", size = [32, 32] }

[provenance]
teacher = "arithmetic"
data = "none"
trained = "2026-11-21"
"""

Build = Callable[..., Path]


@pytest.fixture
def draft(tmp_path: Path) -> Build:
    """Makes a folder with ``effect.toml``, edited by replacements, and a model, but no hashes."""

    def build(*edits: tuple[str, str], model: str = "negative", folder: str = "ghost") -> Path:
        path = tmp_path / folder
        path.mkdir(parents=True)
        text = MANIFEST
        for old, new in edits:
            assert old in text, f"the edit of {old!r} would change nothing"
            text = text.replace(old, new)
        (path / "effect.toml").write_text(text, encoding="utf-8")
        shutil.copy(DATA / f"{model}.tflite", path / "face.tflite")
        (path / "CARD.md").write_text("# Ghost\n", encoding="utf-8")
        (path / "preview.webp").write_bytes(b"RIFF\x04\0\0\0WEBP")
        return path

    return build


@pytest.fixture
def package(draft: Build) -> Build:
    """Makes a sound package."""

    def build(*edits: tuple[str, str], model: str = "negative", folder: str = "ghost") -> Path:
        path = draft(*edits, model=model, folder=folder)
        pack(path)
        return path

    return build


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of effects, empty and away from the real one."""
    folder = tmp_path / "home" / "effects"
    monkeypatch.setenv("EFFECTCAM_EFFECTS", str(folder))
    return folder
