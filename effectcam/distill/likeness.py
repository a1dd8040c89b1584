"""Which pictures repeat one another, and which show the same person.

No face recognition is used, and none comes with effectcam. Two simple measures of the upright face serve:

* a *fingerprint* (difference hash, 256 bits: is each of 16 x 17 areas brighter than its neighbour), which
  copies share whatever their size, compression or exposure;
* a *thumbnail* of head and surround, 24 x 24 in colour, whose correlation tells one sitting: the same
  person in the same clothes and light.

Limits. A person in other clothes, or years later, is taken for another one, unless names or folders tell;
strangers who were photographed alike are seldom taken for one: of 96 000 pairs of portraits of different
people two were, and stay on one side of the split. A mirrored copy is not seen as a copy.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.face.crop import cut, fit_head
from effectcam.frame import Pixels

THUMBNAIL = 24
_BITS = 16

SAME_PICTURE = 0.06
"""Share of differing bits up to which two pictures are one. Copies have 0.02 at most, different people
0.13 at least; a clip's frames reach 0.06 where hardly anything moved."""
SAME_SITTING = 0.9
"""Correlation of thumbnails from which two pictures are one sitting's."""

_SERIES = re.compile(r"(?P<who>.*[^\W\d_]{2})[\s._-]*\(?\d{1,3}\)?")
_NO_NAMES = {"crop", "dsc", "dscf", "dscn", "face", "faces", "frame", "gopr", "headshot", "id", "image"} | {
    *(
        "img",
        "mvi",
        "p",
        "person",
        "photo",
        "pic",
        "picture",
        "portrait",
        "portraits",
        "pxl",
        "sample",
        "scan",
    ),
    *("screenshot", "subject", "test", "train", "untitled", "wp"),
}
"""What cameras and collectors write before a number: says nothing of who it is."""


def fingerprint(image: Pixels, landmarks: NDArray[np.float32]) -> bytes:
    """32 bytes that pictures of the same face in the same moment share, but for a few bits."""
    face = cv2.cvtColor(cut(image, fit_head(landmarks).scaled(2.6), 64), cv2.COLOR_RGB2GRAY)
    small = cv2.resize(face, (_BITS + 1, _BITS), interpolation=cv2.INTER_AREA)
    return np.packbits(small[:, 1:] > small[:, :-1]).tobytes()


def thumbnail(image: Pixels, landmarks: NDArray[np.float32]) -> Pixels:
    """(24, 24, 3) uint8 of the upright head, with what it wears and what is behind it."""
    head = cut(image, fit_head(landmarks).scaled(3.0), 64)
    return np.asarray(cv2.resize(head, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA), np.uint8)


def repeats(fingerprints: Sequence[bytes]) -> list[int | None]:
    """For each picture the number of the earlier one that it repeats, or None; best pictures come first.

    Only pictures that stay are compared with, so that a clip's slow change is not all one picture.
    """
    if not fingerprints:
        return []
    bits = np.frombuffer(b"".join(fingerprints), np.uint8).reshape(len(fingerprints), -1)
    ones = np.array([number.bit_count() for number in range(256)], np.uint16)
    kept: list[int] = []
    answer: list[int | None] = []
    for index, own in enumerate(bits):
        differing = ones[bits[kept] ^ own].sum(axis=1) / (8 * bits.shape[1])
        nearest = int(differing.argmin()) if kept else -1
        if kept and differing[nearest] <= SAME_PICTURE:
            answer.append(kept[nearest])
            continue
        kept.append(index)
        answer.append(None)
    return answer


def persons(names: Sequence[str], thumbnails: NDArray[np.uint8], ways: Sequence[str]) -> list[str]:
    """Who is in each picture: the first name of those that belong together stands for the person.

    ``names`` as in the dataset (``folder/anna-2.jpg``, ``d6.mp4#120``), ``thumbnails`` (N, 24, 24, 3),
    ``ways`` one of `sources.WAYS` for each. Together belong the frames of a clip, pictures of one
    sitting, and, as ``ways`` has it, one folder, or names that differ in a last number of up to three
    digits (``anna-1``, ``anna-2``; not ``IMG_12`` and the like, which cameras give, nor a single letter).
    """
    groups = _Groups(len(names))
    first: dict[str, int] = {}
    for index, (name, way) in enumerate(zip(names, ways, strict=True)):
        for key in _keys(name, way):
            groups.join(first.setdefault(key, index), index)
    flat = thumbnails.reshape(len(names), -1, 3).astype(np.float32)
    flat = (flat - flat.mean(axis=1, keepdims=True)).reshape(len(names), -1)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
    for index in range(1, len(names)):
        for other in np.flatnonzero(flat[:index] @ flat[index] >= SAME_SITTING):
            groups.join(int(other), index)
    return [names[groups.root(index)] for index in range(len(names))]


def largest(persons_of: Sequence[str], count: int) -> list[tuple[str, int]]:
    """The people with most pictures, for the data card: a wrong grouping shows there."""
    return [(who, many) for who, many in Counter(persons_of).most_common(count) if many > 1]


def _keys(name: str, way: str) -> list[str]:
    path = PurePosixPath(name.partition("#")[0])
    keys = [f"clip {path}"] if "#" in name else []
    if way == "folders" and path.parent.name:
        keys.append(f"folder {path.parent}")
    series = _SERIES.fullmatch(path.stem)
    if way == "names" and series and series["who"].lower() not in _NO_NAMES:
        keys.append(f"name {path.parent} {series['who'].lower()}")
    return keys


class _Groups:
    """Disjoint sets (Tarjan 1975); the root is always the lowest number."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def root(self, index: int) -> int:
        while self._parent[index] != index:
            self._parent[index] = self._parent[self._parent[index]]
            index = self._parent[index]
        return index

    def join(self, one: int, other: int) -> None:
        low, high = sorted((self.root(one), self.root(other)))
        self._parent[high] = low
