from __future__ import annotations

import numpy as np
import pytest

from effectcam.composite.mask import box_of, feathered, show


@pytest.mark.parametrize("size", [16, 33, 256])
@pytest.mark.parametrize("feather", [0.04, 0.12, 0.5])
def test_symmetric_nothing_at_the_rim_all_in_the_middle(size: int, feather: float) -> None:
    mask = feathered(size, feather)
    assert mask.shape == (size, size)
    assert mask.dtype == np.uint8
    for mirrored in (mask[::-1], mask[:, ::-1], mask.T):
        np.testing.assert_array_equal(mask, mirrored)
    assert not mask[0].any()
    assert not mask[:, -1].any()
    assert mask[size // 2, size // 2] >= 250


def test_falls_smoothly_and_never_rises_towards_the_rim() -> None:
    row = feathered(256, 0.12)[128, 128:].astype(int)
    steps = np.diff(row)
    assert (steps <= 0).all()
    # A smoothstep over 0.12 of 256 pixels is never steeper than 1.5 times the straight ramp.
    assert steps.min() >= -1.6 * 255 / (0.12 * 256)
    assert (row == 255).sum() == pytest.approx((0.5 - 0.12) * 256, abs=4)


def test_a_wider_feather_shows_less() -> None:
    shown = [int(feathered(128, feather).sum()) for feather in (0.0, 0.05, 0.1, 0.3, 0.5)]
    assert shown == sorted(shown, reverse=True)


def test_no_feather_is_a_hard_edge() -> None:
    assert (feathered(64, 0.0) == 255).all()


def test_corners_are_rounded_but_mostly_kept() -> None:
    mask = feathered(256, 0.1)
    assert mask[20, 20] < 128 < mask[60, 60]
    assert mask[48:208, 48:208].min() == 255


def test_faint_opacity_is_none_and_the_rest_meets_it_without_a_step() -> None:
    drawing = np.full((16, 16, 4), 90, np.uint8)
    drawing[:, :, 3] = np.arange(256).reshape(16, 16)
    show(drawing, np.full((16, 16), 255, np.uint8))
    opacity = drawing[:, :, 3].ravel().astype(int)
    assert not opacity[:9].any()
    assert opacity[255] == 255
    steps = np.diff(opacity)
    assert steps.min() >= 0 and steps.max() <= 2
    assert (drawing[:, :, :3] == 90).all()


def test_nothing_shows_beyond_the_mask() -> None:
    drawing = np.full((64, 64, 4), 255, np.uint8)
    mask = feathered(64, 0.1)
    show(drawing, mask)
    assert not drawing[0, :, 3].any() and not drawing[:, -1, 3].any()
    assert drawing[32, 32, 3] == 255
    assert (drawing[:, :, 3] <= mask).all()


def test_a_box_is_round_what_is_there_in_any_of_them() -> None:
    empty, one, other = np.zeros((3, 20, 30), np.uint8)
    one[5, 6], other[9, 29] = 1, 255
    assert box_of(empty, empty, margin=3) == (slice(0, 0), slice(0, 0))
    assert box_of(empty, one, margin=0) == (slice(5, 6), slice(6, 7))
    assert box_of(one, other, margin=2) == (slice(3, 12), slice(4, 30))
