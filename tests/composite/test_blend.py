from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from effectcam.composite import blend
from effectcam.composite.mask import feathered
from effectcam.face.crop import Crop, cut, fit_head
from effectcam.frame import Pixels
from tests.face.clips import demo_landmarks, demo_pixels

SIZE = 128
MASK = feathered(SIZE, 0.12)
CROPS = [
    Crop(640, 360, 300, 0.3),
    Crop(640, 360, 128, 0),
    Crop(100, 60, 260, -0.8),
    Crop(1260, 700, 200, 2.0),
    Crop(400, 300, 20, 1.0),
    Crop(400.3, 300.7, 1.5, 0.5),
    Crop(640, 360, 2600, 0.1),
]


def noise(width: int = 1280, height: int = 720, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def plain(value: int, *, size: int = SIZE) -> Pixels:
    return np.full((size, size, 3), value, np.uint8)


def composite(
    picture: Pixels,
    crop: Crop,
    drawing: NDArray[np.uint8],
    *,
    mask: NDArray[np.uint8] = MASK,
    detail: float = 0.0,
) -> Pixels:
    canvas = picture.copy()
    seen = cut(picture, crop, drawing.shape[0])
    prepared = blend.prepare(drawing, seen, mask, detail=detail)
    layer = blend.place(prepared, crop, picture.shape[1], picture.shape[0])
    if layer is not None:
        blend.lay(canvas, layer)
    return canvas


@pytest.mark.parametrize("crop", CROPS)
@pytest.mark.parametrize("detail", [0.0, 0.4])
def test_outside_the_box_nothing_is_touched(crop: Crop, detail: float) -> None:
    picture = noise()
    result = composite(picture, crop, noise(SIZE, SIZE, 1), detail=detail)
    box = crop.box(1280, 720)
    assert box is not None
    left, top, right, bottom = box
    outside = np.ones((720, 1280), bool)
    outside[top:bottom, left:right] = False
    np.testing.assert_array_equal(result[outside], picture[outside])
    assert (result != picture).any()


def test_a_crop_beyond_the_picture_does_nothing() -> None:
    picture = noise()
    np.testing.assert_array_equal(composite(picture, Crop(-500, 0, 200, 0.2), plain(0)), picture)


@pytest.mark.parametrize("crop", CROPS)
@pytest.mark.parametrize("detail", [0.0, 0.4, 1.0])
def test_a_mask_of_nothing_gives_the_picture_back_bit_for_bit(crop: Crop, detail: float) -> None:
    picture = noise()
    nothing = np.zeros((SIZE, SIZE), np.uint8)
    result = composite(picture, crop, noise(SIZE, SIZE, 1), mask=nothing, detail=detail)
    np.testing.assert_array_equal(result, picture)


@pytest.mark.parametrize("crop", CROPS)
@pytest.mark.parametrize("detail", [0.0, 0.4])
def test_alpha_zero_leaves_the_picture(crop: Crop, detail: float) -> None:
    picture = noise()
    drawing = np.dstack((noise(SIZE, SIZE, 1), np.zeros((SIZE, SIZE), np.uint8)))
    np.testing.assert_array_equal(composite(picture, crop, drawing, detail=detail), picture)


def test_alpha_one_is_the_same_as_no_alpha() -> None:
    picture, drawing = noise(), noise(SIZE, SIZE, 1)
    opaque = np.dstack((drawing, np.full((SIZE, SIZE), 255, np.uint8)))
    crop = CROPS[0]
    np.testing.assert_array_equal(composite(picture, crop, opaque), composite(picture, crop, drawing))


def test_alpha_shows_the_drawing_by_its_share() -> None:
    half = np.dstack((plain(200), np.full((SIZE, SIZE), 128, np.uint8)))
    result = composite(np.full((720, 1280, 3), 100, np.uint8), Crop(640, 360, 300, 0), half)
    assert result[360, 640].tolist() == pytest.approx([150] * 3, abs=1)


@pytest.mark.parametrize("detail", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("angle", [0.0, 0.4])
def test_the_crop_itself_laid_back_changes_almost_nothing(detail: float, angle: float) -> None:
    picture = demo_pixels()[0]
    head = fit_head(demo_landmarks())
    crop = Crop(head.cx, head.cy, 250, angle)
    result = composite(picture, crop, cut(picture, crop, 256), mask=feathered(256, 0.12), detail=detail)
    box = crop.box(1280, 720)
    assert box is not None
    left, top, right, bottom = box
    difference = np.abs(result.astype(int) - picture)
    assert difference[top:bottom, left:right].mean() < 1
    assert difference.sum() == difference[top:bottom, left:right].sum()


@pytest.mark.parametrize("quarters", range(4))
def test_the_drawing_lies_the_way_the_crop_lies(quarters: int) -> None:
    """A drawing of four coloured quarters, in a crop turned by right angles."""
    drawing = np.zeros((SIZE, SIZE, 3), np.uint8)
    half = SIZE // 2
    drawing[:half, :half], drawing[:half, half:] = (255, 0, 0), (0, 255, 0)
    drawing[half:, :half], drawing[half:, half:] = (0, 0, 255), (255, 255, 255)
    hard = np.full((SIZE, SIZE), 255, np.uint8)
    crop = Crop(99.5, 99.5, 100, quarters * math.pi / 2)
    result = composite(np.zeros((200, 200, 3), np.uint8), crop, drawing, mask=hard)
    expected = np.rot90(drawing, -quarters)
    for y, x in ((75, 75), (75, 125), (125, 75), (125, 125)):
        place = (y - 50) * SIZE // 100, (x - 50) * SIZE // 100
        assert result[y, x].tolist() == expected[place].tolist()


def stripes(*, period: int = 4, amplitude: int = 20) -> Pixels:
    """Fine upright stripes on grey: detail that a small student cannot see."""
    x = np.arange(1280)
    row = 128 + amplitude * np.where(x % period < period / 2, 1, -1)
    return np.ascontiguousarray(np.broadcast_to(row[None, :, None], (720, 1280, 3)).astype(np.uint8))


def contrast(picture: Pixels) -> float:
    return float(picture[330:390, 600:680, 1].std())


def test_detail_brings_texture_back() -> None:
    picture, crop = stripes(), Crop(640, 360, 640, 0.0)
    drawing = plain(150)
    survived = {gain: contrast(composite(picture, crop, drawing, detail=gain)) for gain in (0.0, 0.5, 1.0)}
    assert survived[0.0] < 0.5
    assert survived[0.5] == pytest.approx(0.5 * contrast(picture), rel=0.1)
    assert survived[1.0] == pytest.approx(contrast(picture), rel=0.1)
    # The drawing's own brightness stays.
    for gain in survived:
        shown = composite(picture, crop, drawing, detail=gain)[330:390, 600:680]
        assert shown.mean() == pytest.approx(150, abs=2)


def test_detail_does_not_light_up_dark_lines() -> None:
    picture = np.full((720, 1280, 3), 220, np.uint8)
    drawing = plain(220)
    drawing[60:68] = 4
    result = composite(picture, Crop(640, 360, 256, 0), drawing, detail=0.5)
    assert result[355:366, 640].max() <= 8


@pytest.mark.parametrize("side", [60, 128, 300, 620])
@pytest.mark.parametrize("detail", [0.0, 0.5])
def test_no_dark_fringe(side: float, detail: float) -> None:
    """Bright on bright: nowhere darker than either, at the mask's rim nor at the alpha's, whatever
    colour lies under the transparent pixels."""
    picture = np.full((720, 1280, 3), 230, np.uint8)
    alpha, colour = np.zeros((SIZE, SIZE), np.uint8), plain(0)
    cv2.circle(alpha, (64, 64), 40, (255,), -1)
    cv2.circle(colour, (64, 64), 46, (225, 225, 225), -1)
    # As soft as a network's; at a harder edge the cubic doubling overshoots, to the bright side.
    drawing = np.dstack((colour, np.asarray(cv2.GaussianBlur(alpha, (0, 0), 1.5), np.uint8)))
    result = composite(picture, Crop(640, 360, side, 0.3), drawing, detail=detail)
    assert result.min() >= 223
    assert result.max() <= 232
    result = composite(picture, Crop(640, 360, side, 0.3), plain(225), detail=detail)
    assert result.min() >= 223
    assert result.max() <= 232


def test_a_far_face_is_averaged_and_not_sampled() -> None:
    """A drawing of noise on a face of 12 pixels comes out grey, and the same when it moves a little."""
    drawing = np.repeat(noise(256, 256)[:, :, :1], 3, axis=2)
    mask = np.full((256, 256), 255, np.uint8)
    picture = np.full((90, 90, 3), 128, np.uint8)
    one = composite(picture, Crop(45, 45, 12, 0), drawing, mask=mask)
    assert np.abs(one[40:50, 40:50].astype(int) - 128).max() < 20
    other = composite(picture, Crop(45.4, 45.2, 12, 0), drawing, mask=mask)
    assert np.abs(one[40:50, 40:50].astype(int) - other[40:50, 40:50]).max() < 20


def test_a_canvas_gets_its_detail_at_the_end() -> None:
    """``keep`` False leaves g times the crop out of the part, which the finish adds again."""
    picture = demo_pixels()[0]
    crop = fit_head(demo_landmarks()).scaled(2)
    seen = cut(picture, crop, SIZE)
    opaque = np.full((SIZE, SIZE), 255, np.uint8)
    prepared = blend.prepare(seen, seen, opaque, detail=0.25, keep=False)
    assert not prepared[..., 3].any()
    assert np.abs(prepared[..., :3] - 0.75 * seen).max() <= 1


@pytest.mark.parametrize("crop", CROPS)
def test_a_small_patch_lies_where_it_would_in_a_full_drawing(crop: Crop) -> None:
    """Only its own box is written; nothing of it may be cut off by that."""
    picture = noise()
    full = np.dstack((plain(90), np.zeros((SIZE, SIZE), np.uint8)))
    full[40:71, 20:95, 3] = 255
    patch = composite(picture, crop, full, mask=np.full((SIZE, SIZE), 255, np.uint8))
    # One pixel in each far corner makes the box the whole crop's.
    full[[0, 0, -1, -1], [0, -1, 0, -1], 3] = 4
    whole = composite(picture, crop, full, mask=np.full((SIZE, SIZE), 255, np.uint8))
    # A box begun elsewhere samples up to 1/32 of a pixel aside; the corners themselves weigh 4 of 255.
    assert np.abs(patch.astype(int) - whole).max() <= 255 // 32 + 4
