"""``robot``: plates of brushed steel with seams and bolts, shining rings for eyes, a grille that talks."""

from __future__ import annotations

import cv2
import numpy as np

from effectcam.distill.teachers.head.brush import Floats, blur, mix, step
from effectcam.distill.teachers.head.head_matte import Pixels
from effectcam.distill.teachers.head.head_normals import unit
from effectcam.distill.teachers.head.head_relief import Relief, model_relief
from effectcam.distill.teachers.head.sitter import take_seat
from effectcam.distill.teachers.head.uv import load_face_space
from effectcam.distill.teachers.surface.metal import reflect_room
from effectcam.distill.teachers.surface.robot_lights import eye_lights, mouth_light
from effectcam.distill.teachers.surface.robot_plates import paint_plates
from effectcam.distill.teachers.surface.statue import paint_shades
from effectcam.distill.teachers.surface.stone_veins import lay_on_head

_AT = (0.0, 0.25, 0.5, 0.8, 1.1, 1.5, 2.0)
_STEEL = (
    (0.015, 0.018, 0.025),
    (0.10, 0.115, 0.14),
    (0.25, 0.275, 0.315),
    (0.46, 0.49, 0.53),
    (0.68, 0.705, 0.74),
    (0.90, 0.92, 0.94),
    (1.0, 1.0, 1.0),
)
_BLACK = np.array([0.012, 0.015, 0.02], np.float32)
_GLOW = np.array([0.10, 0.80, 1.0], np.float32)
_GUNMETAL = 0.34
"""How bright hair is: dark beside the plates, whatever its own colour."""


class Robot:
    """Teacher of the ``robot`` effect; deterministic, safe to share between calls.

    ``gloss`` see `reflect_room`: above 0.6 the plates are chrome and mirror more than they shade.
    """

    def __init__(self, *, gloss: float = 0.35) -> None:
        self.space = load_face_space()
        self.plates = paint_plates()
        self.gloss = gloss

    def __call__(self, image: Pixels, landmarks: Floats | None) -> Pixels:
        """Redraw one head.

        ``image`` RGB uint8 (H, W, 3), the head about upright; ``landmarks`` float32 (478, 3), pixels of that
        picture. Returns RGBA uint8 (H, W, 4), straight alpha: high on face, hair and neck, 0 on clothes and
        background, which stay as they are. The lamps stand to the left, so a mirrored picture needs an answer
        of its own. UsageError for other shapes and without landmarks.
        """
        sitter = take_seat(image, landmarks, self.space)
        relief, matte = model_relief(sitter), sitter.matte
        height, width, side = *image.shape[:2], matte.side
        plates = lay_on_head(self.plates, sitter)
        rise, tone, lamps, hole = (
            blur(np.ascontiguousarray(plates[..., channel]), 0.006 * side) for channel in range(4)
        )
        hair = np.clip((1 - matte.skin) * (1 - matte.face), 0, 1)
        rise = rise + (0.5 - rise) * 0.9 * hair + 0.8 * hair * relief.carving
        tone = tone + (_GUNMETAL - tone) * hair
        metal, broad = self._steel(np.asarray(rise, np.float32), tone, hair, relief, side)

        eyes, shutter = eye_lights(sitter.face, side, height, width)
        inside, mouth = mouth_light(sitter.face, side, height, width)
        lid = 0.5 * metal
        metal = mix(metal, _BLACK + 0.04 * broad[..., None], hole)
        metal = mix(metal, lid, 0.9 * hole * shutter)
        metal = mix(metal, np.broadcast_to(_BLACK, metal.shape), inside) * np.float32(relief.exposure)
        # Lamps do not dim with the room.
        lit = np.clip(np.max([eyes * hole, lamps * (1 - hair), 0.8 * mouth], axis=0), 0, 1)
        metal += (0.55 * blur(lit, 0.05 * side) + 0.35 * blur(lit, 0.14 * side))[..., None] * _GLOW
        lamp = _GLOW + (1 - _GLOW) * (0.75 * step(0.6, 1.0, lit))[..., None]
        return sitter.layer(mix(metal, lamp, lit), matte.head)

    def _steel(
        self, rise: Floats, tone: Floats, hair: Floats, relief: Relief, side: float
    ) -> tuple[Floats, Floats]:
        """The metal (H, W, 3) and the broad light that it mirrors (H, W)."""
        soft = blur(rise, 0.006 * side)
        slopes = [cv2.Sobel(soft, cv2.CV_32F, i, 1 - i, scale=0.03 * side / 8) for i in (1, 0)]
        normals = unit(relief.normals - np.stack([*slopes, np.zeros_like(rise)], axis=-1))
        broad, lights = reflect_room(normals, gloss=self.gloss)
        # Of wrinkles only a trace, of locks enough to tell hair from a helmet.
        shade = relief.staged() * np.exp((0.10 + 0.25 * hair) * relief.carving)
        value = tone * shade * (0.66 + 0.95 * broad)
        value += (0.21 + 0.39 * tone) * lights * np.clip(shade, 0.2, 1.2)
        return paint_shades(np.asarray(value, np.float32), _AT, _STEEL), broad
