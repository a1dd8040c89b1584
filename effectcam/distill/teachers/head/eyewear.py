"""Where spectacles are worn, for drawn looks whose lines would lose them among the eyes."""

from __future__ import annotations

import functools

import cv2
import numpy as np

from effectcam.distill.teachers.drawing.ground import Pixels
from effectcam.distill.teachers.drawing.lines import Plane
from effectcam.distill.teachers.head.brush import Brush
from effectcam.distill.teachers.head.face_canvas import FaceCanvas
from effectcam.distill.teachers.head.face_parts import Landmarks, blur, smooth_step
from effectcam.distill.teachers.head.spectacles import Spectacles
from effectcam.distill.teachers.head.uv import FaceSpace, load_face_space
from effectcam.distill.teachers.head.zones import Zones, paint_zones


def eyewear(image: Pixels, landmarks: Landmarks, /) -> Plane:
    """How near the frame of spectacles is, float32 (H, W), 0 to 1: lines here are to be drawn. Nothing on a
    bare face, nor round the thinnest silver wire.

    image: uint8 (H, W, 3), RGB. landmarks: float32 (478, 2 or 3), pixels; without the third a turned head's
    far rim is found badly.
    """
    space, zones, spectacles = _tools()
    points = np.zeros((len(landmarks), 3), np.float32)
    points[:, : landmarks.shape[1]] = landmarks
    if np.ptp(points[:, :2], axis=0).min() < 8:
        return np.zeros(image.shape[:2], np.float32)
    canvas = FaceCanvas(image, points, space, zones)
    reach = 2 * round(0.015 * canvas.extent) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    near = cv2.dilate(spectacles.find(canvas), kernel)
    return smooth_step(blur(np.asarray(near, np.float32), 0.005 * canvas.extent), 0.1, 0.4)


@functools.lru_cache(maxsize=1)
def _tools() -> tuple[FaceSpace, Zones, Spectacles]:
    space = load_face_space()
    brush = Brush(space)
    return space, paint_zones(brush), Spectacles(brush)
