"""Where occluders are drawn: a transparent layer over a face, at twice the picture's size."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from effectcam.errors import UsageError
from effectcam.frame import Pixels

Floats = NDArray[np.float32]
Mask = NDArray[np.uint8]
Point = NDArray[np.float64]
"""(2,) or (N, 2): x and y in drawing pixels."""

Covered = tuple[Pixels, Mask]
"""The picture with the thing in front, and its coverage (H, W) uint8: 0 bare, 255 hidden."""

PLASTICS = (
    (18, 18, 20),
    (18, 18, 20),
    (70, 40, 24),
    (150, 28, 30),
    (30, 45, 90),
    (215, 210, 200),
    (90, 88, 92),
)

SCALE = 2
"""Drawing size over picture size: enough to make 8-bit edges smooth after averaging down."""

_EMPTY = -1e4
"""Height where there is no body: below every drawn one."""

_SHIFT = 4
"""Fractional bits of coordinates handed to cv2's drawing functions."""


class Canvas:
    """A layer in drawing pixels, with the face's own coordinates and the light of the scene.

    ``at(u, v)`` speaks in face heights (chin to top of forehead, about 18 cm): origin between the
    eyes, u to the picture's right along the line of the eyes, v down the face, so that occluders
    tilt and grow with the head.
    """

    def __init__(self, image: Pixels, landmarks: NDArray[Any], rng: np.random.Generator) -> None:
        """
        Raises:
            UsageError: the picture is not RGB uint8, or the landmarks are not a refined face mesh.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise UsageError(
                f"a picture of shape {image.shape} {image.dtype} cannot be covered: give RGB uint8 (H, W, 3)"
            )
        if landmarks.shape != (478, 3):
            raise UsageError(
                f"landmarks of shape {landmarks.shape} are no refined face mesh: "
                "give (478, 3) in pixels, refine_landmarks=True"
            )
        self.image = image
        self.shape = (image.shape[0] * SCALE, image.shape[1] * SCALE)
        # Pixel centres sit at whole numbers, so scaling moves them by half a pixel.
        self.points = np.asarray((landmarks[:, :2] + 0.5) * SCALE - 0.5, np.float64)
        across = self.points[263] - self.points[33]
        length = float(np.hypot(*across))
        self.right = across / length if length > 0 else np.array([1.0, 0.0])
        self.down = np.array([-self.right[1], self.right[0]])
        self.origin = self.points[[33, 263]].mean(0)
        self.unit = max(4.0, float((self.points[152] - self.points[10]) @ self.down), 1.6 * length)
        angle = rng.uniform(-1.0, 1.0)
        self.light = np.array([0.75 * np.sin(angle), -0.55, 0.75])
        self.light /= np.linalg.norm(self.light)
        self.skin = self._skin()
        # Things in a dark room are dark too: the face tells how bright the scene is.
        self.brightness = float(np.clip(0.35 + 0.65 * self.skin.mean() / 150, 0.4, 1.15))
        self.layer: Floats = np.zeros((*self.shape, 3), np.float32)
        self.alpha: Floats = np.zeros(self.shape, np.float32)

    def _skin(self) -> Floats:
        """Median colour of cheeks and forehead, RGB 0 to 255."""
        spots = np.rint((self.points[[50, 280, 205, 425, 151, 9]] + 0.5) / SCALE - 0.5).astype(int)
        height, width = self.image.shape[:2]
        spots = np.clip(spots, 0, [width - 1, height - 1])
        return np.asarray(np.median(self.image[spots[:, 1], spots[:, 0]], axis=0), np.float32)

    def at(self, u: float, v: float) -> NDArray[np.float64]:
        """Face coordinates to drawing pixels."""
        return np.asarray(self.origin + self.unit * (u * self.right + v * self.down), np.float64)

    def rise(self) -> Floats:
        """The face coordinate v of every drawing pixel, (H, W)."""
        rows, columns = self.shape
        y, x = np.arange(rows)[:, None] - self.origin[1], np.arange(columns)[None] - self.origin[0]
        return np.asarray((x * self.down[0] + y * self.down[1]) / self.unit, np.float32)

    def mask(self, polygon: ArrayLike) -> Mask:
        """A filled polygon of drawing pixels, (H, W) uint8."""
        out = np.zeros(self.shape, np.uint8)
        cv2.fillPoly(out, [_fixed(polygon)], (255,), cv2.LINE_AA, _SHIFT)
        return out

    def stroke(self, line: ArrayLike, width: float, *, closed: bool = False) -> Mask:
        """A line of ``width`` drawing pixels, (H, W) uint8."""
        out = np.zeros(self.shape, np.uint8)
        cv2.polylines(out, [_fixed(line)], closed, (255,), max(1, round(width)), cv2.LINE_AA, _SHIFT)
        return out

    def paint(self, colour: ArrayLike, where: Mask, opacity: float = 1.0) -> None:
        """Lay ``colour`` (three values or (H, W, 3), 0 to 255) over the layer through a mask 0 to 255."""
        box = _window(where)
        alpha = where[box].astype(np.float32) * np.float32(opacity / 255)
        ink = np.asarray(colour, np.float32)
        layer = self.layer[box]
        layer += alpha[..., None] * ((ink[box] if ink.ndim == 3 else ink) - layer)
        self.alpha[box] += alpha * (1 - self.alpha[box])

    def tone(self, colour: ArrayLike) -> Floats:
        """A colour as the scene's light shows it."""
        return np.asarray(colour, np.float32) * np.float32(self.brightness)

    def grain(self, rng: np.random.Generator, *, size: float, amount: float) -> Floats:
        """Smooth random gain (H, W, 1) about 1.

        Args:
            size: of one grain, in face heights.
            amount: standard deviation of the gain.
        """
        step = max(1.0, size * self.unit)
        rows, columns = (max(2, int(side / step)) for side in self.shape)
        small = rng.standard_normal((rows, columns), np.float32)
        field = cv2.resize(small, self.shape[::-1], interpolation=cv2.INTER_CUBIC)
        return np.asarray(1 + amount * field[..., None], np.float32)

    def gloss(self, inside: Mask, *, slope: float, offset: float, width: float, opacity: float) -> None:
        """A soft streak of reflected window across ``inside``: ``offset`` and ``width`` in face heights."""
        ends = [
            self.at(offset + side * width - slope * v, v)
            for v, side in ((-0.5, -1), (-0.5, 1), (0.5, 1), (0.5, -1))
        ]
        streak = soften(self.mask(ends), max(0.5, 0.006 * self.unit))
        self.paint((250, 252, 255), both(streak, inside), opacity)

    def finish(self, *, shadow: float, reach: float) -> tuple[Pixels, Mask]:
        """Average down, cast the contact shadow on the face, and lay the layer over the picture.

        Args:
            shadow: darkness where the shadow is full, 0 to 1.
            reach: how far the thing stands off the skin, in face heights: moves and softens the shadow.
        """
        height, width = self.image.shape[:2]
        size = (width, height)
        # Painting over black premultiplies the layer by its alpha: averaging bleeds nothing.
        layer = cv2.resize(self.layer, size, interpolation=cv2.INTER_AREA)
        alpha = np.asarray(cv2.resize(self.alpha, size, interpolation=cv2.INTER_AREA), np.float32)
        unit = self.unit / SCALE
        away = -self.light[:2] * reach * unit
        moved = cv2.warpAffine(alpha, np.array([[1, 0, away[0]], [0, 1, away[1]]]), size)
        face = self.mask(cv2.convexHull(self.points.astype(np.float32)))
        face = np.asarray(cv2.resize(face, size, interpolation=cv2.INTER_AREA), np.uint8)
        soft = max(0.4, 0.6 * reach * unit)
        fall = (
            cv2.GaussianBlur(moved, (0, 0), soft)
            * cv2.GaussianBlur(face, (0, 0), max(0.4, 0.02 * unit))
            / 255
        )
        # Light that reaches a shadow on skin has wandered through it: red is lost last.
        dark = 1 - shadow * fall[..., None] * np.array([0.85, 1.0, 1.05])
        out = self.image * dark * (1 - alpha[..., None]) + layer
        coverage = np.rint(alpha * 255).astype(np.uint8)
        return np.rint(np.clip(out, 0, 255)).astype(np.uint8), coverage


