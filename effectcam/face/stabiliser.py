"""Keeps a crop still while the head is still, and with the head when it moves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from effectcam.face.crop import Crop

Vector = NDArray[np.float64]


class OneEuro:
    """The One Euro filter (Casiez, Roussel, Vogel, CHI 2012) on a vector of numbers.

    An exponential filter whose cut-off rises with speed: strong smoothing at rest, where jitter is
    seen, little in motion, where lag is seen.
    """

    def __init__(
        self, min_cutoff: float, beta: float, *, derivative_cutoff: float = 1.0, leash: float = math.inf
    ) -> None:
        """``min_cutoff`` (Hz) rules at rest: lower is stiller and slower to creep to a new place.
        ``beta`` (Hz per unit of speed) rules in motion: higher follows faster and lets more jitter
        through. ``derivative_cutoff`` (Hz) smooths the speed that decides between the two.
        ``leash`` (units): the farthest that the value may trail, however fast the motion."""
        self._min_cutoff = min_cutoff
        self._beta = beta
        self._derivative_cutoff = derivative_cutoff
        self._leash = leash
        self._raw: Vector | None = None
        self._value: Vector = np.empty(0)
        self._speed: Vector = np.empty(0)
        self._moment = 0

    def __call__(self, value: Vector, moment: int, *, unit: float = 1.0) -> Vector:
        """The filtered value at ``moment`` (ns). Speed is counted in ``unit`` a second, so that the
        same constants serve a near and a far face. A moment that does not move on, as clips with
        repeated stamps have, counts as one frame at 30 fps instead of letting the raw value
        through."""
        if self._raw is None:
            self._raw, self._value, self._speed, self._moment = value, value, np.zeros_like(value), moment
            return value
        step = (moment - self._moment) / 1e9
        if step <= 0:
            step = 1 / 30
        self._moment = max(moment, self._moment)
        blend = _alpha(self._derivative_cutoff, step)
        # Of the raw values: their distance from the filtered one holds the lag as well, which would
        # read as a tenfold speed.
        self._speed = self._speed + blend * ((value - self._raw) / step - self._speed)
        self._raw = value
        # One speed for all of the vector: a head that moves sideways is let go in height as well,
        # otherwise the path would bend.
        speed = math.sqrt(float((self._speed**2).sum())) / unit
        behind = (1 - _alpha(self._min_cutoff + self._beta * speed, step)) * (value - self._value)
        distance = math.sqrt(float((behind**2).sum()))
        if distance > self._leash * unit:
            behind *= self._leash * unit / distance
        self._value = value - behind
        return self._value


def _alpha(cutoff: float, step: float) -> float:
    rate = math.tau * cutoff * step
    return rate / (rate + 1)


class Smoothing(Protocol):
    """How a face's crop is steadied from frame to frame."""

    def __call__(self, identity: int, crop: Crop, moment: int) -> Crop:
        """The crop to use for this identity at ``moment`` (ns, rising)."""
        ...

    def points(self, identity: int, points: Vector, moment: int) -> Vector:
        """The same for points (N, 2) given in the crop's own space, in sides."""
        ...

    def forget(self, identity: int) -> None:
        """Start afresh for this identity: it was lost, or the clip was cut."""
        ...


class NoSmoothing:
    """Hands everything through: there to show what smoothing buys."""

    def __call__(self, identity: int, crop: Crop, moment: int) -> Crop:
        return crop

    def points(self, identity: int, points: Vector, moment: int) -> Vector:
        return points

    def forget(self, identity: int) -> None:
        pass


@dataclass
class _Head:
    place: OneEuro
    size: OneEuro
    turn: OneEuro
    features: OneEuro
    unwrapped: float
    raw: Crop
    """The latest, as it came."""


class OneEuroSmoothing:
    """One Euro on the four numbers of the crop: centre, log side, unwrapped angle."""

    def __init__(
        self,
        *,
        min_cutoff: float = 0.5,
        beta: float = 0.3,
        leash: float = 0.2,
        leap: float = 0.3,
        features: float = 3.0,
        features_beta: float = 25.0,
    ) -> None:
        """``min_cutoff`` (Hz): at 0.5 the jitter of a still head shrinks about tenfold at 30 fps. The
        side gets half of it: it jitters most, and heads come nearer more slowly than they turn.
        ``beta`` (Hz per side of speed a second): at 0.3 talking and nodding leave the crop nearly
        where it is. It may trail, because a face off the crop's middle is drawn as well and goes back
        to its own place; higher keeps the face in the middle and makes the crop dance with it.
        ``leash`` (head sides, radians, log sides): at 0.2 the fastest head is never farther from the
        middle of the crop than its margin allows; lower lets the jitter of fast motion through.
        ``leap`` (the same units): what moves, turns or grows by more from one frame to the next is no head
        in motion but a cut, and the crop is there at once; lower mistakes a start for one.
        ``features`` (Hz) and ``features_beta``: as ``min_cutoff`` and ``beta`` for points inside the
        crop, such as the eyes. They may not trail: a warp beside the eye is seen."""
        self._min_cutoff = min_cutoff
        self._beta = beta
        self._leash = leash
        self._leap = leap
        self._features = features
        self._features_beta = features_beta
        self._heads: dict[int, _Head] = {}

    def __call__(self, identity: int, crop: Crop, moment: int) -> Crop:
        head = self._heads.get(identity)
        if head is None or self._leapt(head.raw, crop):
            head = self._heads[identity] = _Head(
                OneEuro(self._min_cutoff, self._beta, leash=self._leash),
                OneEuro(self._min_cutoff / 2, self._beta, leash=self._leash),
                OneEuro(self._min_cutoff, self._beta, leash=self._leash),
                OneEuro(self._features, self._features_beta),
                crop.angle,
                crop,
            )
        head.raw = crop
        turn = head.unwrapped + math.remainder(crop.angle - head.unwrapped, math.tau)
        head.unwrapped = turn
        side = math.exp(float(head.size(np.array([math.log(crop.side)]), moment)[0]))
        place = head.place(np.array([crop.cx, crop.cy]), moment, unit=side)
        angle = float(head.turn(np.array([turn]), moment)[0])
        return Crop(float(place[0]), float(place[1]), side, math.remainder(angle, math.tau))

    def _leapt(self, before: Crop, now: Crop) -> bool:
        moved = math.hypot(now.cx - before.cx, now.cy - before.cy) / max(before.side, now.side)
        turned = abs(math.remainder(now.angle - before.angle, math.tau))
        return max(moved, turned, abs(math.log(now.side / before.side))) > self._leap

    def points(self, identity: int, points: Vector, moment: int) -> Vector:
        head = self._heads.get(identity)
        if head is None:
            return points
        return head.features(points.ravel(), moment).reshape(points.shape)

    def forget(self, identity: int) -> None:
        self._heads.pop(identity, None)
