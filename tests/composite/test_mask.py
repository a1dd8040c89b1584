from __future__ import annotations

import numpy as np
import pytest

from effectcam.composite.mask import feathered


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
