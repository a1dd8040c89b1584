"""How the picture moved from one frame to the next, and where that can be told."""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Grey = NDArray[np.uint8]

_MOST_PIXELS = 500_000
"""A larger picture's flow is found at half the size: a third of the time, and on a talking head an error of
the warped picture that is a tenth higher, of input and output alike."""


class Flow(NamedTuple):
    """Of the pixels of the earlier picture."""

    forward: Floats
    """(H, W, 2): where each went, in pixels right and down."""
    seen: NDArray[np.uint8]
    """(H, W): 255 where it is still in view in the later picture, else 0."""

    @property
    def squared(self) -> Floats:
        """(H, W): squared length of ``forward``."""
        return _squares(self.forward)

    def back(self, later: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """``later`` (H, W, C) brought back onto the earlier picture, where `seen`; bilinear."""
        return _moved(later, self.forward)


def find_flow(earlier: Grey, later: Grey) -> Flow:
    """Dense inverse search (Kroeger, Timofte, Dai, Van Gool, ECCV 2016), OpenCV's ``PRESET_MEDIUM``, from one
    picture (H, W) to the other and back.

    A pixel is in view where there and back end up together and it is not at the edge of a moving thing, by
    the tests of Ruder, Dosovitskiy and Brox (GCPR 2016) with the numbers of Lai et al. (2018), and where it
    does not leave the frame. Equal pictures give equal flows, whatever number of threads OpenCV has.
    """
    height, width = earlier.shape
    small = (width, height)
    while small[0] * small[1] > _MOST_PIXELS:
        small = (small[0] // 2, small[1] // 2)
    if min(small) < 16:
        # Smaller than a patch of the search.
        return Flow(np.zeros((height, width, 2), np.float32), np.full((height, width), 255, np.uint8))
    first, second = (_sized(picture, small) for picture in (earlier, later))
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    forward, backward = (
        _enlarged(np.asarray(search.calc(*pair, None), np.float32), (width, height))  # type: ignore[call-overload]
        for pair in ((first, second), (second, first))
    )
    return Flow(forward, _in_view(forward, backward))


def _in_view(forward: Floats, backward: Floats) -> NDArray[np.uint8]:
    returned = _moved(backward, forward)
    length = _squares(forward)
    apart = _squares(forward + returned)
    hidden = apart > 0.01 * (length + _squares(returned)) + 0.5
    edge = np.zeros_like(length)
    edge[:, :-1] += _squares(forward[:, 1:] - forward[:, :-1])
    edge[:-1] += _squares(forward[1:] - forward[:-1])
    hidden |= edge > 0.01 * length + 0.002
    height, width = length.shape
    x, y = _targets(forward)
    hidden |= (x < 0) | (x > width - 1) | (y < 0) | (y > height - 1)
    return np.asarray(np.where(hidden, 0, 255), np.uint8)


def _squares(vectors: Floats) -> Floats:
    """Squared lengths of (H, W, 2)."""
    x, y = vectors[..., 0], vectors[..., 1]
    return np.asarray(x * x + y * y, np.float32)


def _moved(picture: NDArray[Any], flow: Floats) -> NDArray[Any]:
    x, y = _targets(flow)
    return np.asarray(cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def _targets(flow: Floats) -> tuple[Floats, Floats]:
    """Where each pixel goes: (H, W) of x and of y."""
    height, width = flow.shape[:2]
    x = flow[..., 0] + np.arange(width, dtype=np.float32)
    y = flow[..., 1] + np.arange(height, dtype=np.float32)[:, None]
    return x, y


def _sized(picture: Grey, size: tuple[int, int]) -> Grey:
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _enlarged(flow: Floats, size: tuple[int, int]) -> Floats:
    height, width = flow.shape[:2]
    if (width, height) == size:
        return flow
    scale = np.array([size[0] / width, size[1] / height], np.float32)
    return np.asarray(cv2.resize(flow * scale, size, interpolation=cv2.INTER_LINEAR), np.float32)
