"""The face's own flat space: where a mesh teacher paints, whatever the face in front does.

The 468 points of the face mesh are unwrapped once, from the mean of many aligned faces, round a vertical
cylinder; a ring of further points carries the space a little over forehead, temples and throat. A texture
painted there is laid on any face by piecewise-affine warping and so follows every expression.
"""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Indices = NDArray[np.int32]

MESH_POINTS = 468
"""Points of the face mesh without the irises."""

FACE_OVAL = np.array(
    [
        10,
        338,
        297,
        332,
        284,
        251,
        389,
        356,
        454,
        323,
        361,
        288,
        397,
        365,
        379,
        378,
        400,
        377,
        152,
        148,
        176,
        149,
        150,
        136,
        172,
        58,
        132,
        93,
        234,
        127,
        162,
        21,
        54,
        103,
        67,
        109,
    ],
    np.int32,
)
"""The mesh's rim, clockwise in the picture from the top of the forehead."""

INNER_LIPS = np.array(
    [78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95], np.int32
)
OUTER_LIPS = np.array(
    [61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146], np.int32
)
PICTURE_LEFT_EYE = np.array(
    [33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7], np.int32
)
PICTURE_RIGHT_EYE = np.array(
    [263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249], np.int32
)
EYES = (PICTURE_LEFT_EYE, PICTURE_RIGHT_EYE)
"""The eyes' openings; left and right as seen in an unmirrored picture."""

RIGID = np.array(
    [33, 133, 263, 362, 6, 168, 197, 195, 4, 98, 327, 10, 151, 9, 8, 234, 454, 127, 356], np.int32
)
"""Points that move little with the expression: the head's pose is fitted to them."""

_DATA = Path(__file__).with_name("face_uv.npz")
_CYLINDER_DEPTH = 0.55
"""How far behind the eyes the cylinder's axis lies, in face widths: smaller gives the cheeks' sides more
of the texture and the nose less."""


@dataclass(frozen=True, slots=True)
class FaceSpace:
    """A flat layout of the mesh and its ring.

    ``uv`` float32 (504, 2) in 0 to 1, u to the picture's right and v down; ``shape`` float32 (504, 3) the
    mean face, upright and looking ahead, in face widths, z away from the camera; ``triangles`` int32 (T, 3)
    rows of points, openings of eyes and mouth closed by fans. Points 468 to 503 are the ring, in the order
    of ``FACE_OVAL``.
    """

    uv: Floats
    shape: Floats
    triangles: Indices

    def extend(self, landmarks: Floats) -> Floats:
        """The mesh of one face with its ring: float32 (478 or 468, 3) pixels in, (504, 3) pixels out.

        The ring is the mean face's, turned and scaled with the head: behind the rim on the far side of a
        turned head, so that it does not stick out into the background.
        """
        mesh = np.asarray(landmarks, np.float32)[:MESH_POINTS]
        scale, rotation, _ = fit_similarity(self.shape[RIGID], mesh[RIGID])
        step = self.shape[MESH_POINTS:] - self.shape[FACE_OVAL]
        ring = mesh[FACE_OVAL] + scale * step @ rotation.T
        return np.concatenate([mesh, ring], dtype=np.float32)

    def warp_map(self, points: Floats, height: int, width: int) -> tuple[Floats, Floats]:
        """Where in the texture each pixel looks: float32 (H, W, 2) uv and (H, W) coverage, 1 on the mesh.

        ``points`` come from :meth:`extend`. Triangles are laid from the farthest to the nearest, so a turned
        nose hides the cheek behind it. Off the mesh a pixel takes the uv of the nearest covered one; with
        the whole mesh out of the picture coverage is 0 and uv the middle of the texture.
        """
        corners = points[self.triangles]
        order = np.argsort(-corners[:, :, 2].mean(axis=1), kind="stable")
        owner = np.full((height, width), -1, np.int32)
        fixed = np.round(np.clip(corners[:, :, :2], -8 * width, 8 * width) * 16).astype(np.int32)
        for index in order:
            cv2.fillConvexPoly(owner, fixed[index], (int(index),), cv2.LINE_8, 4)
        covered = owner >= 0
        uv = np.full((height, width, 2), 0.5, np.float32)
        if not covered.any():
            return uv, covered.astype(np.float32)

        _, labels = cv2.distanceTransformWithLabels(
            (~covered).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
        )
        rows, columns = np.nonzero(covered)
        weights = barycentric(corners[owner[rows, columns], :, :2], columns, rows)
        inside = np.einsum("nk,nkc->nc", weights, self.uv[self.triangles[owner[rows, columns]]])
        table = np.zeros((int(labels.max()) + 1, 2), np.float32)
        table[labels[rows, columns]] = inside
        uv[:] = table[labels]
        return uv, covered.astype(np.float32)

    def locate(self, uv: Floats) -> tuple[Indices, Floats]:
        """The three points round each place (N, 2) of the layout, and their shares: (N, 3) both.

        ``(shares[..., None] * mesh[points]).sum(axis=1)`` is where the places lie on a face. A place off the
        mesh is drawn to its rim.
        """
        corners = self.uv[self.triangles]
        found = []
        for place in np.asarray(uv, np.float32):
            count = len(corners)
            shares = barycentric(corners, np.full(count, place[0]), np.full(count, place[1]))
            away = np.linalg.norm(np.einsum("nk,nkc->nc", shares, corners) - place, axis=1)
            nearest = int(away.argmin())
            found.append((self.triangles[nearest], shares[nearest]))
        return np.stack([points for points, _ in found]), np.stack([shares for _, shares in found])


