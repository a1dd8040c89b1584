"""One eye in coordinates of its own, and the curves of its lids.

Along an eye ``t`` runs from 0 at the outer corner to 1 at the inner one, and ``y`` down from the line
between the corners, in pixels. Heights are compared with the head and not with the eye's width, so that an
eye that is seen from the side is neither wider open nor more shut than the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from effectcam.distill.teachers.head.uv import (
    EYES,
    MESH_POINTS,
    RIGID,
    Floats,
    fit_similarity,
    load_face_space,
)

Box = tuple[slice, slice]
"""Rows and columns of a picture."""

EYEBALL = np.array([0.2244, -0.0076, 0.039], np.float32)
"""Centre of the picture's right eyeball on the mean head, in face widths; least squares over the irises of
86 portraits, whose people look into the camera: an iris then covers its eyeball's centre in any pose."""

IRIS = 0.040
"""Radius of an iris, in face widths: the median of the same portraits."""

_GRADE = 3


@dataclass(frozen=True, slots=True)
class Lid:
    """The edge of one lid: y = t (1 - t) p(t), which is 0 at both corners, with p a cubic."""

    coefficients: Floats
    """(4,), highest power first, pixels."""

    def __call__(self, t: Floats) -> Floats:
        inside = np.clip(t, 0, 1).astype(np.float32)
        return np.asarray(inside * (1 - inside) * np.polyval(self.coefficients, inside), np.float32)

    def towards(self, other: Lid, share: float) -> Lid:
        """This lid (``share`` 0), the other (1), between or beyond."""
        return Lid(self.coefficients + np.float32(share) * (other.coefficients - self.coefficients))

    def lowered(self, pixels: float) -> Lid:
        """The lid with its middle moved down by about ``pixels``, its corners kept."""
        return Lid(self.coefficients + np.array([0, 0, 0, 4 * pixels], np.float32))


@dataclass(frozen=True, slots=True)
class Eye:
    """One eye of one face. Points are (2,) pixels of the picture."""

    corner: Floats
    """The outer corner."""
    across: Floats
    """Unit vector to the inner corner."""
    down: Floats
    """Unit vector at right angles, to the mouth."""
    width: float
    """Between the corners, pixels."""
    head: float
    """One face width in pixels: what heights are measured by."""
    upper: Lid
    lower: Lid
    open_upper: Lid
    """Where the mean face's lid would be in this pose, looking straight ahead."""
    open_lower: Lid
    gaze: Floats
    """Where the iris's middle is when it looks into the camera."""
    iris: Floats
    """Where the landmarks have it."""
    radius: float
    """Of the iris as the landmarks have it, pixels."""

    @property
    def gap(self) -> float:
        """Mean height of the opening in face widths: about 0.053 open, under 0.015 shut."""
        t = np.array([0.25, 0.4, 0.5, 0.6, 0.75], np.float32)
        return float((self.lower(t) - self.upper(t)).mean()) / self.head

    def box(self, height: int, width: int, reach: float) -> Box:
        """The part of a picture (height, width) within ``reach`` face widths of the eye; may be empty."""
        middle = self.corner + self.across * (self.width / 2)
        half = self.width / 2 + reach * self.head
        low = np.clip(np.floor(middle - half), 0, [width, height]).astype(int)
        high = np.clip(np.ceil(middle + half) + 1, 0, [width, height]).astype(int)
        return slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))

    def place(self, box: Box) -> tuple[Floats, Floats]:
        """t and y of the pixels of ``box``."""
        rows, columns = np.mgrid[box].astype(np.float32)
        x, y = columns - self.corner[0], rows - self.corner[1]
        t = (x * self.across[0] + y * self.across[1]) / np.float32(self.width)
        return t, x * self.down[0] + y * self.down[1]

    def point(self, t: float, y: float) -> Floats:
        return np.asarray(self.corner + self.across * (t * self.width) + self.down * y, np.float32)


