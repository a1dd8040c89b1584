"""The inside of an open mouth, teeth told from the dark by their light."""

from __future__ import annotations

import numpy as np

from effectcam.distill.teachers.head.brush import Colour, Floats, blur, mix, step
from effectcam.distill.teachers.head.complexion import LUMA
from effectcam.distill.teachers.head.face_canvas import FaceCanvas
from effectcam.distill.teachers.head.uv import INNER_LIPS, polygon_mask


def paint_teeth(painted: Floats, canvas: FaceCanvas, *, tooth: Colour, cavity: Colour) -> Floats:
    """``painted`` (H, W, 3) with the teeth and the cavity in these colours, only where the lips are apart."""
    inside = blur(polygon_mask(canvas.face[INNER_LIPS], canvas.height, canvas.width), 0.7)
    skin = canvas.complexion
    relative = (canvas.picture @ LUMA) / max(skin.luma, 0.12 * skin.exposure)
    bright = step(0.4, 1.0, relative)
    # Contrast brings out the gaps between the teeth.
    deep = np.clip(0.9 * relative + 3.0 * (relative - blur(relative, 2.0)), 0.05, 1.2)
    drawn = mix(np.full_like(painted, cavity), tooth, bright) * (deep * 0.75 * skin.exposure)[:, :, None]
    return mix(painted, drawn, inside)
