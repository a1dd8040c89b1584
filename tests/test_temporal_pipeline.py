"""Temporal policies and soft limits, at work in the pipeline."""

from __future__ import annotations

import threading

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from effectcam.composite.temporal import FRAME, NoBlending, Steadied
from effectcam.effect import manifest as parts
from effectcam.face.limits import NoLimits, View
from effectcam.face.mesh import FaceMesh, FaceObservation
from effectcam.frame import Frame, Pixels
from effectcam.overlap import overlapped
from effectcam.pipeline import Pipeline
from tests.face.clips import demo_pixels, stream
from tests.tiny_effect import Make

BLEND = parts.Temporal("motion-blend")
SPACES: dict[str, dict[str, str]] = {
    "face": {"face": "unet"},
    "frame": {"frame": "wide"},
    "frame+face": {"face": "unet", "frame": "wide"},
}


def run(pipeline: Pipeline, frames: list[Frame]) -> list[Pixels]:
    return [pipeline.process(frame).pixels for frame in frames]


def equal(one: list[Pixels], other: list[Pixels]) -> bool:
    return all(np.array_equal(*pair) for pair in zip(one, other, strict=True))


@pytest.mark.parametrize("space", SPACES)
def test_blended_frames_are_exact_and_without_the_policy_they_are_as_ever(make: Make, space: str) -> None:
    plain = make(**SPACES[space])
    blended = make(**SPACES[space], temporal=BLEND)
    frames = stream(demo_pixels(6))
    with Pipeline(plain, threads=1) as pipeline:
        expected = run(pipeline, frames)
        assert not {"face_blend", "frame_blend"} & set(pipeline.decisions)
    with Pipeline(blended, threads=1, temporal=NoBlending()) as pipeline:
        assert equal(run(pipeline, frames), expected)
    with Pipeline(blended, threads=1) as pipeline:
        first = run(pipeline, frames)
        decided = pipeline.decisions
        # What is in the trace as the drawing is what was laid.
        drawings = {place: pipeline.drawings[place] for place in blended.places}
        pipeline.reset()
        assert equal(run(pipeline, frames), first)
    np.testing.assert_array_equal(first[0], expected[0])
    assert not np.array_equal(first[-1], expected[-1])
    assert set(decided) >= {f"{place}_blend" for place in blended.places}
    assert all(len(each) == 1 for each in drawings.values())
    with Pipeline(blended, threads=2, beside=True) as pipeline:
        assert equal([frame.pixels for frame in overlapped(pipeline, frames)], first)
        assert pipeline.decisions == decided


class Watching:
    """A policy that keeps a record."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []
        self.forgotten: list[int] = []

    def blend(self, stream: int, drawing: NDArray[np.uint8], seen: Pixels, now: int) -> Steadied:
        assert drawing.shape[:2] == seen.shape[:2]
        self.seen.append((stream, now))
        return Steadied(drawing, 0.25)

    def forget(self, stream: int) -> None:
        self.forgotten.append(stream)


class Meeting:
    """A policy that waits in each face's stream until another is there too."""

    def __init__(self, faces: int) -> None:
        self._together = threading.Barrier(faces)

    def blend(self, stream: int, drawing: NDArray[np.uint8], seen: Pixels, now: int) -> Steadied:
        self._together.wait(timeout=20)
        return Steadied(drawing, stream / 10)

    def forget(self, stream: int) -> None:
        pass


def test_two_faces_are_mixed_at_once_and_keep_their_order(make: Make) -> None:
    half = cv2.resize(demo_pixels()[0], (640, 360), interpolation=cv2.INTER_AREA)
    picture = np.ascontiguousarray(np.hstack((half, half[:, ::-1])))
    with Pipeline(make(face="unet"), threads=1, max_faces=2, temporal=Meeting(2)) as pipeline:
        for index in range(3):
            pipeline.process(Frame(picture, index, index * 33_000_000))
            identities = [face.identity for face in pipeline.faces]
            assert len(identities) == 2
            assert pipeline.decisions["face_blend"] == [identity / 10 for identity in identities]


