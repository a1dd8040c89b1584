"""The stained-glass look: flat panes of luminous colour between black cames of lead.

Where a pane ends is told by the picture alone, for a student can learn nothing else: at the level lines of a
much simplified tone and colour, where these change within a few pixels. On a slope the same lines would be
nowhere in particular: no student finds them, and they wander with the light. Never by a random mosaic, nor by
the way a line runs, since training mirrors pictures and lays them on their side. A face with landmarks is cut
along the mesh as a glazier would.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.distill.teachers.drawing.glass_face import GlassFace
from effectcam.distill.teachers.drawing.ground import Pixels, balanced, calm, check, to_pixels
from effectcam.distill.teachers.drawing.kuwahara import kuwahara
from effectcam.distill.teachers.drawing.lines import Plane, flow_lines
from effectcam.distill.teachers.drawing.palette import laid
from effectcam.distill.teachers.head.eyewear import eyewear
from effectcam.distill.teachers.head.face_parts import Landmarks, Picture, blur, smooth_step
from effectcam.distill.teachers.head.flesh import flesh_of

_LEAD = np.array([7, 0, -2], np.float32)

_TONE = 18.0
"""Lightness from one pane to the next."""
_HUE = 26.0
"""The same for Lab's a and b."""

_STEEP = (0.07, 0.13)
"""Of these steps, how many a pixel must bring for a lead to begin, and to be whole."""

_TINTS = (
    (0.0, 14, -24),
    (20.0, 24, -46),
    (38.0, 18, -50),
    (55.0, -14, -30),
    (70.0, -16, 4),
    (85.0, 2, 34),
    (100.0, 2, 30),
)
"""Lab's a and b of the glass for what has no colour of its own, by its lightness: violet, cobalt, sea and
straw."""


@dataclass(frozen=True, kw_only=True)
class StainedGlass:
    """Glazes a picture, face crop or whole frame.

    came: width of the lead, relative to the picture's shorter side; 1 is about 3 px at 256. More is bolder,
        and fills eyes.
    light: how much brighter a pane is in its middle than beside the lead, 0 to 1.
    tint: how far what has no colour of its own gets one, 0 (clear glass) to 1.
    """

    came: float = 1.0
    light: float = 0.55
    tint: float = 0.8

    def __call__(self, image: Pixels, landmarks: Landmarks | None) -> Pixels:
        """Glaze one picture.

        image: uint8 (H, W, 3), RGB, sides of at least 32 px. landmarks: float32 (478, 2 or 3), pixels, or
        None. Returns uint8 (H, W, 3), RGB; the same input gives the same bytes. Raises UsageError for another
        shape or type.
        """
        check(image, landmarks, look="stained glass")
        unit = min(image.shape[:2]) / 256
        width = self.came * unit
        lab = balanced(image, share=0.8)
        still = calm(lab, unit)
        simple = _simplified(still, unit)
        lead = _borders_of_panes(simple, width)
        face = None
        if landmarks is not None:
            face = GlassFace(np.asarray(landmarks[:, :2], np.float32), *image.shape[:2])
        skin = flesh_of(simple, face, unit)
        panes = _level(simple, unit)
        tint = np.float32(self.tint) * (1 - 0.6 * skin)
        grey = np.ascontiguousarray(still[..., 0])
        edges = flow_lines(grey, width=width, length=8 * width, threshold=0.6, softness=0.9)
        if face is None or landmarks is None:
            glass = _glass(panes, tint)
            # Eyes and mouths have no more than these.
            lead = np.maximum(lead, edges * skin)
        else:
            worn = _joined(np.maximum(edges, _wires(grey, width)), width) * eyewear(image, landmarks)
            panes, own = face.panes(lab, panes)
            glass = face.features(lab, _glass(panes, tint))
            lead = np.maximum(lead * (1 - face.face()), face.cames(edges, own, worn, width))
        shaded = glass.copy()
        shaded[..., 0] *= 1.1 - np.float32(self.light) * blur(lead, 3.5 * width)
        return to_pixels(laid(np.clip(shaded, [0, -128, -128], [97, 128, 128]), _LEAD, lead))


