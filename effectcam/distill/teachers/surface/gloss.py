"""Which way a face is turned at each place, and what shines on it there."""

from __future__ import annotations

import numpy as np

from effectcam.distill.teachers.head.brush import SIDE, blur
from effectcam.distill.teachers.head.complexion import LUMA
from effectcam.distill.teachers.head.face_canvas import FaceCanvas
from effectcam.distill.teachers.head.uv import MESH_POINTS, RIGID, FaceSpace, Floats, fit_similarity


def paint_normals(space: FaceSpace, *, smooth: float = 5.0) -> Floats:
    """Unit normals of the mean head in the flat space, float32 (SIDE, SIDE, 3), z away from the camera.

    ``smooth`` texels of blur: less shows the mesh's facets, more rounds the nose away.
    """
    corners = space.shape[space.triangles]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    # Towards the camera whatever way round a triangle's corners run.
    across = across * np.where(across[:, 2:] > 0, np.float32(-1), np.float32(1))
    points = np.zeros_like(space.shape)
    for corner in range(3):
        np.add.at(points, space.triangles[:, corner], across)
    points = points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-9)
    flat = np.concatenate([space.uv * SIDE - 0.5, np.zeros((len(space.uv), 1), np.float32)], axis=1)
    planes = []
    for first, second in ((0, 1), (2, 2)):
        values = FaceSpace(points[:, [first, second]], space.shape, space.triangles)
        planes.append(values.warp_map(flat.astype(np.float32), SIDE, SIDE)[0])
    normals = np.dstack([planes[0], planes[1][..., :1]])
    normals = np.dstack([blur(np.ascontiguousarray(normals[..., i]), smooth) for i in range(3)])
    length = np.linalg.norm(normals, axis=2, keepdims=True)
    return np.asarray(normals / np.maximum(length, 1e-6), np.float32)


def turned_normals(canvas: FaceCanvas, normals: Floats, space: FaceSpace) -> Floats:
    """:func:`paint_normals` as this head holds them, (H, W, 3), in the picture's own axes."""
    _, rotation, _ = fit_similarity(space.shape[RIGID], canvas.mesh[:MESH_POINTS][RIGID])
    seen = canvas.lay(normals) @ rotation.T
    return np.asarray(seen / np.maximum(np.linalg.norm(seen, axis=2, keepdims=True), 1e-6), np.float32)


def highlight(normals: Floats, lamp: tuple[float, float, float], hardness: float) -> Floats:
    """How much of a lamp is mirrored to the camera, 0 to 1, (H, W).

    ``lamp``: where it stands, x right, y down, z away from the camera. ``hardness`` is the exponent: 8 is a
    sheen, 60 a glint (Blinn, "Models of light reflection for computer synthesized pictures", 1977).
    """
    towards = np.array(lamp, np.float32)
    halfway = towards / np.linalg.norm(towards) + np.array([0, 0, -1], np.float32)
    halfway = halfway / np.linalg.norm(halfway)
    return np.asarray(np.clip(normals @ halfway, 0, 1) ** np.float32(hardness), np.float32)


def side_light(canvas: FaceCanvas) -> float:
    """Which cheek is the brighter: -1 the picture's left, 1 its right, 0 both alike."""
    luma = blur(canvas.picture @ LUMA, 0.03 * canvas.extent)
    sides = []
    for points in ((117, 50, 205, 187), (346, 280, 425, 411)):
        x, y = np.round(canvas.face[list(points), :2]).astype(int).T
        x, y = np.clip(x, 0, canvas.width - 1), np.clip(y, 0, canvas.height - 1)
        sides.append(max(float(luma[y, x].mean()), 0.02))
    return float(np.tanh(1.5 * np.log(sides[1] / sides[0])))
