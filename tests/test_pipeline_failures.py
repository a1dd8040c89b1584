"""What a pipeline refuses, and that it goes on after a failure."""

from __future__ import annotations

import numpy as np
import pytest

from effectcam.effect import manifest as parts
from effectcam.effect.package import Effect
from effectcam.errors import FaceMeshError, PackageError, StudentError, UsageError
from effectcam.face.mesh import FaceMesh, FaceObservation
from effectcam.frame import Frame
from effectcam.ledger import Ledger
from effectcam.pipeline import Pipeline
from tests.face.clips import demo_pixels, stream
from tests.tiny_effect import Make


@pytest.mark.parametrize("strength", [-0.01, 1.01, 7, float("nan"), float("inf")])
def test_senseless_strengths_are_refused(pipeline: Pipeline, negative: Effect, strength: float) -> None:
    with pytest.raises(UsageError, match=r"strength is .*: choose 0"):
        pipeline.strength = strength
    assert pipeline.strength == 1
    with pytest.raises(UsageError, match="strength is"):
        Pipeline(negative, strength=strength)


def test_a_student_that_answers_nan(make: Make) -> None:
    """x / x in the student: NaN where a pixel is black."""
    bright = np.maximum(demo_pixels()[0], 8)
    dark = bright.copy()
    ledger = Ledger()
    with Pipeline(make(face="nan_where_black"), threads=1, ledger=ledger) as pipeline:
        pipeline.process(Frame(bright, 0, 0))
        crop = pipeline.faces[0].crop
        # A black patch in the crop's lower left corner, beside the face.
        x, y = (crop.to_picture(8) @ (0.5, 6.5, 1)).round().astype(int)
        reach = round(crop.side / 8)
        dark[max(0, y - reach) : y + reach, max(0, x - reach) : x + reach] = 0
        with pytest.raises(StudentError, match="NaN"):
            pipeline.process(Frame(dark, 1, 33_000_000))
        after = pipeline.process(Frame(bright, 2, 66_000_000)).pixels
        assert after[round(crop.cy), round(crop.cx)].tolist() == [255] * 3
    # The failed frame is not in the figures, nor added to those of the next.
    assert {len(times) for times in ledger._times.values()} == {2}


@pytest.mark.parametrize(
    "models", [{"frame": "nan_where_black"}, {"face": "negative", "frame": "nan_where_black"}]
)
def test_a_frame_student_that_answers_nan(make: Make, models: dict[str, str]) -> None:
    bright = np.maximum(demo_pixels()[0], 8)
    with Pipeline(make(**models), threads=1) as pipeline:
        for index in (0, 2):
            assert (
                pipeline.process(Frame(bright, index, index * 33_000_000)).pixels[2, 2].tolist() == [255] * 3
            )
            with pytest.raises(StudentError, match="NaN"):
                pipeline.process(Frame(np.zeros_like(bright), index + 1, index * 33_000_000 + 9))


def test_a_mesh_that_fails_leaves_the_canvas_idle(make: Make) -> None:
    class Failing(FaceMesh):
        def process(self, frame: Frame) -> list[FaceObservation]:
            if frame.index == 1:
                raise FaceMeshError("failed")
            return super().process(frame)

    with Pipeline(make(face="negative", frame="wide"), threads=1, mesh=Failing()) as pipeline:
        frames = stream(demo_pixels(3))
        pipeline.process(frames[0])
        with pytest.raises(FaceMeshError):
            pipeline.process(frames[1])
        assert len(pipeline.faces) == 1
        assert not np.array_equal(pipeline.process(frames[2]).pixels, frames[2].pixels)


def test_students_that_no_pipeline_can_use_do_not_become_packages(make: Make) -> None:
    with pytest.raises(PackageError, match="64x32 pixels, but a crop is square"):
        make(face="wide")
    with pytest.raises(PackageError, match="frame student gives an alpha"):
        make(face="rgba", frame="rgba", tensor=parts.Tensor(output="rgba"))


def test_a_tier_that_does_not_open_leaves_the_pipeline_at_work(make: Make) -> None:
    effect = make(face="negative", frame="wide")
    with Pipeline(effect, threads=1) as pipeline:
        with pytest.raises(UsageError, match="no tier 'lite'"):
            pipeline.open_tier("lite")
        (effect.path / "frame.tflite").unlink()
        with pytest.raises(PackageError, match=r"frame\.tflite is gone"):
            pipeline.open_tier("standard")
        frame = stream(demo_pixels(1))[0]
        assert not np.array_equal(pipeline.process(frame).pixels, frame.pixels)


def test_wrong_calls(negative: Effect) -> None:
    with pytest.raises(UsageError, match="tier 'turbo'"):
        Pipeline(negative, tier="turbo")
    with pytest.raises(UsageError, match="max_faces is 0"):
        Pipeline(negative, threads=1, max_faces=0)
    with pytest.raises(UsageError, match="no-such-effect"):
        Pipeline("no-such-effect")


@pytest.mark.parametrize("places", [{"face": "unet"}, {"frame": "wide"}, {"face": "unet", "frame": "wide"}])
def test_closing_twice_is_fine_and_a_closed_pipeline_says_so(make: Make, places: dict[str, str]) -> None:
    pipeline = Pipeline(make(**places), threads=1)
    pipeline.close()
    pipeline.close()
    with pytest.raises(UsageError, match="the pipeline is closed; make another"):
        pipeline.process(stream(demo_pixels(1))[0])


def test_a_flipped_view_is_refused_with_the_way_out(pipeline: Pipeline) -> None:
    pixels = demo_pixels()[0]
    with pytest.raises(UsageError, match=r"gaps between its pixels.*np\.ascontiguousarray"):
        pipeline.process(Frame(pixels[..., ::-1], 0, 0))
    assert pipeline.process(Frame(np.ascontiguousarray(pixels[..., ::-1]), 0, 0)).index == 0
    assert len(pipeline.faces) == 1
