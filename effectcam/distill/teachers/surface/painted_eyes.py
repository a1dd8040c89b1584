"""Eyes painted anew between the lids: whites, irises and pupils in the light of the scene."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from effectcam.distill.teachers.head.brush import Colour, Floats, blur, mix, step
from effectcam.distill.teachers.head.complexion import LUMA
from effectcam.distill.teachers.head.uv import EYES, polygon_mask

IRISES = ((468, slice(469, 473)), (473, slice(474, 478)))
"""Middle and rim of each iris among the 478 landmarks, in the order of ``EYES``."""


@dataclass(frozen=True, slots=True)
class Gaze:
    """One open eye in the picture: rows and columns ``box``, and in it ``mask`` (h, w), 1 between the lids,
    and ``away`` (h, w), distance from the iris's middle in radii of the iris; ``middle`` (x, y) and
    ``radius`` of the iris in pixels; ``openness`` 0 shut to 1."""

    box: tuple[slice, slice]
    mask: Floats
    away: Floats
    middle: Floats
    radius: float
    openness: float


def gazes(face: Floats, height: int, width: int) -> Iterator[Gaze]:
    """The eyes of one face, landmarks (478, 3) in pixels; none for one that is shut or out of sight."""
    for opening, (centre, rim) in zip(EYES, IRISES, strict=True):
        radius = float(np.linalg.norm(face[rim, :2] - face[centre, :2], axis=1).mean())
        corners = float(np.linalg.norm(face[opening[8]] - face[opening[0]]))
        lids = float(np.linalg.norm(face[opening[4]] - face[opening[12]]))
        openness = step(0.07, 0.17, np.float32(lids / max(corners, 1e-3)))
        low = np.clip(np.floor(face[opening, :2].min(axis=0)) - 3, 0, [width, height]).astype(int)
        high = np.clip(np.ceil(face[opening, :2].max(axis=0)) + 4, 0, [width, height]).astype(int)
        if radius < 0.5 or openness == 0 or (high <= low).any():
            continue
        box = np.s_[low[1] : high[1], low[0] : high[0]]
        mask = polygon_mask(face[opening], height, width)[box]
        rows, columns = np.mgrid[box].astype(np.float32)
        away = np.hypot(columns - face[centre, 0], rows - face[centre, 1]) / np.float32(radius)
        yield Gaze(box, mask, away, face[centre, :2], radius, float(openness))


@dataclass(frozen=True, kw_only=True, slots=True)
class PaintedEyes:
    """The paint of a pair of eyes, colours as albedos.

    ``sclera`` runs out into ``inflamed`` towards the corners; ``iris`` loses ``fade`` of its light from the
    middle to ``rim``, which begins at ``rim_from``; ``heart``, if any, shines round the pupil; ``pupil`` and
    ``rim_from`` in radii of the iris. ``lid``: depth of the upper lid's shadow, and ``glint``: strength of a
    catchlight from above, each 0 (only what the picture has) to 1.
    """

    sclera: Colour
    inflamed: Colour
    iris: Colour
    rim: Colour
    fade: float = 0.28
    heart: Colour | None = None
    pupil: float = 0.24
    rim_from: float = 0.78
    lid: float = 0.0
    glint: float = 0.0

    def paint(self, painted: Floats, picture: Floats, face: Floats, exposure: float) -> Floats:
        """``painted`` (H, W, 3) with these eyes; a closed eye stays as it is. ``picture`` gives the shade of
        the lids and the glint, ``exposure`` the room's light."""
        painted = painted.copy()
        for gaze in gazes(face, *painted.shape[:2]):
            luma = picture[gaze.box] @ LUMA
            eye = self._colours(gaze.away, luma, gaze.mask, gaze.radius)
            if self.lid or self.glint:
                eye = self._lit(eye, gaze)
            eye = eye * np.float32(exposure**0.6)
            share = (gaze.mask * np.float32(gaze.openness))[:, :, None]
            painted[gaze.box] += (eye - painted[gaze.box]) * share
        return painted

    @staticmethod
    def irises(face: Floats, height: int, width: int) -> Floats:
        """Where the irises are seen, 0 to 1, (H, W): alpha for an effect that leaves the whites alone."""
        seen = np.zeros((height, width), np.float32)
        for gaze in gazes(face, height, width):
            disc = 1 - step(1.0, 1.0 + 1.2 / gaze.radius, gaze.away)
            np.maximum(seen[gaze.box], disc * gaze.mask * np.float32(gaze.openness), out=seen[gaze.box])
        return seen

    def _lit(self, eye: Floats, gaze: Gaze) -> Floats:
        """The eye under its lid, with a spark of the lamp: without them it looks printed on."""
        drop = np.array([[1, 0, 0], [0, 1, 0.55 * gaze.radius]], np.float32)
        height, width = gaze.mask.shape
        open_above = cv2.warpAffine(gaze.mask, drop, (width, height), borderMode=cv2.BORDER_REPLICATE)
        shade = 1 - np.float32(self.lid) * (1 - blur(np.asarray(open_above, np.float32), 0.35 * gaze.radius))
        rows, columns = np.mgrid[gaze.box].astype(np.float32)
        x, y = (columns - gaze.middle[0]) / gaze.radius, (rows - gaze.middle[1]) / gaze.radius
        soft = 0.8 / gaze.radius
        spark = 1 - step(0.2 - soft / 2, 0.2 + soft, np.hypot(x + 0.32, y + 0.36))
        return mix(eye * shade[:, :, None], (1.0, 1.0, 1.0), np.float32(self.glint) * spark)

    def _colours(self, away: Floats, luma: Floats, mask: Floats, radius: float) -> Floats:
        soft = 0.8 / radius
        local = float(np.median(luma[mask > 0.5])) if (mask > 0.5).any() else 0.5
        # Light on the eyeball: the broad shade of the lids, and the glint itself.
        shade = np.clip(0.55 + 0.5 * blur(luma, radius * 0.8) / max(local, 0.02), 0.6, 1.25)
        glint = step(1.8, 2.8, luma / max(local, 0.02)) * (away < 1)
        ball = np.full((*away.shape, 3), self.sclera, np.float32)
        ball = mix(ball, self.inflamed, 0.85 * step(1.2, 2.5, away))
        iris = np.array(self.iris, np.float32) * (1 - np.float32(self.fade) * away.clip(0, 1))[:, :, None]
        if self.heart is not None:
            iris = mix(iris, self.heart, 1 - step(self.pupil, 0.85, away))
        iris = mix(iris, self.rim, 0.9 * step(self.rim_from, 1.0, away))
        iris *= (step(self.pupil - soft / 2, self.pupil + soft / 2, away) * 0.85 + 0.15)[:, :, None]
        ball = mix(ball, iris, 1 - step(1.0 - soft / 2, 1.05 + soft / 2, away)) * shade[:, :, None]
        return mix(ball, (1.0, 1.0, 1.0), 0.9 * glint)
