"""The features of a drawn face: complexion, brows, eyes, lips and teeth, placed by landmarks."""

import math
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from effectcam.distill.teachers.lines import Plane

Picture = npt.NDArray[np.float32]
"""Lab, shape (H, W, 3): lightness 0 to 100, then a and b."""

Landmarks = npt.NDArray[np.float32]
"""MediaPipe's face mesh with irises, shape (478, 2 or 3): x and y in pixels."""

# Indices into MediaPipe's face mesh with irises (478 points).
_FACE = (
    "10 338 297 332 284 251 389 356 454 323 361 288 397 365 379 378 400 377 152 148 176 149 150 "
    "136 172 58 132 93 234 127 162 21 54 103 67 109"
)
_LIPS = "61 146 91 181 84 17 314 405 321 375 291 409 270 269 267 0 37 39 40 185"
_MOUTH = "78 95 88 178 87 14 317 402 318 324 308 415 310 311 312 13 82 81 80 191"
_MOUTH_UPPER = "78 191 80 81 82 13 312 311 310 415 308"
_MOUTH_LOWER = "78 95 88 178 87 14 317 402 318 324 308"
_CHEEKS = (50, 280)


def _points(indices: str) -> list[int]:
    return [int(index) for index in indices.split()]


class _Eye(NamedTuple):
    """Mesh indices of one eye; lids run from the outer corner to the inner one."""

    upper: list[int]
    lower: list[int]
    brow: list[int]
    iris: list[int]


_EYES = (
    _Eye(
        _points("33 246 161 160 159 158 157 173 133"),
        _points("33 7 163 144 145 153 154 155 133"),
        _points("70 63 105 66 107 55 65 52 53 46"),
        [468, 469, 470, 471, 472],
    ),
    _Eye(
        _points("263 466 388 387 386 385 384 398 362"),
        _points("263 249 390 373 374 380 381 382 362"),
        _points("300 293 334 296 336 285 295 282 283 276"),
        [473, 474, 475, 476, 477],
    ),
)


def smooth_step(value: Plane, low: float, high: float) -> Plane:
    """Smooth step from 0 at low to 1 at high."""
    t = np.clip((value - np.float32(low)) / np.float32(high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)


def blur(plane: Plane, sigma: float) -> Plane:
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma), dtype=np.float32)


