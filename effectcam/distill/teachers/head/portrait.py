"""A portrait painter's last touches: eyes, brows and mouth brought back where broad dabs have lost them."""

import cv2
import numpy as np

from effectcam.distill.teachers.drawing.lines import Plane
from effectcam.distill.teachers.head.face_parts import (
    EYES,
    LIPS,
    MOUTH,
    MOUTH_UPPER,
    EyePoints,
    FaceParts,
    Picture,
    blur,
    smooth_step,
)


class Portrait(FaceParts):
    """Eyes, brows, lips and teeth of one face, finished with a finer brush than the rest."""

    def finish(self, lab: Picture, paint: Picture, /) -> Picture:
        """``paint`` with the features of ``lab`` in it, both Lab, float32 (H, W, 3).

        Everything stays in the light of the picture: a look's own palette comes afterwards.
        """
        out = paint.copy()
        self._sharpen(lab, out)
        for eye in EYES:
            self._brow(eye, out)
            self._eye(eye, out)
        self._mouth(lab, out)
        return out

    def detail(self) -> Plane:
        """Where the fine brush was, 0 to 1: eyes with their spectacles, and the mouth."""
        mask = np.zeros(self.shape, np.float32)
        for eye in EYES:
            middle = self.points[[*eye.upper, *eye.lower]].mean(axis=0)
            mask = np.maximum(mask, self.disc(middle, 0.25 * self.scale, 0.07 * self.scale))
        mask = np.maximum(mask, self.disc(self.points[168], 0.10 * self.scale, 0.05 * self.scale))
        return np.maximum(mask, self.fill(LIPS, 0.035 * self.scale))

    def _sharpen(self, lab: Picture, out: Picture) -> None:
        sigma = 0.005 * self.scale
        fine = np.asarray(cv2.GaussianBlur(lab, (0, 0), max(sigma, 0.3)), dtype=np.float32)
        fine[..., 0] += 0.5 * (fine[..., 0] - blur(np.ascontiguousarray(fine[..., 0]), 5 * sigma))
        out += 0.9 * self.detail()[..., None] * (fine - out)

    def _brow(self, eye: EyePoints, out: Picture) -> None:
        lightness = np.ascontiguousarray(out[..., 0])
        local, around = blur(lightness, 0.012 * self.scale), blur(lightness, 0.12 * self.scale)
        # Only what is darker than its surroundings is brow: raised or pale brows are not painted anew.
        hair = self.fill(eye.brow, 0.015 * self.scale) * smooth_step(around - local, 2, 14)
        out[..., 0] *= 1 - 0.35 * hair

    def _eye(self, points: EyePoints, out: Picture) -> None:
        eye = self.eye(points)
        if eye is None:
            return
        lightness, a, b = out[..., 0], out[..., 1], out[..., 2]
        iris = self.disc(eye.centre, eye.radius, 0.035 * eye.span) * eye.ball
        white = np.clip(eye.ball - iris, 0, 1)
        lightness += white * 0.45 * (np.clip(100 - (100 - lightness) * 0.5, 0, 94) - lightness)
        a *= 1 - 0.5 * white
        b *= 1 - 0.5 * white
        # The wet, dark ring and the light in it are what makes a painted eye look back.
        ring = iris - self.disc(eye.centre, 0.78 * eye.radius, 0.03 * eye.span) * eye.ball
        lightness *= 1 - 0.45 * np.clip(ring, 0, 1)
        lightness *= 1 - 0.75 * self.disc(eye.centre, 0.42 * eye.radius, 0.025 * eye.span) * eye.ball
        across = self.points[263] - self.points[33]
        across = across / max(float(np.hypot(*across)), 1e-3)
        up = np.array([across[1], -across[0]], dtype=np.float32)
        # Straight above: a mirrored portrait has to be the mirror image.
        glint = (eye.centre + 0.42 * eye.radius * up).astype(np.float32)
        light = self.disc(glint, 0.24 * eye.radius, 0.02 * eye.span) * eye.ball
        lightness += 0.9 * light * (96 - lightness)
        a *= 1 - light
        b *= 1 - light
        lightness *= 1 - 0.6 * self.stroke(eye.upper, 0.10 * eye.span)
        lightness *= 1 - 0.2 * self.stroke(eye.lower[1:-1], 0.04 * eye.span)

    def _mouth(self, lab: Picture, out: Picture) -> None:
        span = float(np.hypot(*(self.points[61] - self.points[291])))
        if span < 4:
            return
        inner = self.fill(MOUTH, 0.015 * span) * np.float32(self.mouth_openness())
        lips = np.clip(self.fill(LIPS, 0.025 * span) - inner, 0, 1)
        out[..., 1] += 5 * lips
        out[..., 2] += 1 * lips
        out[..., 0] *= 1 - 0.06 * lips
        pale = 1 - smooth_step(np.hypot(lab[..., 1], lab[..., 2]), 24, 36)
        teeth = inner * pale * smooth_step(blur(np.ascontiguousarray(lab[..., 0]), 0.012 * span), 42, 62)
        out[..., 0] += 0.5 * teeth * (np.clip(out[..., 0] * 0.4 + 58, 0, 94) - out[..., 0])
        out[..., 1:] *= 1 - 0.6 * teeth[..., None]
        out[..., 0] *= 1 - 0.4 * self.stroke(self.points[MOUTH_UPPER], 0.035 * span)
