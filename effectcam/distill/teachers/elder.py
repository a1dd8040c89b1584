"""``elder``: thirty years on. Skin that folds and sags, spots, and hair gone grey, in the scene's own light.

The face is first let down a little by moving least squares; then folds painted in the flat space take light
from above and from the side that the picture is lit from, and the person's own lines are deepened with them.
"""

from __future__ import annotations

import cv2
import numpy as np

from effectcam.distill.teachers.head.brush import Brush, blur, mix, step
from effectcam.distill.teachers.head.complexion import LUMA
from effectcam.distill.teachers.head.face_canvas import FaceCanvas
from effectcam.distill.teachers.head.forehead import settle_forehead
from effectcam.distill.teachers.head.hair import find_hair
from effectcam.distill.teachers.head.head_matte import cut_out
from effectcam.distill.teachers.head.layer import Pixels, read_face
from effectcam.distill.teachers.head.mls import backward_map, warp
from effectcam.distill.teachers.head.spectacles import Spectacles
from effectcam.distill.teachers.head.uv import (
    MESH_POINTS,
    RIGID,
    Floats,
    fit_similarity,
    load_face_space,
)
from effectcam.distill.teachers.head.zones import paint_zones
from effectcam.distill.teachers.surface.age_marks import AgeMarks, paint_age
from effectcam.distill.teachers.surface.gloss import side_light

_DOWN = {
    # Of the picture's left half and the middle, in thousandths of the face's width: outwards, down.
    (61, 57, 43): (2, 9),
    (212, 202, 214, 210): (3, 9),
    (50, 205, 187, 36, 207): (1, 9),
    (216, 206): (0, 9),
    (172, 136, 135, 138): (8, 7),
    (150, 169): (3, 5),
    (70, 46, 63, 53): (1, 10),
    (105, 52, 66, 65): (0, 7),
    (225, 224, 29, 30): (1, 9),
    (223, 222, 27, 28, 113): (0, 7),
    (246, 161, 160): (0, 5),
    (159, 158): (0, 3),
    (117, 118, 119, 120): (0, 4),
    (4, 1, 2): (0, 7),
    (48, 49, 98): (3, 4),
    (0, 37, 39, 40): (0, 6),
    (17, 84, 181, 91): (0, -5),
}
_GREY = np.array([0.82, 0.79, 0.755], np.float32)
_BLOOD = np.array([0.70, 1.05, 1.25], np.float32)
"""How deep shade falls in red, green and blue: in a fold light goes through blood."""


