from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from effectcam.composite.temporal import Steadied
from effectcam.effect import manifest as parts
from effectcam.errors import StudentError, UsageError
from effectcam.frame import Frame, Pixels
from effectcam.ledger import STAGES
from effectcam.overlap import overlapped
from effectcam.pipeline import Pipeline
from tests.face.clips import demo_pixels, stream
from tests.tiny_effect import tiny_effect


@pytest.mark.parametrize(
    "models",
    [{"face": "unet"}, {"frame": "wide"}, {"face": "unet", "frame": "wide"}],
    ids=["face", "frame", "frame+face"],
)
def test_the_same_bytes_as_one_after_the_other(tmp_path: Path, models: dict[str, str]) -> None:
    effect = tiny_effect(
        tmp_path / "effect", **models, warp=parts.Warp(1.3), colour=parts.Colour("match-frame")
    )
    frames = stream(demo_pixels(7))
    with Pipeline(effect, threads=1) as pipeline:
        expected = [pipeline.process(frame) for frame in frames]
        faces = [face.landmarks for face in pipeline.faces]
    with Pipeline(effect, threads=1, beside=True) as pipeline:
        found = list(overlapped(pipeline, frames))
        assert len(pipeline.faces) == len(faces) == ("face" in models)
        for face, landmarks in zip(pipeline.faces, faces, strict=True):
            np.testing.assert_array_equal(face.landmarks, landmarks)
        ran = {stage for stage in STAGES if pipeline.ledger.last(stage) > 0}
        # And the pipeline is as good as before.
        again = list(overlapped(pipeline, [Frame(frames[0].pixels, 7, 300_000_000)]))
    assert ran == set(STAGES) - (set() if "face" in models else {"mesh", "crop"})
    assert [frame.index for frame in found] == [frame.index for frame in frames]
    assert [frame.captured_at for frame in found] == [frame.captured_at for frame in frames]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one.pixels, other.pixels)
    assert len(again) == 1


def test_a_frame_comes_out_when_the_one_after_it_has_been_begun(tmp_path: Path) -> None:
    taken: list[int] = []

    def camera() -> Iterator[Frame]:
        for frame in stream(demo_pixels(4)):
            taken.append(frame.index)
            yield frame

    with Pipeline(tiny_effect(tmp_path / "effect", face="negative"), threads=1, beside=True) as pipeline:
        for frame in overlapped(pipeline, camera()):
            assert taken[-1] == min(frame.index + 1, 3), "never more than one frame ahead"
    with Pipeline(tiny_effect(tmp_path / "other", face="negative"), threads=1) as pipeline:
        assert list(overlapped(pipeline, [])) == []


def test_the_strength_is_that_of_when_a_frame_sets_out(tmp_path: Path) -> None:
    frames = stream(demo_pixels(3))
    with Pipeline(tiny_effect(tmp_path / "effect", face="negative"), threads=1, beside=True) as pipeline:
        for frame in overlapped(pipeline, frames):
            drawn = not np.array_equal(frame.pixels, frames[frame.index].pixels)
            assert drawn == (frame.index < 2)
            # Two are on their way.
            pipeline.strength = 0


def test_a_failure_ends_it_and_the_pipeline_can_go_on(tmp_path: Path) -> None:
    bright = np.maximum(demo_pixels()[0], 8)
    pictures = [bright, bright, np.zeros_like(bright), bright]
    effect = tiny_effect(tmp_path / "effect", face="negative", frame="nan_where_black")
    with Pipeline(effect, threads=1, beside=True) as pipeline:
        out = overlapped(pipeline, stream(pictures))
        assert [next(out).index, next(out).index] == [0, 1]
        with pytest.raises(StudentError, match="NaN"):
            next(out)
        assert list(out) == []
        assert pipeline.process(Frame(bright, 9, 300_000_000)).pixels[2, 2].tolist() == [255] * 3


def test_a_face_that_is_forgotten_is_not_forgotten_before_its_own_frame_is_done(tmp_path: Path) -> None:
    """After a gap longer than a face is remembered for, the frame before the gap is still on its way."""
    effect = tiny_effect(
        tmp_path / "effect",
        face="echo",
        temporal=parts.Temporal("motion-blend"),
        colour=parts.Colour("match-input"),
    )
    frames = stream(demo_pixels(5))
    frames = [frame if frame.index < 4 else replace(frame, captured_at=10_000_000_000) for frame in frames]
    with Pipeline(effect, threads=1) as pipeline:
        expected = [pipeline.process(frame).pixels for frame in frames]
        assert [face.identity for face in pipeline.faces] == [1]
    with Pipeline(effect, threads=1, beside=True) as pipeline:
        for frame, pixels in zip(overlapped(pipeline, frames), expected, strict=True):
            np.testing.assert_array_equal(frame.pixels, pixels, err_msg=f"frame {frame.index}")


class Remembering:
    """A temporal policy that does nothing, and keeps a record of whom it knows."""

    def __init__(self) -> None:
        self.known: set[int] = set()

    def blend(self, stream: int, drawing: NDArray[np.uint8], seen: Pixels, now: int) -> Steadied:
        self.known.add(stream)
        return Steadied(drawing, None)

    def forget(self, stream: int) -> None:
        self.known.discard(stream)


@pytest.mark.parametrize("fails", [False, True])
def test_whoever_is_lost_is_forgotten_even_on_a_frame_that_fails(tmp_path: Path, fails: bool) -> None:
    effect = tiny_effect(tmp_path / "effect", face="nan_where_black")
    bright = np.maximum(demo_pixels()[0], 8)
    dark = np.array(bright)
    dark[400:] = 0
    last = Frame(dark if fails else bright, 2, 10_000_000_000)
    for together in (False, True):
        policy = Remembering()
        with Pipeline(effect, threads=1, beside=True, temporal=policy) as pipeline:
            frames = [*stream([bright, bright]), last]
            drawn = overlapped(pipeline, frames) if together else map(pipeline.process, frames)
            assert [next(drawn).index, next(drawn).index] == [0, 1]
            with pytest.raises(StudentError) if fails else contextlib.nullcontext():
                next(drawn)
            assert policy.known == (set() if fails else {1}), f"overlapped: {together}"


def test_frames_before_a_failure_come_out_first(tmp_path: Path) -> None:
    """Whether the source fails or the face mesh."""

    def camera() -> Iterator[Frame]:
        yield from stream(demo_pixels(3))
        raise OSError("unplugged")

    effect = tiny_effect(tmp_path / "effect", face="negative")
    with Pipeline(effect, threads=1, beside=True) as pipeline:
        out = overlapped(pipeline, camera())
        assert [next(out).index for _ in range(3)] == [0, 1, 2]
        with pytest.raises(OSError, match="unplugged"):
            next(out)
        gaps = [*stream(demo_pixels(3)), Frame(demo_pixels()[3][:, ::2], 3, 100_000_000)]
        out = overlapped(pipeline, gaps)
        assert [next(out).index for _ in range(3)] == [0, 1, 2]
        with pytest.raises(UsageError, match="ascontiguousarray"):
            next(out)
