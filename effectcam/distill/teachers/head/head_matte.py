"""The head cut out of a picture: face, ears, hair, beard and neck, without background and clothes.

Clothes are told from the head by colour and by geodesic distance. Nobody draws scribbles here: everything
above the chin is one side's, the shoulders are the other's.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.distill.teachers.drawing.ground import calm
from effectcam.distill.teachers.head.brush import Floats, blur, step
from effectcam.distill.teachers.head.figure import figure
from effectcam.distill.teachers.head.geodesic import gaps, lab_steps, nearer, shades, unveiled
from effectcam.distill.teachers.head.uv import FACE_OVAL, polygon_mask
from effectcam.face.crop import fit_head

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]

_PLAIN = (
    [117, 118, 101, 36, 205, 187, 123],
    [346, 347, 330, 266, 425, 411, 352],
    [66, 107, 9, 336, 296, 337, 151, 108],
)
"""Where hardly anybody has hair: cheeks and the middle of the forehead."""


@dataclass(frozen=True, slots=True)
class HeadMatte:
    """What of a picture is which part of the head; float32 (H, W), 0 to 1, soft at the edges.

    ``head`` face, ears, hair and neck; ``skin`` the part of it that is bare skin, without brows, beard, lips,
    eyes and hair; ``face`` what the face mesh covers, hair in front of it included. ``side`` is the distance
    of the outer corners of the eyes as seen from the front, in pixels: the unit of all sizes. ``at``
    (H, W, 2) is each pixel's place in the head's own upright frame, in that unit, origin at the nose's tip.
    """

    head: Floats
    skin: Floats
    face: Floats
    at: Floats
    side: float


def cut_out(image: Pixels, landmarks: Floats) -> HeadMatte:
    """The head of one person: RGB uint8 (H, W, 3) and landmarks float32 (478, 3), pixels.

    Bare shoulders count as neck, a hat as hair. A face that lies outside the picture has no head in it.
    """
    height, width = image.shape[:2]
    frame = fit_head(landmarks)
    to_head, side = frame.to_crop(1).astype(np.float32), frame.side
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    at = np.stack([columns, rows], axis=-1) @ to_head[:, :2].T + to_head[:, 2]
    chin = float((to_head[:, :2] @ landmarks[152, :2] + to_head[:, 2])[1])
    face = blur(polygon_mask(landmarks[FACE_OVAL], height, width), 0.012 * side)

    features = lab_steps(unveiled(image), 0.02 * side)
    skin = shades(features[plain_skin(landmarks, height, width)], 4, deeper=(0.5, 1.1, 1.8))
    to_skin = gaps(features, np.concatenate([skin, _neck(features, skin, at, chin)]))
    lab = np.asarray(cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)
    found = figure(image, calm(lab, min(height, width) / 256), min(height, width) / 256)
    # Where the models see nobody the mesh still has a face; a little hair too much is a rim of stone, a
    # little too little a rim of hair.
    person = np.maximum(step(0.1, 0.6, found), face)
    head = person * _without_cloth(image, features, to_skin, person, at, face, chin, side)
    head = _one_piece(np.asarray(head, np.float32), face)

    # Fair hair has the skin's colours, but not its smoothness.
    lightness = features[..., 0]
    grain = np.sqrt(blur((lightness - blur(lightness, 0.05 * side)) ** 2, 0.04 * side))
    elsewhere = (1 - step(1.6, 3.0, to_skin)) * (1 - step(0.25, 0.55, grain))
    skin = elsewhere + (1 - step(2.2, 4.0, to_skin) - elsewhere) * face
    skin = blur(np.asarray(skin, np.float32), 0.012 * side) * head
    return HeadMatte(head, np.asarray(skin, np.float32), face, np.asarray(at, np.float32), side)


def plain_skin(landmarks: Floats, height: int, width: int) -> Mask:
    """Cheeks and the middle of the forehead, bool (H, W); all of it where they are not in the picture."""
    mask = np.max([polygon_mask(landmarks[part], height, width) for part in _PLAIN], axis=0) > 0.5
    return mask if mask.sum() >= 16 else np.ones_like(mask)


def _neck(features: Floats, skin: Floats, at: Floats, chin: float) -> Floats:
    """The shade under the chin, (0 or 1, 3): often redder than any of the face's, but as rich in colour,
    which collars are not."""
    under = (np.abs(at[..., 0]) < 0.2) & (at[..., 1] > chin + 0.08) & (at[..., 1] < chin + 0.22)
    if under.sum() < 16:
        return skin[:0]
    shade = np.median(features[under], axis=0)
    rich = np.linalg.norm(shade[1:]) > 0.7 * np.linalg.norm(np.median(skin[:4, 1:], axis=0))
    near = float(gaps(shade[None, None], skin)[0, 0]) < 5.5
    return np.asarray(shade[None] if rich and near else skin[:0], np.float32)


def _without_cloth(
    image: Pixels,
    features: Floats,
    to_skin: Floats,
    person: Floats,
    at: Floats,
    face: Floats,
    chin: float,
    side: float,
) -> Floats:
    """1 on the head and what hangs from it, 0 on clothes."""
    x, y = np.abs(at[..., 0]), at[..., 1] - np.float32(chin)
    body = person > 0.6
    seeds = body & ((face > 0.5) | ((y < -0.25) & (x < np.where(y < -0.65, 1.2, 0.8))))
    hair = seeds & (face < 0.1) & (to_skin > 2.5)
    to_head = to_skin
    if hair.sum() > 60:
        to_head = np.minimum(to_head, gaps(features, shades(features[hair], 6)))
    # Below the chin only long hair is hair, and that is seen beside the jaw: else a dark shirt is a shirt.
    hairy = person * step(2.0, 3.0, to_skin)
    left, right = (_beside(hairy, at[..., 0] * way, y) for way in (-1, 1))
    long = np.maximum(np.where(at[..., 0] < 0, left, right), 1 - step(-0.15, 0.1, y)).astype(np.float32)
    to_head = to_skin + (to_head - to_skin) * long
    shoulder = y > 0.05 + 0.2 * long + 0.3 * (1 - step(0.4, 0.75, x))
    sleeve = (x > 0.85 + 0.2 * long) & (y > 0.55 + 0.4 * long - 0.8 * (x - 0.85 - 0.2 * long))
    cloth = body & ~seeds & ((shoulder & (to_head > 2.6)) | (sleeve & (to_skin > 3.2)))
    # A strip of a dress in the corner must not flip the whole neck from one frame to the next.
    dressed = step(0.002, 0.008, np.float32(cloth.sum() / side**2))
    if cloth.sum() < 16 or dressed == 0:
        return np.ones_like(person)
    to_cloth = gaps(features, shades(features[cloth], 8))
    alike = 1 / (1 + np.exp(np.clip(1.5 * (to_head - to_cloth), -20, 20)))

    share = nearer(features, seeds, cloth, 1 - alike, alike, side)
    fitted = cv2.ximgproc.guidedFilter(image, share, max(3, round(0.05 * side)), 80.0)
    return np.asarray(1 - dressed * (1 - step(0.35, 0.65, np.asarray(fitted, np.float32))), np.float32)


def _beside(hairy: Floats, x: Floats, y: Floats) -> float:
    """How far hair fills the place beside the ear's lobe where long hair hangs, 0 to 1; ``x`` outwards.

    Higher than any shoulder: a dark suit beside the jaw of a turned head looks like dark hair.
    """
    place = (x > 0.78) & (x < 1.02) & (y > -0.9) & (y < -0.4)
    return float(step(0.25, 0.6, hairy[place].mean())) if place.any() else 0.0


def _one_piece(head: Floats, face: Floats) -> Floats:
    """Without islands that do not hang together with the face: a flag, somebody else behind."""
    _, labels = cv2.connectedComponents((head > 0.4).astype(np.uint8), connectivity=4)
    counts = np.bincount(labels[face > 0.5], minlength=int(labels.max()) + 1)
    counts[0] = 0
    if counts.max() == 0:
        return np.zeros_like(head)
    near = cv2.dilate((labels == counts.argmax()).astype(np.uint8), np.ones((7, 7), np.uint8))
    return head * near.astype(np.float32)
