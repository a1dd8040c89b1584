"""An effect on a slow device: its students take as long on a clock as a test says."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

from effectcam.effect.manifest import Manifest, Model, Place, Provenance, Space, Tier
from effectcam.effect.package import Effect
from effectcam.effect.writer import write_package
from effectcam.frame import Clock, Frame, Pixels
from effectcam.student.choice import PlacedStudent
from effectcam.student.litert import LiteRtStudent

DATA = Path(__file__).resolve().parents[1] / "data"

Delay = Callable[[str], float]
"""Milliseconds that a student of the given tier takes."""


class SlowStudent(LiteRtStudent):
    """A real student, and a wait."""

    tier = "standard"
    clock: Clock
    delay: Delay
    runs: list[str]

    def run(self, image: Pixels) -> Pixels:
        self.runs.append(self.tier)
        drawn = super().run(image)
        self.clock.sleep_until(self.clock.now() + round(1e6 * self.delay(self.tier)))
        return drawn


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowEffect(Effect):
    clock: Clock
    delay: Delay
    runs: list[str]
    """The tier of each student's run."""

    def open_student(self, place: Place, *, tier: str = "standard", **options: Any) -> PlacedStudent:
        model = self.model(place, tier)
        student = SlowStudent(self.read(model.file), threads=1, name=f"{self.name}/{model.file}")
        student.tier, student.clock, student.delay, student.runs = tier, self.clock, self.delay, self.runs
        return student


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
    made = write_package(folder, manifest)
    values = {field.name: getattr(made, field.name) for field in fields(Effect)}
    return SlowEffect(**values, clock=clock, delay=delay, runs=[])


def camera(
    clock: Clock, seconds: float, picture: Callable[[int], Pixels], *, fps: float = 30, begin: int = 0
) -> Iterator[Frame]:
    """The newest frame each time one is asked for, as a camera's queue of one gives it; ``picture`` of each
    number from ``begin`` on."""
    number = begin
    while number < begin + seconds * fps:
        clock.sleep_until(round(number / fps * 1e9))
        yield Frame(picture(number), number, round(number / fps * 1e9))
        number = max(number + 1, int(clock.now() / 1e9 * fps))
