"""Dots, strokes and grain over a drawn frame."""

from __future__ import annotations

import numpy as np
import pytest

from effectcam.composite.screen import NoScreen, ScreenPolicy, _light_and_shade, halftone, hatching, screen
from effectcam.frame import Pixels


def grey(value: int, height: int = 180, width: int = 320) -> Pixels:
    return np.full((height, width, 3), value, np.uint8)


def laid(picture: Pixels, pattern: str, gain: float = 0.6) -> Pixels:
    screen(pattern, 16.0, gain).lay(picture)
    return picture


@pytest.mark.parametrize("pattern", ["halftone", "hatch", "paper"])
def test_what_is_prepared_is_made_once_for_a_size(pattern: str) -> None:
    made = _light_and_shade if pattern == "paper" else {"halftone": halftone, "hatch": hatching}[pattern]
    made.cache_clear()
    screen(pattern, 7.0, 0.6).prepare(320, 180)
    assert made.cache_info().misses == 1
    first, again = laid_by(screen(pattern, 7.0, 0.6)), laid_by(screen(pattern, 7.0, 0.6))
    assert made.cache_info().misses == 1, "a frame waited for it"
    np.testing.assert_array_equal(first, again)
    screen(pattern, 7.0, 0.6).lay(grey(90, 90, 160))
    assert made.cache_info().misses == 2


def laid_by(policy: ScreenPolicy) -> Pixels:
    picture = grey(90)
    policy.lay(picture)
    return picture


def test_none_leaves_the_drawing_alone() -> None:
    assert isinstance(screen("none", 9.0, 0.5), NoScreen)
    assert (laid(grey(90), "none") == 90).all()


@pytest.mark.parametrize("pattern", ["halftone", "hatch"])
def test_ink_grows_with_the_shade_and_spares_the_lights(pattern: str) -> None:
    shares = [float((laid(grey(value), pattern) < value).mean()) for value in (250, 140, 90, 20)]
    assert shares[0] == 0
    assert 0.02 < shares[1] < shares[2] < shares[3]


@pytest.mark.parametrize("pattern", ["halftone", "hatch"])
def test_ink_is_as_dark_as_the_gain_says(pattern: str) -> None:
    faint, strong = (int(laid(grey(60), pattern, gain).min()) for gain in (0.25, 1.0))
    assert faint == pytest.approx(45, abs=2)
    assert strong == 0


def test_ink_keeps_the_hue() -> None:
    picture = grey(0)
    picture[:] = (120, 60, 30)
    inked = laid(picture, "halftone").reshape(-1, 3).astype(float)
    assert inked[:, 0].min() < 80
    assert inked[:, 0] / 2 == pytest.approx(inked[:, 1], abs=1.5)


def test_a_little_more_light_changes_little() -> None:
    """A hard threshold would let whole rims of dots blink."""
    one, other = laid(grey(100), "halftone"), laid(grey(101), "halftone")
    assert np.abs(one.astype(int) - other).max() <= 8


def test_paper_is_even_on_average_and_always_the_same() -> None:
    one, other = laid(grey(128), "paper", 0.2), laid(grey(128), "paper", 0.2)
    assert (one == other).all()
    assert one.mean() == pytest.approx(128, abs=1)
    assert 5 < one.std() < 20


def test_dots_grow_with_the_frame() -> None:
    small, large = halftone(160, 160, 20), halftone(320, 320, 40)
    assert np.abs(large[::2, ::2].astype(int) - small).max() <= 2


def test_a_frame_of_another_size_gets_a_screen_of_its_own() -> None:
    policy = screen("hatch", 12.0, 1.0)
    for height, width in ((90, 160), (161, 91), (1, 1)):
        picture = grey(60, height, width)
        policy.lay(picture)
        assert picture.shape == (height, width, 3)
