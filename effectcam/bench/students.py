"""Each network of an effect by itself, beside what the device could do at most."""

from __future__ import annotations

import hashlib
import time

import numpy as np

from effectcam.bench.arithmetic import delegation, multiply_adds
from effectcam.bench.report import Device, StudentSpeed
from effectcam.effect.manifest import Place
from effectcam.effect.package import Effect
from effectcam.student.protocol import Student

_ROUNDS = 40


def student_speed(effect: Effect, tier: str, place: Place, student: Student, device: Device) -> StudentSpeed:
    """Runs ``student``, which is that of ``effect`` at ``place``, some forty times on noise."""
    file = effect.model(place, tier).file
    model = effect.read(file)
    image = np.random.default_rng(0).integers(0, 256, (*student.size, 3), np.uint8)
    times = []
    for _ in range(_ROUNDS):
        begun = time.perf_counter()
        student.run(image)
        times.append(time.perf_counter() - begun)
    median = float(np.median(times[_ROUNDS // 4 :]))
    threads = getattr(student, "threads", 1)
    operations = multiply_adds(model)
    gflops = 2 * operations / median / 1e9
    ideal = device.peak.one_core_gflops * min(threads, device.cores.usable)
    return StudentSpeed(
        place=place,
        file=file,
        sha256=hashlib.sha256(model).hexdigest(),
        threads=threads,
        p50_ms=round(1000 * median, 3),
        multiply_adds=operations,
        gflops=round(gflops, 1),
        peak_gflops=round(ideal, 1),
        share=round(gflops / ideal, 4),
        delegation=delegation(model),
    )
