"""What a report shows of a clip, gathered while it is played, in memory that does not grow with it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest
from typing import ClassVar, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.frame import Pixels
from effectcam.ledger import STAGES, Ledger
from effectcam.replay.metrics import FIGURES, Figure, Moment, Values
from effectcam.replay.metrics.flicker import resting
from effectcam.replay.metrics.likeness import EQUAL_DB, psnr, ssim
from effectcam.replay.pictures import kept
from effectcam.replay.timeline import Timeline

WORST: tuple[str, ...] = ("face_warping", "warping", "flicker", "seam", "landmark_error", "psnr")
"""Figures whose worst frames are shown. Of the two of warping the first where faces are drawn, the second
where the frame alone is."""

SHOWN: Mapping[str, str] = {
    **dict.fromkeys(("face_warping", "warping"), "frame before, this frame, what did not move along"),
    "flicker": "frame before, this frame, what came and went where the input rests",
    **dict.fromkeys(("seam", "landmark_error"), "input, output, difference"),
    "psnr": "golden, output, difference",
}
"""What the pictures of a worst frame are, from left to right."""

AT = "at"
"""Timeline of the frames' stamps."""
_MOST_WORST = 3
"""Frames of each figure."""
_APART = 500_000_000
"""Nanoseconds between two of them: neighbours look alike, and tell of one fault."""
_MOST_PAIRS = 6
"""Frames before and after the effect."""
_PAIR_WIDTH = 960
_DETAIL = 300
"""Pixels of a side of a worst frame's pictures."""
BRIGHTEST: Mapping[str, float] = {
    **{"face_warping": 24, "warping": 24, "flicker": 8, "seam": 64, "landmark_error": 64, "psnr": 24}
}
"""Of each figure the difference, in steps of 255, that is brightest in its pictures."""
_DRAWN = 64.0
"""The same between input and output of a whole frame."""
_MAP_WIDTH = 480
_QUALITY = 82

_ALL_PICTURES = 4_200_000
"""Bytes in a report; as text in a page they take a third more."""
_MOST_PICTURES = 2_000_000
"""Of one clip."""
_MOST_TIMELINES = 50
"""Clips of a report that has them; a longer one is a table with pictures."""

Picture = bytes
"""JPEG."""


@dataclass(frozen=True)
class Pair:
    """A frame before and after the effect."""

    frame: int
    at: int
    """Nanoseconds of the clip's own time."""
    before: Picture
    after: Picture
    difference: Picture
    """Between the two, see `heat`."""

    @property
    def size(self) -> int:
        """Bytes of its pictures."""
        return len(self.before) + len(self.after) + len(self.difference)


@dataclass(frozen=True)
class WorstFrame:
    """A frame that is among the worst by a figure."""

    figure: str
    value: float
    frame: int
    at: int
    pictures: Picture
    """Side by side, see `SHOWN`."""


@dataclass(frozen=True)
class HeatMap:
    """Where pictures differ, over a whole clip."""

    picture: Picture
    """See `heat`."""
    brightest: float
    """The mean difference, in steps of 255, that its brightest colour stands for."""


@dataclass(frozen=True)
class Findings:
    """What a report shows of a clip."""

    timelines: Mapping[str, Timeline] = field(default_factory=dict)
    """Of figures by name, of stages as ``stage <name>``, in milliseconds, and of the frames' stamps as `AT`,
    in seconds."""
    pairs: Sequence[Pair] = ()
    """Spread over the clip, the first frame among them."""
    worst: Sequence[WorstFrame] = ()
    """In the order of `WORST`, the worst of each first."""
    difference: HeatMap | None = None
    """Between input and output: where the effect draws."""
    golden_difference: HeatMap | None = None
    """Between golden and output."""


