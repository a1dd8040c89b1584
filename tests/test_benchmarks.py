"""The benchmark measures what it says, and both pipelines draw the same effect."""

from __future__ import annotations

import json
import runpy
import shutil
import sys
from itertools import islice
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

from benchmarks import accelerators, chain, eyes, peers
from benchmarks.machine import this_machine
from benchmarks.peer import PeerPipeline
from effectcam.effect import Effect
from effectcam.effect.manifest import Crop, Manifest, Model, Place, Provenance, Tier
from effectcam.effect.writer import write_package
from effectcam.frame import Frame, Pixels
from effectcam.ledger import STAGES
from effectcam.pipeline import Pipeline
from effectcam.student.parity import parity_pictures
from tests.cli.conftest import write_effect

DATA = Path(__file__).parent / "data"
DEMO = Path(__file__).parents[1] / "effectcam" / "media" / "demo.mp4"


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    return chain.read_frames(DEMO, 8)


def negative(folder: Path, *places: Place) -> Effect:
    """An effect that turns everything into its negative, so that any pixel in the wrong place shows."""
    shutil.copy(DATA / "negative.tflite", folder)
    model = Model("negative.tflite", (32, 32))
    tier = Tier(**dict.fromkeys(places, model))
    manifest = Manifest(
        name="negative",
        version="1.0.0",
        title="Negative",
        description="For tests.",
        space="frame+face" if "frame" in places else "face",
        licence="MIT",
        crop=Crop(margin=2.5, shift=(0.05, -0.05)),
        tiers=MappingProxyType({"standard": tier}),
        provenance=Provenance("arithmetic", "none", "2026-11-21"),
    )
    return write_package(folder, manifest)


@pytest.mark.parametrize("places", [("face",), ("frame", "face")])
def test_the_peer_draws_the_same_effect(
    tmp_path: Path, frames: list[Frame], places: tuple[Place, ...]
) -> None:
    effect = negative(tmp_path, *places)
    with Pipeline(effect, threads=1) as ours, PeerPipeline(effect) as peer:
        for frame in frames:
            drawn, plain = ours.process(frame).pixels, peer.process(frame).pixels
    assert distance(drawn, plain) < 0.2 * distance(drawn, frames[-1].pixels)


def distance(first: Pixels, second: Pixels) -> float:
    return float(np.abs(first.astype(np.int16) - second).mean())


def test_it_reports_every_stage_of_both(tmp_path: Path, frames: list[Frame]) -> None:
    effect = negative(tmp_path, "face")
    result = chain.measure(effect, frames, tier="standard", count=10, burn_in=2, quiet=True)
    told = json.loads(json.dumps(chain.report([result], DEMO, frames, this_machine())))
    assert told["schema"] == "effectcam.chain/1"
    (entry,) = told["effects"]
    for side in ("effectcam", "peer"):
        stages = entry[side]["stages_ms"]
        assert stages.keys() == set(STAGES)
        for stage in STAGES:
            assert 0 < stages[stage]["p50"] <= stages[stage]["p95"] <= stages[stage]["p99"]
        assert stages["chain"]["p99"] > stages["student"]["p50"]
    ours, peer = (entry[side]["stages_ms"]["chain"]["p50"] for side in ("effectcam", "peer"))
    assert entry["times_faster_p50"]["chain"] == pytest.approx(peer / ours, rel=0.01)
    assert [student["place"] for student in entry["students"]] == ["face"]


def test_frames_run_to_and_fro_in_rising_time(frames: list[Frame]) -> None:
    stream = list(islice(chain.to_and_fro(frames[:3]), 7))
    places = [next(i for i, frame in enumerate(frames) if frame.pixels is shown.pixels) for shown in stream]
    assert places == [0, 1, 2, 1, 0, 1, 2]
    stamps = [shown.captured_at for shown in stream]
    assert stamps == sorted(set(stamps))


def test_the_blinks_of_a_clip_are_found_and_an_effect_that_leaves_eyes_alone_opens_none(
    tmp_path: Path,
) -> None:
    """In the demo clip the person blinks."""
    seen = eyes.measure(DEMO, str(write_effect(tmp_path, "plain", model="identity")))
    assert seen.frames > 100
    assert 0 < seen.shut < 0.2 * seen.frames
    assert seen.opened == 0


def test_sides_take_turns_and_who_is_not_there_is_left_out_with_the_reason(
    tmp_path: Path, frames: list[Frame]
) -> None:
    turns: list[tuple[str, int]] = []

    def side(name: str) -> peers.Local:
        return peers.Local(name, lambda number: turns.append((name, number)))

    sides = [side("a"), side("b")]
    run = peers.Peers(frames, tmp_path, rounds=10, threads=1)
    run.compare("nothing", 3, sides)
    assert [name for name, _ in turns[:6]] == ["a", "b", "b", "a", "a", "b"]
    assert [number for _, number in turns[::2]][:5] == [0, 1, 2, 1, 0]
    assert [line.name for line in run.lines] == ["a", "b"]
    assert run.lines[0].ratio == 1

    kept = run.keep("frames", [frame.pixels for frame in frames])
    with run.worker(Path(sys.executable), "landmarker", kept, str(tmp_path / "none.task")) as absent:
        assert absent == []
    assert "none.task" in run.absent[0]


def test_the_ways_to_a_processor_draw_the_same_and_take_turns() -> None:
    with accelerators.open_ways("zombie", "face", 1) as (ways, opening):
        accelerators.measure(ways, 3)
        pictures = parity_pictures(ways[0].student.size)
        drawings = [way.student.run(pictures[0]).copy() for way in ways]
    assert [way.name for way in ways][:2] == ["here", "worker"]
    assert np.array_equal(drawings[0], drawings[1])
    assert all(len(way.times) == len(way.pauses) == 3 for way in ways)
    assert min(min(way.times) for way in ways) > 0
    assert opening > 0


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
@pytest.mark.parametrize(("name", "arguments"), [("eyes", ["gone.mp4"]), ("accelerators", [])])
def test_what_makes_no_sense_is_one_line(
    name: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [name, *arguments, "--effect", "no-such-effect"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(f"benchmarks.{name}", run_name="__main__")
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"benchmarks.{name}: no effect 'no-such-effect'")