def find_eyes(landmarks: Floats) -> tuple[Eye, Eye]:
    """The picture's left and right eye from landmarks (478, 3) in pixels."""
    mesh = np.asarray(landmarks, np.float32)
    shape = load_face_space().shape
    scale, rotation, shift = fit_similarity(shape[RIGID], mesh[:MESH_POINTS][RIGID])
    scale = max(scale, 1.0)
    below = mesh[152, :2] - mesh[10, :2]
    found = []
    for side, (opening, centre) in enumerate(zip(EYES, (468, 473), strict=True)):
        points = mesh[opening, :2]
        across = points[8] - points[0]
        width = max(float(np.hypot(*across)), 0.06 * scale)
        across = across / max(float(np.hypot(*across)), 1e-3)
        down = np.array([-across[1], across[0]], np.float32)
        down = down if float(down @ below) >= 0 else -down
        mean = (scale * shape[opening] @ rotation.T + shift)[:, :2]
        eyeball = EYEBALL * np.array([1 if side else -1, 1, 1], np.float32)
        gaze = (scale * rotation @ eyeball + shift)[:2]
        rim = mesh[centre + 1 : centre + 5, :2]
        radius = float(np.linalg.norm(rim - mesh[centre, :2], axis=1).mean())
        upper, lower, open_upper, open_lower = (
            Lid(_fit(part, down)) for part in (points[:9], _lower(points), mean[:9], _lower(mean))
        )
        found.append(
            Eye(
                corner=points[0],
                across=across,
                down=down,
                width=width,
                head=scale,
                upper=upper,
                lower=lower,
                open_upper=open_upper,
                open_lower=open_lower,
                gaze=gaze,
                iris=mesh[centre, :2].copy(),
                radius=radius,
            )
        )
    return found[0], found[1]


def moved_lids(landmarks: Floats, eyes: tuple[Eye, Eye], lids: list[tuple[Lid, Lid]]) -> Floats:
    """The landmarks with the openings' points on other lids: one (upper, lower) an eye."""
    moved = landmarks.copy()
    for opening, eye, (upper, lower) in zip(EYES, eyes, lids, strict=True):
        for part, old, new in ((opening[1:8], eye.upper, upper), (opening[9:], eye.lower, lower)):
            t = ((moved[part, :2] - eye.corner) @ eye.across / eye.width).astype(np.float32)
            moved[part, :2] += (new(t) - old(t))[:, None] * eye.down
    return moved


def shifted(part: Floats, shift: Floats, direction: Floats) -> Floats:
    """``part`` (h, w, 3) with each pixel taken from ``shift`` (h, w) pixels along ``direction`` (2,)."""
    rows, columns = np.mgrid[0 : part.shape[0], 0 : part.shape[1]].astype(np.float32)
    x, y = columns + shift * direction[0], rows + shift * direction[1]
    moved = cv2.remap(
        part, x.astype(np.float32), y.astype(np.float32), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(np.clip(moved, 0, 1), np.float32)


def _lower(points: Floats) -> Floats:
    """The lower lid's points from the outer corner to the inner one, as the upper lid's come."""
    return np.concatenate([points[:1], points[:7:-1]])


def _fit(points: Floats, down: Floats) -> Floats:
    """Least squares of `Lid` through (9, 2) points from corner to corner, the line between them its axis."""
    offset = points - points[0]
    span = max(float(np.hypot(*offset[-1])), 1e-3)
    across = offset[-1] / span
    normal = np.array([-across[1], across[0]], np.float32)
    normal = normal if float(normal @ down) >= 0 else -normal
    t, y = offset @ across / span, offset @ normal
    basis = np.vander(t, _GRADE + 1) * (t * (1 - t))[:, None]
    # A trace of ridge: on the far eye of a profile all points have nearly the same t.
    squares = basis.T @ basis + 1e-5 * np.eye(_GRADE + 1)
    return np.asarray(np.linalg.solve(squares, basis.T @ y), np.float32)