class Elder:
    """Teacher of the ``elder`` effect; deterministic.

    ``folds`` scales the painted folds, ``own`` how much the person's own lines are deepened: together above
    2.5 skin turns to bark. ``sag`` scales how far the face is let down. ``seed`` moves spots and lines.
    """

    def __init__(self, *, folds: float = 1.0, own: float = 0.9, sag: float = 1.0, seed: int = 5) -> None:
        self.folds, self.own, self.sag = folds, own, sag
        self.space = load_face_space()
        brush = Brush(self.space, seed=seed)
        self.marks: AgeMarks = paint_age(brush)
        self.zones = paint_zones(brush)
        self.spectacles = Spectacles(brush)
        self.down = _let_down(self.space.shape[:MESH_POINTS])

    def __call__(self, image: Pixels, landmarks: Floats) -> Pixels:
        """Age one face.

        ``image`` RGB uint8 (H, W, 3); ``landmarks`` float32 (478, 3), pixels of that picture. Returns RGBA
        uint8 (H, W, 4), straight alpha. The marks differ left from right, so a mirrored picture needs an
        answer of its own. UsageError for other shapes.
        """
        picture, face = read_face(image, landmarks)
        sagged, points = self._sagged(picture, face)
        canvas = FaceCanvas(np.asarray(np.round(sagged * 255), np.uint8), points, self.space, self.zones)
        frame = self.spectacles.find(canvas)
        bare = (1 - canvas.lay(self.marks.features)) * (1 - frame)
        aged = canvas.picture * np.exp(self._shade(canvas, bare)[:, :, None] * _BLOOD)
        aged = aged * np.exp(canvas.lay(self.marks.tint) * bare[:, :, None])
        aged = _sallow(aged, bare)
        crown = _crown(canvas)
        aged = self._greyed(aged, canvas, frame, crown)
        return canvas.finish(aged, np.maximum(canvas.cover(), crown))

    def _sagged(self, picture: Floats, face: Floats) -> tuple[Floats, Floats]:
        mesh = self.space.extend(face)
        scale, rotation, _ = fit_similarity(self.space.shape[RIGID], mesh[RIGID])
        goal = mesh.copy()
        goal[:MESH_POINTS] += np.float32(self.sag) * scale * self.down @ rotation.T
        points = face.copy()
        points[:MESH_POINTS] = goal[:MESH_POINTS]
        points = settle_forehead(points, self.space.shape)
        where = backward_map(mesh[:, :2], goal[:, :2], *picture.shape[:2])
        return warp(picture, where), points

    def _shade(self, canvas: FaceCanvas, bare: Floats) -> Floats:
        """Change of log luma, (H, W)."""
        sideways = side_light(canvas)
        slope_x, slope_y = canvas.lay(self.marks.slope_x), canvas.lay(self.marks.slope_y)
        # Light falls mostly from above: what faces up (height growing downwards) is bright.
        lit = 0.24 * np.clip(slope_y, -0.6, 0.6) + 0.24 * sideways * np.clip(-slope_x, -0.6, 0.6)
        painted = lit - canvas.lay(self.marks.hollow)
        grain = 0.018 * canvas.lay(self.marks.grain)
        logs = np.log(canvas.picture @ LUMA + np.float32(0.02))
        fine, broad = blur(logs, 0.004 * canvas.extent), blur(logs, 0.022 * canvas.extent)
        own = fine - broad
        # Lashes, nostrils and beards are no wrinkles, and darker than any.
        own = 0.16 * np.tanh(own / 0.16) * np.where(own < 0, 1.0, 0.5)
        own = own * canvas.complexion.likeness()
        # What is dark already needs deeper shade to look folded.
        depth = self.folds * (1 + 1.5 * (1 - step(0.2, 0.62, np.float32(canvas.complexion.luma))))
        return np.asarray((depth * (painted + grain) + self.own * own) * bare, np.float32)

    def _greyed(self, aged: Floats, canvas: FaceCanvas, frame: Floats, crown: Floats) -> Floats:
        """Brows, beard and the hair of the head in grey."""
        luma = aged @ LUMA
        skin = canvas.complexion.luma
        hair = (1 - canvas.complexion.likeness()) * (1 - _flesh(canvas))
        hair = hair * (1 - frame) * (1 - canvas.lay(self.marks.features))
        dark = 1 - step(0.55, 1.0, luma / skin)
        # The side in the shade is dark too, but has no bristles.
        logs = np.log(canvas.picture @ LUMA + np.float32(0.03))
        fine = logs - blur(logs, 0.008 * canvas.extent)
        bristles = step(0.035, 0.08, np.sqrt(blur(fine**2, 0.015 * canvas.extent)))
        beard = canvas.lay(self.marks.beard) * hair * dark * bristles * canvas.covered
        local = blur(luma, 0.03 * canvas.extent)
        strands = step(0.02, 0.22, (local - luma) / np.maximum(local, 0.05))
        brows = canvas.lay(self.marks.brows) * np.maximum(strands, hair * dark) * (1 - frame)
        amount = np.maximum(np.maximum(0.75 * beard, 0.50 * brows), 0.85 * crown)
        # Grey hair keeps its strands, in a brighter range.
        # Skin between the first hairs would shine if it were taken for a bright strand.
        usual = blur(luma * crown, 0.06 * canvas.extent) / (blur(crown, 0.06 * canvas.extent) + 1e-3)
        base = luma + (np.minimum(luma, 1.4 * usual + 0.03) - luma) * crown
        light = 0.30 * skin + 0.17 + 0.85 * base
        bright = np.float32(0.78 * max(skin, 0.65))
        over = np.maximum(light - bright, 0)
        light = np.minimum(light, bright) + 0.25 * over / (0.25 + over)
        light = np.maximum(light + 1.4 * np.clip(luma - local, -0.1, 0.1), 0.3 * luma)
        grey = _GREY * (light / 0.79)[:, :, None]
        return mix(aged, grey, np.asarray(amount, np.float32))


