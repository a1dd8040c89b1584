"""Mixes each drawing with the one before, moved along with what it shows: steadier, without a trail."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.composite.mask import box_of, forget_faint
from effectcam.frame import Pixels

FRAME = -1
"""The stream of the frame's own drawings; those of faces go by identity, from 0."""


class Steadied(NamedTuple):
    """A drawing in view of those before it."""

    drawing: NDArray[np.uint8]
    share: float | None
    """0 to 1: of the previous result in what it shows, on average; None where that is never asked."""


class TemporalPolicy(Protocol):
    """What becomes of a student's drawing in view of those before it.

    A face's drawings are one stream, the frame's another. Calls for two streams may come from two threads at
    once; those for one stream come in the order of the frames.
    """

    def blend(self, stream: int, drawing: NDArray[np.uint8], seen: Pixels, now: int) -> Steadied:
        """``drawing`` uint8 (H, W, 3 or 4), RGB or RGBA with straight alpha, as a student made it of ``seen``
        uint8 (H, W, 3). ``now``: the frame's stamp, nanoseconds. Both pictures are only read, and must not be
        written to afterwards; the result may be ``drawing`` itself."""
        ...

    def forget(self, stream: int) -> None:
        """What comes next has nothing to do with what was: for a cut, or another student."""
        ...


class NoBlending:
    """Each drawing as it is."""

    def blend(self, stream: int, drawing: NDArray[np.uint8], seen: Pixels, now: int) -> Steadied:
        return Steadied(drawing, None)

    def forget(self, stream: int) -> None:
        pass


