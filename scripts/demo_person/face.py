"""The face: a mesh-aligned average of several people, with one row of teeth."""

from __future__ import annotations

import cv2
import numpy as np

from .picture import Image, Points, blur, polygon, shrink
from .portrait import SIDE, Portrait, similarity, transform, warp_to
from .regions import INNER_LIPS


def level(portrait: Portrait) -> Portrait:
    """Turn a portrait about the bridge of the nose until the eyes are level."""
    points = portrait.landmarks[:, :2]
    across = points[263] - points[33]
    angle = float(np.degrees(np.arctan2(across[1], across[0])))
    centre = (float(points[168, 0]), float(points[168, 1]))
    matrix = cv2.getRotationMatrix2D(centre, angle, 1.0)
    image = cv2.warpAffine(
        portrait.image, matrix, (SIDE, SIDE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    landmarks = portrait.landmarks.copy()
    landmarks[:, :2] = transform(np.asarray(matrix, np.float64), points)
    return Portrait(np.clip(image, 0, 1), landmarks)


def average_face(portraits: list[Portrait], fixed: Points) -> tuple[Image, Points]:
    """The mesh-aligned mean of the faces, placed on ``fixed`` (478, 2): picture and shape (478, 2)."""
    planes: list[Points] = [p.landmarks[:, :2] for p in portraits]
    shapes = [transform(similarity(plane, fixed), plane) for plane in planes]
    shape: Points = np.mean(np.stack(shapes), axis=0)
    faces = [warp_to(p.image, p.landmarks[:, :2], shape) for p in portraits]
    tones = [
        f[int(shape[4, 1]) - 60 : int(shape[4, 1]) + 30, int(shape[50, 0]) : int(shape[280, 0])]
        for f in faces
    ]
    tone = np.mean([t.reshape(-1, 3).mean(0) for t in tones], axis=0)
    level_faces = [f * (tone / t.reshape(-1, 3).mean(0)) for f, t in zip(faces, tones, strict=True)]
    return np.asarray(np.clip(np.mean(level_faces, axis=0), 0, 1), np.float32), shape


def take_teeth(colour: Image, source: Portrait, shape: Points) -> Image:
    """Teeth do not survive averaging: take one person's row, in the average's light."""
    bent = warp_to(source.image, source.landmarks[:, :2], shape)
    mask = blur(shrink(polygon(colour.shape, shape[list(INNER_LIPS)]), 3), 1.3)
    gain = (colour * mask[..., None]).sum((0, 1)) / (bent * mask[..., None]).sum((0, 1))
    return np.asarray((colour + (bent * gain - colour) * mask[..., None]), np.float32)