def _crown(canvas: FaceCanvas) -> Floats:
    """The hair of the head, (H, W), as far as it is seen beside and above the face."""
    image = np.asarray(np.round(canvas.picture * 255), np.uint8)
    matte = cut_out(image, canvas.face)
    hair = find_hair(image, canvas.face, matte)
    # The rims of ears, jaw and neck are thin, locks are not.
    reach = max(1, round(0.05 * matte.side))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    hair = np.minimum(hair, blur(np.asarray(cv2.morphologyEx(hair, cv2.MORPH_OPEN, kernel), np.float32), 1.0))
    x, y = matte.at[..., 0], matte.at[..., 1]
    # Long hair greys from its roots: it must not end in a line where the crop does.
    upper = 1 - step(-0.25, 0.45, y)
    beside = step(0.5, 0.7, np.abs(x)) * (1 - step(-0.25, 0.85, y))
    near = 1 - step(1.15, 1.4, np.abs(x))
    brows = 1 - matte.face * step(-0.75, -0.6, y)
    # Ears are told by their colour.
    relative = canvas.picture @ LUMA / np.float32(canvas.complexion.luma)
    alike = canvas.complexion.likeness() * step(0.30, 0.55, relative)
    ears = step(0.6, 0.7, np.abs(x)) * (1 - step(0.95, 1.1, np.abs(x))) * step(-0.75, -0.55, y)
    return np.asarray(hair * (1 - alike * ears) * np.maximum(upper, beside) * near * brows, np.float32)


def _flesh(canvas: FaceCanvas) -> Floats:
    """How surely a colour is skin in the shade and not black hair, (H, W): in the dark both are as deep, but
    skin stays nearly as red against green as it is in the light."""
    red, green = (blur(np.ascontiguousarray(canvas.picture[..., i]), 0.02 * canvas.extent) for i in (0, 1))
    warmth = (red + 0.01) / (green + 0.01) - 1
    bare = canvas.complexion.likeness() > 0.9
    usual = float(np.median(warmth[bare])) if bare.any() else 0.0
    # Pale skin in grey light is hardly redder than anything.
    told = step(0.12, 0.3, np.float32(usual))
    return np.asarray(told * step(0.65, 0.95, warmth / max(usual, 0.05)), np.float32)


def _let_down(shape: Floats) -> Floats:
    """(468, 3), how far each point of the mean head moves, in face widths: `_DOWN`, spread to neighbours."""
    moved = np.zeros((MESH_POINTS, 3), np.float32)
    # The rest of the face weighs in as staying where it is.
    weight = np.full(MESH_POINTS, 0.35, np.float32)
    for points, (out, down) in _DOWN.items():
        for point in points:
            for side in (1, -1):
                mirrored = shape[point] * np.array([side, 1, 1], np.float32)
                near = np.exp(-((shape - mirrored) ** 2).sum(axis=1) / (2 * 0.032**2))
                # A point of the middle is its own mirror image, and would count twice.
                near = near * (0.5 if abs(shape[point, 0]) < 0.01 else 1.0)
                moved += near[:, None] * np.array([-out * side, down, 0], np.float32) / 1000
                weight += near
    return np.asarray(moved / weight[:, None], np.float32)


def _sallow(skin: Floats, bare: Floats) -> Floats:
    """Less blood under the skin: paler in hue, not in tone."""
    luma = (skin @ LUMA)[:, :, None]
    pale = luma + (skin - luma) * np.array([0.92, 0.94, 0.96], np.float32)
    return np.asarray(skin + (pale * 0.99 - skin) * bare[:, :, None], np.float32)
