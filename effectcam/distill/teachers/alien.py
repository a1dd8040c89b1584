"""``alien``: a visitor with grey-green skin, a ridged brow and eyes like dark water."""

from __future__ import annotations

import cv2
import numpy as np

from effectcam.distill.teachers.head.brush import Floats, blur, mix, step
from effectcam.distill.teachers.head.head_matte import Pixels
from effectcam.distill.teachers.head.head_normals import unit
from effectcam.distill.teachers.head.head_relief import model_relief
from effectcam.distill.teachers.head.sitter import Sitter, take_seat
from effectcam.distill.teachers.head.uv import INNER_LIPS, OUTER_LIPS, load_face_space, polygon_mask
from effectcam.distill.teachers.surface.alien_eyes import AlienEyes
from effectcam.distill.teachers.surface.alien_skin import paint_skin
from effectcam.distill.teachers.surface.statue import paint_shades
from effectcam.distill.teachers.surface.stone_veins import lay_on_head

_AT = (0.0, 0.25, 0.5, 0.75, 1.0, 1.3, 1.7)
_SKIN = (
    (0.03, 0.04, 0.05),
    (0.14, 0.17, 0.165),
    (0.30, 0.355, 0.315),
    (0.46, 0.535, 0.45),
    (0.615, 0.685, 0.575),
    (0.775, 0.83, 0.725),
    (0.93, 0.96, 0.89),
)
_PIGMENT = np.array([0.34, 0.24, 0.20], np.float32)
"""What the dark drifts take from red, green and blue."""
_PALE = np.array([0.75, 1.0, 0.95], np.float32)
_GLANCE = np.array([-0.34, -0.45, -0.83], np.float32)
"""The normal at which moist skin shows the lamp."""
_FILM = 1.35 * np.array([1.0, 1.22, 1.45], np.float32)
"""Thickness of the film on the skin in wavelengths of red, green and blue, seen from straight above."""

_NOSE = [193, 122, 47, 126, 209, 129, 98, 97, 2, 326, 327, 358, 429, 355, 277, 351, 417, 8]
_SEAM = (
    [78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308],
    [78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308],
)
_NOSTRILS = ((97, 98), (326, 327))


class Alien:
    """Teacher of the ``alien`` effect; deterministic, safe to share between calls.

    ``seed`` moves the drifts of colour: a student must be trained and judged on one. ``size`` scales the
    eyes' height: above 1.2 they run into the mouth's corners.
    """

    def __init__(self, *, seed: int = 4, size: float = 1.0) -> None:
        self.space = load_face_space()
        self.skin = paint_skin(seed=seed)
        self.eyes = AlienEyes(self.space, size=size)

    def __call__(self, image: Pixels, landmarks: Floats | None) -> Pixels:
        """Redraw one head.

        ``image`` RGB uint8 (H, W, 3), the head about upright; ``landmarks`` float32 (478, 3), pixels of that
        picture. Returns RGBA uint8 (H, W, 4), straight alpha: high on face, hair and neck, 0 on clothes and
        background, which stay as they are. The lamp stands to the left, so a mirrored picture needs an answer
        of its own. UsageError for other shapes and without landmarks.
        """
        sitter = take_seat(image, landmarks, self.space)
        relief, matte = model_relief(sitter), sitter.matte
        height, width, side = *image.shape[:2], matte.side
        ridges, hollows, drifts = np.moveaxis(lay_on_head(self.skin, sitter), -1, 0)
        eyes = self.eyes(sitter.face, sitter.mesh, height, width)

        # Where people have a nose and lips there is hardly anything.
        nose = 0.72 * blur(polygon_mask(sitter.face[_NOSE], height, width), 0.05 * side)
        level = np.maximum(
            nose, 0.8 * blur(polygon_mask(sitter.face[OUTER_LIPS], height, width), 0.05 * side)
        )
        light = _levelled(relief.staged(), level, 0.16 * side)
        normals = np.stack([_levelled(relief.normals[..., i], level, 0.12 * side) for i in range(3)], axis=-1)
        raised = blur(np.ascontiguousarray(ridges), 0.018 * side)
        slopes = [cv2.Sobel(raised, cv2.CV_32F, i, 1 - i, scale=0.06 * side / 8) for i in (1, 0)]
        bent = unit(normals - np.stack([*slopes, np.zeros_like(raised)], axis=-1))

        # Beard, brows and bangs are grown over; hair hangs down as skin.
        depth = 0.30 + (0.04 + 0.16 * matte.skin - 0.30) * matte.face
        carved = blur(relief.carving, 0.02 * side) * depth * (1 - level)
        emboss = (bent - normals) @ np.array([-0.40, -0.52, -0.32], np.float32)
        shade = light * np.exp(carved) * (1 + emboss) * (1 - 0.45 * hollows * matte.face)
        for eye in eyes:
            shade = shade * (1 - 0.5 * eye.socket)
        shade = np.asarray(shade * (1 - _openings(sitter)), np.float32)

        skin = self._flesh(shade, bent, side)
        skin *= 1 - _PIGMENT * drifts[..., None]
        for eye in eyes:
            skin = mix(skin, eye.colour, eye.ball)
        return sitter.layer(skin * np.float32(relief.exposure), matte.head)

    def _flesh(self, shade: Floats, normals: Floats, side: float) -> Floats:
        """Translucent skin under a thin film, (H, W, 3)."""
        deep = blur(shade, 0.02 * side)
        layers = np.stack([shade + (deep - shade) * share for share in (0.3, 0.5, 0.4)], axis=-1)
        skin = paint_shades(layers.astype(np.float32), _AT, _SKIN)
        # Two-beam interference: the path through the film shortens with the cosine (Born and Wolf,
        # "Principles of Optics", 7.6). It shows where the skin turns away.
        facing = np.clip(-normals[..., 2], 0, 1)
        film = 0.5 + 0.5 * np.cos(2 * np.pi * _FILM * facing[..., None])
        skin += (0.30 * step(0.15, 0.85, 1 - facing) * np.clip(shade, 0, 1.2))[..., None] * (film - 0.35)
        skin += 0.20 * (np.clip(normals @ _GLANCE, 0, 1) ** 14)[..., None] * _PALE
        return np.asarray(skin, np.float32)


def _levelled(plane: Floats, level: Floats, sigma: float) -> Floats:
    """The plane smoothed over ``sigma`` pixels where ``level`` is 1."""
    plane = np.ascontiguousarray(plane)
    return plane + (blur(plane, sigma) - plane) * level


def _openings(sitter: Sitter) -> Floats:
    """How dark mouth and nostrils are, (H, W), 0 to 1: a lipless seam, and two slits."""
    face, side = sitter.face[:, :2], sitter.matte.side
    height, width = sitter.covered.shape
    lines = [((face[_SEAM[0]] + face[_SEAM[1]]) / 2, 0.020, 0.008)]
    for inner, wing in _NOSTRILS:
        low = (face[2] + face[inner]) / 2
        lines.append((np.stack([low, 0.55 * face[wing] + 0.45 * face[4]]), 0.022, 0.012))
    dark = 0.8 * blur(polygon_mask(face[INNER_LIPS], height, width), 0.012 * side)
    for path, thick, soft in lines:
        mask = np.zeros((height, width), np.float32)
        fixed = np.round(np.clip(path, -8 * width, 8 * width) * 16).astype(np.int32)
        cv2.polylines(mask, [fixed], False, (1.0,), max(1, round(thick * side)), cv2.LINE_8, 4)
        dark = np.maximum(dark, 0.78 * blur(mask, soft * side))
    return np.asarray(dark, np.float32)
