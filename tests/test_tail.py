"""The benchmark of the tail: its variants take turns, and each is what its name says."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks import tail
from effectcam.effect.package import read_package
from effectcam.frame import Frame
from effectcam.pipeline import Pipeline
from effectcam.student.engine import CompiledEngine, InterpreterEngine
from effectcam.student.litert import LiteRtStudent
from tests.cli.conftest import write_effect

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sets a priority for each thread")


def test_every_variant_has_a_row(tmp_path: Path) -> None:
    effect = write_effect(tmp_path, "plain", model="identity")
    result = CliRunner().invoke(
        tail.tail, ["-e", str(effect), "--under-load", "0", "--frames", "20", "--fps", "240"]
    )
    assert result.exit_code == 0, result.output
    rows = [line for line in result.output.splitlines() if "thread(s)" in line]
    assert len(rows) == (7 if tail.may_raise() else 5)
    assert all(row.rstrip().split()[-1].replace(".", "").isdigit() for row in rows)


def test_variants_are_what_they_are_called(tmp_path: Path) -> None:
    effect = read_package(write_effect(tmp_path, "plain", model="identity"))
    with contextlib.ExitStack() as stack:
        for variant in tail.variants(effect, stack):
            student = variant.pipeline.students["face"]
            assert isinstance(student, LiteRtStudent)
            assert variant.name.startswith(f"{student.threads} thread(s)")
            expected = InterpreterEngine if "interpreter" in variant.name else CompiledEngine
            assert isinstance(student._engine, expected)


def test_opencv_and_priority_hold_for_the_frame_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = os.getpriority(os.PRIO_PROCESS, 0)
    seen: list[tuple[int, int]] = []
    monkeypatch.setattr(
        Pipeline,
        "process",
        lambda self, frame: seen.append((cv2.getNumThreads(), os.getpriority(os.PRIO_PROCESS, 0))),
    )
    effect = read_package(write_effect(tmp_path, "plain", model="identity"))
    with contextlib.ExitStack() as stack:
        shown = tail.variants(effect, stack)
        for variant in shown:
            variant.run(Frame(np.zeros((8, 8, 3), np.uint8), 0, 0), counts=True)
    assert os.getpriority(os.PRIO_PROCESS, 0) == before
    for variant, (threads, niceness) in zip(shown, seen, strict=True):
        assert threads == variant.opencv_threads
        assert niceness == before + (-5 if variant.raised else 0)
    cv2.setNumThreads(-1)


def test_the_frames_of_each_pipeline_come_at_the_rate_that_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blending goes by the gap to the frame before, and each variant has only every so many."""
    seen: dict[Pipeline, list[int]] = {}
    monkeypatch.setattr(
        Pipeline, "process", lambda self, frame: seen.setdefault(self, []).append(frame.captured_at)
    )
    effect = read_package(write_effect(tmp_path, "plain", model="identity"))
    with contextlib.ExitStack() as stack:
        shown = tail.variants(effect, stack, fps=25)
        for _ in range(3):
            for variant in shown:
                variant.run(Frame(np.zeros((8, 8, 3), np.uint8), 0, 0), counts=True)
    assert len(seen) == 4
    for stamps in seen.values():
        assert stamps == [number * 40_000_000 for number in range(len(stamps))]
    assert {len(variant.times) for variant in shown} == {3}
