"""Likeness: how far is the picture from the one that it should be?"""

from __future__ import annotations

from typing import ClassVar

import cv2

from effectcam.errors import UsageError
from effectcam.frame import Pixels
from effectcam.replay.metrics.figure import Figure, Values
from effectcam.replay.metrics.moment import Moment

EQUAL_DB = 100.0
"""Stands for equal pictures, whose ratio is infinite."""


class Likeness:
    """PSNR and SSIM between the output and its golden, in frames that have one.

    PSNR over the three channels, 10 log10(255^2 / MSE), 100 dB at most. SSIM on luma (Wang, Bovik, Sheikh and
    Simoncelli, IEEE TIP 2004): a Gaussian window of 11 pixels and sigma 1.5, K1 0.01, K2 0.03, the mean over
    the picture; OpenCV's ``quality`` module computes it.
    """

    figures: ClassVar[tuple[Figure, ...]] = (
        Figure("psnr", "peak signal-to-noise ratio to the golden, 100 where equal", "dB", better="high"),
        Figure("ssim", "structural similarity to the golden, 1 where equal", better="high", top=1),
    )

    def see(self, moment: Moment) -> Values:
        if moment.golden is None:
            return {}
        return {
            "psnr": psnr(moment.after.pixels, moment.golden),
            "ssim": ssim(moment.after.pixels, moment.golden),
        }

    def close(self) -> None:
        pass


def psnr(one: Pixels, other: Pixels) -> float:
    """In dB, of two pictures of one shape, RGB; `EQUAL_DB` at most. UsageError for two shapes."""
    _check(one, other)
    return min(float(cv2.PSNR(one, other, 255)), EQUAL_DB)


def ssim(one: Pixels, other: Pixels) -> float:
    """0 to 1, of two pictures of one shape, RGB; what is less alike than nothing counts as 0. UsageError for
    two shapes."""
    _check(one, other)
    first, second = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (one, other))
    # OpenCV's stubs do not know the static methods of this module.
    mean, _ = cv2.quality.QualitySSIM_compute(first, second)  # type: ignore[attr-defined]
    return max(0.0, float(mean[0]))


def _check(one: Pixels, other: Pixels) -> None:
    if one.shape != other.shape:
        sizes = " and ".join(f"{picture.shape[1]}x{picture.shape[0]}" for picture in (one, other))
        raise UsageError(f"pictures of {sizes} cannot be compared; record the golden again")