def test_streams_are_told_apart_and_forgotten_with_what_they_are_of(make: Make) -> None:
    tier = parts.Tier(
        face=parts.Model("face.tflite", (128, 128)), frame=parts.Model("frame.tflite", (32, 64))
    )
    effect = make(face="unet", frame="wide", tiers={"standard": tier, "lite": tier})
    policy = Watching()
    frames = stream(demo_pixels(3))
    with Pipeline(effect, threads=1, temporal=policy) as pipeline:
        run(pipeline, frames)
        assert sorted(policy.seen) == sorted(
            (stream, frame.captured_at) for frame in frames for stream in (FRAME, 0)
        )
        assert pipeline.decisions == {"detect": True, "face_blend": [0.25], "frame_blend": 0.25}
        assert policy.forgotten == []
        pipeline.change_tier("lite", pipeline.open_tier("lite"))
        assert sorted(policy.forgotten) == [FRAME, 0]
        policy.forgotten.clear()
        # The face leaves for longer than it is remembered.
        run(pipeline, [Frame(np.zeros_like(frames[0].pixels), 3, 10_000_000_000)])
        assert policy.forgotten == [0]
        pipeline.reset()
        assert FRAME in policy.forgotten[1:]


class Half:
    """Shows half of the effect."""

    def __call__(self, identity: int, seen: View, now: int) -> float:
        assert seen.yaw < 45 and seen.outside == 0
        return 0.5

    def forget(self, identity: int) -> None:
        pass


class Nothing(Half):
    def __call__(self, identity: int, seen: View, now: int) -> float:
        return 0.0


def test_at_its_limits_a_face_gives_way_to_what_is_below_it(make: Make) -> None:
    frame = stream(demo_pixels(1))[0]
    for models in ({"face": "negative"}, {"face": "negative", "frame": "wide"}):
        effect = make(**models, limits=parts.Limits("soft"))
        results = []
        for limits in (Nothing(), Half(), NoLimits(), None):
            with Pipeline(effect, threads=1, limits=limits) as pipeline:
                results.append(pipeline.process(frame).pixels.astype(int))
                (face,) = pipeline.faces
                shown = pipeline.decisions.get("shown")
                expected = {Nothing: 0.0, Half: 0.5}.get(type(limits), 1.0)  # type: ignore[arg-type]
                assert face.shown == expected
                assert shown == ([expected] if expected < 1 else None)
        none, half, whole, own = results
        with Pipeline(make(frame="wide"), threads=1) as pipeline:
            ground = pipeline.process(frame).pixels if "frame" in models else frame.pixels
        np.testing.assert_array_equal(none, ground)
        # The canvas is sampled anew; the rest is rounding.
        assert np.abs(half - (none + whole) / 2).max() <= 4
        assert np.abs(whole - none).mean() > 5
        np.testing.assert_array_equal(own, whole)


def test_a_turned_head_fades_and_no_frame_pops(make: Make) -> None:
    """The mesh says that the head turns; what is drawn of it fades by 2 % a frame at most."""

    class Turning(FaceMesh):
        def process(self, frame: Frame) -> list[FaceObservation]:
            (found,) = super().process(frame)
            if not 3 <= frame.index < 63:
                return [found]
            # Seen from the side: depth becomes width.
            points = found.landmarks - found.landmarks.mean(axis=0)
            side = np.stack((points[:, 2], points[:, 1], -points[:, 0]), axis=1)
            return [FaceObservation(side + found.landmarks.mean(axis=0), found.rect)]

    pixels = demo_pixels(1)[0]
    effect = make(face="negative", frame="wide", limits=parts.Limits("soft", yaw=60))
    shown = []
    with Pipeline(effect, threads=1, mesh=Turning()) as pipeline:
        for frame in stream([pixels] * 120):
            pipeline.process(frame)
            shown.append(pipeline.faces[0].shown)
    assert max(np.abs(np.diff(shown))) <= 0.0201
    assert shown[2] == 1
    assert shown[62] == 0
    assert shown[-1] == 1
