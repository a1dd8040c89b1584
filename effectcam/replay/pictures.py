"""Pictures small enough to be kept in a repository, and how far two of them are apart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from effectcam.errors import ReportError
from effectcam.frame import Pixels
from effectcam.replay.metrics.likeness import psnr, ssim

SHORT_SIDE = 256
"""Pixels to which the short side of a kept picture is brought near. The authors of SSIM scale so before they
compare (Wang, "The SSIM Index for Image Quality Assessment", 2003): the eye sees the whole picture, not its
pixels."""
TILES = 16
"""Along either side of a mosaic."""
MOSAIC_BYTES = TILES * TILES * 3

PSNR, SSIM, MOST = 45.0, 0.99, 40
"""What kept pictures owe each other across types of machines: decibels and likeness at least, and at most so
many steps of 255 for any pixel. With landmarks a third of a pixel off, which is far more than rounding does,
they keep 53 dB, 0.999 and 15."""
MOSAIC = 2
"""Steps of 255 by which a mean colour of a mosaic may be off there."""

_LOSSLESS = (cv2.IMWRITE_WEBP_QUALITY, 101)
"""OpenCV: a quality above 100 is WebP's lossless form."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How far two pictures are apart."""

    psnr: float
    """dB, 100 where they are equal, see `Likeness`."""
    ssim: float
    """0 to 1, 1 where they are equal."""
    most: int
    """The largest difference of any channel of any pixel, 0 to 255."""

    @property
    def tolerable(self) -> bool:
        """Whether another type of machine explains it."""
        return self.psnr >= PSNR and self.ssim >= SSIM and self.most <= MOST

    def worse(self, other: Difference) -> Difference:
        """The worse of the two in each number."""
        return Difference(min(self.psnr, other.psnr), min(self.ssim, other.ssim), max(self.most, other.most))

    def __str__(self) -> str:
        return f"PSNR {self.psnr:.1f} dB, SSIM {self.ssim:.4f}, at most {self.most} of 255"


def compare_pictures(one: Pixels, other: Pixels) -> Difference:
    """Of two pictures of one shape, RGB. UsageError for two shapes."""
    return Difference(psnr(one, other), ssim(one, other), int(cv2.norm(one, other, cv2.NORM_INF)))


def kept(picture: Pixels) -> Pixels:
    """``picture`` (RGB) as it is kept: a whole number of times smaller, by the mean of its pixels, so that
    its short side is near `SHORT_SIDE`.

    >>> kept(np.zeros((720, 1280, 3), np.uint8)).shape
    (240, 427, 3)
    """
    height, width = picture.shape[:2]
    times = max(1, round(min(height, width) / SHORT_SIDE))
    if times == 1:
        return picture
    size = (math.ceil(width / times), math.ceil(height / times))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def mosaic(picture: Pixels) -> Pixels:
    """``picture`` (RGB) as `TILES` x `TILES` mean colours, whatever its shape."""
    return np.asarray(cv2.resize(picture, (TILES, TILES), interpolation=cv2.INTER_AREA), np.uint8)


def encoded(picture: Pixels) -> bytes:
    """As a WebP file, without loss."""
    done, data = cv2.imencode(".webp", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), _LOSSLESS)
    if not done:
        raise ValueError(f"no WebP comes of a picture of {picture.shape}")
    return data.tobytes()


def read_picture(path: Path) -> Pixels:
    """The picture (RGB) in a file. ReportError for one that is none or cannot be read."""
    try:
        return decoded(path.read_bytes(), str(path))
    except OSError as error:
        raise ReportError(f"{path}: cannot be read ({error.strerror}); record the golden again") from None


def decoded(data: bytes, origin: str) -> Pixels:
    """The picture (RGB) in a file's bytes. ReportError, with ``origin``, for what is none."""
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if picture is None:
        raise ReportError(f"{origin}: is no picture; record the golden again")
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)