def _simplified(still: Picture, unit: float) -> Picture:
    """Few large patches of one colour with crisp borders, Lab."""
    dabs = kuwahara(still, radius=6.0 * unit, reach=4.0 * unit)
    out = np.dstack([cv2.medianBlur(np.ascontiguousarray(dabs[..., i]), 5) for i in range(3)])
    for _ in range(3):
        out = np.asarray(cv2.bilateralFilter(out, -1, 9.0, 6.0 * unit), np.float32)
    return np.asarray(out, np.float32)


def _level(simple: Picture, unit: float) -> Picture:
    """The panes' own colours: about one lightness each."""
    out = simple.copy()
    level = (np.floor(simple[..., 0] / _TONE) + 0.5) * _TONE
    out[..., 0] += 0.5 * (level - simple[..., 0])
    return np.asarray(cv2.GaussianBlur(out, (0, 0), 0.8 * unit), np.float32)


def _borders_of_panes(simple: Picture, width: float) -> Plane:
    """Lead between panes, (H, W), 0 to 1."""
    soft = np.asarray(cv2.GaussianBlur(_doubled(simple), (0, 0), 2 * width), np.float32)
    steps = np.array([_TONE, _HUE, _HUE], np.float32)
    # Tones change in the middle between two levels, hues where grey is in the middle of one.
    label = np.floor(soft / steps + np.array([0, 0.5, 0.5], np.float32)).astype(np.int32)
    lead = _borders(label @ np.array([1, 32, 1024], np.int32), width)
    blurred = cv2.GaussianBlur(simple / steps, (0, 0), width)
    right, down = (cv2.Sobel(blurred, -1, x, 1 - x, scale=1 / 8) for x in (1, 0))
    came = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round(1.5 * width) + 1,) * 2)
    rise = cv2.dilate(np.hypot(right, down).max(axis=2), came)
    return _halved(lead) * smooth_step(np.asarray(rise, np.float32), *_STEEP)


def _borders(label: NDArray[np.int32], width: float) -> Plane:
    """Lead of even width between labels, 0 to 1, at twice the picture's size, so that it has smooth rims."""
    free = np.ones(label.shape, np.uint8)
    free[:, 1:][label[:, 1:] != label[:, :-1]] = 0
    free[1:][label[1:] != label[:-1]] = 0
    # Borders that all but touch share one came.
    reach = 2 * round(2.2 * width) + 1
    joined = cv2.morphologyEx(
        free, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    )
    # A picture without any border is as far from one as can be.
    away = np.minimum(cv2.distanceTransform(joined, cv2.DIST_L2, 5) / 2, np.float32(max(label.shape)))
    return 1 - smooth_step(np.asarray(away, np.float32), 0.8 * width, 1.5 * width)


def _wires(grey: Plane, width: float) -> Plane:
    """Lines along what is bright, where `flow_lines` has those along what is dark."""
    return flow_lines(
        np.float32(100) - grey, width=0.9 * width, length=8 * width, threshold=0.7, softness=0.9
    )


def _joined(lines: Plane, width: float) -> Plane:
    """One came for lines that all but touch: a frame has an inner and an outer rim."""
    reach = 2 * round(1.5 * width) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    return np.asarray(cv2.morphologyEx(lines, cv2.MORPH_CLOSE, kernel), np.float32)


def _doubled(picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    return np.asarray(cv2.resize(picture, (2 * width, 2 * height), interpolation=cv2.INTER_CUBIC), np.float32)


def _halved(plane: Plane) -> Plane:
    height, width = plane.shape
    return np.asarray(cv2.resize(plane, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.float32)


def _glass(panes: Picture, tint: Plane) -> Picture:
    """The colours as glass with the day behind it: deeper and lighter at once."""
    out = panes.copy()
    lightness, a, b = panes[..., 0], panes[..., 1], panes[..., 2]
    chroma = np.hypot(a, b)
    gain = 1.7 / (1 + (chroma / 70) ** 2)
    plain = tint * (1 - smooth_step(chroma, 6, 16))
    at, green_red, blue_yellow = zip(*_TINTS, strict=True)
    out[..., 1] = a * gain + plain * (np.interp(lightness, at, green_red) - a * gain)
    out[..., 2] = b * gain + plain * (np.interp(lightness, at, blue_yellow) - b * gain)
    t = np.clip(lightness / 100, 0, 1)
    out[..., 0] = 14 + 80 * (t + 0.4 * t * (1 - t))
    return out
