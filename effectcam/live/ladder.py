"""The ways to put an effect on frames, from the best picture down to the least work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from effectcam.effect.manifest import Manifest

TIERS = ("high", "standard", "lite")
"""Best first."""

_RATES = (2, 3)
"""Whole fractions of the frame rate: two frames of three would come at unequal steps, which is seen sooner
than the lower rate."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One way. Each rung below another works less, or looks worse, or both."""

    tier: str
    skip: bool = False
    """Where nothing moves the last picture is shown again."""
    predict: bool = False
    """The mesh may rest in every other frame."""
    every: int = 1
    """Of so many frames one is drawn; the others are left out."""

    @property
    def words(self) -> str:
        """
        >>> Rung("lite", skip=True, every=2).words
        'lite, every 2nd frame'
        """
        if self.every > 1:
            return f"{self.tier}, every {self.every}{ {2: 'nd', 3: 'rd'}.get(self.every, 'th') } frame"
        if self.predict:
            return f"{self.tier}, mesh every 2nd frame"
        return f"{self.tier}, still scenes skipped" if self.skip else self.tier


def tiers_of(effect: Manifest, most: str | None = None) -> tuple[str, ...]:
    """The tiers of ``effect``, best first, none better than ``most``. Not every effect has every tier, and
    every one has the standard tier: it stands in for a ``most`` that is missing."""
    tiers = tuple(tier for tier in TIERS if tier in effect.tiers)
    if most is None:
        return tiers
    return tiers[tiers.index(most if most in tiers else "standard") :]


def ladder(
    effect: Manifest, tiers: Sequence[str], tier: str, *, skip_still: bool = False
) -> tuple[list[Rung], int]:
    """The rungs for ``effect`` with ``tiers`` (best first), and which of them is ``tier`` with nothing
    given up: where a run begins.

    Above it the better tiers stand, for a machine that turns out to be faster. Below it: still scenes are
    skipped, the mesh rests in every other frame (for effects of the face), the lesser tiers, and at last
    half the rate and a third of it. The mesh is run in every frame again there: what moves in two frames'
    time is not foreseen, and there is time for it. ``skip_still``: skip still scenes on every rung.
    """
    start = list(tiers).index(tier)
    rungs = [Rung(better, skip=skip_still) for better in tiers[: start + 1]]
    if not skip_still:
        rungs.append(Rung(tier, skip=True))
    predict = "face" in effect.places
    if predict:
        rungs.append(Rung(tier, skip=True, predict=True))
    rungs += [Rung(lesser, skip=True, predict=predict) for lesser in tiers[start + 1 :]]
    rungs += [Rung(tiers[-1], skip=True, every=every) for every in _RATES]
    return rungs, start
