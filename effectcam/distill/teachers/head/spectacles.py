"""Spectacles on a face: their frames stay in front of whatever is painted on the skin."""

from __future__ import annotations

import cv2
import numpy as np

from effectcam.distill.teachers.head.anatomy import BROW
from effectcam.distill.teachers.head.brush import Brush, Floats, blur, both, step
from effectcam.distill.teachers.head.complexion import LUMA
from effectcam.distill.teachers.head.face_canvas import FaceCanvas

_BRIDGE = ((236, 184), (276, 184), (280, 236), (232, 236))
"""The nose's bridge in texels: no bare one is crossed by a line."""
_BELT = (
    (256, 150),
    (196, 146),
    (112, 160),
    (60, 180),
    (60, 228),
    (120, 262),
    (200, 268),
    (232, 238),
    (256, 226),
)
"""Where frames and their arms run, left half."""

_LIDS = ((154, 206), (166, 184), (196, 174), (224, 186), (232, 210), (214, 225), (178, 227))
"""Folds and lashes in the middle of a lens, left half."""


class Spectacles:
    """Finds frames by the fine lines that they draw."""

    def __init__(self, brush: Brush) -> None:
        self._bridge = brush.area(np.array(_BRIDGE, np.float32), 4)
        self._brow = both(brush.area(BROW, 3, grow=1.25))
        self._lids = both(brush.area(np.array(_LIDS, np.float32), 4))
        self._belt = both(brush.area(np.array(_BELT, np.float32), 5))

    def find(self, canvas: FaceCanvas) -> Floats:
        """How much each pixel is frame, 0 to 1, (H, W): nothing on a face that wears none.

        Whether any are worn is asked of the bridge of the nose, by how dark and bright a line crosses it;
        measured on portraits, bare faces stay below 0.17 of the skin's luma and faces with spectacles above.
        """
        relative = np.asarray(blur(canvas.picture @ LUMA, 0.8) / canvas.complexion.luma, np.float32)
        reach = max(3, round(canvas.extent * 0.05))
        upright, level = np.ones((reach, 1), np.uint8), np.ones((1, reach), np.uint8)
        dark, bright = (
            [cv2.morphologyEx(relative, kind, kernel) for kernel in (upright, level)]
            for kind in (cv2.MORPH_BLACKHAT, cv2.MORPH_TOPHAT)
        )
        bridge = canvas.lay(self._bridge)
        across = bridge > 0.3
        if not across.any():
            return np.zeros_like(relative)
        line = sum(_strongest((plane * bridge)[across]) for plane in (dark[0], bright[0]))
        worn = step(0.15, 0.21, np.float32(line))
        # Plain skin between two shadows is a bright line as well: only what outshines skin is metal.
        shiny = step(0.1, 0.3, np.maximum(*bright)) * step(1.05, 1.25, relative)
        lines = np.maximum(step(0.06, 0.22, np.maximum(*dark)), shiny)
        # A brow is a dark line too, but hardly ever as dark as the frame that crosses it.
        lines = lines * (1 - canvas.lay(self._brow) * step(0.2, 0.35, relative))
        lines = lines * (1 - canvas.lay(self._lids))
        return np.asarray(blur(lines, 0.7) * canvas.lay(self._belt) * worn, np.float32)


def _strongest(values: Floats) -> float:
    """Mean of the highest eighth."""
    return float(np.sort(values)[-max(1, len(values) // 8) :].mean())
