"""How well a student has learnt, on people it never saw, measured through the runtime that users run."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

from effectcam.distill.batches import plain, plain_photograph
from effectcam.distill.pairs import PairStore
from effectcam.distill.tones import COVERED, DARKENED, TONES
from effectcam.errors import StudentError
from effectcam.frame import Pixels
from effectcam.student.litert import LiteRtStudent
from effectcam.student.past import with_past


@dataclass(frozen=True)
class Quality:
    """The SSIM to the teacher of the bare input and of the student, and what that comes to."""

    measured: tuple[tuple[float, float], ...]
    """Of each person, the input's and the student's."""

    @property
    def people(self) -> int:
        return len(self.measured)

    @property
    def input_ssim(self) -> float:
        return float(np.mean([before for before, _ in self.measured]))

    @property
    def student_ssim(self) -> float:
        return float(np.mean([after for _, after in self.measured]))

    @property
    def gap_closed(self) -> float:
        """Percent of the way from input to teacher, (s - i) / (1 - i): the figure to compare
        effects by, since a timid teacher gives a high SSIM to a student that does nothing."""
        return 100 * (self.student_ssim - self.input_ssim) / (1 - self.input_ssim)

    @property
    def interval(self) -> tuple[float, float] | None:
        """Between which percents `gap_closed` lies with 95 % confidence, had other people been held out:
        the percentile bootstrap (Efron 1979) over people. None below `FEWEST`, of whom it says nothing."""
        if self.people < FEWEST:
            return None
        drawn = np.random.default_rng(0).integers(0, self.people, (_RESAMPLED, self.people))
        before, after = np.array(self.measured)[drawn].mean(axis=1).T
        low, high = np.percentile(100 * (after - before) / (1 - before), [2.5, 97.5])
        return float(low), float(high)

    def joined(self, *others: Quality) -> Quality:
        """That of the people of all."""
        return Quality(sum((other.measured for other in others), self.measured))


_RESAMPLED = 2000
FEWEST = 3
"""People that a band needs to be judged by itself. From one training to the next the figure of a single
portrait moves by four points either way, that of seven or eight people by one."""


@dataclass(frozen=True)
class Verdict:
    """Quality on all held-out portraits and on each tone band among them."""

    overall: Quality
    tones: dict[str, Quality]
    names: list[str]
    darkened: Quality | None = None
    """On the light people among them with their skin darkened: what a last band of two or three people
    cannot tell."""
    covered: Quality | None = None
    """On the same people with something before their faces, such as a hand, in other light."""

    @property
    def judged(self) -> dict[str, Quality]:
        """The bands of enough people, each that has fewer than `FEWEST` joined to its lighter
        neighbour ("brown and dark"), the lightest to its darker one. One band that holds everybody
        where there are too few in all."""
        bands: list[tuple[list[str], Quality]] = []
        for tone, quality in self.tones.items():
            if bands and min(quality.people, bands[-1][1].people) < FEWEST:
                names, lighter = bands.pop()
                bands.append(([*names, tone], lighter.joined(quality)))
            else:
                bands.append(([tone], quality))
        return {" and ".join(names): quality for names, quality in bands}


def verify(store: PairStore, path: Path, scale: float = 1.0) -> Verdict:
    """Judge the exported student at ``path`` on the held-out pairs of ``store``, at their size, whatever the
    student's own. ``scale`` is `StudentRecipe.scale`.

    Each is seen as the running effect would see it; an effect with alpha is laid over its input, as
    the teacher's is, and compared inside the teacher's alpha only, a frame only where it is a photograph.
    Where the teacher leaves a picture alone there is nothing to learn and nobody is counted; StudentError
    when that is everywhere.
    """
    rows: list[tuple[int, float, float]] = []
    channels = store.targets.shape[3]
    with LiteRtStudent(path, channels=channels, threads=1) as student:
        for index in map(int, np.flatnonzero(np.array(store.held_out))):
            image, target = plain(store, index)
            inside = target[..., 3] > 127 if channels == 4 else np.ones(target.shape[:2], bool)
            inside &= plain_photograph(store, index)
            wanted = over(target, image)
            if np.array_equal(wanted[inside], image[inside]):
                continue
            shown = over(redrawn(student, image, scale), image)
            rows.append((index, _ssim(image, wanted, inside), _ssim(shown, wanted, inside)))
    if not rows:
        raise StudentError("nothing to measure on: the teacher leaves every held-out picture as it is")
    bands: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for index, before, after in rows:
        bands[store.tones[index]].append((before, after))
    darkened, covered = bands.pop(DARKENED, None), bands.pop(COVERED, None)
    return Verdict(
        Quality(tuple(row for band in bands.values() for row in band)),
        {tone: Quality(tuple(bands[tone])) for tone in TONES if tone in bands},
        [store.names[index] for index, *_ in rows if store.tones[index] in TONES],
        Quality(tuple(darkened)) if darkened else None,
        Quality(tuple(covered)) if covered else None,
    )


def redrawn(student: LiteRtStudent, image: Pixels, scale: float = 1.0) -> NDArray[np.uint8]:
    """The student's drawing of ``image``, which is brought to the student's ``scale`` and back. It may be
    smaller than the student: it is then set into a mirrored surround and cut out again, as a frame of
    another shape is."""
    seen = scaled(image, scale)
    drawn = student.run(with_past(padded(seen, student.size), None, student.inputs))
    top, left = (student.size[0] - seen.shape[0]) // 2, (student.size[1] - seen.shape[1]) // 2
    part = drawn[top : top + seen.shape[0], left : left + seen.shape[1]]
    if seen is image:
        return part.copy()
    back = cv2.resize(part, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(back, np.uint8)


def scaled(image: Pixels, scale: float) -> Pixels:
    """``image`` at the size at which a student of this `StudentRecipe.scale` sees it."""
    if scale == 1:
        return image
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=way), np.uint8)


def padded(image: Pixels, size: tuple[int, int]) -> Pixels:
    """``image`` in the middle of a picture of ``size`` (height, width), mirrored outwards."""
    rows, columns = size[0] - image.shape[0], size[1] - image.shape[1]
    edges = ((rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2), (0, 0))
    return np.ascontiguousarray(np.pad(image, edges, "symmetric"))


def over(drawing: NDArray[np.uint8], image: Pixels) -> Pixels:
    """``drawing`` as seen on top of ``image``."""
    if drawing.shape[2] == 3:
        return drawing
    alpha = drawing[..., 3:].astype(np.float32) / 255
    return np.asarray(np.rint(image * (1 - alpha) + drawing[..., :3] * alpha), np.uint8)


def _ssim(a: Pixels, b: Pixels, inside: NDArray[np.bool_]) -> float:
    """SSIM (Wang et al. 2004; scikit-image's 7 x 7 window), mean over channels and ``inside``."""
    _, every = structural_similarity(a, b, channel_axis=2, data_range=255, full=True)  # type: ignore[no-untyped-call]
    return float(every[inside].mean())