class Relief:
    """Rounded bodies pressed together into one height field, then lit: hands, foam, cloth."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self.height: Floats = np.full(canvas.shape, _EMPTY, np.float32)
        self.tint: Floats = np.zeros((*canvas.shape, 3), np.float32)

    def limb(
        self,
        start: ArrayLike,
        end: ArrayLike,
        radii: tuple[float, float],
        colour: ArrayLike,
        *,
        lift: float = 0.0,
    ) -> None:
        """A tapered rod with round ends, in drawing pixels; ``lift`` raises it above the others."""
        a, b = np.asarray(start, np.float64), np.asarray(end, np.float64)
        most = max(radii) + 1
        rows, columns = self._canvas.shape
        left, top = np.clip(np.floor(np.minimum(a, b) - most), 0, [columns, rows]).astype(int)
        right, bottom = np.clip(np.ceil(np.maximum(a, b) + most) + 1, 0, [columns, rows]).astype(int)
        if right <= left or bottom <= top:
            return
        y, x = np.mgrid[top:bottom, left:right].astype(np.float32)
        axis = b - a
        share = np.clip(((x - a[0]) * axis[0] + (y - a[1]) * axis[1]) / max(1e-6, float(axis @ axis)), 0, 1)
        away = (x - a[0] - share * axis[0]) ** 2 + (y - a[1] - share * axis[1]) ** 2
        rise = (radii[0] + share * (radii[1] - radii[0])) ** 2 - away
        bump = np.where(rise > 0, np.sqrt(np.maximum(rise, 0)) + lift, _EMPTY).astype(np.float32)
        window = self.height[top:bottom, left:right]
        higher = bump > window
        window[higher] = bump[higher]
        self.tint[top:bottom, left:right][higher] = np.asarray(colour, np.float32)

    def pillow(self, outline: Mask, radius: float, colour: ArrayLike) -> None:
        """A flat piece of cloth that curves down to its outline over ``radius`` drawing pixels."""
        depth = np.minimum(
            cv2.distanceTransform((outline > 127).astype(np.uint8), cv2.DIST_L2, 5) / radius, 1
        )
        bump = np.where(outline > 127, 0.6 * radius * np.sqrt(1 - (1 - depth) ** 2), _EMPTY).astype(
            np.float32
        )
        higher = bump > self.height
        self.height[higher] = bump[higher]
        self.tint[higher] = np.asarray(colour, np.float32)

    def mask(self) -> Mask:
        """Where there is any body, (H, W) uint8, with an edge soft enough to average down."""
        return np.asarray(cv2.GaussianBlur(self._outline(), (0, 0), 0.8), np.uint8)

    def _outline(self) -> Mask:
        return np.where(self.height > _EMPTY / 2, 255, 0).astype(np.uint8)

    def raise_by(self, other: Relief, share: float) -> None:
        """Let this body be lifted by what ``other`` has under it, as cloth over a nose."""
        there = self.height > _EMPTY / 2
        self.height[there] += np.float32(share) * np.maximum(other.height[there], 0)

    def melt(self, radius: float) -> None:
        """Let bodies flow into one another, as flesh over bones does; outlines stay."""
        box = _window(self._outline(), margin=int(3 * radius) + 2)
        height = self.height[box]
        inside = height > _EMPTY / 2
        weight = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), radius)
        smooth = cv2.GaussianBlur(np.where(inside, height, 0), (0, 0), radius) / np.maximum(weight, 1e-3)
        self.height[box] = np.where(inside, 0.8 * smooth + 0.2 * height, height)

    def lit(self, *, ambient: float, soft: float, shine: float = 0.0) -> Floats:
        """Shaded colour (H, W, 3): Lambert with a wrapped term, plus a highlight of strength ``shine``.

        Args:
            ambient: light from everywhere; 1 is flat.
            soft: blur of the height field in drawing pixels; rounds creases.
        """
        box = _window(self._outline(), margin=int(3 * soft) + 2)
        height = self.height[box]
        field = np.where(height > _EMPTY / 2, height, 0).astype(np.float32)
        field = np.asarray(cv2.GaussianBlur(field, (0, 0), max(0.4, soft)), np.float32)
        gx = cv2.Sobel(field, cv2.CV_32F, 1, 0, scale=1 / 8)
        gy = cv2.Sobel(field, cv2.CV_32F, 0, 1, scale=1 / 8)
        light = self._canvas.light.astype(np.float32)
        facing = (light[2] - gx * light[0] - gy * light[1]) / np.sqrt(gx * gx + gy * gy + 1)
        facing = np.clip(facing, 0, 1)
        level = ambient + (1.15 - ambient) * facing
        # Shadows on skin and cloth keep a little of their own red.
        shade = cv2.merge([0.1 + 0.9 * level, level, level * level * 0.06 + 0.94 * level])
        out = np.zeros_like(self.tint)
        out[box] = self.tint[box] * shade + np.float32(shine * 255) * facing[..., None] ** 24
        return out


def soften(mask: Mask, sigma: float) -> Mask:
    """Blur a mask's edge by ``sigma`` drawing pixels."""
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), sigma), np.uint8)


