"""What comes out of a pipeline, and what is known of it then."""

from __future__ import annotations

from typing import NoReturn

import cv2
import numpy as np
import pytest

from effectcam.composite.colour import NoColourMatch
from effectcam.effect import manifest as parts
from effectcam.effect.package import Effect
from effectcam.errors import StudentError
from effectcam.face.crop import Crop
from effectcam.face.mesh import FaceMesh, FaceObservation
from effectcam.face.stabiliser import NoSmoothing
from effectcam.frame import Frame, Pixels
from effectcam.ledger import STAGES, Ledger
from effectcam.pipeline import Pipeline
from effectcam.student.litert import LiteRtStudent
from effectcam.student.threads import usable_cores
from tests.face.clips import demo_pixels, stream
from tests.tiny_effect import Make


def run(pipeline: Pipeline, frames: list[Frame]) -> list[Pixels]:
    return [pipeline.process(frame).pixels for frame in frames]


def change(result: Pixels, frame: Frame) -> float:
    return float(np.abs(result.astype(int) - frame.pixels).mean())


def box(pipeline: Pipeline) -> tuple[slice, slice]:
    bounds = pipeline.faces[0].crop.box(1280, 720)
    assert bounds is not None
    left, top, right, bottom = bounds
    return slice(top, bottom), slice(left, right)


def test_a_face_effect_redraws_the_face_and_nothing_else(pipeline: Pipeline) -> None:
    for frame in stream(demo_pixels(4)):
        result = pipeline.process(frame).pixels
        region = box(pipeline)
        assert change(result[region], frame.with_pixels(frame.pixels[region])) > 20
        outside = np.ones((720, 1280), bool)
        outside[region] = False
        np.testing.assert_array_equal(result[outside], frame.pixels[outside])
        # The middle is all drawing: a negative, blurred by the student's 32 pixels.
        crop = pipeline.faces[0].crop
        x, y = round(crop.cx), round(crop.cy)
        around = (slice(y - 20, y + 20), slice(x - 20, x + 20))
        np.testing.assert_allclose(
            result[around].mean(axis=(0, 1)), 255 - frame.pixels[around].mean(axis=(0, 1)), atol=12
        )


def test_what_is_seen_of_a_face(pipeline: Pipeline) -> None:
    assert pipeline.faces == []
    for frame in stream(demo_pixels(3)):
        pipeline.process(frame)
        (face,) = pipeline.faces
        assert face.identity == 0
        assert face.landmarks.shape == (468, 3)
        assert face.seen_at == frame.captured_at
        assert face.landmarks[:, 0].min() > face.crop.cx - face.crop.side


def test_the_crop_has_the_effects_margin_and_shift(make: Make) -> None:
    frame = stream(demo_pixels(1))[0]
    crops = []
    for crop in (parts.Crop(1.0, (0.0, 0.0)), parts.Crop(3.0, (0.1, -0.2))):
        with Pipeline(make(face="identity", crop=crop), threads=1) as pipeline:
            pipeline.process(frame)
            crops.append(pipeline.faces[0].crop)
    head, wide = crops
    expected = Crop(head.cx, head.cy, head.side, head.angle).scaled(3).shifted(0.1, -0.2)
    assert (wide.cx, wide.cy, wide.side) == pytest.approx((expected.cx, expected.cy, expected.side))


def test_index_and_stamp_travel_along_and_the_input_is_only_read(pipeline: Pipeline) -> None:
    for pixels in demo_pixels(3):
        own = pixels.copy()
        result = pipeline.process(Frame(own, 17, 123_456_789))
        assert (result.index, result.captured_at) == (17, 123_456_789)
        assert result.pixels is not own
        assert result.pixels.flags.c_contiguous
        np.testing.assert_array_equal(own, pixels)


def test_without_a_face_the_pixels_are_the_inputs(pipeline: Pipeline) -> None:
    empty = Frame(np.random.default_rng(0).integers(0, 256, (360, 640, 3), np.uint8), 0, 0)
    np.testing.assert_array_equal(pipeline.process(empty).pixels, empty.pixels)
    assert pipeline.faces == []


@pytest.mark.parametrize("strength", [0.0, -0.0, 0])
def test_strength_zero_gives_the_input_back(pipeline: Pipeline, strength: float) -> None:
    pipeline.strength = strength
    frame = stream(demo_pixels(1))[0]
    np.testing.assert_array_equal(pipeline.process(frame).pixels, demo_pixels()[0])
    assert pipeline.faces == []