class MotionBlending:
    """Blends with the previous result, moved by the optical flow of what the student saw.

    With V(t) the drawing of the input I(t), and W what brings the previous frame's pictures onto this one,

        R(t) = (1 - w a) V(t) + w a W(R(t - 1))
        a = exp(-(d / tolerance)^2),  d = max(|I(t) - W(I(t - 1))|, |V(t) - W(R(t - 1))| / 4)

    The difference of the inputs is that of Lai et al., "Learning Blind Video Temporal Consistency" (ECCV
    2018): their soft mask of what is covered and uncovered, by which they weigh a loss, weighs a fixed filter
    here. That of the results, as in a bilateral filter (Tomasi and Manduchi, ICCV 1998), is for what hardly
    shows in the input and makes all the difference to the drawing, such as the last of an eye that is shut.
    W is found by DIS (Kroeger et al., ECCV 2016) on what the student saw. A steadied crop has the head's own
    motion taken out of it, so what is left to find is small.

    Of what differs from frame to frame for no reason in the input, (1 - w)^2 / (1 + w) of the energy is left
    in the difference of two frames. What the flow does not explain (something comes in front, an eye is
    shut, a cut) is shown as it is drawn, at once.
    """

    LONGEST_GAP = 200_000_000
    """Nanoseconds; after a longer one nothing is left of what was."""

    SHORTEST_STEP = 0.25
    """Thirtieths of a second: frames that come in a burst after a stall count as no nearer, or they would
    show what was drawn before the stall and nothing else."""

    LEAST_COMMON = 0.5
    """Mean agreement, of what is drawn, below which it is another scene, and what agrees there does so by
    chance. Over cuts from one clip to another it was 0.31 at most, in the fastest motion that was looked at
    0.88 at least; 0.82 where only a face or a mouth is drawn."""

    def __init__(self, *, weight: float = 0.7, tolerance: float = 14.0, fine: bool = False) -> None:
        """``weight`` (0 to below 1): share of the previous result in a frame 1/30 s later, where the inputs
        agree; more is steadier, softer, and slower to follow light that changes. ``tolerance`` (0 to 255, in
        steps of luma): where they differ by so much, a third of that is left; less flickers with the
        camera's noise, more lets a shut eye shine through. ``fine``: the motion is sought at twice as
        many places each way, for up to a millisecond a drawing. On a face that is pulled that leaves a
        quarter less of the error where lines are hard, and little less where they are soft."""
        self._weight = weight
        self._fine = fine
        differences = np.arange(256, dtype=np.float32) / np.float32(tolerance)
        self._agreement = np.exp(-(differences**2)).astype(np.float32)
        self._streams: dict[int, _Stream] = {}

    def blend(self, stream: int, drawing: NDArray[np.uint8], seen: Pixels, now: int) -> Steadied:
        grey = np.asarray(cv2.cvtColor(seen, cv2.COLOR_RGB2GRAY), np.uint8)
        known, share = self._streams.get(stream), 0.0
        if known is None or known.drawing.shape != drawing.shape or now - known.at > self.LONGEST_GAP:
            known = self._streams[stream] = _Stream(*grey.shape, fine=self._fine)
        else:
            # Clips may repeat a stamp; that counts as one frame at 30 a second.
            step = max((now - known.at) * 30e-9, self.SHORTEST_STEP) if now > known.at else 1.0
            drawing, share = self._mixed(drawing, grey, known, self._weight**step)
        known.drawing, known.grey, known.at = drawing, grey, now
        return Steadied(drawing, share)

    def forget(self, stream: int) -> None:
        self._streams.pop(stream, None)

    def _mixed(
        self, drawing: NDArray[np.uint8], grey: NDArray[np.uint8], known: _Stream, weight: float
    ) -> tuple[NDArray[np.uint8], float]:
        """With what is known, by ``weight`` at most; and the previous result's share, on average."""
        shown = _shown(drawing, known.drawing)
        rows, columns = drawing[shown].shape[:2]
        if not rows:
            return drawing, 0.0
        flow, kept, new = known.flow(grey, shown), known.drawing[shown], drawing[shown]
        seen = _moved(known.grey[shown], cv2.add(flow, known.places[:rows, :columns]))
        # Sampled again and again, a picture blurs. Tripled by cubic first it stays nearly as crisp as by a
        # cubic remap, which takes twice as long. Not doubled: what rests would be sampled between pixels.
        if known.scale > 1:
            larger = cv2.resize(kept, None, fx=known.scale, fy=known.scale, interpolation=cv2.INTER_CUBIC)
            kept = np.asarray(larger, np.uint8)
        drawn = _moved(kept, cv2.scaleAdd(flow, known.scale, known.fine_places[:rows, :columns]))
        share = cv2.LUT(_difference(grey[shown], seen, new, drawn), self._agreement * np.float32(weight))
        mean = cv2.mean(share)[0]
        if mean < self.LEAST_COMMON * weight:
            return drawing, 0.0
        mixed = np.asarray(cv2.blendLinear(drawn, new, share, 1 - share), np.uint8)
        if mixed.shape[2] == 3:
            return mixed, mean
        forget_faint(mixed, new)
        drawing = drawing.copy()
        drawing[shown] = mixed
        return drawing, mean


_AROUND = 5
"""Pixels across, over which a camera's noise cancels out, and one line that comes or goes still counts."""

_DRAWN = 0.25
"""How much a difference of the results counts beside one of the inputs. More leaves more of the flicker where
lines are hard; less lets more shine through."""

_GRID = (64, 128)
"""Places along the longer side at which the flow is found, fast and fine: of a crop of 256 at a quarter or
half of its size, of a frame of 512 at an eighth or a quarter."""

_STRIDE = (4, 5)
"""Pixels from one of the search's patches to the next. Fine, 4 takes half as long again and leaves a warping
error of 1.16 of the input's for 1.18 (`comic` on d6, at a weight of 0.7); 6 leaves 1.25."""

_CROP = 256 * 256
"""Pixels of a drawing up to which it is sampled finely. A frame's has more, and is enlarged anyway."""

_MARGIN = 4
"""Pixels round what a drawing with an alpha shows, for what moves in its soft rim. All further out is
transparent, and is left as it is."""

_ALIGNED = 32
"""Pixels; what is searched begins and ends at multiples, so that a box that grows by one does not shift the
pixels of the search's smaller pictures."""

_PATCH = 8
"""Pixels of the search's patches. A picture that is narrower than two of them cannot be searched, and nothing
moves in it; nor may it be narrower than one at the finest size that is searched, or OpenCV writes where it
must not."""


