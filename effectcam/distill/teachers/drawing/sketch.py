"""The sketch under a graphic look: a picture's flats, its light in steps, its lines, its blacks, its figure.

Comic, ink, pencil and pop-art each make their own picture of it. Every layer is computed when it is first
asked for, from the picture nearby and one exposure for the whole.
"""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np

from effectcam.distill.teachers.drawing.flats import Shades, flat_colour, shades
from effectcam.distill.teachers.drawing.graphic_features import GraphicFeatures, graphic_features, no_features
from effectcam.distill.teachers.drawing.ground import Pixels, balanced, calm, check
from effectcam.distill.teachers.drawing.lines import Plane, flow_lines
from effectcam.distill.teachers.head.face_parts import FaceParts, Landmarks, Picture, blur, smooth_step
from effectcam.distill.teachers.head.figure import figure
from effectcam.distill.teachers.head.flesh import flesh_of

_BALANCE = 0.65


class Sketch:
    """Layers of one picture; Lab pictures float32 (H, W, 3), planes float32 (H, W)."""

    def __init__(
        self, image: Pixels, landmarks: Landmarks | None, /, *, look: str, line_width: float = 1.0
    ) -> None:
        """``image`` uint8 (H, W, 3) RGB, sides of at least 32 px; ``landmarks`` float32 (478, 2 or 3) in
        its pixels, or None. ``line_width``: see `fine`. Raises UsageError, in the name of ``look``."""
        check(image, landmarks, look=look)
        self._image = image
        self._line_width = line_width
        self.unit = min(image.shape[:2]) / 256
        """The shorter side in units of 256 px."""
        self.lab = _lit(image)
        self.parts = (
            None
            if landmarks is None
            else FaceParts(np.asarray(landmarks[:, :2], np.float32), image.shape[0], image.shape[1])
        )

    @cached_property
    def still(self) -> Picture:
        """Without grain, pores and weave."""
        return calm(self.lab, self.unit)

    @cached_property
    def broad(self) -> Picture:
        """Without small folds and strands either."""
        out = self.still
        for _ in range(3):
            out = np.asarray(cv2.bilateralFilter(out, -1, 7.0, 4.0 * self.unit), np.float32)
        return out

    @cached_property
    def tone(self) -> Plane:
        """Lightness of `broad`."""
        return np.ascontiguousarray(self.broad[..., 0])

    @cached_property
    def flat(self) -> Picture:
        return flat_colour(self.broad, self.unit)

    @cached_property
    def flat_tone(self) -> Plane:
        """Lightness of `flat`, its borders a little soft."""
        return blur(np.ascontiguousarray(self.flat[..., 0]), 0.7 * self.unit)

    @cached_property
    def shades(self) -> Shades:
        return shades(self.tone, self.flat_tone, self.unit)

    @cached_property
    def skin(self) -> Plane:
        return flesh_of(self.flat, self.parts, self.unit)

    @cached_property
    def figure(self) -> Plane:
        return figure(self._image, self.still, self.unit)

    def behind(self, plane: Plane, run: float, /) -> Plane:
        """``plane`` where it lies behind the person, smoothed by ``run`` units, without the person's own."""
        ground = 1 - self.figure
        sigma = run * self.unit
        return np.asarray(blur(plane * ground, sigma) / (blur(ground, sigma) + np.float32(0.02)), np.float32)

    def receding(self, plane: Plane, share: float, /, *, run: float) -> Plane:
        """``plane``, and ``share`` of it in `behind` where that is behind the person."""
        far = np.float32(share) * self.behind(plane, run)
        return np.asarray(far + (plane - far) * self.figure, np.float32)

    @cached_property
    def fine(self) -> Plane:
        """Lines of features and folds, 0 to 1; at a ``line_width`` of 1 about 2 px wide at 256."""
        width = self._line_width * self.unit
        return flow_lines(
            _contrast(self.still), width=0.8 * width, length=4.0 * width, threshold=0.6, softness=0.9
        )

    @cached_property
    def bold(self) -> Plane:
        """Thick lines, only where two large shapes meet."""
        width = self._line_width * self.unit
        return flow_lines(
            _contrast(self.broad), width=1.7 * width, length=7.0 * width, threshold=2.0, softness=2.0
        )

    def blacks(self, *, ground: float, skin: float, least: float, softness: float = 3.0) -> Plane:
        """Spotted blacks, 0 to 1: dark hair, dark cloth, deep shadow.

        ``ground``: lightness below which everything but skin is black. ``skin``: the same for skin, as a
        share of its own flat, for a dark face must not fill up. ``least``: lightness that is black on skin
        too. ``softness``: half the step's width in lightness; less crawls in video.
        """
        # A wide sharpening (XDoG's; Winnemöller, Kyprianidis, Olsen 2012) opens lights inside dark shapes.
        sharp = self.tone + 0.9 * (self.tone - blur(self.tone, 5.0 * self.unit))
        own = np.maximum(np.float32(least), np.float32(skin) * self.flat_tone)
        threshold = ground + (own - ground) * self.skin
        return 1 - smooth_step(np.asarray(sharp - threshold, np.float32), -softness, softness)

    def features(self, ink: Plane, /, *, line_width: float) -> GraphicFeatures:
        """Eyes and mouth over ``ink``; without landmarks the ink alone."""
        if self.parts is None:
            return no_features(np.ascontiguousarray(self.lab[..., 0]), ink)
        return graphic_features(self.parts, self.lab, ink, line_width=line_width * self._line_width)


def _lit(image: Pixels) -> Picture:
    """Lab, the light put right as for every drawn look, but not all the way: a dim picture of somebody dark
    would otherwise be drawn as a bright one of somebody lighter."""
    plain = np.asarray(cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)
    return plain + np.float32(_BALANCE) * (balanced(image) - plain)


def _contrast(lab: Picture) -> Plane:
    """What lines are found in: lightness, less for vivid colour, so that a face ends before a wall as light
    as itself."""
    return np.asarray(lab[..., 0] - 0.35 * np.hypot(lab[..., 1], lab[..., 2]), np.float32)