@pytest.mark.parametrize(
    "models", [{"face": "negative"}, {"frame": "wide"}, {"face": "negative", "frame": "wide"}]
)
def test_more_strength_shows_more(make: Make, models: dict[str, str]) -> None:
    frame = stream(demo_pixels(1))[0]
    with Pipeline(make(**models, detail=parts.Detail(0.2)), threads=1) as pipeline:
        changes = []
        for strength in (0.0, 0.01, 0.25, 0.5, 0.75, 1.0):
            pipeline.reset()
            pipeline.strength = strength
            changes.append(change(pipeline.process(frame).pixels, frame))
    assert changes[0] == 0
    assert changes == sorted(set(changes))
    assert changes[3] == pytest.approx(changes[5] / 2, rel=0.1)


def test_the_effects_own_strength_is_the_default(make: Make) -> None:
    with Pipeline(make(face="negative", strength=parts.Strength(0.4)), threads=1) as pipeline:
        assert pipeline.strength == 0.4
    with Pipeline(make(face="negative", strength=parts.Strength(0.4)), threads=1, strength=0.0) as pipeline:
        assert pipeline.strength == 0


def test_an_alpha_decides_what_shows(make: Make) -> None:
    """The model's alpha is the red channel: on black clothes nothing shows, on a red face it does."""
    effect = make(face="rgba", tensor=parts.Tensor(output="rgba"))
    frame = stream(demo_pixels(1))[0]
    dark = frame.with_pixels(np.ascontiguousarray(frame.pixels * np.array((0, 1, 1), np.uint8)))
    with Pipeline(effect, threads=1) as pipeline:
        assert change(pipeline.process(frame).pixels, frame) > 0.05

    class SameFace(FaceMesh):
        def process(self, _: Frame) -> list[FaceObservation]:
            return super().process(frame)

    with Pipeline(effect, threads=1, mesh=SameFace()) as pipeline:
        np.testing.assert_array_equal(pipeline.process(dark).pixels, dark.pixels)
        assert len(pipeline.faces) == 1


def test_a_frame_effect_draws_from_edge_to_edge(make: Make) -> None:
    frame = stream(demo_pixels(1))[0]
    with Pipeline(make(frame="wide"), threads=1) as pipeline:
        result = pipeline.process(frame).pixels
        assert pipeline.faces == []
    # The identity student at 64 pixels: a blurred frame, right side up, nothing mirrored.
    small = cv2.resize(frame.pixels, (64, 36), interpolation=cv2.INTER_AREA)
    expected = cv2.resize(small, (1280, 720), interpolation=cv2.INTER_CUBIC)
    assert np.abs(result.astype(int) - expected).mean() < 4
    assert change(result, frame) > 1


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (37, 53), (500, 20)])
@pytest.mark.parametrize(
    "models", [{"face": "negative"}, {"frame": "wide"}, {"face": "negative", "frame": "wide"}]
)
def test_frames_of_any_size_keep_it(make: Make, models: dict[str, str], size: tuple[int, int]) -> None:
    frame = Frame(np.full((size[1], size[0], 3), 90, np.uint8), 0, 0)
    with Pipeline(make(**models), threads=1) as pipeline:
        assert pipeline.process(frame).pixels.shape == frame.pixels.shape


def test_frame_and_face_lie_on_one_another(make: Make) -> None:
    frame = stream(demo_pixels(1))[0]
    with Pipeline(make(face="negative", frame="wide"), threads=1) as pipeline:
        result = pipeline.process(frame).pixels
        region = box(pipeline)
    with Pipeline(make(frame="wide"), threads=1) as plain:
        ground = plain.process(frame).pixels
    outside = np.ones((720, 1280), bool)
    outside[region] = False
    np.testing.assert_array_equal(result[outside], ground[outside])
    assert np.abs(result[region].astype(int) - ground[region]).mean() > 20