class _Stream:
    """What is kept of one: the latest result and what it was drawn of, and what the search needs."""

    def __init__(self, rows: int, columns: int, *, fine: bool) -> None:
        self.drawing: NDArray[np.uint8] = np.empty(0, np.uint8)
        self.grey: NDArray[np.uint8] = self.drawing
        self.at = 0
        self.places = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=2).astype(np.float32)
        """(H, W, 2): x and y of each pixel ..."""
        self.scale = 3 if rows * columns <= _CROP else 1
        self.fine_places = self.scale * self.places + np.float32((self.scale - 1) / 2)
        """... and of its centre in a picture ``scale`` times as large."""
        self._search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._search.setPatchStride(_STRIDE[fine])
        finest = round(math.log2(max(rows, columns) / _GRID[fine]))
        finest = max(0, min(finest, int(math.log2(min(rows, columns) / _PATCH))))
        self._search.setFinestScale(finest)
        # In less, OpenCV finds no size to begin with and chooses others for good.
        self._least = 4 * _PATCH << finest

    def flow(self, now: NDArray[np.uint8], box: tuple[slice, slice]) -> NDArray[np.float32]:
        """(h, w, 2): how far what is at each pixel of ``now`` within ``box`` was from there."""
        rows, columns = (
            _grown(part, length, self._least) for part, length in zip(box, now.shape, strict=True)
        )
        # OpenCV refuses a part of a picture as it lies.
        here, before = (np.ascontiguousarray(grey[rows, columns]) for grey in (now, self.grey))
        if min(here.shape) < 2 * _PATCH:
            found = np.zeros((*here.shape, 2), np.float32)
        else:
            found = np.asarray(self._search.calc(here, before, None), np.float32)  # type: ignore[call-overload]
        top, left = box[0].start - rows.start, box[1].start - columns.start
        return found[top : top + box[0].stop - box[0].start, left : left + box[1].stop - box[1].start]


def blending(policy: str, weight: float, tolerance: float, flow: str) -> TemporalPolicy:
    """The policy for a manifest's ``temporal``: none or motion-blend."""
    if policy == "none":
        return NoBlending()
    return MotionBlending(weight=weight, tolerance=tolerance, fine=flow == "fine")


def _shown(drawing: NDArray[np.uint8], before: NDArray[np.uint8]) -> tuple[slice, slice]:
    """Rows and columns where one of the two shows anything."""
    if drawing.shape[2] == 3:
        return slice(0, drawing.shape[0]), slice(0, drawing.shape[1])
    alphas = (np.asarray(cv2.extractChannel(each, 3), np.uint8) for each in (drawing, before))
    return box_of(*alphas, margin=_MARGIN)


def _grown(part: slice, length: int, least: int) -> slice:
    """``part`` of a side, from one multiple of `_ALIGNED` to another and no shorter than ``least``, as far as
    the side goes."""
    start = max(0, min(part.start // _ALIGNED * _ALIGNED, length - least))
    return slice(start, min(max(-(-part.stop // _ALIGNED) * _ALIGNED, start + least), length))


def _difference(
    grey: NDArray[np.uint8], seen: NDArray[np.uint8], drawing: NDArray[np.uint8], drawn: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """(H, W), in steps of luma: between this frame and the one before, as seen and as drawn."""
    code = cv2.COLOR_RGB2GRAY if drawing.shape[2] == 3 else cv2.COLOR_RGBA2GRAY
    drawn_apart = cv2.convertScaleAbs(cv2.cvtColor(cv2.absdiff(drawing, drawn), code), alpha=_DRAWN)
    around = (_AROUND, _AROUND)
    apart = cv2.max(cv2.blur(cv2.absdiff(grey, seen), around), cv2.blur(drawn_apart, around))
    return np.asarray(apart, np.uint8)


def _moved(picture: NDArray[np.uint8], places: NDArray[Any]) -> NDArray[np.uint8]:
    moved = cv2.remap(picture, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
    return np.asarray(moved, np.uint8)