class Room(NamedTuple):
    """What a report has for one clip."""

    stretches: int
    """Of a timeline; 0 for none."""
    pictures: int
    """Bytes."""

    @classmethod
    def shared(cls, clips: int) -> Room:
        """For each of so many clips, so that the page stays below ten megabytes.

        >>> Room.shared(1), Room.shared(50)
        (Room(stretches=480, pictures=2000000), Room(stretches=60, pictures=84000))
        """
        stretches = max(60, min(480, 6 * 480 // clips // 2 * 2)) if clips <= _MOST_TIMELINES else 0
        return cls(stretches, min(_MOST_PICTURES, _ALL_PICTURES // clips))


class Evidence:
    """A `Metric` without figures of its own: it looks at each frame's pictures, and `note` at what the
    metrics say of it. Put last among those of `Meters`, with `note` as its ``each``."""

    figures: ClassVar[tuple[Figure, ...]] = ()

    def __init__(
        self, ledger: Ledger, *, room: Room, golden: Callable[[int], Pixels | None] = lambda frame: None
    ) -> None:
        """``ledger``: of the pipeline that plays, for the stages' times. ``golden``: what the output of this
        index should look like, as pictures are `kept`; None where that is not known."""
        self._golden = golden
        self._ledger = ledger
        self._room = room
        self._timelines: dict[str, Timeline] = {}
        self._frames = 0
        self._worst: dict[str, list[WorstFrame]] = {}
        self._pairs: list[Pair] = []
        self._every = 1
        self._moment: Moment | None = None
        self._sum: NDArray[np.float32] | None = None
        self._golden_sum: NDArray[np.float32] | None = None
        self._golden_frames = 0

    def see(self, moment: Moment) -> Values:
        self._moment = moment
        self._frames += 1
        self._add(AT, moment.before.index, moment.before.captured_at / 1e9)
        apart = _difference(moment.before.pixels, moment.after.pixels, _MAP_WIDTH)
        self._sum = apart if self._sum is None else self._sum + apart
        golden = self._golden(moment.before.index)
        if golden is not None:
            self._see_golden(moment, golden)
        if (self._frames - 1) % self._every == 0:
            self._keep_pair(moment)
        return {}

    def note(self, index: int, values: Values) -> None:
        """The figures of the frame that was just seen."""
        moment, self._moment = self._moment, None
        for name, value in values.items():
            self._add(name, index, value)
        for stage in STAGES:
            ms = self._ledger.last(stage)
            if ms:
                self._add(f"stage {stage}", index, ms)
        if moment is not None:
            # Where the effect draws nothing, the output's error is the input's.
            left_out = "warping" if "face_warping" in values or not moment.whole else ""
            for name in WORST:
                if name in values and name != left_out:
                    self._keep_worst(name, values[name], moment, partial(_side_by_side, name, moment))

    def close(self) -> None:
        """Lets go of the last frame."""
        self._moment = None

    def findings(self) -> Findings:
        """What there is to show so far, as much as there is room for."""
        left = self._room.pictures
        if self._sum is None:
            return Findings()
        difference = _map(self._sum / self._frames, left // 2)
        left -= len(difference.picture) if difference else 0
        golden = None
        if self._golden_sum is not None:
            golden = _map(self._golden_sum / self._golden_frames, left // 2)
        left -= len(golden.picture) if golden else 0
        worst, pairs = [], []
        of_each = self._worst.values()
        ranks = [one[rank] for rank in range(_MOST_WORST) for one in of_each if rank < len(one)]
        # The very worst of each figure before the second of any, and both kinds of pictures by turns.
        for one, pair in zip_longest(ranks, self._spread()):
            # One that is too large leaves its room to the next.
            if one is not None and len(one.pictures) <= left:
                left -= len(one.pictures)
                worst.append(one)
            if pair is not None and pair.size <= left:
                left -= pair.size
                pairs.append(pair)
        worst.sort(key=lambda each: WORST.index(each.figure))
        pairs.sort(key=lambda each: each.frame)
        return Findings(self._timelines, pairs, worst, difference, golden)

    def _spread(self) -> list[Pair]:
        """The middle one first, so that a report with room for one shows no fade-in."""
        count = min(_MOST_PAIRS, len(self._pairs))
        places = np.linspace(0, len(self._pairs) - 1, count).round().astype(int)
        chosen = [self._pairs[place] for place in places]
        return sorted(chosen, key=lambda each: abs(chosen.index(each) - count // 2))

    def _add(self, name: str, frame: int, value: float) -> None:
        if not self._room.stretches:
            return
        line = self._timelines.get(name)
        if line is None:
            line = self._timelines[name] = Timeline(most=self._room.stretches)
        line.add(frame, value)

    def _keep_pair(self, moment: Moment) -> None:
        before, after = (_fit(frame.pixels, _PAIR_WIDTH) for frame in (moment.before, moment.after))
        difference = heat(_apart(before, after), _DRAWN)
        self._pairs.append(
            Pair(moment.before.index, moment.before.captured_at, jpeg(before), jpeg(after), jpeg(difference))
        )
        if len(self._pairs) == 2 * _MOST_PAIRS:
            # The clip's length need not be known: of those kept, each other one goes.
            self._pairs = self._pairs[::2]
            self._every *= 2

    def _see_golden(self, moment: Moment, golden: Pixels) -> None:
        after = kept(moment.after.pixels)
        if after.shape != golden.shape:
            # Whoever compares with the golden refuses it.
            return
        apart = _apart(golden, after)
        self._golden_sum = apart.astype(np.float32) if self._golden_sum is None else self._golden_sum + apart
        self._golden_frames += 1
        likeness = psnr(after, golden)
        self._add("psnr", moment.before.index, likeness)
        self._add("ssim", moment.before.index, ssim(after, golden))
        if likeness < EQUAL_DB:
            pictures = (_fit(each, _DETAIL) for each in (golden, after, heat(apart, BRIGHTEST["psnr"])))
            self._keep_worst("psnr", likeness, moment, lambda: _row(pictures))

    def _keep_worst(self, name: str, value: float, moment: Moment, pictures: Callable[[], Pixels]) -> None:
        worst = self._worst.setdefault(name, [])
        sign = 1 if FIGURES[name].better == "low" else -1
        index, at = moment.before.index, moment.before.captured_at
        near = [each for each in worst if abs(each.at - at) < _APART]
        rivals = near or worst[_MOST_WORST - 1 :]
        if any(sign * value <= sign * rival.value for rival in rivals):
            return
        for rival in rivals:
            worst.remove(rival)
        worst.append(WorstFrame(name, value, index, at, jpeg(pictures())))
        worst.sort(key=lambda each: -sign * each.value)


def heat(difference: NDArray[np.uint8], brightest: float) -> Pixels:
    """A difference (H, W), steps of 255, as RGB: black where there is none, over violet and red to yellow at
    ``brightest`` and beyond (OpenCV's inferno, which people who do not tell colours apart see as brightness).
    """
    scaled = np.clip(difference.astype(np.float32) * (255 / max(brightest, 1e-3)), 0, 255).astype(np.uint8)
    return np.asarray(
        cv2.cvtColor(cv2.applyColorMap(scaled, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB), np.uint8
    )


def jpeg(pixels: Pixels) -> Picture:
    """RGB as the bytes of a JPEG."""
    swapped = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    return bytes(cv2.imencode(".jpg", swapped, (cv2.IMWRITE_JPEG_QUALITY, _QUALITY))[1])


def data_uri(picture: Picture) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(picture).decode("ascii")


def _side_by_side(name: str, moment: Moment) -> Pixels:
    """What `SHOWN` says of the figure ``name``."""
    look = _view(moment)
    after, flow, previous = moment.after.pixels, moment.flow, moment.previous
    was = (
        moment.before.pixels
        if name in ("seam", "landmark_error") or previous is None
        else previous.after.pixels
    )
    if name == "flicker":
        apart = _flicker(moment)
    elif name in ("warping", "face_warping") and flow is not None:
        # Where something was covered or uncovered the figure does not look.
        back = np.asarray(flow.back(after), np.uint8)
        apart = np.asarray(cv2.bitwise_and(_apart(was, back), flow.seen), np.uint8)
    else:
        apart = _apart(was, after)
    return _row((look(was), look(after), look(heat(apart, BRIGHTEST[name]))))


def _flicker(moment: Moment) -> NDArray[np.uint8]:
    """(H, W): what the figure of that name is the mean of."""
    rests, previous = resting(moment), moment.previous
    first = previous.previous if previous is not None else None
    if rests is None or previous is None or first is None:
        return np.zeros_like(moment.drawn_grey)
    ends = cv2.addWeighted(first.drawn_grey, 0.5, moment.drawn_grey, 0.5, 0)
    return np.asarray(np.where(rests, cv2.absdiff(previous.drawn_grey, ends), 0), np.uint8)


def _row(pictures: Iterable[Pixels]) -> Pixels:
    parts: list[Pixels] = []
    for picture in pictures:
        parts += [picture, np.full((picture.shape[0], 4, 3), 128, np.uint8)]
    return np.asarray(np.hstack(parts[:-1]), np.uint8)


def _view(moment: Moment) -> Callable[[Pixels], Pixels]:
    """What to show of a frame: the surroundings of its faces, any of which may be the one that is meant, or
    all of it."""
    height, width = moment.before.pixels.shape[:2]
    found = [face.crop.box(width, height) for face in moment.faces]
    boxes = np.array([box for box in found if box is not None] or [(0, 0, width, height)])
    (left, top), (right, bottom) = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    if right - left < 16 or bottom - top < 16:
        left, top, right, bottom = 0, 0, width, height
    return lambda pixels: _fit(pixels[top:bottom, left:right], _DETAIL, least=_DETAIL)


def _fit(pixels: Pixels, most: int, *, least: int = 0) -> Pixels:
    """Scaled so that its width is at most ``most``, at least ``least``; never more than twice as large."""
    height, width = pixels.shape[:2]
    wanted = min(max(min(width, most), least), 2 * width)
    if wanted == width:
        return np.ascontiguousarray(pixels)
    size = (wanted, max(1, round(height * wanted / width)))
    how = cv2.INTER_AREA if wanted < width else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, size, interpolation=how), np.uint8)


def _apart(one: Pixels, other: Pixels) -> NDArray[np.uint8]:
    """(H, W): the largest of the three channels' differences."""
    return np.asarray(cv2.absdiff(one, other).max(axis=2), np.uint8)


def _difference(one: Pixels, other: Pixels, width: int) -> NDArray[np.float32]:
    return _apart(_fit(one, width), _fit(other, width)).astype(np.float32)


def _map(mean: NDArray[np.float32], most: int) -> HeatMap | None:
    """In ``most`` bytes, if need be at half the width; None where that does not do."""
    # Not the very largest: one pixel must not make the rest of the map dark.
    brightest = max(1.0, float(np.percentile(mean, 99.5)))
    scaled = np.clip(mean * (255 / brightest), 0, 255).astype(np.uint8)
    for width in (scaled.shape[1], scaled.shape[1] // 2):
        picture = jpeg(heat(_fit(scaled, width), 255))
        if len(picture) <= most:
            return HeatMap(picture, brightest)
    return None
