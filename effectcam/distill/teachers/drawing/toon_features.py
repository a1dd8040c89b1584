"""The features of a drawn face: complexion, brows, eyes, lips and teeth, placed by landmarks."""

import numpy as np

from effectcam.distill.teachers.drawing.lines import Plane
from effectcam.distill.teachers.head.face_parts import (
    CHEEKS,
    EYES,
    FACE,
    LIPS,
    MOUTH,
    MOUTH_LOWER,
    MOUTH_UPPER,
    EyePoints,
    FaceParts,
    Picture,
    blur,
    smooth_step,
)


class Features(FaceParts):
    """Eyes, brows, lips, teeth and cheeks of one face, drawn where the landmarks say."""

    def draw(self, lab: Picture, flat: Picture, lines: Plane, line_width: float) -> tuple[Picture, Plane]:
        """Returns the picture (Lab) and the lines with the features drawn into them."""
        out, ink = flat.copy(), lines.copy()
        self._complexion(out)
        self._rims(lab, out)
        for eye in EYES:
            self._brow(eye, lab, out)
            ink = self._eye(eye, lab, out, ink, line_width)
        ink = self._mouth(lab, out, ink, line_width)
        return out, ink

    def _complexion(self, out: Picture) -> None:
        """Skin without the purple and green that shadows and walls throw on it; a hint of blush."""
        face = self.fill(FACE, 0.03 * self.scale)
        lips = self.fill(LIPS, 0.02 * self.scale)
        hue = np.arctan2(out[..., 2], out[..., 1])
        chroma = np.hypot(out[..., 1], out[..., 2])
        flesh = face * (1 - smooth_step(np.abs(hue - 0.6), 1.1, 1.7))
        kept = (1 - lips) * np.clip(hue, 0.68, 0.98) + lips * np.clip(hue, 0.38, 0.7)
        hue = hue + 0.85 * flesh * (kept - hue)
        out[..., 1] = chroma * np.cos(hue)
        out[..., 2] = chroma * np.sin(hue)
        for index in CHEEKS:
            glow = self.disc(self.points[index], 0.13 * self.scale, 0.09 * self.scale) * face
            glow *= smooth_step(out[..., 0], 15, 45)
            out[..., 1] += 0.2 * glow * np.maximum(out[..., 1], 0)

    def _rims(self, lab: Picture, out: Picture) -> None:
        """Fine strong detail round the eyes, back again: spectacles of thin bright wire get no ink."""
        points = self.points
        belt = np.zeros(self.shape, np.float32)
        for eye in EYES:
            centre = points[[*eye.upper, *eye.lower]].mean(axis=0)
            belt = np.maximum(belt, self.disc(centre, 0.26 * self.scale, 0.06 * self.scale))
        belt = np.maximum(belt, self.disc(points[168], 0.12 * self.scale, 0.05 * self.scale))
        seen = np.ascontiguousarray(lab[..., 0])
        detail = blur(seen, 0.005 * self.scale) - blur(seen, 0.035 * self.scale)
        out[..., 0] += 1.3 * belt * detail * smooth_step(np.abs(detail), 3.0, 8.0)

    def _brow(self, eye: EyePoints, lab: Picture, out: Picture) -> None:
        mask = self.fill(eye.brow, 0.015 * self.scale)
        # Only what is darker than its surroundings is brow: raised or pale brows are not painted anew.
        local = blur(np.ascontiguousarray(lab[..., 0]), 0.012 * self.scale)
        around = blur(np.ascontiguousarray(lab[..., 0]), 0.12 * self.scale)
        hair = mask * smooth_step(around - local, 2, 14)
        out[..., 0] *= 1 - 0.5 * hair

    def _eye(self, eye: EyePoints, lab: Picture, out: Picture, ink: Plane, line_width: float) -> Plane:
        points = self.points
        found = self.eye(eye)
        if found is None:
            return ink
        _, upper, lower, span, _, ball, centre, radius = found
        iris = self.disc(centre, radius, 0.035 * span) * ball
        white = np.clip(ball - iris, 0, 1)
        lightness, a, b = out[..., 0], out[..., 1], out[..., 2]
        seen = lab[..., 0]
        # The eye itself is too small for flat shading: take its own light and shade, sharpened.
        crisp = seen + 0.8 * (seen - blur(np.ascontiguousarray(seen), 0.06 * span))
        bright = np.clip(100 - (100 - np.clip(crisp, 0, 100)) * 0.36, 0, 97)
        lightness += white * 0.85 * (bright - lightness)
        a *= 1 - 0.8 * white
        b *= 1 - 0.8 * white
        across = points[263] - points[33]
        across = across / max(float(np.hypot(*across)), 1e-3)
        up = np.array([across[1], -across[0]], dtype=np.float32)
        rows, columns = np.indices(self.shape, dtype=np.float32)
        height = ((columns - centre[0]) * up[0] + (rows - centre[1]) * up[1]) / max(radius, 1)
        # Lit from above, an iris is dark under the lid and glows below: the drawn eye's depth.
        glow = np.clip(0.55 * np.clip(crisp, 0, 70) + 14 - 16 * np.clip(height, -1, 1), 4, 66)
        lightness += iris * 0.85 * (glow - lightness)
        # Dark eyes are brown, whatever colour they mirror.
        brown = 1 - smooth_step(blur(np.ascontiguousarray(seen), 0.12 * span), 26, 46)
        # A grey photograph stays grey.
        brown = brown * smooth_step(blur(np.hypot(lab[..., 1], lab[..., 2]), 0.5 * span), 2, 8)
        a += iris * (lab[..., 1] * (1.9 - brown) + 4 * brown - a)
        b += iris * (lab[..., 2] * (1.9 - 1.4 * brown) + 9 * brown - b)
        pupil = self.disc(centre, 0.42 * radius, 0.02 * span) * ball
        lightness *= 1 - 0.8 * pupil
        rim = (
            np.clip(
                self.disc(centre, radius, 0.02 * span) - self.disc(centre, 0.82 * radius, 0.02 * span), 0, 1
            )
            * ball
        )
        lightness *= 1 - 0.55 * rim
        spot = centre + radius * 0.38 * (up - 0.8 * across)
        light = self.disc(spot.astype(np.float32), 0.30 * radius, 0.015 * span) * ball
        lightness += light * (98 - lightness)
        a *= 1 - light
        b *= 1 - light
        ink = ink * (1 - 0.9 * ball)
        lid = self.stroke(upper, 0.13 * span * line_width)
        low = self.stroke(lower[1:-1], 0.03 * span * line_width)
        return np.maximum(np.maximum(ink, lid), 0.55 * low)

    def _mouth(self, lab: Picture, out: Picture, ink: Plane, line_width: float) -> Plane:
        points = self.points
        span = float(np.hypot(*(points[61] - points[291])))
        if span < 4:
            return ink
        open_ = self.mouth_openness()
        inner = self.fill(MOUTH, 0.015 * span) * np.float32(open_)
        lips = np.clip(self.fill(LIPS, 0.025 * span) - inner, 0, 1)
        out[..., 1] += 5 * lips
        out[..., 2] += 2 * lips
        out[..., 0] *= 1 - 0.08 * lips
        seen = lab[..., 0]
        smooth = blur(np.ascontiguousarray(seen), 0.012 * span)
        teeth = (
            inner
            * smooth_step(smooth, 42, 62)
            * (1 - smooth_step(np.hypot(lab[..., 1], lab[..., 2]), 24, 36))
        )
        out[..., 0] += teeth * (np.clip(smooth * 0.35 + 64, 0, 96) - out[..., 0])
        out[..., 1] *= 1 - 0.85 * teeth
        out[..., 2] *= 1 - 0.75 * teeth
        dark = inner * (1 - smooth_step(smooth, 18, 38))
        out[..., 0] *= 1 - 0.4 * dark
        ink = ink * (1 - 0.95 * teeth)
        top = self.stroke(points[MOUTH_UPPER], 0.035 * span * line_width)
        bottom = self.stroke(points[MOUTH_LOWER], 0.02 * span * line_width)
        return np.maximum(ink, np.maximum(top, bottom * np.float32(open_) * 0.7))
