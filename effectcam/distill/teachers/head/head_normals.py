"""Which way a head's surface looks: the mesh on the face, and round like a cushion everywhere else."""

from __future__ import annotations

import functools

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.distill.teachers.head.brush import Floats, blur, step
from effectcam.distill.teachers.head.sitter import Sitter
from effectcam.distill.teachers.head.uv import barycentric, load_face_space, sample

_TEXELS = 160
"""Side of the texture that carries the mesh's normals to the picture."""


def head_normals(sitter: Sitter) -> Floats:
    """Unit normals float32 (H, W, 3), x right, y down, z away from the camera: (0, 0, -1) faces it."""
    side = sitter.matte.side
    smooth = step(0.35, 0.95, blur(sitter.matte.face * sitter.covered, 0.06 * side))[..., None]
    cushion = _cushion(sitter)
    return unit(_blurred(cushion + (_on_mesh(sitter) - cushion) * smooth, 0.015 * side))


def unit(vectors: Floats) -> Floats:
    """(..., 3) of length 1."""
    return np.asarray(vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-6), np.float32)


def _blurred(vectors: Floats, sigma: float) -> Floats:
    return np.stack(
        [blur(np.ascontiguousarray(part), sigma) for part in np.moveaxis(vectors, -1, 0)], axis=-1
    )


def _on_mesh(sitter: Sitter) -> Floats:
    triangles = load_face_space().triangles
    corners = sitter.mesh[triangles]
    facets = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    facets *= -np.sign(facets[:, 2:] + 1e-9)
    points = np.zeros_like(sitter.mesh)
    for corner in range(3):
        np.add.at(points, triangles[:, corner], facets)
    indices, weights = _texels()
    texture = np.einsum("ijk,ijkc->ijc", weights, unit(points)[indices]).astype(np.float32)
    return sample(texture, sitter.uv, _TEXELS)


def _cushion(sitter: Sitter) -> Floats:
    side = sitter.matte.side
    solid = (sitter.matte.head > 0.5).astype(np.uint8)
    # The picture's border is no rim of the head.
    solid = np.asarray(cv2.copyMakeBorder(solid, 1, 1, 1, 1, cv2.BORDER_REPLICATE))
    depth = np.asarray(cv2.distanceTransform(solid, cv2.DIST_L2, 5)[1:-1, 1:-1], np.float32)
    depth = np.clip(depth / np.float32(0.55 * side), 0, 1)
    height = blur(np.sqrt(1 - (1 - depth) ** 2), 0.045 * side) * np.float32(0.5 * side)
    slopes = [cv2.Sobel(height, cv2.CV_32F, i, 1 - i, scale=1 / 8) for i in (1, 0)]
    return unit(np.stack([-slopes[0], -slopes[1], -np.ones_like(height)], axis=-1))


@functools.lru_cache(maxsize=1)
def _texels() -> tuple[NDArray[np.int32], Floats]:
    """For each texel of the flat layout the three points round it, and their shares: (S, S, 3) both."""
    space = load_face_space()
    uv = space.uv * np.float32(_TEXELS)
    owner = np.full((_TEXELS, _TEXELS), -1, np.int32)
    for index, corners in enumerate(uv[space.triangles]):
        cv2.fillConvexPoly(owner, np.round((corners - 0.5) * 16).astype(np.int32), (index,), cv2.LINE_8, 4)
    _, labels = cv2.distanceTransformWithLabels(
        (owner < 0).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    table = np.zeros(int(labels.max()) + 1, np.int32)
    table[labels[owner >= 0]] = owner[owner >= 0]
    indices = space.triangles[table[labels]]
    rows, columns = np.mgrid[:_TEXELS, :_TEXELS]
    weights = barycentric(uv[indices].reshape(-1, 3, 2), columns.ravel(), rows.ravel())
    return indices, weights.reshape(_TEXELS, _TEXELS, 3)
