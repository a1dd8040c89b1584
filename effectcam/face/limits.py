"""Where an effect gives up on a face, and how: softly, and back again."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from effectcam.face.crop import Pose


class View(NamedTuple):
    """How well a face can be seen."""

    yaw: float
    """Degrees, 0 to 180: how far the head is turned to a side, whichever."""
    outside: float
    """0 to 1: share of the mesh's points beyond the frame's edge."""
    misfit: float
    """How far the rigid points are from where a head has them, root mean square over the distance between
    the eyes' outer corners: high where the mesh has lost its hold."""


def view(pose: Pose, landmarks: NDArray[np.float32], size: tuple[int, int]) -> View:
    """Of a face with ``landmarks`` (N >= 468, 3), pixels, and the ``pose`` that `fit_pose` finds in them,
    in a frame of ``size`` (width, height)."""
    # Where the nose points, as seen by a camera that is rolled as the head is.
    x, y, z = -pose.rotation[:, 2]
    across = math.cos(pose.crop.angle) * x + math.sin(pose.crop.angle) * y
    yaw = math.degrees(abs(math.atan2(across, -z)))
    xy = landmarks[:468, :2]
    outside = ((xy < -0.5) | (xy > np.subtract(size, 0.5))).any(axis=1).mean()
    return View(yaw, float(outside), pose.misfit)


class LimitPolicy(Protocol):
    """How much of the effect a face gets in view of how well it is seen."""

    def __call__(self, identity: int, seen: View, now: int) -> float:
        """0 (none) to 1 (all), a factor of the effect's strength, for the face called ``identity`` at ``now``
        (ns), which rises from call to call."""
        ...

    def forget(self, identity: int) -> None: ...


class NoLimits:
    """All of it, whatever is seen."""

    def __call__(self, identity: int, seen: View, now: int) -> float:
        return 1.0

    def forget(self, identity: int) -> None:
        pass


@dataclass(slots=True)
class _Face:
    beyond: bool
    shown: float
    at: int


class SoftLimits:
    """Fades a face's effect out while it is turned away, cut off by the frame's edge, or lost by the mesh.

    Half an effect is a double exposure, so it is passed through and not dwelt in: a face is within the
    limits or beyond them, comes back at ``back`` of each limit, so that a head at the very limit does
    not go to and fro, and what is shown goes towards all or nothing at an even pace. A face that comes
    into view begins where it belongs, without a fade.
    """

    PACE = 0.6
    """Of the strength, a second: 2 % a frame at 30 a second. At lower rates a frame gets no more than that,
    so that no step is larger."""

    def __init__(
        self, *, yaw: float = 60.0, outside: float = 0.25, misfit: float = 0.1, back: float = 0.85
    ) -> None:
        """``yaw`` (degrees): the student has seen few faces turned further; more shows what it makes of
        them. ``outside`` (0 to 1): share of the points beyond the frame's edge; points there are guessed.
        ``misfit`` as in `View`: on six clips of talking heads it was 0.01 to 0.05. ``back`` (0 to 1): near 1
        a head at the limit fades in and out, near 0 the effect stays away until the face is seen from the
        front."""
        self._most = View(yaw, outside, misfit)
        self._back = back
        self._faces: dict[int, _Face] = {}

    def __call__(self, identity: int, seen: View, now: int) -> float:
        reached = max(value / most for value, most in zip(seen, self._most, strict=True))
        face = self._faces.get(identity)
        if face is None:
            beyond = reached > 1
            self._faces[identity] = _Face(beyond, 0.0 if beyond else 1.0, now)
            return self._faces[identity].shown
        face.beyond = reached > (self._back if face.beyond else 1)
        step = min(max(0.0, (now - face.at) / 1e9), 1 / 30) * self.PACE
        face.shown = max(0.0, face.shown - step) if face.beyond else min(1.0, face.shown + step)
        face.at = max(now, face.at)
        return face.shown

    def forget(self, identity: int) -> None:
        self._faces.pop(identity, None)


def soft_limits(policy: str, yaw: float) -> LimitPolicy:
    """The policy for a manifest's ``limits``: none or soft."""
    return NoLimits() if policy == "none" else SoftLimits(yaw=yaw)