class Features:
    """Eyes, brows, lips, teeth and cheeks of one face, drawn where the landmarks say."""

    def __init__(self, points: Landmarks, height: int, width: int) -> None:
        self._points = points
        self._size = (height, width)
        outer, other = points[33], points[263]
        # Turned heads bring the eyes together: the face's length keeps the measure.
        length = float(np.hypot(*(points[10] - points[152])))
        self._face = max(float(np.hypot(*(outer - other))), 0.62 * length, 8.0)

    def _fill(self, indices: list[int], soft: float) -> Plane:
        mask = np.zeros(self._size, np.uint8)
        cv2.fillPoly(mask, [np.round(self._points[indices] * 16).astype(np.int32)], (255,), cv2.LINE_AA, 4)
        return blur(mask.astype(np.float32) / 255, soft)

    def _disc(self, centre: Landmarks, radius: float, soft: float) -> Plane:
        mask = np.zeros(self._size, np.uint8)
        x, y = np.round(centre * 16).astype(int)
        cv2.circle(mask, (int(x), int(y)), max(int(radius * 16), 1), (255,), -1, cv2.LINE_AA, 4)
        return blur(mask.astype(np.float32) / 255, soft)

    def _stroke(self, path: Landmarks, width: float) -> Plane:
        """A stroke that swells in its middle and thins to its ends."""
        mask = np.zeros(self._size, np.uint8)
        dense = _dense(path)
        for position, point in enumerate(dense):
            t = position / (len(dense) - 1)
            radius = 0.5 * width * (0.45 + 0.55 * math.sin(math.pi * t) ** 0.7)
            x, y = np.round(point * 16).astype(int)
            cv2.circle(mask, (int(x), int(y)), max(int(radius * 16), 4), (255,), -1, cv2.LINE_AA, 4)
        return blur(mask.astype(np.float32) / 255, 0.35)

    def draw(self, lab: Picture, flat: Picture, lines: Plane, line_width: float) -> tuple[Picture, Plane]:
        """Returns the picture (Lab) and the lines with the features drawn into them."""
        out, ink = flat.copy(), lines.copy()
        self._complexion(out)
        self._rims(lab, out)
        for eye in _EYES:
            self._brow(eye, lab, out)
            ink = self._eye(eye, lab, out, ink, line_width)
        ink = self._mouth(lab, out, ink, line_width)
        return out, ink

    def _complexion(self, out: Picture) -> None:
        """Skin without the purple and green that shadows and walls throw on it; a hint of blush."""
        face = self._fill(_points(_FACE), 0.03 * self._face)
        lips = self._fill(_points(_LIPS), 0.02 * self._face)
        hue = np.arctan2(out[..., 2], out[..., 1])
        chroma = np.hypot(out[..., 1], out[..., 2])
        flesh = face * (1 - smooth_step(np.abs(hue - 0.6), 1.1, 1.7))
        kept = (1 - lips) * np.clip(hue, 0.68, 0.98) + lips * np.clip(hue, 0.38, 0.7)
        hue = hue + 0.85 * flesh * (kept - hue)
        out[..., 1] = chroma * np.cos(hue)
        out[..., 2] = chroma * np.sin(hue)
        for index in _CHEEKS:
            glow = self._disc(self._points[index], 0.13 * self._face, 0.09 * self._face) * face
            glow *= smooth_step(out[..., 0], 15, 45)
            out[..., 1] += 0.2 * glow * np.maximum(out[..., 1], 0)

    def _rims(self, lab: Picture, out: Picture) -> None:
        """Fine strong detail round the eyes, back again: spectacles of thin bright wire get no ink."""
        points = self._points
        belt = np.zeros(self._size, np.float32)
        for eye in _EYES:
            centre = points[[*eye.upper, *eye.lower]].mean(axis=0)
            belt = np.maximum(belt, self._disc(centre, 0.26 * self._face, 0.06 * self._face))
        belt = np.maximum(belt, self._disc(points[168], 0.12 * self._face, 0.05 * self._face))
        seen = np.ascontiguousarray(lab[..., 0])
        detail = blur(seen, 0.005 * self._face) - blur(seen, 0.035 * self._face)
        out[..., 0] += 1.3 * belt * detail * smooth_step(np.abs(detail), 3.0, 8.0)

    def _brow(self, eye: _Eye, lab: Picture, out: Picture) -> None:
        mask = self._fill(eye.brow, 0.015 * self._face)
        # Only what is darker than its surroundings is brow: raised or pale brows are not painted anew.
        local = blur(np.ascontiguousarray(lab[..., 0]), 0.012 * self._face)
        around = blur(np.ascontiguousarray(lab[..., 0]), 0.12 * self._face)
        hair = mask * smooth_step(around - local, 2, 14)
        out[..., 0] *= 1 - 0.5 * hair

    def _eye(self, eye: _Eye, lab: Picture, out: Picture, ink: Plane, line_width: float) -> Plane:
        points = self._points
        upper, lower = points[eye.upper], points[eye.lower]
        span = float(np.hypot(*(upper[0] - upper[-1])))
        gap = float(np.hypot(*(upper[4] - lower[4])))
        if span < 4:
            return ink
        open_ = float(np.clip((gap / span - 0.10) / 0.12, 0, 1))
        ball = self._fill([*eye.upper, *reversed(eye.lower[1:-1])], 0.03 * span) * np.float32(open_)
        centre = points[eye.iris[0]]
        radius = float(np.mean(np.hypot(*(points[eye.iris[1:]] - centre).T)))
        iris = self._disc(centre, radius, 0.035 * span) * ball
        white = np.clip(ball - iris, 0, 1)
        lightness, a, b = out[..., 0], out[..., 1], out[..., 2]
        seen = lab[..., 0]
        # The eye itself is too small for flat shading: take its own light and shade, sharpened.
        crisp = seen + 0.8 * (seen - blur(np.ascontiguousarray(seen), 0.06 * span))
        bright = np.clip(100 - (100 - np.clip(crisp, 0, 100)) * 0.36, 0, 97)
        lightness += white * 0.85 * (bright - lightness)
        a *= 1 - 0.8 * white
        b *= 1 - 0.8 * white
        across = points[263] - points[33]
        across = across / max(float(np.hypot(*across)), 1e-3)
        up = np.array([across[1], -across[0]], dtype=np.float32)
        rows, columns = np.indices(self._size, dtype=np.float32)
        height = ((columns - centre[0]) * up[0] + (rows - centre[1]) * up[1]) / max(radius, 1)
        # Lit from above, an iris is dark under the lid and glows below: the drawn eye's depth.
        glow = np.clip(0.55 * np.clip(crisp, 0, 70) + 14 - 16 * np.clip(height, -1, 1), 4, 66)
        lightness += iris * 0.85 * (glow - lightness)
        # Dark eyes are brown, whatever colour they mirror.
        brown = 1 - smooth_step(blur(np.ascontiguousarray(seen), 0.12 * span), 26, 46)
        # A grey photograph stays grey.
        brown = brown * smooth_step(blur(np.hypot(lab[..., 1], lab[..., 2]), 0.5 * span), 2, 8)
        a += iris * (lab[..., 1] * (1.9 - brown) + 4 * brown - a)
        b += iris * (lab[..., 2] * (1.9 - 1.4 * brown) + 9 * brown - b)
        pupil = self._disc(centre, 0.42 * radius, 0.02 * span) * ball
        lightness *= 1 - 0.8 * pupil
        rim = (
            np.clip(
                self._disc(centre, radius, 0.02 * span) - self._disc(centre, 0.82 * radius, 0.02 * span), 0, 1
            )
            * ball
        )
        lightness *= 1 - 0.55 * rim
        spot = centre + radius * 0.38 * (up - 0.8 * across)
        light = self._disc(spot.astype(np.float32), 0.30 * radius, 0.015 * span) * ball
        lightness += light * (98 - lightness)
        a *= 1 - light
        b *= 1 - light
        ink = ink * (1 - 0.9 * ball)
        lid = self._stroke(upper, 0.13 * span * line_width)
        low = self._stroke(lower[1:-1], 0.03 * span * line_width)
        return np.maximum(np.maximum(ink, lid), 0.55 * low)

    def _mouth(self, lab: Picture, out: Picture, ink: Plane, line_width: float) -> Plane:
        points = self._points
        span = float(np.hypot(*(points[61] - points[291])))
        if span < 4:
            return ink
        gap = float(np.hypot(*(points[13] - points[14])))
        open_ = float(np.clip((gap / span - 0.03) / 0.08, 0, 1))
        inner = self._fill(_points(_MOUTH), 0.015 * span) * np.float32(open_)
        lips = np.clip(self._fill(_points(_LIPS), 0.025 * span) - inner, 0, 1)
        out[..., 1] += 5 * lips
        out[..., 2] += 2 * lips
        out[..., 0] *= 1 - 0.08 * lips
        seen = lab[..., 0]
        smooth = blur(np.ascontiguousarray(seen), 0.012 * span)
        teeth = (
            inner
            * smooth_step(smooth, 42, 62)
            * (1 - smooth_step(np.hypot(lab[..., 1], lab[..., 2]), 24, 36))
        )
        out[..., 0] += teeth * (np.clip(smooth * 0.35 + 64, 0, 96) - out[..., 0])
        out[..., 1] *= 1 - 0.85 * teeth
        out[..., 2] *= 1 - 0.75 * teeth
        dark = inner * (1 - smooth_step(smooth, 18, 38))
        out[..., 0] *= 1 - 0.4 * dark
        ink = ink * (1 - 0.95 * teeth)
        top = self._stroke(points[_points(_MOUTH_UPPER)], 0.035 * span * line_width)
        bottom = self._stroke(points[_points(_MOUTH_LOWER)], 0.02 * span * line_width)
        return np.maximum(ink, np.maximum(top, bottom * np.float32(open_) * 0.7))


def _dense(path: Landmarks) -> Landmarks:
    """The path in even steps of about half a pixel, rounded at its corners."""
    steps = np.hypot(*np.diff(path, axis=0).T)
    at = np.concatenate([[0.0], np.cumsum(steps)])
    count = max(int(at[-1] * 2), 8)
    where = np.linspace(0, at[-1], count)
    x, y = (np.interp(where, at, path[:, i]).astype(np.float32)[:, None] for i in (0, 1))
    sigma = max(float(at[-1]) * 0.08, 0.5)
    soft = [
        cv2.GaussianBlur(c, (1, 0), sigmaX=1, sigmaY=sigma, borderType=cv2.BORDER_REPLICATE) for c in (x, y)
    ]
    return np.column_stack([np.asarray(c).reshape(-1) for c in soft]).astype(np.float32)
