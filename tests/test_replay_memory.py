"""The measurement of what a replay holds: its files are whole, and a slope is a slope."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import replay_memory
from effectcam.replay.golden import read_golden
from tests import media
from tests.tiny_effect import tiny_effect


def test_a_line_through_what_is_held_leaves_out_the_beginning() -> None:
    held = replay_memory.Held(Console(quiet=True))
    held.frames = [*range(100, 3001, 100)]
    held.megabytes = [200 + (500 if frame <= 1000 else 0.002 * frame) for frame in held.frames]
    assert held.growth == pytest.approx(2)
    held.frames, held.megabytes = held.frames[:11], held.megabytes[:11]
    assert held.growth is None


def test_a_loop_is_played_recorded_and_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    effect = tiny_effect(tmp_path / "effect", frame="negative")
    clip, here = media.write_clip(tmp_path / "clip.mp4", count=12), tmp_path / "here"
    call = ["--effect", str(effect.path), "--clip", str(clip), "--folder", str(here), "--frames", "300"]
    replay_memory.main([*call, "--size", "64x36", "--check", "--no-metrics"], standalone_mode=False)
    assert read_golden(here / "golden").clips["looped"].frames == 300
    said = capsys.readouterr().out
    assert said.startswith("300 frames of 64x36") and said.count("too short to tell; ") == 2