def test_the_face_agrees_with_the_drawn_frame(make: Make) -> None:
    """``match-frame``: the same student for both, the face's drawn darker, comes back to the frame's."""
    frame = stream(demo_pixels(1))[0]
    seams = {}
    policies: tuple[parts.ColourPolicy, ...] = ("none", "match-frame")
    for policy in policies:
        effect = make(
            face="contrast",
            frame="wide",
            colour=parts.Colour(policy),
            mask=parts.Mask(0.2),
        )
        with Pipeline(effect, threads=1) as pipeline:
            result = pipeline.process(frame).pixels
        with Pipeline(make(frame="wide"), threads=1) as plain:
            ground = plain.process(frame).pixels
        seams[policy] = np.abs(result.astype(int) - ground).mean()
    with Pipeline(
        make(face="contrast", frame="wide", colour=parts.Colour("match-frame"), mask=parts.Mask(0.2)),
        threads=1,
        colour=NoColourMatch(),
    ) as pipeline:
        without = np.abs(pipeline.process(frame).pixels.astype(int) - ground).mean()
    assert seams["match-frame"] < seams["none"]
    assert without == seams["none"]


def test_larger_eyes(make: Make) -> None:
    frame = stream(demo_pixels(1))[0]
    results = []
    for factor in (1.0, 1.5):
        with Pipeline(make(face="identity", warp=parts.Warp(factor)), threads=1) as pipeline:
            results.append(pipeline.process(frame).pixels)
            landmarks = pipeline.faces[0].landmarks
    difference = np.abs(results[0].astype(int) - results[1]).sum(axis=2)
    eyes, mouth = landmarks[[33, 133, 263, 362], :2].mean(axis=0), landmarks[[13, 14], :2].mean(axis=0)
    (ex, ey), (mx, my) = eyes.round().astype(int), mouth.round().astype(int)
    assert difference[ey - 20 : ey + 20, ex - 80 : ex + 80].mean() > 5
    assert difference[my - 15 : my + 15, mx - 40 : mx + 40].mean() < 1


def test_two_faces_are_both_redrawn(negative: Effect) -> None:
    half = cv2.resize(demo_pixels()[0], (640, 360), interpolation=cv2.INTER_AREA)
    picture = np.full((720, 1280, 3), 127, np.uint8)
    picture[180:540, :640], picture[180:540, 640:] = half, half[:, ::-1]
    frame = Frame(picture, 0, 0)
    for count in (1, 2):
        with Pipeline(negative, threads=1, max_faces=count) as pipeline:
            result = pipeline.process(frame).pixels
            assert sorted(face.identity for face in pipeline.faces) == list(range(count))
        halves = [
            np.abs(result.astype(int) - picture)[:, side].mean() for side in (slice(640), slice(640, 1280))
        ]
        assert sum(each > 5 for each in halves) == count


@pytest.mark.parametrize(
    "models", [{"face": "unet"}, {"face": "unet", "frame": "wide"}], ids=["face", "frame+face"]
)
def test_replays_agree_to_the_byte(make: Make, models: dict[str, str]) -> None:
    effect = make(
        **models,
        warp=parts.Warp(1.3),
        detail=parts.Detail(0.3),
        colour=parts.Colour("match-frame"),
    )
    frames = stream(demo_pixels(6))
    with Pipeline(effect, threads=1) as pipeline:
        first = run(pipeline, frames)
        pipeline.reset()
        assert pipeline.faces == []
        again = run(pipeline, frames)
        assert [face.identity for face in pipeline.faces] == [0]
    with Pipeline(effect, threads=2) as pipeline:
        other = run(pipeline, frames)
    for one, two, three in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one, three)


def test_policies_can_be_replaced(negative: Effect) -> None:
    frames = stream(demo_pixels(8))
    crops: dict[str, list[Crop]] = {"still": [], "raw": []}
    for name, smoothing in (("still", None), ("raw", NoSmoothing())):
        with Pipeline(negative, threads=1, smoothing=smoothing) as pipeline:
            for frame in frames:
                pipeline.process(frame)
                crops[name].append(pipeline.faces[0].crop)
    moves = {name: np.abs(np.diff([crop.cx for crop in found])).mean() for name, found in crops.items()}
    assert moves["still"] < moves["raw"] / 2


def test_a_student_that_had_nothing_to_draw_has_no_time(make: Make) -> None:
    ledger = Ledger()
    with Pipeline(make(face="negative"), threads=1, ledger=ledger) as pipeline:
        pipeline.process(Frame(np.zeros((180, 320, 3), np.uint8), 0, 0))
    assert ledger.last("student") == 0 < ledger.last("mesh")


