"""Make-up laid thick on a whole face: painted in the flat space and lit by the scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from effectcam.distill.teachers.head.anatomy import BROW
from effectcam.distill.teachers.head.brush import Brush, Floats, blur, both
from effectcam.distill.teachers.head.face_canvas import FaceCanvas
from effectcam.distill.teachers.head.layer import Pixels
from effectcam.distill.teachers.head.spectacles import Spectacles
from effectcam.distill.teachers.head.uv import EYES, INNER_LIPS, OUTER_LIPS, load_face_space, polygon_mask
from effectcam.distill.teachers.head.zones import paint_zones


@dataclass(slots=True)
class MadeUp:
    """A face with its make-up on, for what an effect adds: ``colours`` (H, W, 3) and ``alpha`` (H, W) as they
    will be, ``light`` (H, W) what paint is multiplied by there."""

    canvas: FaceCanvas
    colours: Floats
    alpha: Floats
    light: Floats

    def finish(self) -> Pixels:
        """RGBA uint8 (H, W, 4)."""
        return self.canvas.finish(self.colours, self.alpha)


class Greasepaint:
    """Opaque make-up of one design.

    The person's brows and lips vanish under it, pores and stubble are smoothed, folds and shadows stay, and
    spectacles stay in front. ``lips``: how much of the lips' own darkness the paint covers, 0 to 1.
    ``crease`` and ``pores``: see :meth:`Complexion.light`. ``free``: openings without paint; between the
    lids and between the lips alpha is then 0, and eyes and teeth are the picture's own and stay crisp.
    """

    def __init__(
        self,
        brush: Brush,
        paint: Floats,
        *,
        lips: float = 0.5,
        crease: float = 0.15,
        pores: float = 0.15,
        free: Sequence[NDArray[np.int32]] = (*EYES, INNER_LIPS),
    ) -> None:
        self.space = load_face_space()
        self.paint, self.crease, self.pores, self.free = paint, crease, pores, free
        brows = both(brush.area(BROW, 3, grow=1.25))
        self._hidden = np.maximum(brows, np.float32(lips) * brush.area(OUTER_LIPS, 2))
        self._zones = paint_zones(brush, throat_reach=0.35)
        self._spectacles = Spectacles(brush)

    def make_up(self, image: Pixels, landmarks: Floats | None) -> MadeUp:
        """One face, as :class:`FaceCanvas` takes it; UsageError for other shapes."""
        canvas = FaceCanvas(image, landmarks, self.space, self._zones, finer=2)
        frames = self._spectacles.find(canvas)
        light = canvas.complexion.light(
            self.crease, hidden=canvas.lay(self._hidden), pores=self.pores + (1 - self.pores) * frames
        )
        alpha = canvas.cover() * (1 - 0.8 * frames)
        for opening in self.free:
            alpha = alpha * (1 - blur(polygon_mask(canvas.face[opening], canvas.height, canvas.width), 0.6))
        return MadeUp(canvas, canvas.lay(self.paint) * light[:, :, None], alpha, light)
