"""The trace as a file: what it says is what happened, and nothing damaged is believed."""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from effectcam.effect.package import Effect
from effectcam.errors import ReportError, SinkError, SourceError, StudentError
from effectcam.face.stabiliser import OneEuroSmoothing
from effectcam.pipeline import Pipeline
from effectcam.replay.metrics import Meters, metrics_for
from effectcam.replay.player import play
from effectcam.replay.trace import TraceFile, TraceReader, digest
from effectcam.source.clip import Clip
from tests import media
from tests.face.clips import face_clip
from tests.tiny_effect import tiny_effect

COUNT = 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trace")


@pytest.fixture(scope="module")
def clip(folder: Path) -> Path:
    return face_clip(folder / "clip.mp4", COUNT)


@pytest.fixture(scope="module")
def effect(folder: Path) -> Effect:
    """One that draws frame and face, each with a student that sums up: a small UNet."""
    return tiny_effect(folder / "effect", face="unet", frame="unet")


@pytest.fixture(scope="module")
def trace(folder: Path, clip: Path, effect: Effect) -> Path:
    path = folder / "clip.jsonl"
    with Pipeline(effect, threads=1) as pipeline:
        play(str(clip), pipeline, trace=path)
    return path


def test_a_trace_tells_what_happened(clip: Path, effect: Effect, trace: Path) -> None:
    with TraceReader(trace) as reader, Pipeline(effect, threads=1) as pipeline, Clip(clip) as source:
        header = reader.header
        assert header.clip.sha256 == hashlib.sha256(clip.read_bytes()).hexdigest()
        assert (header.clip.name, header.clip.width, header.clip.height) == ("clip.mp4", 640, 360)
        assert (header.effect.name, header.effect.version, header.effect.tier) == (
            "tiny",
            "1.0.0",
            "standard",
        )
        assert header.effect.students["face"].sha256 == effect.files["face.tflite"]
        assert header.effect.students["frame"].accelerator == "cpu"
        assert header.libraries["mediapipe"] == "0.10.21"
        assert len(header.machine.id) == 12
        for frame, told in itertools.zip_longest(source, reader):
            result = pipeline.process(frame)
            (face,), (seen,) = told.faces, pipeline.faces
            assert (told.frame, told.at, told.tier) == (frame.index, frame.captured_at, "standard")
            assert told.decisions == {"detect": True}
            assert (told.input, told.output) == (digest(frame.pixels), digest(result.pixels))
            assert face.identity == seen.identity == 0
            assert face.landmarks == digest(seen.landmarks)
            crop = seen.crop
            assert (face.crop.cx, face.crop.cy, face.crop.side, face.crop.angle) == (
                *(crop.cx, crop.cy, crop.side, crop.angle),
            )
            assert face.drawing == digest(pipeline.drawings["face"][0])
            assert told.canvas == digest(pipeline.drawings["frame"][0])
        assert told.frame == COUNT - 1


def leaping() -> Iterator[int]:
    """A clock gone mad: forwards, backwards and standing still."""
    for step in itertools.cycle((3_000_000_000, -40_000_000_000, 0, 17)):
        yield 1_000_000_000_000 + step


