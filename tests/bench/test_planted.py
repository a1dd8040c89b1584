"""What the benchmark of ``compare`` plants, and what it counts as a false alarm."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np

from benchmarks import compare as benchmark
from benchmarks.slower_worker import SpinningStudent, spinning
from effectcam.bench.comparison import compare
from effectcam.bench.groups import Group
from effectcam.effect.package import read_package
from effectcam.frame import Pixels
from effectcam.student.choice import PlacedStudent
from tests.bench.reports import made_report
from tests.cli.conftest import write_effect


class Slow:
    """A student that takes a while, and tells how long."""

    def __init__(self) -> None:
        self.taken = 0.0

    def run(self, image: Pixels) -> Pixels:
        begun = time.perf_counter()
        time.sleep(0.05)
        self.taken = time.perf_counter() - begun
        return image


def test_a_planted_student_takes_its_share_longer() -> None:
    slow = Slow()
    student = SpinningStudent(cast(PlacedStudent, slow), 0.5)
    begun = time.perf_counter()
    student.run(np.zeros((2, 2, 3), np.uint8))
    assert time.perf_counter() - begun >= 1.5 * slow.taken


def test_an_effect_is_slowed_in_its_students_alone(tmp_path: Path) -> None:
    effect = read_package(write_effect(tmp_path, "plain", model="identity"))
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    with effect.open_student("face", threads=1) as bare:
        expected = bare.run(image)
    slower = spinning(effect, 0.1).open_student("face", threads=1)
    assert isinstance(slower, SpinningStudent)
    assert np.array_equal(slower.run(image), expected)
    slower.close()


def test_frames_taken_one_by_one_cry_wolf_where_compare_does_not() -> None:
    def group(seed: int) -> Group:
        # Each run as a whole is a little faster or slower than the one before.
        by = np.exp(0.05 * np.random.default_rng(seed).standard_normal(10))
        made = {
            f"{number:02}.json": replace(
                made_report(frames=100, seed=100 * seed + number, slower=float(by[number])),
                made_at=f"2026-11-26T06:{number:02}:{seed:02}Z",
            )
            for number in range(10)
        }
        return Group(Path(str(seed)), made)

    a, b = group(1), group(2)
    assert benchmark.cries(a, b)
    found = compare(a, b)
    assert benchmark.wrong(found) == []
    assert benchmark.row(found, "chain").quantile == "p50"
