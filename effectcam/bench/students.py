"""Each network of an effect by itself, beside what the device could do at most."""

from __future__ import annotations

import hashlib
import time

import numpy as np

from effectcam.bench.arithmetic import delegation, multiply_adds
from effectcam.bench.report import Delegation, Device, StudentSpeed
from effectcam.effect.manifest import Place
from effectcam.effect.package import Effect
from effectcam.student.choice import PlacedStudent

_ROUNDS = 40


def student_speed(
    effect: Effect, tier: str, place: Place, student: PlacedStudent, device: Device
) -> StudentSpeed:
    """Runs ``student``, which is that of ``effect`` at ``place``, some forty times on noise."""
    file = effect.model(place, tier).file
    model = effect.read(file)
    image = np.random.default_rng(0).integers(0, 256, (*student.size, student.inputs), np.uint8)
    times = []
    for _ in range(_ROUNDS):
        begun = time.perf_counter()
        student.run(image)
        times.append(time.perf_counter() - begun)
    median = float(np.median(times[_ROUNDS // 4 :]))
    operations, placement = multiply_adds(model), student.placement
    gflops = 2 * operations / median / 1e9
    ideal, taken = None, placement.delegation and Delegation(**placement.delegation._asdict())
    if placement.accelerator == "cpu":
        ideal = round(device.peak.one_core_gflops * min(student.threads, device.cores.usable), 1)
        taken = delegation(model)
    return StudentSpeed(
        place=place,
        file=file,
        sha256=hashlib.sha256(model).hexdigest(),
        accelerator=placement.accelerator,
        threads=student.threads,
        p50_ms=round(1000 * median, 3),
        multiply_adds=operations,
        gflops=round(gflops, 1),
        peak_gflops=ideal,
        share=round(gflops / ideal, 4) if ideal else None,
        delegation=taken,
    )
