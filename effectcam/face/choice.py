"""Which of the faces in view get the effect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from effectcam.errors import UsageError, nearest
from effectcam.face.crop import Crop

_CLEARLY = 1.2
"""Two faces at one distance would take turns from frame to frame if the larger by a hair won."""


_FARTHER = 0.2
"""Share of a head's side by which another must be farther out: of two people above each other now one would
win and now the other."""


class FaceChoice(Protocol):
    """Picks faces, frame by frame."""

    def __call__(self, identities: Sequence[int], heads: Sequence[Crop]) -> list[int]:
        """Places, in the lists given, of the faces that get the effect. ``heads`` as `fit_head` gives
        them, in pixels of the frame."""
        ...

    def forget(self) -> None:
        """Who was picked before: identities begin anew."""
        ...


class AllFaces:
    """Every face that is tracked."""

    def __call__(self, identities: Sequence[int], heads: Sequence[Crop]) -> list[int]:
        return list(range(len(heads)))

    def forget(self) -> None:
        pass


class LargestFace:
    """The one nearest to the camera; another takes over only when it is clearly larger."""

    def __init__(self) -> None:
        self._last: int | None = None

    def __call__(self, identities: Sequence[int], heads: Sequence[Crop]) -> list[int]:
        if not heads:
            return []
        sides = [
            head.side * (_CLEARLY if identity == self._last else 1.0)
            for identity, head in zip(identities, heads, strict=True)
        ]
        place = sides.index(max(sides))
        self._last = identities[place]
        return [place]

    def forget(self) -> None:
        self._last = None


class OutermostFace:
    """The one farthest to the left (``right`` False) or right of the picture; another takes over only when
    it is clearly farther out."""

    def __init__(self, *, right: bool = False) -> None:
        self._sign = -1 if right else 1
        self._last: int | None = None

    def __call__(self, identities: Sequence[int], heads: Sequence[Crop]) -> list[int]:
        if not heads:
            return []
        across = [
            self._sign * head.cx - (_FARTHER * head.side if identity == self._last else 0.0)
            for identity, head in zip(identities, heads, strict=True)
        ]
        place = across.index(min(across))
        self._last = identities[place]
        return [place]

    def forget(self) -> None:
        self._last = None


CHOICES = ("one", "all", "largest", "leftmost", "rightmost")
"""By name: ``one`` is whichever face the tracker holds on to, and the cheapest, since the search for
faces then sleeps while one is tracked; the others look for several."""

SEVERAL = 4
"""Faces looked for when there is something to choose from, and so the most that ``all`` covers: what is said
of it says four."""


def choose_face(name: str) -> tuple[FaceChoice, int]:
    """The policy called ``name`` and how many faces must be tracked for it; a number stands for all of
    so many, up to 16. Raises UsageError."""
    if name.isdecimal() and 1 <= int(name) <= 16:
        return AllFaces(), int(name)
    if name == "one":
        return AllFaces(), 1
    if name == "all":
        return AllFaces(), SEVERAL
    if name == "largest":
        return LargestFace(), SEVERAL
    if name in ("leftmost", "rightmost"):
        return OutermostFace(right=name == "rightmost"), SEVERAL
    raise UsageError(f"no choice of faces {name!r}; {nearest(name, (*CHOICES, '1 to 16'))}")