def test_the_ledger_has_every_stage(make: Make) -> None:
    ledger = Ledger()
    with Pipeline(make(face="negative", frame="wide"), threads=1, ledger=ledger) as pipeline:
        assert pipeline.ledger is ledger
        run(pipeline, stream(demo_pixels(5)))
    summary = ledger.summary()
    assert list(summary) == list(STAGES)
    for stage, times in summary.items():
        assert 0 < times["p50"] <= times["p95"] <= times["p99"], stage
    assert summary["chain"]["p50"] >= summary["mesh"]["p50"]
    parts_of_a_frame = sum(ledger.last(stage) for stage in STAGES[:-1])
    assert 0 < parts_of_a_frame <= ledger.last("chain")


def test_two_students_share_the_cores(make: Make) -> None:
    with Pipeline(make(face="identity", frame="negative"), beside=True) as pipeline:
        students = pipeline.students.values()
        counts = [student.threads for student in students if isinstance(student, LiteRtStudent)]
        assert len(counts) == 2 and max(counts) <= max(1, usable_cores() // 2)
        run(pipeline, stream(demo_pixels(2)))


def test_a_tier_is_not_asked_of_a_driver_that_failed(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def record(*args: object, wishes: dict[str, str], **more: object) -> NoReturn:
        asked.append(dict(wishes))
        raise StudentError("was only asked")

    with Pipeline(make(face="negative"), threads=1) as pipeline:
        # It began on a GPU, and fell back after its driver failed.
        pipeline._wishes["face"] = "auto"
        monkeypatch.setattr("effectcam.pipeline.open_students", record)
        with pytest.raises(StudentError):
            pipeline.open_tier("standard")
    assert asked == [{"face": "cpu"}]


def test_another_tier_changes_the_drawing_and_nothing_that_is_tracked(make: Make) -> None:
    standard, lite = parts.Model("face.tflite", (32, 32)), parts.Model("frame.tflite", (128, 128))
    frames = stream(demo_pixels(8))
    tiers = {"standard": parts.Tier(face=standard), "lite": parts.Tier(face=lite)}
    effect = make(
        face="negative", frame="unet", space="face", tiers=tiers, colour=parts.Colour("match-input")
    )
    with Pipeline(effect, threads=1) as changing, Pipeline(effect, threads=1, tier="lite") as lite_only:
        run(changing, frames[:4])
        before = changing.students["face"]
        changing.change_tier("lite", changing.open_tier("lite"))
        assert changing.tier == "lite"
        with pytest.raises(StudentError, match="closed"):
            before.run(np.zeros((32, 32, 3), np.uint8))
        crops: list[list[Crop]] = [[], []]
        run(lite_only, frames[:4])
        # As if it had been the only tier from the start, but for the colours, which are learnt anew.
        lite_only._colour.forget(0)
        for frame in frames[4:]:
            expected = lite_only.process(frame).pixels
            np.testing.assert_array_equal(changing.process(frame).pixels, expected)
            assert [face.identity for face in changing.faces] == [0]
            for found, pipeline in zip(crops, (changing, lite_only), strict=True):
                found.append(pipeline.faces[0].crop)
        assert crops[0] == crops[1]


@pytest.mark.parametrize("max_faces", [1, 2])
def test_the_mesh_may_rest_every_other_frame_while_one_face_is_wanted(
    negative: Effect, max_faces: int
) -> None:
    looked: list[int] = []

    class Counting(FaceMesh):
        def process(self, frame: Frame) -> list[FaceObservation]:
            looked.append(frame.index)
            return super().process(frame)

    frames = stream(demo_pixels(10))
    with (
        Pipeline(negative, threads=1, mesh=Counting(max_faces), max_faces=max_faces) as resting,
        Pipeline(negative, threads=1) as full,
    ):
        for frame in frames:
            resting.process(frame, detect=frame.index % 2 == 0)
            full.process(frame)
            (expected,), (face,) = full.faces, resting.faces
            side = expected.crop.side
            assert np.abs(face.landmarks - expected.landmarks)[:, :2].mean() < 0.01 * side
            assert abs(face.crop.cx - expected.crop.cx) < 0.01 * side
            assert face.seen_at == frame.captured_at
        resting.reset()
        assert resting.process(frames[0], detect=False).index in looked
    # Frame 1 has one sighting before it, which tells no speed.
    assert looked == ([0, 1, 2, 4, 6, 8, 0] if max_faces == 1 else [*range(10), 0])
