from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from effectcam.composite.lettering import lettering
from effectcam.composite.placeholder import placeholder

TITLE, SUBTITLE = "Camera is coming back", "One moment, please"


def written(title: str, subtitle: str, size: tuple[int, int] = (1280, 720)) -> NDArray[np.bool_]:
    """Where the lines are: what differs from the card without them."""
    with_lines = placeholder(*size, title, subtitle).astype(int)
    without = placeholder(*size, "", "").astype(int)
    return np.asarray(np.abs(with_lines - without).max(axis=2) > 8)


@pytest.mark.parametrize("size", [(1280, 720), (320, 180), (1080, 1920), (641, 361)])
def test_a_calm_card_with_two_readable_lines(size: tuple[int, int]) -> None:
    card = placeholder(*size, TITLE, SUBTITLE)
    assert card.shape == (size[1], size[0], 3) and card.dtype == np.uint8
    assert card.mean() < 80 and card.max() > 200
    where = written(TITLE, SUBTITLE, size)
    rows, columns = np.nonzero(where.any(axis=1))[0], np.nonzero(where.any(axis=0))[0]
    assert size[1] * 0.4 < rows.min() and rows.max() < size[1] * 0.8
    # In the middle, with air at both sides.
    assert columns.min() + columns.max() == pytest.approx(size[0] - 1, abs=0.02 * size[0])
    assert columns.min() > 0.05 * size[0]


def test_it_is_the_same_each_time_and_in_the_callers_own_memory() -> None:
    first = placeholder(320, 180, TITLE, SUBTITLE)
    kept = first.copy()
    first[:] = 0
    assert np.array_equal(placeholder(320, 180, TITLE, SUBTITLE), kept)


def test_a_line_without_end_is_set_smaller_and_then_cut() -> None:
    where = written(TITLE, "waiting for /dev/v4l/by-id/" + "a-very-long-name-" * 40, (640, 360))
    columns = np.nonzero(where.any(axis=0))[0]
    assert 0.75 * 640 < columns.max() - columns.min() <= 0.87 * 640


@pytest.mark.parametrize("size", [(1, 1), (2, 90), (90, 2), (20, 2000), (2000, 20)])
def test_frames_of_any_size(size: tuple[int, int]) -> None:
    assert placeholder(*size, TITLE, SUBTITLE).shape == (size[1], size[0], 3)


def test_signs_that_the_font_lacks_do_no_harm() -> None:
    assert np.array_equal(lettering("Caméra\n", 20), lettering("Camera?", 20))
    assert lettering("", 20).max() == 0


@pytest.mark.parametrize("height", [6, 12, 40, 200])
def test_capitals_are_as_high_as_asked_for(height: int) -> None:
    cover = lettering("H", height, weight=0.1)
    rows = np.nonzero(cover.max(axis=1) > 127)[0]
    # The stroke's round ends reach half its width beyond the letter.
    assert rows.max() - rows.min() + 1 == pytest.approx(1.1 * height, abs=0.06 * height + 1.5)
    assert rows.min() + rows.max() == pytest.approx(cover.shape[0] - 1, abs=0.1 * height + 2)
