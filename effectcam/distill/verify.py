"""How well a student has learnt, on people it never saw, measured through the runtime that users run."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

from effectcam.distill.pairs import PairStore
from effectcam.distill.tones import DARKENED, TONES
from effectcam.distill.train import plain
from effectcam.frame import Pixels
from effectcam.student.litert import LiteRtStudent


@dataclass(frozen=True)
class Quality:
    """The SSIM to the teacher of the bare input and of the student, and what that comes to."""

    people: int
    input_ssim: float
    student_ssim: float

    @property
    def gap_closed(self) -> float:
        """Percent of the way from input to teacher, (s - i) / (1 - i): the figure to compare
        effects by, since a timid teacher gives a high SSIM to a student that does nothing."""
        return 100 * (self.student_ssim - self.input_ssim) / (1 - self.input_ssim)


@dataclass(frozen=True)
class Verdict:
    """Quality on all held-out portraits and on each tone band among them."""

    overall: Quality
    tones: dict[str, Quality]
    names: list[str]
    darkened: Quality | None = None
    """On the light people among them with their skin darkened: what a last band of two or three people
    cannot tell."""


def verify(store: PairStore, path: Path) -> Verdict:
    """Judge the exported student at ``path`` on the held-out pairs of ``store``.

    Each is seen as the running effect would see it; an effect with alpha is laid over its input, as
    the teacher's is, and compared inside the teacher's alpha only.
    """
    rows: list[tuple[str, float, float]] = []
    chosen = [int(index) for index in np.flatnonzero(np.array(store.held_out))]
    channels = store.targets.shape[3]
    with LiteRtStudent(path, channels=channels, threads=1) as student:
        for index in chosen:
            image, target = plain(store, index)
            drawing = redrawn(student, image)
            inside = target[..., 3] > 127 if channels == 4 else np.ones(target.shape[:2], bool)
            shown, wanted = over(drawing, image), over(target, image)
            rows.append((store.tones[index], _ssim(image, wanted, inside), _ssim(shown, wanted, inside)))
    bands: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for tone, before, after in rows:
        bands[tone].append((before, after))
    darkened = bands.pop(DARKENED, None)
    return Verdict(
        _quality([row for band in bands.values() for row in band]),
        {tone: _quality(bands[tone]) for tone in TONES if tone in bands},
        [store.names[index] for index in chosen if store.tones[index] != DARKENED],
        _quality(darkened) if darkened else None,
    )


def redrawn(student: LiteRtStudent, image: Pixels) -> NDArray[np.uint8]:
    """The student's drawing of ``image``, which may be smaller than the student: it is then set into
    a mirrored surround and cut out again, as a frame of another shape is."""
    drawn = student.run(padded(image, student.size))
    top, left = (student.size[0] - image.shape[0]) // 2, (student.size[1] - image.shape[1]) // 2
    return drawn[top : top + image.shape[0], left : left + image.shape[1]].copy()


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


def _quality(rows: list[tuple[float, float]]) -> Quality:
    before, after = np.array(rows).mean(axis=0)
    return Quality(len(rows), float(before), float(after))
