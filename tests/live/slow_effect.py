"""Small effects of two tiers for a slow device."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import MappingProxyType

from benchmarks.slow_device import Delay, SlowEffect, slowed
from effectcam.effect.manifest import Manifest, Model, Provenance, Space, Tier
from effectcam.effect.writer import write_package
from effectcam.frame import Clock

DATA = Path(__file__).resolve().parents[1] / "data"


def slow_effect(
    folder: Path,
    clock: Clock,
    delay: Delay,
    *,
    space: Space = "frame",
    tiers: dict[str, str] | None = None,
) -> SlowEffect:
    """A package in ``folder`` whose ``tiers`` have the models of tests/data named: a negative as the
    standard tier and a picture of more contrast as the lite one."""
    folder.mkdir(parents=True)
    students = {}
    for tier, model in (tiers or {"standard": "negative", "lite": "contrast"}).items():
        shutil.copy(DATA / f"{model}.tflite", folder / f"{tier}.tflite")
        students[tier] = Tier(**dict.fromkeys(space.split("+"), Model(f"{tier}.tflite", (32, 32))))
    manifest = Manifest(
        name=folder.name,
        version="1.0.0",
        title="Slow",
        description="For tests.",
        space=space,
        licence="MIT",
        tiers=MappingProxyType(students),  # type: ignore[arg-type]
        provenance=Provenance("arithmetic", "none", "2026-01-01"),
    )
    return slowed(write_package(folder, manifest), clock, delay)
