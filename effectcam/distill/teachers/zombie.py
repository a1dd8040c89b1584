"""``zombie``: risen from the grave, made by a mesh teacher in the face's own flat space.

The skin's own colour is divided out and the hide's put in its place, so the zombie is about equally pale on
everybody while the scene's light, the creases and the expression stay the picture's own.
"""

from __future__ import annotations

from effectcam.distill.teachers.head.brush import Brush, Floats
from effectcam.distill.teachers.head.face_canvas import FaceCanvas
from effectcam.distill.teachers.head.layer import Pixels
from effectcam.distill.teachers.head.teeth import paint_teeth
from effectcam.distill.teachers.head.uv import load_face_space
from effectcam.distill.teachers.head.zones import paint_zones
from effectcam.distill.teachers.surface.painted_eyes import PaintedEyes
from effectcam.distill.teachers.surface.zombie_skin import paint_hide

_EYES = PaintedEyes(
    sclera=(0.70, 0.61, 0.42), inflamed=(0.50, 0.13, 0.10), iris=(0.88, 0.93, 0.90), rim=(0.13, 0.18, 0.20)
)
_TOOTH = (0.78, 0.66, 0.36)
_CAVITY = (0.42, 0.10, 0.08)


class Zombie:
    """Teacher of the ``zombie`` effect; deterministic, safe to share between calls.

    ``seed`` moves mottling and veins: a student must be trained and judged on one seed. ``crease`` deepens
    the picture's own folds: 0 leaves them, above 1.5 pores and noise turn into dirt. ``size`` of the marks is
    tied to the face, not to the picture: a crop with a larger face shows them larger.
    """

    def __init__(self, *, seed: int = 31, crease: float = 0.9) -> None:
        self.space = load_face_space()
        self.hide = paint_hide(self.space, seed=seed)
        self.zones = paint_zones(Brush(self.space))
        self.crease = crease

    def __call__(self, image: Pixels, landmarks: Floats | None) -> Pixels:
        """Redraw one face.

        ``image`` RGB uint8 (H, W, 3), upright or not; ``landmarks`` float32 (478, 3), pixels of that
        picture, z in the same scale. Returns RGBA uint8 (H, W, 4), straight alpha: the zombie where alpha is
        high, running out into the untouched picture where it is 0. The marks differ left from right, so a
        mirrored picture needs an answer of its own, not the mirrored answer. UsageError for other shapes.
        """
        canvas = FaceCanvas(image, landmarks, self.space, self.zones)
        skin = canvas.complexion
        zombie = canvas.lay(self.hide) * skin.light(self.crease)[:, :, None]
        zombie = paint_teeth(zombie, canvas, tooth=_TOOTH, cavity=_CAVITY)
        zombie = _EYES.paint(zombie, canvas.picture, canvas.face, skin.exposure)
        return canvas.finish(zombie, canvas.cover())
