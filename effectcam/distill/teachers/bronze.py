"""``bronze``: the head cast in bronze, bright where hands have rubbed it, brown and green in the hollows."""

from __future__ import annotations

import numpy as np

from effectcam.distill.teachers.head.brush import Floats, blur, mix, step
from effectcam.distill.teachers.head.head_matte import Pixels
from effectcam.distill.teachers.head.head_relief import model_relief
from effectcam.distill.teachers.head.sitter import take_seat
from effectcam.distill.teachers.head.uv import load_face_space
from effectcam.distill.teachers.surface.metal import reflect_room
from effectcam.distill.teachers.surface.statue import paint_shades, shade_statue

_AT = (0.0, 0.25, 0.5, 0.8, 1.1, 1.5, 2.0)
_METAL = (
    (0.045, 0.022, 0.015),
    (0.15, 0.075, 0.04),
    (0.34, 0.19, 0.095),
    (0.58, 0.365, 0.185),
    (0.80, 0.575, 0.315),
    (0.965, 0.82, 0.56),
    (1.0, 0.965, 0.84),
)
_VERDIGRIS = np.array([0.24, 0.44, 0.37], np.float32)


class Bronze:
    """Teacher of the ``bronze`` effect; deterministic, safe to share between calls.

    ``depth`` see `shade_statue`; ``gloss`` see `reflect_room`.
    """

    def __init__(self, *, depth: float = 0.6, gloss: float = 0.55) -> None:
        self.space = load_face_space()
        self.depth, self.gloss = depth, gloss

    def __call__(self, image: Pixels, landmarks: Floats | None) -> Pixels:
        """Cast one head.

        ``image`` RGB uint8 (H, W, 3), the head about upright; ``landmarks`` float32 (478, 3), pixels of that
        picture. Returns RGBA uint8 (H, W, 4), straight alpha: high on face, hair and neck, 0 on clothes and
        background, which stay as they are. The lamps stand to the left, so a mirrored picture needs an answer
        of its own. UsageError for other shapes and without landmarks.
        """
        sitter = take_seat(image, landmarks, self.space)
        relief, side = model_relief(sitter), sitter.matte.side
        shade = shade_statue(sitter, relief, depth=self.depth, eyes=1.0)
        broad, lights = reflect_room(relief.bumped(0.030 * side), gloss=self.gloss)
        value = 0.92 * (shade * (0.42 + 0.72 * broad) + 0.75 * lights * np.clip(shade, 0.2, 1.3))
        metal = paint_shades(np.asarray(value, np.float32), _AT, _METAL)
        hollow = blur(step(0.15, 0.75, -relief.carving), 0.012 * side) * (1 - 0.6 * sitter.matte.skin)
        patina = _VERDIGRIS * np.clip(0.35 + 0.75 * value, 0, 1.3)[..., None].astype(np.float32)
        metal = mix(metal, patina, 0.48 * hollow)
        return sitter.layer(metal * np.float32(relief.exposure), sitter.matte.head)