@pytest.mark.parametrize("threads", [1, 2])
def test_neither_threads_nor_clocks_nor_metrics_change_a_byte(
    threads: int, clip: Path, effect: Effect, trace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again, output = tmp_path / "again.jsonl", tmp_path / "again.mp4"
    with Pipeline(effect, threads=threads) as pipeline:
        metrics = metrics_for(effect)
        clock = leaping()
        for name in ("time_ns", "monotonic_ns", "perf_counter_ns", "process_time_ns"):
            monkeypatch.setattr(time, name, lambda: next(clock))
        for name in ("time", "monotonic", "perf_counter", "process_time"):
            monkeypatch.setattr(time, name, lambda: next(clock) / 1e9)
        try:
            with Meters(metrics) as meters:
                report = play(str(clip), pipeline, output, trace=again, meters=meters)
        finally:
            monkeypatch.undo()
    assert again.read_bytes() == trace.read_bytes()
    assert (report.trace, report.output) == (str(again), str(output))
    assert report.metrics is not None and report.metrics["coverage"].frames == COUNT
    assert len(media.times(output)) == COUNT


def test_what_a_policy_changes_is_seen_in_its_stage_and_after_it(
    clip: Path, effect: Effect, trace: Path, tmp_path: Path
) -> None:
    with Pipeline(effect, threads=1, smoothing=OneEuroSmoothing(min_cutoff=0.6)) as pipeline:
        play(str(clip), pipeline, trace=tmp_path / "other.jsonl")
    with TraceReader(trace) as one, TraceReader(tmp_path / "other.jsonl") as other:
        assert one.header == other.header
        frames = list(zip(one, other, strict=True))
    first = next(index for index, (was, now) in enumerate(frames) if was != now)
    was, now = frames[first]
    assert first > 0, "a filter's first value is its input"
    assert was.input == now.input and was.faces[0].landmarks == now.faces[0].landmarks
    assert was.canvas == now.canvas
    assert was.faces[0].crop != now.faces[0].crop and was.output != now.output


def test_a_strength_of_0_is_traced_as_the_input(clip: Path, effect: Effect, tmp_path: Path) -> None:
    with Pipeline(effect, threads=1, strength=0) as pipeline:
        play(str(clip), pipeline, trace=tmp_path / "bare.jsonl")
    with TraceReader(tmp_path / "bare.jsonl") as reader:
        for frame in reader:
            assert frame.output == frame.input
            assert (frame.faces, frame.canvas) == ([], None)


def test_a_run_that_fails_leaves_the_old_trace_alone(tmp_path: Path) -> None:
    """Frames that turn black half-way, where the student answers NaN."""
    effect = tiny_effect(tmp_path / "effect", frame="nan_where_black")
    pictures = [media.corners(64, 48)] * 3 + [np.zeros((48, 64, 3), np.uint8)] * 3
    clip = media.write_clip(tmp_path / "clip.mp4", pictures=pictures, count=6)
    path = tmp_path / "clip.jsonl"
    path.write_text("old")
    with Pipeline(effect, threads=1) as pipeline, pytest.raises(StudentError):
        play(str(clip), pipeline, tmp_path / "out.mp4", trace=path)
    assert path.read_text() == "old"
    assert {file.name for file in tmp_path.iterdir()} == {"effect", "clip.mp4", "clip.jsonl"}


def test_a_name_that_is_no_text_can_be_traced(clip: Path, effect: Effect, tmp_path: Path) -> None:
    odd = tmp_path / "\udcff\udcfe.mp4"
    try:
        odd.write_bytes(clip.read_bytes())
    except OSError:
        pytest.skip("this file system has no such names")
    with Pipeline(effect, threads=1) as pipeline:
        try:
            play(str(odd), pipeline, trace=tmp_path / "odd.jsonl")
        except SourceError:
            pytest.skip("this system's FFmpeg does not open such names")
    with TraceReader(tmp_path / "odd.jsonl") as reader:
        assert reader.header.clip.name == "\\udcff\\udcfe.mp4"


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda lines: [], "is no trace of effectcam replay; record one with --trace"),
        (lambda lines: [b"\x00\xff\n"], "is no trace of effectcam replay"),
        (
            lambda lines: [b'{"schema":"effectcam.trace/2"}\n'],
            "has the schema 'effectcam.trace/2' instead of",
        ),
        (lambda lines: [b"{}\n"], "has no schema instead of 'effectcam.trace/1'"),
        (lambda lines: [lines[0].replace(b'"clip"', b'"klip"'), *lines[1:]], "line 1: is damaged"),
        (lambda lines: lines[:-1], "is cut short after 8 frames"),
        (lambda lines: [*lines[:3], lines[3][:90]], "is cut short after 2 frames"),
        (lambda lines: [*lines[:3], *lines[4:]], "line 4: is no frame 2 nor the end"),
        (lambda lines: [*lines, lines[-1]], "line 11: is no frame 8 nor the end"),
        (lambda lines: [*lines[:3], lines[3][:90] + b"\n", *lines[4:]], "line 4: is damaged"),
        (
            lambda lines: [*lines[:3], lines[3].replace(b'"output":"', b'"output":"x'), *lines[4:]],
            "line 4: is dam",
        ),
    ],
)
def test_what_is_damaged_is_refused_with_its_line(
    edit: Callable[[list[bytes]], list[bytes]], words: str, trace: Path, tmp_path: Path
) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(b"".join(edit(trace.read_bytes().splitlines(keepends=True))))
    with pytest.raises(ReportError) as caught, TraceReader(path) as reader:
        list(reader)
    message = str(caught.value)
    assert message.startswith(f"{path}") and words in message
    assert "; " in message and "\n" not in message


def test_fields_of_later_versions_are_passed_over(trace: Path, tmp_path: Path) -> None:
    path = tmp_path / "later.jsonl"
    path.write_bytes(trace.read_bytes().replace(b'"tier":', b'"later":[1],"tier":'))
    with TraceReader(path) as reader, TraceReader(trace) as known:
        assert list(reader) == list(known)


def test_there_is_no_place_for_it(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="there is no folder"):
        TraceFile(tmp_path / "gone" / "clip.jsonl")
    with pytest.raises(ReportError, match="cannot be read"):
        TraceReader(str(tmp_path))
