from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest

from effectcam.composite.label import Corner, Label
from effectcam.errors import UsageError
from effectcam.frame import Pixels

HD = (720, 1280)


def plain(value: int, size: tuple[int, int] = HD) -> Pixels:
    return np.full((*size, 3), value, np.uint8)


def busy(size: tuple[int, int] = HD) -> Pixels:
    return np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)


def box_of(before: Pixels, after: Pixels) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what changed."""
    rows, columns = np.nonzero((before != after).any(axis=2))
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def test_it_is_small_and_in_its_corner() -> None:
    left, top, right, bottom = box_of(plain(128), Label().lay(plain(128)))
    assert 0 < left < 40 and 680 < bottom < 720
    assert 100 < right - left < 200 and 25 < bottom - top < 45


@pytest.mark.parametrize("corner", get_args(Corner))
def test_every_corner(corner: Corner) -> None:
    left, top, right, bottom = box_of(plain(128), Label(corner=corner).lay(plain(128)))
    assert (right < 640) == ("left" in corner) and (left > 640) == ("right" in corner)
    assert (bottom < 360) == ("top" in corner) and (top > 360) == ("bottom" in corner)


def test_the_frame_that_came_in_is_left_as_it_was() -> None:
    pixels = busy()
    pixels.flags.writeable = False
    laid = Label().lay(pixels)
    assert not np.shares_memory(laid, pixels) and laid.flags.c_contiguous
    assert np.array_equal(pixels, busy())


@pytest.mark.parametrize(
    "ground", [plain(0), plain(128), plain(255), busy()], ids=["black", "grey", "white", "busy"]
)
def test_the_words_stand_out_from_any_ground(ground: Pixels) -> None:
    # Where the words are is where the label is white on black.
    on_black = Label().lay(plain(0)).astype(int).min(axis=2)
    left, top, right, bottom = box_of(plain(128), Label().lay(plain(128)))
    inside = np.zeros(HD, bool)
    inside[top + 4 : bottom - 4, left + 8 : right - 8] = True
    words = inside & (on_black > 240)
    round_them = inside & (on_black < 20)
    light = Label().lay(ground).astype(float).mean(axis=2)
    assert words.sum() > 100 and round_them.sum() > 1000
    assert light[words].min() > 225
    assert np.percentile(light[round_them], 99) < 110


def test_it_grows_with_the_frame_and_follows_its_size() -> None:
    label = Label()
    heights = []
    for size in ((360, 640), (1080, 1920), (360, 640)):
        _, top, _, bottom = box_of(plain(128, size), label.lay(plain(128, size)))
        heights.append(bottom - top)
    assert heights[1] == pytest.approx(3 * heights[0], abs=3) and heights[2] == heights[0]


def test_a_tall_frame_gets_the_label_of_a_wide_one() -> None:
    wide = box_of(plain(128), Label().lay(plain(128)))
    tall = box_of(plain(128, (1280, 720)), Label().lay(plain(128, (1280, 720))))
    assert tall[2] - tall[0] == wide[2] - wide[0]


@pytest.mark.parametrize("size", [(1, 1), (2, 90), (90, 2), (20, 2000), (2000, 20), (180, 320)])
@pytest.mark.parametrize("corner", get_args(Corner))
def test_frames_of_any_size(size: tuple[int, int], corner: Corner) -> None:
    assert Label(corner=corner).lay(plain(200, size)).shape == (*size, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"corner": "botom left"}, "no corner 'botom left'; did you mean 'bottom left'?"),
        ({"text": "  "}, "the label is empty; leave it out with --no-label"),
    ],
)
def test_nonsense_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        Label(**arguments)
    assert str(caught.value) == message
