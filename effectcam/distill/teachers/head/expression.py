"""A smile as people smile it: how far each point of the face moves, and where it falls into shade.

Both are slopes of a least-squares fit over many portraits, from those who look stern to those who laugh; what
an opened mouth does is fitted beside it and left out. A mean over hundreds, made symmetric, is nobody's.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from effectcam.distill.teachers.head.brush import blur
from effectcam.distill.teachers.head.complexion import LUMA
from effectcam.distill.teachers.head.layer import Pixels
from effectcam.distill.teachers.head.uv import (
    MESH_POINTS,
    RIGID,
    FaceSpace,
    Floats,
    fit_similarity,
    load_face_space,
)
from effectcam.errors import UsageError

_DATA = Path(__file__).with_name("smile.npz")
_SIDE = 128
_WIDTH, _LIFT = (0.4397, 0.0417), (0.0249, 0.0194)
"""Mean and standard deviation, over the portraits, of the mouth's width and of how far its corners lie above
its middle, in face widths."""


@dataclass(frozen=True, slots=True)
class Smile:
    """What one step of smiling does.

    ``offset`` float32 (468, 3), in face widths on the mean head; ``shading`` float32 (S, S), how much log
    luma changes in the flat space.
    """

    offset: Floats
    shading: Floats


def smile_level(landmarks: Floats) -> float:
    """How much a face smiles, in steps of :class:`Smile`: about -3.5 at rest, 0 friendly, 3 laughing."""
    return _level(_aligned(landmarks)[0])


def smiling(landmarks: Floats, steps: float, smile: Smile) -> Floats:
    """The mesh (468, 3) with so many steps of smile more, or less where negative; pixels."""
    mesh = np.asarray(landmarks, np.float32)[:MESH_POINTS]
    scale, rotation, _ = fit_similarity(load_face_space().shape[RIGID], mesh[RIGID])
    return np.asarray(mesh + np.float32(steps) * scale * smile.offset @ rotation.T, np.float32)


def fit_smile(people: Sequence[tuple[Pixels, Floats]], space: FaceSpace) -> Smile:
    """From pictures RGB uint8 (H, W, 3) with landmarks (478, 3) in their pixels, the more the better: with
    fewer than a hundred the shading is mostly people's hair. UsageError when hardly any lips are shut."""
    shapes, shades, rows = [], [], []
    for image, landmarks in people:
        shape, turned = _aligned(landmarks)
        if turned > 0.95:
            shapes.append(shape)
            shades.append(_unwrapped(image, space.extend(landmarks), space))
            rows.append((1.0, _level(shape), float(np.linalg.norm(shape[13] - shape[14]))))
    table = np.array(rows)
    # Lips that part are another movement: the smile is told from those who keep them shut.
    shut = table[:, 2] < 0.012
    if shut.sum() < 4:
        raise UsageError(f"{shut.sum()} of {len(table)} faces look ahead with shut lips: add such pictures")
    offset = np.linalg.lstsq(table[shut], np.array(shapes)[shut].reshape(shut.sum(), -1), rcond=None)[0][1]
    slope = np.linalg.lstsq(table, np.array(shades).reshape(len(shades), -1), rcond=None)[0][1]
    return Smile(
        _both_sides(offset.reshape(MESH_POINTS, 3).astype(np.float32), space),
        slope.reshape(_SIDE, _SIDE).astype(np.float32),
    )


def save_smile(smile: Smile, path: Path = _DATA) -> None:
    """Write it to ``path``; an older file there is replaced only by a whole new one."""
    temporary = path.with_name(path.name + ".part.npz")
    try:
        np.savez_compressed(
            temporary, offset=smile.offset.astype(np.float16), shading=smile.shading.astype(np.float16)
        )
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@functools.lru_cache(maxsize=1)
def load_smile() -> Smile:
    """The one that travels with the package."""
    with np.load(_DATA) as data:
        return Smile(data["offset"].astype(np.float32), data["shading"].astype(np.float32))


def _aligned(landmarks: Floats) -> tuple[Floats, float]:
    """The mesh on the mean head, and how nearly it looks ahead, 1 straight."""
    mean = load_face_space().shape
    mesh = np.asarray(landmarks, np.float32)[:MESH_POINTS]
    scale, rotation, shift = fit_similarity(mesh[RIGID], mean[RIGID])
    straight = float(min(rotation[0, 0], rotation[1, 1]))
    return np.asarray(scale * mesh @ rotation.T + shift, np.float32), straight


def _level(shape: Floats) -> float:
    width = float(shape[291, 0] - shape[61, 0])
    lift = float(shape[[13, 14], 1].mean() - shape[[61, 291], 1].mean())
    return (width - _WIDTH[0]) / _WIDTH[1] + (lift - _LIFT[0]) / _LIFT[1]


def _both_sides(offset: Floats, space: FaceSpace) -> Floats:
    """Half from each side: every point's partner is the one mirrored in the mean head, which is symmetric."""
    flip = np.array([-1, 1, 1], np.float32)
    mean = space.shape[:MESH_POINTS]
    partner = np.linalg.norm(mean[:, None] - (mean * flip)[None], axis=2).argmin(axis=1)
    return np.asarray((offset + offset[partner] * flip) / 2, np.float32)


def _unwrapped(image: Pixels, mesh: Floats, space: FaceSpace) -> Floats:
    """Log luma in the flat space, (_SIDE, _SIDE), the cheeks' own taken off, symmetric."""
    flat = np.concatenate([space.uv * _SIDE - 0.5, np.zeros((len(space.uv), 1), np.float32)], axis=1)
    picture = FaceSpace(mesh[:, :2], space.shape, space.triangles)
    at, _ = picture.warp_map(flat, _SIDE, _SIDE)
    luma = cv2.remap(
        image.astype(np.float32) / np.float32(255) @ LUMA,
        np.ascontiguousarray(at[..., 0]),
        np.ascontiguousarray(at[..., 1]),
        cv2.INTER_LINEAR,
    )
    logs = blur(np.log(np.asarray(luma, np.float32) + np.float32(0.03)), 0.6)
    logs = (logs + logs[:, ::-1]) / 2
    columns, rows = np.round(space.uv[[101, 330, 50, 280]] * _SIDE).astype(int).T
    return np.asarray(logs - np.median(logs[rows, columns]), np.float32)
