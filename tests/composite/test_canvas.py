from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from effectcam.composite.canvas import FrameCanvas
from effectcam.errors import StudentError
from effectcam.face.crop import Crop
from effectcam.frame import Pixels
from effectcam.student.litert import LiteRtStudent

DATA = Path(__file__).resolve().parents[1] / "data"

SIZES = [(1280, 720), (720, 1280), (480, 480), (1, 1), (37, 53), (1279, 717), (3, 2000), (2000, 3), (64, 32)]


@pytest.fixture(scope="module")
def identity() -> Iterator[LiteRtStudent]:
    """32 rows, 64 columns, gives back what it takes."""
    with LiteRtStudent(DATA / "wide.tflite", threads=1) as student:
        yield student


def ramp(width: int, height: int) -> Pixels:
    """Red rises to the right, green down, blue nowhere."""
    x, y = np.meshgrid(np.linspace(30, 220, width), np.linspace(30, 220, height))
    return np.ascontiguousarray(np.stack((x, y, np.full_like(x, 60)), axis=2).round().astype(np.uint8))


def draw(canvas: FrameCanvas, pixels: Pixels, strength: float = 1.0) -> Pixels:
    height, width = pixels.shape[:2]
    return canvas.finish(canvas.ground(canvas.draw(pixels), width, height), pixels, strength)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_any_shape_comes_back_upright_unmirrored_and_whole(
    identity: LiteRtStudent, width: int, height: int
) -> None:
    pixels = ramp(width, height)
    drawn = draw(FrameCanvas(identity, detail=0.0), pixels)
    assert drawn.shape == pixels.shape
    assert drawn.dtype == np.uint8
    assert drawn.flags.c_contiguous
    difference = np.abs(drawn.astype(int) - pixels)
    # Of a frame 600 times longer than wide the student sees one pixel across.
    across = 95 if 3 in (width, height) else 10
    assert difference[..., 0].max() <= (across if width < height else 10)
    assert difference[..., 1].max() <= (across if width > height else 10)
    assert difference[..., 2].max() <= 1


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_full_detail_gives_the_frame_back(identity: LiteRtStudent, width: int, height: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    drawn = draw(FrameCanvas(identity, detail=1.0), pixels)
    assert np.abs(drawn.astype(int) - pixels).max() <= 1


def test_tall_frames_are_drawn_with_as_many_pixels_as_wide_ones(identity: LiteRtStudent) -> None:
    """Stripes across the long side, as fine as the student can see when it is used in full."""
    wave = 128 + 60 * np.sin(np.arange(1280) * 2 * np.pi / 120)
    wide = np.ascontiguousarray(np.broadcast_to(wave[None, :, None], (720, 1280, 3)).astype(np.uint8))
    tall = np.ascontiguousarray(wide.transpose(1, 0, 2))
    canvas = FrameCanvas(identity, detail=0.0)
    one, other = draw(canvas, wide), draw(canvas, tall)
    assert one.std() > 0.8 * wide.std()
    np.testing.assert_allclose(other.transpose(1, 0, 2).astype(int), one, atol=2)


def test_strength_mixes(identity: LiteRtStudent) -> None:
    with LiteRtStudent(DATA / "negative.tflite", threads=1) as negative:
        canvas = FrameCanvas(negative, detail=0.0)
        pixels = np.full((90, 160, 3), 40, np.uint8)
        shown = [int(draw(canvas, pixels, strength)[45, 80, 0]) for strength in (0.0, 0.25, 0.5, 1.0)]
    assert shown[0] == 40
    assert shown == pytest.approx([40, 84, 128, 215], abs=1)
    noise = np.random.default_rng(2).integers(0, 256, (90, 160, 3), np.uint8)
    np.testing.assert_array_equal(draw(FrameCanvas(identity, detail=0.3), noise, 0.0), noise)


def test_the_result_is_new_memory_and_the_frame_is_only_read(identity: LiteRtStudent) -> None:
    canvas = FrameCanvas(identity, detail=0.2)
    pixels = ramp(160, 90)
    pixels.flags.writeable = False
    first = draw(canvas, pixels)
    kept = first.copy()
    draw(canvas, np.zeros((90, 160, 3), np.uint8))
    np.testing.assert_array_equal(first, kept)


def test_the_size_may_change_between_frames(identity: LiteRtStudent) -> None:
    canvas = FrameCanvas(identity, detail=0.0)
    for width, height in ((160, 90), (90, 160), (33, 20), (160, 90)):
        assert draw(canvas, ramp(width, height)).shape == (height, width, 3)


@pytest.mark.parametrize(("width", "height"), [(640, 360), (360, 640)])
def test_sample_shows_the_drawing_inside_a_crop(identity: LiteRtStudent, width: int, height: int) -> None:
    canvas = FrameCanvas(identity, detail=0.0)
    pixels = ramp(width, height)
    drawn = canvas.draw(pixels)
    crop = Crop(width * 0.6, height * 0.4, 120, 0.5)
    seen = drawn.sample(crop, 32, (width, height))
    expected = cv2.warpAffine(pixels, crop.to_crop(32), (32, 32), flags=cv2.INTER_LINEAR)
    assert np.abs(seen.astype(int) - expected).max() <= 5


def test_after_a_failure_the_next_frame_is_drawn() -> None:
    with LiteRtStudent(DATA / "nan_where_black.tflite", threads=1) as student:
        canvas = FrameCanvas(student, detail=0.0)
        with pytest.raises(StudentError):
            canvas.draw(np.zeros((90, 160, 3), np.uint8))
        assert (draw(canvas, np.full((90, 160, 3), 99, np.uint8)) == 255).all()
