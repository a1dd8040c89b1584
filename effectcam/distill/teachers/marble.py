"""``marble``: the head carved in white, veined stone."""

from __future__ import annotations

import numpy as np

from effectcam.distill.teachers.head.brush import Floats, blur
from effectcam.distill.teachers.head.head_matte import Pixels
from effectcam.distill.teachers.head.head_relief import model_relief
from effectcam.distill.teachers.head.sitter import take_seat
from effectcam.distill.teachers.head.uv import load_face_space
from effectcam.distill.teachers.surface.statue import paint_shades, shade_statue
from effectcam.distill.teachers.surface.stone_veins import lay_on_head, paint_veins

_AT = (0.0, 0.25, 0.5, 0.75, 1.0, 1.3, 1.7)
_STONE = (
    (0.12, 0.095, 0.085),
    (0.34, 0.305, 0.28),
    (0.565, 0.535, 0.505),
    (0.745, 0.722, 0.695),
    (0.87, 0.855, 0.832),
    (0.952, 0.944, 0.928),
    (1.0, 1.0, 0.995),
)
_VEIN = np.array([0.38, 0.38, 0.37], np.float32)
_DRIFT = np.array([0.10, 0.09, 0.075], np.float32)
_GLANCE = np.array([-0.34, -0.45, -0.83], np.float32)
"""The normal at which polished stone shows the lamp."""


class Marble:
    """Teacher of the ``marble`` effect; deterministic, safe to share between calls.

    ``depth`` see `shade_statue`. ``seed`` moves the veins: a student must be trained and judged on one.
    """

    def __init__(self, *, depth: float = 0.52, seed: int = 17) -> None:
        self.space = load_face_space()
        self.depth = depth
        self.veins = paint_veins(seed=seed)

    def __call__(self, image: Pixels, landmarks: Floats | None) -> Pixels:
        """Turn one head to stone.

        ``image`` RGB uint8 (H, W, 3), the head about upright; ``landmarks`` float32 (478, 3), pixels of that
        picture. Returns RGBA uint8 (H, W, 4), straight alpha: high on face, hair and neck, 0 on clothes and
        background, which stay as they are. The veins differ left from right, so a mirrored picture needs an
        answer of its own. UsageError for other shapes and without landmarks.
        """
        sitter = take_seat(image, landmarks, self.space)
        relief = model_relief(sitter)
        shade = shade_statue(sitter, relief, depth=self.depth, eyes=0.8)
        shade = np.clip(0.98 * shade**1.3, 0, 1.7).astype(np.float32)
        # Light enters the stone and comes out beside, red farthest: shadows get warm soft edges.
        deep = blur(shade, 0.022 * sitter.matte.side)
        stone = paint_shades(
            np.stack([shade + (deep - shade) * share for share in (0.55, 0.35, 0.2)], axis=-1), _AT, _STONE
        )
        veins = lay_on_head(self.veins, sitter)
        stone *= (1 - _DRIFT * veins[..., 1:]) * (1 - _VEIN * veins[..., :1])
        stone += 0.10 * (np.clip(relief.bumped(1.5) @ _GLANCE, 0, 1) ** 24)[..., None]
        return sitter.layer(stone * np.float32(relief.exposure), sitter.matte.head)
