"""Very large, dark, wet eyes over the sockets, which look where the eyes look and shut with the lids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from effectcam.distill.teachers.head.brush import Floats, blur, curve, step
from effectcam.distill.teachers.head.uv import EYES, FaceSpace, polygon_mask
from effectcam.distill.teachers.surface.metal import reflect_room
from effectcam.distill.teachers.surface.painted_eyes import IRISES

_ALMOND = (
    (0.455, 0.447),
    (0.412, 0.368),
    (0.342, 0.318),
    (0.265, 0.302),
    (0.190, 0.318),
    (0.225, 0.378),
    (0.288, 0.440),
    (0.355, 0.478),
    (0.415, 0.478),
)
"""Outline of the picture's left eye in the face's flat space, from the corner at the nose over the top."""
_TIPS = (0, 4)
_BLACK = np.array([0.012, 0.014, 0.022], np.float32)
_MIRRORED = np.array([0.10, 0.19, 0.24], np.float32)
_SHEEN = np.array([0.16, 0.13, 0.30], np.float32)


@dataclass(frozen=True, slots=True)
class AlienEye:
    """One eye in the picture: ``ball`` (H, W) its cover, ``socket`` (H, W) the shade round it, and its
    ``colour`` (H, W, 3)."""

    ball: Floats
    socket: Floats
    colour: Floats


class AlienEyes:
    """Lays the eyes on a face; ``size`` scales their height."""

    def __init__(self, space: FaceSpace, *, size: float = 1.0) -> None:
        left = np.array(_ALMOND, np.float32)
        right = left * np.array([-1, 1], np.float32) + np.array([1, 0], np.float32)
        self.anchors = [space.locate(outline) for outline in (left, right)]
        self.size = size

    def __call__(self, face: Floats, mesh: Floats, height: int, width: int) -> list[AlienEye]:
        """Both eyes; ``face`` landmarks (478, 3), ``mesh`` (504, 3), pixels."""
        eyes = []
        for (points, shares), opening, (iris, _) in zip(self.anchors, EYES, IRISES, strict=True):
            outline = (shares[..., None] * mesh[points]).sum(axis=1)[:, :2]
            corners = face[opening, :2]
            across = float(np.linalg.norm(corners[8] - corners[0]))
            lids = float(np.linalg.norm(corners[4] - corners[12])) / max(across, 1e-3)
            opened = float(step(0.06, 0.22, np.float32(lids)))
            gaze = (face[iris, :2] - corners[[0, 8]].mean(axis=0)) / max(across, 1e-3)
            eyes.append(self._paint(outline, gaze, opened, height, width))
        return eyes

    def _paint(self, outline: Floats, gaze: Floats, opened: float, height: int, width: int) -> AlienEye:
        inner, outer = outline[_TIPS[0]], outline[_TIPS[1]]
        along = outer - inner
        length = max(float(np.linalg.norm(along)), 1.0)
        along = along / length
        down = np.array([-along[1], along[0]], np.float32)
        down = down if down[1] >= 0 else -down
        middle = outline.mean(axis=0)
        away = (outline - middle) @ down
        wide = curve(outline + np.outer(away * (self.size - 1), down), closed=True)
        # A shut eye keeps a slit: two lids of skin that meet.
        closed = curve(outline + np.outer(away * (self.size * (0.10 + 0.90 * opened) - 1), down), closed=True)
        ball = blur(polygon_mask(closed, height, width), 0.014 * length)
        grown = middle + (wide - middle) * np.float32(1.10)
        socket = blur(polygon_mask(grown.astype(np.float32), height, width), 0.10 * length)
        rows, columns = np.mgrid[:height, :width].astype(np.float32)
        offset = np.stack([columns, rows], axis=-1) - middle
        x, y = offset @ along / (0.52 * length), offset @ down / (0.30 * length)
        # The ball's normals in the picture's axes, from an ellipsoid's in the eye's own.
        bulge = (0.85 * x)[..., None] * along + (0.85 * y)[..., None] * down
        depth = np.sqrt(np.clip(1 - (bulge**2).sum(axis=-1), 0.02, 1))
        normals = np.concatenate([bulge, -depth[..., None]], axis=-1)
        normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
        broad, lights = reflect_room(normals.astype(np.float32), gloss=1.0)
        colour = _BLACK + _MIRRORED * np.square(broad)[..., None]
        look = offset / np.float32(length) - np.clip(1.1 * gaze, -0.22, 0.22)
        sheen = np.exp(-np.square(look / 0.20).sum(axis=-1))
        colour = colour + _SHEEN * (0.75 * sheen)[..., None] + 0.85 * lights[..., None]
        rim = step(0.5, 1.0, ball) * 0.85 + 0.15
        return AlienEye(ball, socket, np.asarray(colour * rim[..., None], np.float32))
