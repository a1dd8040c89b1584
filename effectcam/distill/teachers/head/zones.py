"""Where on the face an effect may paint, and where its skin can be learnt from: zones of the flat space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from effectcam.distill.teachers.head.brush import SIDE, Brush, Floats, blur, both, step
from effectcam.distill.teachers.head.uv import FACE_OVAL, MESH_POINTS


@dataclass(frozen=True, slots=True)
class Zones:
    """Textures float32 (SIDE, SIDE), 0 to 1.

    ``cover`` how much of the paint shows: to the crown of a bald head, hardly past the cheeks, out down the
    throat; ``bare`` where a person's plain skin is found, to learn its colour from; ``wary`` where hair may
    hang over the face; ``beyond`` the crown and what lies round the head: hair and background, or more skin.
    """

    cover: Floats
    bare: Floats
    wary: Floats
    beyond: Floats


def paint_zones(brush: Brush, *, throat_reach: float = 0.95) -> Zones:
    """The zones, the same for every face.

    ``throat_reach``: how far below the chin paint goes before it has faded out, 0 (the chin) to 1.
    """
    ring = brush.points[MESH_POINTS:]
    rim = brush.points[FACE_OVAL]
    height = (rim[:, 1] - rim[:, 1].mean()) / np.abs(rim[:, 1] - rim[:, 1].mean()).max()
    # To the crown of a bald head, hardly past the cheeks, and fading out down the throat.
    out = np.where(height < 0, -0.1 + 1.0 * np.abs(height), -0.1 + throat_reach * height)
    full = brush.area(rim + (ring - rim) * out[:, None].astype(np.float32), 0)
    down = np.linspace(0, 1, SIDE, dtype=np.float32)[:, None]
    throat = step(0.55, 0.85, np.broadcast_to(down, (SIDE, SIDE)))
    sharp = step(0.25, 0.95, blur(full, 10))
    cover = sharp + (step(0.15, 0.95, blur(full, 20)) - sharp) * throat
    bare = both(brush.area([117, 118, 101, 36, 205, 187, 123], 0))
    bare = np.maximum(bare, brush.area([66, 107, 9, 336, 296, 337, 151, 108], 0))
    bare = np.maximum(bare, brush.area([6, 196, 3, 195, 248, 419], 0))
    plain = brush.points[[70, 63, 105, 66, 107, 9, 336, 296, 334, 293, 300]] - np.array([0, 15], np.float32)
    sides = brush.points[[383, 340, 280, 411, 416, 379, 152, 150, 192, 187, 50, 111, 156]]
    wary = 1 - brush.area(np.concatenate([plain, sides]), 8)
    beyond = 1 - brush.area(rim, 6, grow=1.07)
    return Zones(cover, bare, wary * (1 - 0.5 * throat), beyond * (1 - step(0.45, 0.5, down + 0 * full)))
