"""The toon look: flat cel shading, clean dark lines, vivid colour, bright eyes.

Soft-quantised shading follows H. Winnemöller, S. Olsen, B. Gooch, "Real-Time Video Abstraction" (SIGGRAPH
2006); the lines are those of :mod:`effectcam.distill.teachers.drawing.lines`. All steps depend on the picture
nearby and on one exposure for the whole, so that a small convolutional student can learn them, and two
noisy views of a scene give one drawing.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from effectcam.distill.teachers.drawing.ground import balanced, calm, check, to_pixels
from effectcam.distill.teachers.drawing.lines import Plane, flow_lines
from effectcam.distill.teachers.drawing.toon_features import Features
from effectcam.distill.teachers.head.face_parts import Landmarks, Picture, blur, smooth_step


@dataclass(frozen=True, kw_only=True)
class Toon:
    """Redraws a picture as a cel of an animated film.

    Works on a face crop with landmarks (eyes, lips, brows and teeth are then drawn with care) and on a whole
    frame without them, in the same look. Nothing is moved: enlarge the eyes before, and
    warp the landmarks with them.

    line_width: strokes' width, relative to the picture's shorter side; 1 is about 1.7 px at 256. More is
        bolder and loses small features.
    flatness: 0 keeps the smooth shading, 1 leaves pure tone steps, whose edges are harder to learn and
        crawl in video.
    vividness: gain on pale colours; 0 leaves them pale, more than 1.5 makes skin look painted.
    ink: opacity of the lines, 0 to 1.
    """

    line_width: float = 1.0
    flatness: float = 0.85
    vividness: float = 1.0
    ink: float = 0.92

    def __call__(self, image: npt.NDArray[np.uint8], landmarks: Landmarks | None) -> npt.NDArray[np.uint8]:
        """Draw one picture.

        image: uint8 (H, W, 3), RGB, sides of at least 32 px; left as it is.
        landmarks: float32 (478, 2 or 3), x and y in pixels of this very picture (after any warp), or None.

        Returns uint8 (H, W, 3), RGB. Deterministic. Raises UsageError for another shape or type.
        """
        check(image, landmarks, look="toon")
        unit = min(image.shape[:2]) / 256
        lab = balanced(image)
        still = calm(lab, unit)
        lines = _ink(still, self.line_width * unit)
        flat = _cel(still, unit, self.flatness)
        flat = _coloured(flat, self.vividness)
        if landmarks is not None:
            points = np.asarray(landmarks[:, :2], dtype=np.float32)
            flat, lines = Features(points, image.shape[0], image.shape[1]).draw(
                lab, flat, lines, self.line_width
            )
        return _inked(flat, lines * np.float32(self.ink))


def _ink(still: Picture, width: float) -> Plane:
    return flow_lines(
        np.ascontiguousarray(still[..., 0]),
        width=0.8 * width,
        length=4.0 * width,
        threshold=0.5,
        softness=0.9,
    )


def _cel(still: Picture, unit: float, flatness: float) -> Picture:
    """Few large tone shapes with soft edges."""
    broad = still
    for _ in range(2):
        broad = np.asarray(cv2.bilateralFilter(broad, -1, 7.0, 4.0 * unit), dtype=np.float32)
    lightness = blur(np.ascontiguousarray(broad[..., 0]), 0.5 * unit)
    step = np.float32(13.0)
    level = (lightness - 4) / step
    nearest = np.round(level)
    # Winnemöller: a steep edge gets a sharp step, a slow gradient a soft one, which does not crawl.
    gx, gy = (cv2.Scharr(blur(lightness, 2.0 * unit), cv2.CV_32F, i, 1 - i, scale=1 / 32) for i in (1, 0))
    slope = np.clip(np.sqrt(gx * gx + gy * gy) * np.float32(unit) * 5, 6.0, 14.0)
    rest = level - nearest
    stepped = nearest + 0.5 * np.sign(rest) * (
        1 - np.tanh(slope * (0.5 - np.abs(rest))) / np.tanh(slope * 0.5)
    )
    flat = stepped * step + 4
    out = broad.copy()
    out[..., 0] = np.clip(lightness + np.float32(flatness) * (flat - lightness), 0, 100)
    return out


def _coloured(flat: Picture, vividness: float) -> Picture:
    """Vibrance, healthy skin, lifted lights and cool shadows."""
    out = flat.copy()
    lightness, a, b = out[..., 0], out[..., 1], out[..., 2]
    chroma = np.hypot(a, b)
    hue = np.arctan2(b, a)
    # Skin of every tone has its hue near 50 degrees of Lab; warm or dim light pushes it to orange and brown.
    skin = (
        np.exp(-0.5 * ((hue - 0.8) / 0.5) ** 2)
        * smooth_step(chroma, 3, 10)
        * (1 - smooth_step(chroma, 48, 70))
        * smooth_step(lightness, 12, 30)
    )
    hue = hue + skin * (0.3 * (np.float32(0.86) - hue) + 0.6 * (np.clip(hue, 0.76, 0.95) - hue))
    pale = smooth_step(chroma, 1, 9) * smooth_step(lightness, 8, 48) / (1 + (chroma / 45) ** 2)
    gain = 1 + np.float32(vividness) * (0.9 * pale * (1 - skin) + 0.25 * pale * skin)
    chroma = chroma * gain
    chroma = chroma - skin * np.maximum(chroma - 34, 0) * 0.5
    chroma = chroma + skin * np.maximum(29 - chroma, 0) * 0.55
    # Deep darks and an open middle, but lights that stop short of white, or fair skin has no colour left.
    t = lightness / 100
    lightness = 100 * (t + 0.9 * t * (1 - t) * (t - 0.28) / (0.5 + t))
    shade = 1 - smooth_step(lightness, 15, 60)
    out[..., 0] = np.clip(lightness, 0, 100)
    out[..., 1] = chroma * np.cos(hue) + 1.5 * shade * (1 - skin)
    out[..., 2] = chroma * np.sin(hue) - 3.5 * shade * (1 - 0.6 * skin)
    return out


def _inked(flat: Picture, lines: Plane) -> npt.NDArray[np.uint8]:
    """Lines in a very dark shade of what they cross: kinder than black, as in film."""
    keep = (1 - np.clip(lines, 0, 1))[..., None]
    dark = np.empty_like(flat)
    dark[..., 0] = 6 + 0.08 * flat[..., 0]
    dark[..., 1] = 0.25 * flat[..., 1] + 4
    dark[..., 2] = 0.2 * flat[..., 2] - 3
    mixed = np.asarray(flat * keep + dark * (1 - keep), dtype=np.float32)
    return to_pixels(mixed)