def sample(texture: Floats, uv: Floats, pixels_wide: float) -> Floats:
    """The texture as the picture sees it: float32 (S, S, C) and (H, W, 2) uv in, (H, W, C) out.

    ``pixels_wide`` is what the whole texture measures in the picture: a larger texture is averaged down to
    it first, so that lines get softer instead of breaking up.
    """
    side = texture.shape[0]
    fitting = int(np.clip(round(pixels_wide), 16, side))
    if fitting < side:
        texture = cv2.resize(texture, (fitting, fitting), interpolation=cv2.INTER_AREA).astype(np.float32)
    at = np.asarray(uv * np.float32(fitting) - np.float32(0.5), np.float32)
    found = cv2.remap(texture, at[:, :, 0], at[:, :, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.float32)


def polygon_mask(points: Floats, height: int, width: int) -> Floats:
    """Antialiased cover of one polygon: float32 (N, 2 or 3) pixels in, (H, W) 0 to 1 out."""
    mask = np.zeros((height, width), np.uint8)
    fixed = np.round(np.clip(points[:, :2], -8 * width, 8 * width) * 16).astype(np.int32)
    cv2.fillPoly(mask, [fixed], (255,), cv2.LINE_AA, 4)
    return mask.astype(np.float32) / np.float32(255)


def fit_similarity(source: Floats, target: Floats) -> tuple[float, Floats, Floats]:
    """Scale, rotation (3, 3) and shift with ``target ≈ scale * source @ rotation.T + shift``, least squares.

    Umeyama, "Least-squares estimation of transformation parameters between two point patterns", 1991.
    """
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    a, b = source - source_mean, target - target_mean
    u, singular, vt = np.linalg.svd(b.T.astype(np.float64) @ a.astype(np.float64))
    flip = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = (u * flip) @ vt
    scale = float((singular * flip).sum() / max(float((a**2).sum()), 1e-12))
    shift = target_mean - scale * rotation @ source_mean
    return scale, rotation.astype(np.float32), shift.astype(np.float32)


def build_face_space(faces: Sequence[Floats], mesh_edges: Sequence[tuple[int, int]]) -> FaceSpace:
    """The layout from many faces: landmarks (478, 3) in pixels each and MediaPipe's FACEMESH_TESSELATION.

    Faces turned by more than about 12° are left out; the rest are aligned, averaged and made symmetric, so
    that the result is nobody's likeness.
    """
    shapes = [np.asarray(face[:MESH_POINTS], np.float32) for face in faces]
    mean = _frontal(shapes[0])
    for _ in range(6):
        aligned = []
        for shape in shapes:
            scale, rotation, shift = fit_similarity(shape[RIGID], mean[RIGID])
            if rotation[0, 0] > 0.978 and rotation[1, 1] > 0.978:
                aligned.append(scale * shape @ rotation.T + shift)
        mean = _frontal(np.mean(aligned or [mean], axis=0).astype(np.float32))
    mean = _frontal(_symmetric(mean))
    shape = np.concatenate([mean, _ring(mean, 0.60, 0.34)]).astype(np.float32)
    # The crown is plain and gets less of the texture than it measures.
    uv = _unwrap(np.concatenate([mean, _ring(mean, 0.27, 0.17)]))
    return FaceSpace(uv, shape, _triangles(mesh_edges, uv))


def save_face_space(space: FaceSpace, path: Path = _DATA) -> None:
    """Write the layout to ``path``; an older file there is replaced only by a whole new one."""
    temporary = path.with_name(path.name + ".part.npz")
    try:
        np.savez_compressed(
            temporary, uv=space.uv, shape=space.shape, triangles=space.triangles.astype(np.int16)
        )
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@functools.lru_cache(maxsize=1)
def load_face_space() -> FaceSpace:
    """The layout that travels with the package."""
    with np.load(_DATA) as data:
        return FaceSpace(data["uv"], data["shape"], data["triangles"].astype(np.int32))


def barycentric(corners: Floats, x: NDArray[Any], y: NDArray[Any]) -> Floats:
    """Shares of three corners (N, 3, 2) in the points ``x``, ``y`` (N,): (N, 3), none below 0, sum 1."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    ab, ac = b - a, c - a
    p = np.stack([x, y], axis=1).astype(np.float32) - a
    area = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
    area = np.where(np.abs(area) < 1e-6, np.float32(1e-6), area)
    second = (p[:, 0] * ac[:, 1] - p[:, 1] * ac[:, 0]) / area
    third = (ab[:, 0] * p[:, 1] - ab[:, 1] * p[:, 0]) / area
    # A pixel's centre may lie just outside its triangle; slivers would throw it far across the texture.
    weights = np.clip(np.stack([1 - second - third, second, third], axis=1), 0, 1)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


def _frontal(shape: Floats) -> Floats:
    """Turned to look ahead, the eyes' middle at the origin, ears one unit apart."""
    across = shape[[454, 263, 362, 356, 327]].sum(axis=0) - shape[[234, 33, 133, 127, 98]].sum(axis=0)
    width = float(np.linalg.norm(shape[454] - shape[234]))
    x = across / np.linalg.norm(across)
    down = shape[152] - shape[10]
    y = down - x * (down @ x)
    y /= np.linalg.norm(y)
    centre = shape[[33, 133, 263, 362]].mean(axis=0)
    return np.asarray((shape - centre) @ np.stack([x, y, np.cross(x, y)]).T / width, np.float32)


def _symmetric(shape: Floats) -> Floats:
    flipped = shape * np.array([-1, 1, 1], np.float32)
    distance = np.linalg.norm(shape[:, None] - flipped[None], axis=2)
    distance = distance + distance.T
    partner = np.full(len(shape), -1)
    # One to one, closest pairs first: two points of a lid may both lie nearest to the same mirrored one.
    for index in np.argsort(distance, axis=None, kind="stable"):
        a, b = divmod(int(index), len(shape))
        if partner[a] < 0 and partner[b] < 0:
            partner[a], partner[b] = b, a
    return np.asarray((shape + flipped[partner]) / 2, np.float32)


def _ring(mean: Floats, brow_reach: float, jaw_reach: float) -> Floats:
    """One point beyond each of the rim's: far over the forehead, little at the ears, some under the jaw."""
    rim = mean[FACE_OVAL]
    middle = np.array([0, rim[:, 1].mean()], np.float32)
    direction = rim[:, :2] - middle
    up = direction[:, 1] / np.abs(direction[:, 1]).max()
    reach = np.where(up < 0, 0.10 + brow_reach * up**2, 0.10 + jaw_reach * up**2)
    ring = rim.copy()
    ring[:, :2] += direction * reach[:, None]
    ring[:, 2] += np.where(up < 0, 0.10 + 0.4 * brow_reach * up**2, 0.10)
    return ring


def _unwrap(shape: Floats) -> Floats:
    angle = np.arctan2(shape[:, 0], _CYLINDER_DEPTH - shape[:, 2]).astype(np.float32)
    flat = np.stack([angle * _CYLINDER_DEPTH, shape[:, 1]], axis=1)
    low, high = flat.min(axis=0), flat.max(axis=0)
    side = float((high - low).max()) * 1.04
    return np.asarray((flat - (low + high) / 2) / side + 0.5, np.float32)


def _triangles(mesh_edges: Sequence[tuple[int, int]], uv: Floats) -> Indices:
    """The mesh's facets from its edges, fans over its openings, and the strip out to the ring."""
    beside: dict[int, set[int]] = {}
    for start, end in mesh_edges:
        beside.setdefault(start, set()).add(end)
        beside.setdefault(end, set()).add(start)
    rows = [
        (a, b, c)
        for a in sorted(beside)
        for b in sorted(p for p in beside[a] if p > a)
        for c in sorted(p for p in beside[a] & beside[b] if p > b)
        # A point joined to all three corners fills the triangle with three smaller ones.
        if not any(_inside(uv[d], uv[[a, b, c]]) for d in beside[a] & beside[b] & beside[c])
    ]
    for opening in (*EYES, INNER_LIPS):
        rows += [(int(opening[0]), int(p), int(q)) for p, q in itertools.pairwise(opening[1:])]
    count = len(FACE_OVAL)
    for i in range(count):
        p, q = int(FACE_OVAL[i]), int(FACE_OVAL[(i + 1) % count])
        far_p, far_q = MESH_POINTS + i, MESH_POINTS + (i + 1) % count
        rows += [(p, q, far_p), (q, far_q, far_p)]
    return np.array(rows, np.int32)


def _inside(point: Floats, triangle: Floats) -> bool:
    edges = np.roll(triangle, -1, axis=0) - triangle
    away = point - triangle
    turn = edges[:, 0] * away[:, 1] - edges[:, 1] * away[:, 0]
    return bool((turn > 0).all() or (turn < 0).all())
