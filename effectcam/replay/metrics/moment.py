"""One frame as the metrics see it: input, output, and what the effect did between the two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.composite.mask import feathered
from effectcam.frame import Frame, Pixels
from effectcam.passage import Face
from effectcam.pipeline import Pipeline
from effectcam.replay.metrics.flow import Flow, Grey, find_flow

Mask = NDArray[np.uint8]
"""(N, N) in the space of a crop: 255 where the drawing shows alone."""


@dataclass(eq=False)
class Moment:
    """What several metrics need is found once, when the first asks."""

    before: Frame
    after: Frame
    faces: Sequence[Face] = ()
    """That got the effect."""
    mask: Mask | None = None
    """The crop's own, without the drawing's alpha; None for an effect that has no use for faces."""
    alphas: Sequence[Mask] = ()
    """Of each of ``faces`` the mask with its drawing's alpha, as it was laid, at full strength."""
    whole: bool = False
    """Whether the effect draws the frame as well."""
    golden: Pixels | None = None
    """What ``after`` should look like, of its shape."""
    previous: Moment | None = field(default=None, repr=False)
    """The frame before, which knows the one before it, and that is all."""

    @classmethod
    def of(cls, pipeline: Pipeline, before: Frame, after: Frame, *, golden: Pixels | None = None) -> Moment:
        """What ``pipeline``, which has just made ``after`` of ``before``, did."""
        effect = pipeline.effect
        mask, alphas = None, []
        if "face" in effect.places:
            mask = _mask(effect.model("face", pipeline.tier).size[0], effect.mask.feather)
            alphas = [_alpha(mask, drawing) for drawing in pipeline.drawings.get("face", ())]
        return cls(
            before, after, list(pipeline.faces), mask, alphas, whole="frame" in effect.places, golden=golden
        )

    @cached_property
    def grey(self) -> Grey:
        """The input's luma, (H, W)."""
        return _grey(self.before.pixels)

    @cached_property
    def drawn_grey(self) -> Grey:
        """The output's luma, (H, W)."""
        return _grey(self.after.pixels)

    @cached_property
    def flow(self) -> Flow | None:
        """Of the input, from the previous frame to this one; None for the first frame, and where the two
        have little in common, as at a cut."""
        if self.previous is None or self.previous.grey.shape != self.grey.shape:
            return None
        flow = find_flow(self.previous.grey, self.grey)
        return None if _is_cut(self.previous.grey, self.grey, flow) else flow

    @cached_property
    def on_faces(self) -> NDArray[np.uint8]:
        """(H, W): 255 where a face's drawing has more weight than what is below it, else 0."""
        height, width = self.grey.shape
        shown = np.zeros((height, width), np.uint8)
        for face, alpha in zip(self.faces, self.alphas, strict=True):
            affine = face.crop.to_picture(alpha.shape[0])
            laid = cv2.warpAffine(alpha, affine, (width, height), flags=cv2.INTER_LINEAR)
            shown[laid > 127] = 255
        return shown

    @property
    def drawn(self) -> NDArray[np.uint8]:
        """(H, W): 255 where the effect shows: everywhere for one that draws the frame."""
        return np.full(self.grey.shape, 255, np.uint8) if self.whole else self.on_faces


_COMMON = 0.2
"""Share of the frame. In fast motion more than half stays in view."""
_EXPLAINED = 0.5
"""Share of the variance. Flow from one picture to a stranger leaves as much difference as it takes away."""
_NOISE = 25.0
"""Squared steps of 255: flat pictures, of no variance, differ by so much for other reasons."""


def _is_cut(earlier: Grey, later: Grey, flow: Flow) -> bool:
    seen = cv2.countNonZero(flow.seen)
    if seen < _COMMON * flow.seen.size:
        return True
    left = cv2.norm(earlier, flow.back(later), cv2.NORM_L2SQR, flow.seen) / seen
    _, deviation = cv2.meanStdDev(earlier, mask=flow.seen)
    return left > (1 - _EXPLAINED) * float(deviation[0, 0]) ** 2 + _NOISE


_mask = cache(feathered)


def _grey(pixels: Pixels) -> Grey:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)


def _alpha(mask: Mask, drawing: NDArray[np.uint8]) -> Mask:
    return mask if drawing.shape[2] == 3 else np.asarray(cv2.extractChannel(drawing, 3), np.uint8)