def both(first: Mask, second: Mask) -> Mask:
    """Where two masks cover: their product."""
    return np.asarray(cv2.multiply(first, second, scale=1 / 255), np.uint8)


def dye(rng: np.random.Generator) -> Floats:
    """The colour of some cloth or foam: any hue, seldom loud."""
    loud = rng.uniform(20, 215, 3)
    return np.asarray(loud.mean() + rng.uniform(0.1, 0.7) * (loud - loud.mean()), np.float32)


def curve(knots: Sequence[ArrayLike], count: int = 40) -> NDArray[np.float64]:
    """Points (count, 2) of the Bézier curve with these control points (de Casteljau)."""
    share = np.linspace(0, 1, count)[:, None]
    level = [np.broadcast_to(np.asarray(knot, np.float64), (count, 2)) for knot in knots]
    while len(level) > 1:
        level = [first + share * (second - first) for first, second in pairwise(level)]
    return np.array(level[0])


def _fixed(polygon: ArrayLike) -> NDArray[np.int32]:
    flat = np.asarray(polygon, np.float64).reshape(-1, 1, 2)
    return np.asarray(np.rint(np.clip(flat, -1e5, 1e5) * (1 << _SHIFT)), np.int32)


def _window(mask: Mask, *, margin: int = 0) -> tuple[slice, slice]:
    """Rows and columns that hold all of ``mask``: most things cover a fraction of the picture."""
    left, top, width, height = cv2.boundingRect(mask)
    rows = slice(max(0, top - margin), top + height + margin)
    return rows, slice(max(0, left - margin), left + width + margin)
