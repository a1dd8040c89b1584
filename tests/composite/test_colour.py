from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from effectcam.composite.colour import ColourMatch, ColourPolicy, NoColourMatch
from effectcam.composite.mask import feathered

MASK = feathered(128, 0.12)


def picture(red: int, green: int, blue: int, *, alpha: int | None = None) -> NDArray[np.uint8]:
    """Noise about a colour."""
    values = [red, green, blue] if alpha is None else [red, green, blue, alpha]
    noise = np.random.default_rng(0).integers(-10, 11, (128, 128, len(values)))
    noise[..., 3:] = 0
    return np.clip(noise + values, 0, 255).astype(np.uint8)


def brought(
    policy: ColourPolicy, identity: int, drawing: NDArray[np.uint8], reference: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    policy.learn(identity, drawing, reference)
    return policy.apply(identity, drawing)


def middle(image: NDArray[np.uint8]) -> list[float]:
    return [float(mean) for mean in image[32:96, 32:96].mean(axis=(0, 1))]


def test_means_are_brought_together() -> None:
    matched = brought(ColourMatch(MASK), 0, picture(100, 120, 140), picture(110, 115, 140))
    assert middle(matched) == pytest.approx([110, 115, 140], abs=1)


def test_texture_stays() -> None:
    drawing = picture(100, 120, 140)
    matched = brought(ColourMatch(MASK), 0, drawing.copy(), picture(110, 115, 140))
    np.testing.assert_array_equal(np.ptp(matched.astype(int) - drawing, axis=(0, 1)), 0)


def test_a_large_difference_is_cut() -> None:
    matched = brought(ColourMatch(MASK, most=28), 0, picture(100, 100, 100), picture(200, 30, 100))
    assert middle(matched) == pytest.approx([128, 72, 100], abs=1)


def test_bright_stays_white_and_does_not_wrap() -> None:
    matched = brought(ColourMatch(MASK), 0, picture(240, 15, 128), picture(255, 0, 128))
    assert matched[..., 0].min() > 235
    assert matched[..., 1].max() < 20


def test_only_the_place_that_is_looked_at_counts() -> None:
    rim = np.zeros((128, 128), np.uint8)
    rim[:16] = 255
    reference = picture(100, 100, 100)
    reference[:16] = 120
    matched = brought(ColourMatch(rim), 0, picture(100, 100, 100), reference)
    assert middle(matched) == pytest.approx([120] * 3, abs=2)


def test_a_lamp_switched_on_is_followed_without_flicker() -> None:
    match = ColourMatch(MASK, follow=0.15)
    drawing = picture(100, 100, 100)
    brought(match, 0, drawing, picture(100, 100, 100))
    levels = [middle(brought(match, 0, drawing, picture(120, 120, 120)))[0] for _ in range(40)]
    assert levels[0] < 104
    assert (np.diff(levels) >= -0.01).all()
    assert levels[-1] == pytest.approx(120, abs=1)


def test_identities_are_apart_and_can_be_forgotten() -> None:
    match = ColourMatch(MASK)
    drawing = picture(100, 100, 100)
    brought(match, 0, drawing, picture(100, 100, 100))
    assert middle(brought(match, 1, drawing, picture(120, 120, 120)))[0] == pytest.approx(120, abs=1)
    match.forget(0)
    match.forget(9)
    assert middle(brought(match, 0, drawing, picture(120, 120, 120)))[0] == pytest.approx(120, abs=1)


def test_what_was_learnt_serves_the_next_drawing_too() -> None:
    match = ColourMatch(MASK)
    assert not match.knows(0)
    first = picture(100, 100, 100)
    assert match.apply(0, first) is first
    match.learn(0, first, picture(110, 100, 100))
    assert match.knows(0)
    assert middle(match.apply(0, picture(50, 60, 70))) == pytest.approx([60, 60, 70], abs=1)


def test_alpha_is_left_alone() -> None:
    drawing = picture(100, 100, 100, alpha=77)
    matched = brought(ColourMatch(MASK), 0, drawing, picture(120, 110, 100))
    assert (matched[..., 3] == 77).all()
    assert middle(matched)[:3] == pytest.approx([120, 110, 100], abs=1)


def test_colours_under_transparent_pixels_do_not_count() -> None:
    drawing = picture(100, 100, 100, alpha=255)
    drawing[:, :64] = 0
    matched = brought(ColourMatch(MASK), 0, drawing, picture(110, 110, 110))
    assert matched[32:96, 80:96, :3].mean() == pytest.approx(110, abs=1.5)


def test_nothing_drawn_nothing_matched() -> None:
    drawing = picture(0, 0, 0, alpha=0)
    np.testing.assert_array_equal(
        brought(ColourMatch(MASK), 0, drawing.copy(), picture(200, 200, 200)), drawing
    )


def test_no_colour_match() -> None:
    policy = NoColourMatch()
    drawing = picture(1, 2, 3)
    assert brought(policy, 0, drawing, picture(200, 200, 200)) is drawing
    policy.forget(0)
