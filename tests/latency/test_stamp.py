from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest

from effectcam import Pipeline
from effectcam.errors import UsageError
from effectcam.frame import Frame, Pixels
from effectcam.latency import stamp
from tests.face.clips import demo_pixels

SIZES = [(1280, 720), (1920, 1080), (640, 360), (320, 180), (720, 1280), (641, 479)]
EDGES = [0, 1, (1 << 32) - 1, 0x5555_5555, 0xAAAA_AAAA, 0xFFFF_0000]


def codes(rng: np.random.Generator, count: int) -> Iterator[int]:
    yield from EDGES
    yield from (int(code) for code in rng.integers(0, 1 << 32, count))


def stamped(code: int, size: tuple[int, int]) -> Pixels:
    width, height = size
    scene = demo_pixels()[0]
    picture = np.asarray(cv2.resize(scene, (width, height)), np.uint8)
    stamp.write(picture, code)
    return picture


def noisy(picture: Pixels, rng: np.random.Generator, sigma: float = 12) -> Pixels:
    noise = rng.standard_normal(picture.shape, np.float32) * sigma
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def through_i420(picture: Pixels) -> Pixels:
    """As a virtual camera sends it: halved colour, limited range."""
    height, width = (side - side % 2 for side in picture.shape[:2])
    even = np.ascontiguousarray(picture[:height, :width])
    planes = cv2.cvtColor(even, cv2.COLOR_RGB2YUV_I420)
    return np.asarray(cv2.cvtColor(planes, cv2.COLOR_YUV2RGB_I420), np.uint8)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_what_was_written_is_read(size: tuple[int, int]) -> None:
    for code in codes(np.random.default_rng(1), 10):
        picture = stamped(code, size)
        assert stamp.read(picture) == code
        assert stamp.read(np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)) == code
        assert stamp.read(np.ascontiguousarray(picture[..., ::-1])) == code


HARM: dict[str, Callable[[Pixels, np.random.Generator], Pixels]] = {
    "noise": noisy,
    "blur": lambda picture, rng: np.asarray(cv2.blur(picture, (picture.shape[0] // 90,) * 2), np.uint8),
    "I420": lambda picture, rng: through_i420(picture),
    "smaller": lambda picture, rng: np.asarray(
        cv2.resize(picture, None, fx=0.61, fy=0.61, interpolation=cv2.INTER_LINEAR), np.uint8
    ),
    "larger": lambda picture, rng: np.asarray(cv2.resize(picture, None, fx=1.7, fy=1.7), np.uint8),
    "stretched": lambda picture, rng: np.asarray(cv2.resize(picture, (640, 480)), np.uint8),
    "pale": lambda picture, rng: np.asarray(picture * 0.5 + 70, np.uint8),
    "negative": lambda picture, rng: np.asarray(cv2.bitwise_not(picture), np.uint8),
    "JPEG": lambda picture, rng: np.asarray(
        cv2.imdecode(
            cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 40])[1], cv2.IMREAD_COLOR
        ),
        np.uint8,
    ),
    "all of it": lambda picture, rng: through_i420(
        noisy(np.asarray(cv2.resize(picture, None, fx=0.8, fy=0.8), np.uint8), rng, 6)
    ),
}  # fmt: skip


@pytest.mark.parametrize("harm", HARM)
def test_it_outlives_what_cameras_do(harm: str) -> None:
    rng = np.random.default_rng(2)
    for size in SIZES:
        for code in codes(rng, 4):
            assert stamp.read(HARM[harm](stamped(code, size), rng)) == code, (size, code)


def test_what_is_harmed_beyond_reading_is_never_read_wrong() -> None:
    """Noise, blur and shrinking far beyond use: some of it still reads, none of it reads wrong."""
    rng = np.random.default_rng(3)
    read = refused = 0
    for code in codes(rng, 300):
        picture = stamped(code, (320, 180))
        picture = noisy(picture, rng, float(rng.uniform(0, 120)))
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.3, 5))), np.uint8)
        scale = float(rng.uniform(0.4, 1.5))
        picture = np.asarray(cv2.resize(picture, None, fx=scale, fy=scale), np.uint8)
        found = stamp.read(picture)
        assert found in (None, code)
        read += found is not None
        refused += found is None
    assert read > 30 and refused > 30


@pytest.mark.parametrize("apart", [1, 33_333, 100_000])
def test_a_torn_picture_is_one_of_the_two_or_refused(apart: int) -> None:
    """Rows of one frame above rows of the next, torn anywhere."""
    refused = 0
    for code in codes(np.random.default_rng(4), 4):
        after = (code + apart) % (1 << 32)
        upper, lower = stamped(code, (320, 180)), stamped(after, (320, 180))
        for row in range(1, 180):
            torn = np.vstack([upper[:row], lower[row:]])
            found = stamp.read(torn)
            assert found in (None, code, after), row
            refused += found is None
    assert refused


def test_two_frames_mixed_are_one_of_the_two_or_refused() -> None:
    rng = np.random.default_rng(5)
    for code in codes(rng, 20):
        after = (code + 33_333) % (1 << 32)
        share = float(rng.uniform(0, 1))
        mixed = cv2.addWeighted(stamped(code, (640, 360)), share, stamped(after, (640, 360)), 1 - share, 0)
        assert stamp.read(np.asarray(mixed, np.uint8)) in (None, code, after)


def test_no_stamp_is_none() -> None:
    rng = np.random.default_rng(6)
    assert all(stamp.read(picture) is None for picture in demo_pixels()[:10])
    assert stamp.read(np.zeros((720, 1280, 3), np.uint8)) is None
    assert stamp.read(np.full((720, 1280), 255, np.uint8)) is None
    for _ in range(200):
        blocks = rng.integers(0, 2, (26, 32), dtype=np.uint8) * np.uint8(255)
        random = np.asarray(cv2.resize(blocks, (640, 360), interpolation=cv2.INTER_NEAREST), np.uint8)
        assert stamp.read(random) is None


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 640), (720, 2, 3)])
def test_what_is_too_small_to_read_is_none(shape: tuple[int, ...]) -> None:
    assert stamp.read(np.zeros(shape, np.uint8)) is None


def test_a_picture_too_small_to_write_is_refused() -> None:
    with pytest.raises(UsageError, match=r"100x100.*at least 160x120"):
        stamp.write(np.zeros((100, 100, 3), np.uint8), 1)


@pytest.mark.parametrize("effect", ["toon", "zombie"])
@pytest.mark.parametrize("size", [(1280, 720), (320, 180)], ids=str)
def test_it_outlives_the_effects(effect: str, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(7)
    faces = 0
    with Pipeline(effect, threads=1) as pipeline:
        for index, code in enumerate(codes(rng, 6)):
            drawn = pipeline.process(Frame(stamped(code, size), index, index * 33_333_333)).pixels
            faces += len(pipeline.faces)
            assert stamp.read(through_i420(drawn)) == code
    assert faces
