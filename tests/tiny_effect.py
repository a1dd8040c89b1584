"""Effects whose students are the models of ``tests/data``: arithmetic, small and quick."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from effectcam.effect import manifest as parts
from effectcam.effect.manifest import Manifest
from effectcam.effect.package import Effect
from effectcam.effect.writer import write_package

DATA = Path(__file__).resolve().parent / "data"
Make = Callable[..., Effect]
"""Makes one out of what `tiny_effect` takes beside the folder."""

SIZES = {"wide": (32, 64), "wide_echo": (32, 64), "unet": (128, 128)}


def tiny_effect(folder: Path, *, face: str | None = None, frame: str | None = None, **values: Any) -> Effect:
    """A package in the new ``folder``; ``face`` and ``frame`` name models, ``values`` are its manifest's."""
    folder.mkdir()
    models = {}
    for place, name in (("frame", frame), ("face", face)):
        if name is not None:
            shutil.copy(DATA / f"{name}.tflite", folder / f"{place}.tflite")
            models[place] = parts.Model(f"{place}.tflite", SIZES.get(name, (32, 32)))
    values.setdefault("tiers", {"standard": parts.Tier(**models)})
    values.setdefault("space", "+".join(models))
    manifest = Manifest(
        name="tiny",
        version="1.0.0",
        title="Tiny",
        description="A test model.",
        licence="MIT",
        provenance=parts.Provenance("arithmetic", "none", "2026-11-21"),
        **values,
    )
    return write_package(folder, manifest)
