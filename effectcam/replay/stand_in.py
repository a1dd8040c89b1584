"""A face that belongs to nobody, moved by somebody's landmarks.

The person of the bundled clip does not exist. Its first frame is the texture: cut into the triangles of its
own 468 points and bent onto other points, it turns, talks and blinks as those do, and nothing of who moved it
so is in the picture but where the points of the face were.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

import effectcam
from effectcam.face.crop import Crop, fit_head
from effectcam.face.mesh import LANDMARKS, FaceMesh
from effectcam.frame import Pixels
from effectcam.source.clip import Clip

DEMO = Path(effectcam.__file__).with_name("media") / "demo.mp4"

_GROUND = (96, 104, 112)
"""RGB of what is behind the heads."""
_HEAD = 4.4
"""Distances between the eyes across the part of the picture that moves with a head: hair, neck, shoulders."""
_FADE = 0.3
"""Of its half, over which it fades into the ground."""
_RING, _STIFF = 1.5, 24
"""So far from the head's middle, again between the eyes, are so many points that move with the head alone.
Between them and the face the picture stretches, so that neither hair nor jaw is there twice."""
_SHIFT = 4
"""Binary places of a pixel that corners of triangles are drawn with."""

Points = NDArray[np.float64]


class StandInFace:
    """Draws pictures of it. Costs one look of Face Mesh at the start, then some ten milliseconds a face."""

    def __init__(self) -> None:
        """Raises SourceError or FaceMeshError where the bundled clip cannot be read."""
        with Clip(DEMO) as clip, FaceMesh() as mesh:
            frame = next(clip)
            landmarks = mesh.process(frame)[0].landmarks
        self._picture = frame.pixels
        self._head = fit_head(landmarks)
        self._points: Points = np.concatenate((landmarks[:LANDMARKS, :2], _ring(self._head)))

    def draw(self, width: int, height: int, faces: Sequence[NDArray[np.float32]]) -> Pixels:
        """RGB (height, width, 3) with a face on each of ``faces``, (468, 3) in its pixels; the farther behind
        the nearer. The same faces give the same picture."""
        picture = np.full((height, width, 3), _GROUND, np.uint8)
        heads = sorted(((fit_head(face), face) for face in faces), key=lambda each: each[0].side)
        for head, landmarks in heads:
            self._lay_head(picture, head)
            self._lay_face(picture, head, landmarks[:LANDMARKS])
        return picture

    def _lay_head(self, picture: Pixels, head: Crop) -> None:
        """What is round the face, as stiff as a photograph; the face itself comes on top."""
        height, width = picture.shape[:2]
        box = head.scaled(_HEAD).box(width, height)
        if box is None:
            return
        left, top, right, bottom = box
        texture, own = self._texture(head.side)
        # By way of a crop of both: what is at one place in the one is there in the other.
        affine = own.to_picture(256) @ _square(head.to_crop(256)) @ _moved(left, top)
        size = (right - left, bottom - top)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        laid = cv2.warpAffine(texture, affine[:2], size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        y, x = np.mgrid[top:bottom, left:right].astype(np.float32)
        away = np.hypot(x - head.cx, y - head.cy) / (_HEAD / 2 * head.side)
        alpha = np.clip((1 - away) / _FADE, 0, 1)[..., None]
        below = picture[top:bottom, left:right]
        picture[top:bottom, left:right] = np.rint(below + (laid - below.astype(np.float32)) * alpha)

    def _lay_face(self, picture: Pixels, head: Crop, landmarks: NDArray[np.float32]) -> None:
        height, width = picture.shape[:2]
        points: Points = np.concatenate((landmarks[:, :2], _ring(head)))
        depth = np.concatenate((landmarks[:, 2], np.full(_STIFF, landmarks[:, 2].max() + head.side)))
        left, top = np.maximum(np.floor(points.min(axis=0)).astype(int), 0)
        right, bottom = np.minimum(np.ceil(points.max(axis=0)).astype(int) + 1, (width, height))
        if left >= right or top >= bottom:
            return
        inside = points - (left, top)
        shown = self._shown(inside, depth, (bottom - top, right - left))
        texture, own = self._texture(head.side)
        scale = own.side / self._head.side
        there = (self._points + 0.5) * scale - 0.5
        rows, columns = np.nonzero(shown >= 0)
        maps = _affines(inside[self._triangles], there[self._triangles])[shown[rows, columns]]
        places = np.stack((columns, rows, np.ones_like(rows)), axis=1).astype(np.float64)
        x, y = np.einsum("nij,nj->in", maps, places).astype(np.float32)
        # A remap of one row of pixels; OpenCV allows no more than 32767 of them.
        for start in range(0, len(x), 32_000):
            part = np.s_[start : start + 32_000]
            colours = cv2.remap(
                texture, x[None, part], y[None, part], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
            picture[top + rows[part], left + columns[part]] = colours[0]

    def _shown(self, points: Points, depth: Points, shape: tuple[int, int]) -> NDArray[np.int32]:
        """Which triangle is seen at each pixel, -1 for none: drawn from the farthest to the nearest."""
        shown = np.full(shape, -1, np.int32)
        corners = np.rint(points[self._triangles] * 2**_SHIFT).astype(np.int32)
        for number in np.argsort(-depth[self._triangles].mean(axis=1), kind="stable"):
            cv2.fillConvexPoly(shown, corners[number], (int(number),), shift=_SHIFT)
        return shown

    def _texture(self, side: float) -> tuple[Pixels, Crop]:
        """The picture and its head for a face with so many pixels between its eyes: halved as often as it
        can be, since a picture drawn far smaller than it is would shimmer."""
        halved = 0
        while halved < 5 and self._head.side / 2 ** (halved + 1) >= side:
            halved += 1
        shrink = 2**halved
        if halved not in self._textures:
            size = (self._picture.shape[1] // shrink, self._picture.shape[0] // shrink)
            self._textures[halved] = np.asarray(
                cv2.resize(self._picture, size, interpolation=cv2.INTER_AREA), np.uint8
            )
        head = self._head
        own = Crop(
            (head.cx + 0.5) / shrink - 0.5, (head.cy + 0.5) / shrink - 0.5, head.side / shrink, head.angle
        )
        return self._textures[halved], own

    @cached_property
    def _textures(self) -> dict[int, Pixels]:
        return {}

    @cached_property
    def _triangles(self) -> NDArray[np.intp]:
        """(T, 3): corners, as numbers of points. Delaunay's on the face seen from the front, so that eyes and
        mouth, of which the mesh has only the rims, are closed."""
        head = self._head
        plane = cv2.Subdiv2D((-1000, -1000, 2000, 2000))
        points = (self._points - (head.cx, head.cy)) * (100 / head.side)
        numbers = {int(plane.insert((float(x), float(y)))): number for number, (x, y) in enumerate(points)}
        found = []
        for corners in np.asarray(plane.getTriangleList()).reshape(-1, 3, 2):
            ends = [numbers.get(int(plane.findNearest((float(x), float(y)))[0])) for x, y in corners]
            if None not in ends and len(set(ends)) == 3:
                found.append(ends)
        return np.array(found, np.intp)


def _ring(head: Crop) -> Points:
    """(N, 2): the points that move with ``head`` alone."""
    angles = np.arange(_STIFF) * (2 * np.pi / _STIFF) + head.angle
    round_it = np.stack((np.cos(angles), np.sin(angles)), axis=1)
    return np.asarray(head.side * _RING * round_it + (head.cx, head.cy), np.float64)


def _affines(here: Points, there: Points) -> Points:
    """(T, 2, 3): for each triangle (T, 3, 2) the map from ``here`` to ``there``; zeros for a flat one."""
    full = np.concatenate((here, np.ones((*here.shape[:2], 1))), axis=2)
    flat = np.abs(np.linalg.det(full)) < 1e-6
    full[flat] = np.eye(3)
    maps = np.linalg.solve(full, there).transpose(0, 2, 1)
    maps[flat] = 0
    return np.asarray(maps, np.float64)


def _square(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.vstack((affine, (0.0, 0.0, 1.0)))


def _moved(right: float, down: float) -> NDArray[np.float64]:
    return np.array([[1.0, 0.0, right], [0.0, 1.0, down], [0.0, 0.0, 1.0]])
