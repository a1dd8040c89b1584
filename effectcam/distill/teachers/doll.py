"""``doll``: a face of glazed porcelain. Skin of one flawless colour, shine, rosy cheeks, glass eyes.

The colour is the person's own; the picture's light is kept in broad strokes, and what is finer is cast anew:
shine where the mean head's surface mirrors a lamp, painted brows, lips and lashes.
"""

from __future__ import annotations

import cv2
import numpy as np

from effectcam.distill.teachers.head.anatomy import BROW
from effectcam.distill.teachers.head.brush import Brush, blur, both, curve, mix, step
from effectcam.distill.teachers.head.complexion import LUMA
from effectcam.distill.teachers.head.eyeball import Eyeball, opening, paint_eyeball
from effectcam.distill.teachers.head.face_canvas import FaceCanvas
from effectcam.distill.teachers.head.layer import Pixels
from effectcam.distill.teachers.head.lids import Eye, find_eyes
from effectcam.distill.teachers.head.spectacles import Spectacles
from effectcam.distill.teachers.head.uv import (
    EYES,
    FACE_OVAL,
    INNER_LIPS,
    OUTER_LIPS,
    Floats,
    load_face_space,
    polygon_mask,
)
from effectcam.distill.teachers.head.zones import paint_zones
from effectcam.distill.teachers.surface.gloss import highlight, paint_normals, side_light, turned_normals

_ROSE = np.array([1.05, 0.76, 0.80], np.float32)
_LIP = np.array([0.94, 0.47, 0.52], np.float32)
"""What make-up leaves of the skin's own red, green and blue."""


class Doll:
    """Teacher of the ``doll`` effect; deterministic.

    Meant for pictures whose eyes have been enlarged, with the landmarks moved along. ``shine``: strength of
    the highlights, 0 matt to 1 wet. ``iris``: size of the irises, in those of the landmarks.
    """

    def __init__(self, *, shine: float = 0.6, iris: float = 1.18) -> None:
        self.shine, self.iris = shine, iris
        self.space = load_face_space()
        brush = Brush(self.space)
        self.zones = paint_zones(brush, throat_reach=0.5)
        self.spectacles = Spectacles(brush)
        self.normals = paint_normals(self.space, smooth=8.0)
        self._brows, self._blush, self._own = _brows(brush), _blush(brush), _own_features(brush)
        self._lids = np.maximum(*(brush.area(part, 5, grow=1.5) for part in EYES))
        self._glazed = brush.area(FACE_OVAL, 10, grow=0.96)

    def __call__(self, image: Pixels, landmarks: Floats) -> Pixels:
        """Redraw one face.

        ``image`` RGB uint8 (H, W, 3); ``landmarks`` float32 (478, 3), pixels of that picture. Returns RGBA
        uint8 (H, W, 4), straight alpha. UsageError for other shapes.
        """
        canvas = FaceCanvas(image, landmarks, self.space, self.zones)
        frame = self._frame(canvas)
        skin = _colour(canvas, self.zones.bare)
        hidden = np.clip(canvas.lay(self._own) + frame, 0, 1)
        light = _broad_light(canvas, hidden) * self._form(canvas)
        # Light that has gone a little way through the glaze: shade is warmer than grey.
        doll = skin * light[:, :, None] ** np.array([0.88, 1.04, 1.10], np.float32)
        doll = doll * (1 + (_ROSE - 1) * (0.7 * canvas.lay(self._blush))[:, :, None])
        doll = self._shine(doll, canvas)
        doll = self._brow(doll, canvas, skin, light)
        doll = self._mouth(doll, canvas, skin, light)
        for eye in find_eyes(canvas.face):
            doll = self._eye(doll, canvas, eye, skin)
        doll = mix(doll, canvas.picture, frame)
        return canvas.finish(doll, canvas.cover())

    def _frame(self, canvas: FaceCanvas) -> Floats:
        """Spectacles, (H, W), their rims in one piece; lids have folds like lines too, but nearer."""
        found = self.spectacles.find(canvas) * (1 - canvas.lay(self._lids))
        reach = max(3, 2 * round(0.012 * canvas.extent) + 1)
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
        joined = cv2.morphologyEx(found, cv2.MORPH_CLOSE, kernel)
        return step(0.10, 0.40, np.asarray(joined, np.float32))

    def _form(self, canvas: FaceCanvas) -> Floats:
        """The mean head modelled by a soft lamp, (H, W): what smoothing took from nose and sockets."""
        normals = turned_normals(canvas, self.normals, self.space)
        lamp = np.array([0.35 * side_light(canvas), -0.45, -0.82], np.float32)
        lambert = np.clip(normals @ (lamp / np.linalg.norm(lamp)), 0, 1)
        return np.asarray(1 + 0.34 * (lambert - 0.80), np.float32)

    def _shine(self, doll: Floats, canvas: FaceCanvas) -> Floats:
        normals = turned_normals(canvas, self.normals, self.space)
        side = side_light(canvas)
        lamp = (0.5 * side - 0.22 * (1 - abs(side)), -0.50, -1.0)
        gleam = 0.22 * highlight(normals, lamp, 18)
        gleam = gleam + 0.62 * step(0.25, 0.95, highlight(normals, lamp, 90))
        gleam = gleam * canvas.lay(self._glazed) * step(0.0, 0.03 * canvas.extent, _inward(canvas))
        room = np.float32(min(1.0, canvas.complexion.exposure * 1.05))
        bright = np.array([1.0, 0.985, 0.965], np.float32) * room
        return mix(doll, bright, np.asarray(np.clip(self.shine * gleam, 0, 0.9), np.float32))

    def _brow(self, doll: Floats, canvas: FaceCanvas, skin: Floats, light: Floats) -> Floats:
        zone = canvas.lay(self._brows)
        own = np.percentile(canvas.picture[zone > 0.6], 30, axis=0) if (zone > 0.6).any() else skin * 0.4
        # Fair brows would be lost on glaze, black ones would be drawn with a marker.
        ink = np.clip(own, 0.20 * skin, 0.58 * skin)
        return mix(doll, np.asarray(ink * np.maximum(light, 0.5)[:, :, None], np.float32), 0.72 * zone)

    def _mouth(self, doll: Floats, canvas: FaceCanvas, skin: Floats, light: Floats) -> Floats:
        face, size = canvas.face, (canvas.height, canvas.width)
        soft = 0.004 * canvas.extent
        whole, inner = (
            polygon_mask(curve(face[p, :2], closed=True), *size) for p in (OUTER_LIPS, INNER_LIPS)
        )
        lips = blur(np.clip(whole - inner, 0, 1), soft)
        paint = np.clip(skin * _LIP, 0.12, 0.92) * light[:, :, None]
        doll = mix(doll, np.asarray(paint, np.float32), 0.85 * lips)
        # Teeth and tongue stay the person's, but as smooth as the rest.
        calm = cv2.bilateralFilter(canvas.picture, -1, 0.12, 0.01 * canvas.extent)
        doll = mix(doll, np.asarray(calm, np.float32), blur(inner, 0.7 * soft))
        middle = (face[17, :2] + face[14, :2] * 1.2) / 2.2
        across = (face[405, :2] - face[181, :2]) / 2
        gleam = _ellipse(size, middle, across * 0.55, 0.008 * canvas.extent)
        top = _ellipse(
            size, (face[0, :2] + face[13, :2]) / 2 - across * 0.25, across * 0.3, 0.006 * canvas.extent
        )
        bright = np.maximum(blur(gleam, soft), 0.7 * blur(top, soft)) * lips
        return mix(doll, (1.0, 0.97, 0.95), np.asarray(self.shine * 0.8 * bright, np.float32))

    def _eye(self, doll: Floats, canvas: FaceCanvas, eye: Eye, skin: Floats) -> Floats:
        box = eye.box(canvas.height, canvas.width, 0.16)
        if not doll[box].size:
            return doll
        doll = doll.copy()
        t, y = eye.place(box)
        awake = step(0.012, 0.026, np.float32(eye.gap))
        lids = eye.upper, eye.lower
        head = np.float32(eye.head)
        seen = canvas.picture[box]
        part = doll[box]
        white = np.array([0.97, 0.96, 0.97], np.float32) * np.float32(min(1.0, canvas.complexion.exposure))
        look = Eyeball(white=white, iris=_glass(seen, t, y, eye), pupil=0.42, glint=0.0, shade=0.35)
        offset = eye.iris - eye.corner
        centre = np.array([offset @ eye.across / eye.width, offset @ eye.down], np.float32)
        radius = self.iris * eye.radius
        ball = paint_eyeball(look, t, y, eye, lids, centre, radius)
        ball = _sparkle(ball, t, y, eye, centre, radius)
        part = mix(part, ball, opening(t, y, lids) * awake)
        over, under = (y - eye.upper(t)) / head, (y - eye.lower(t)) / head
        shadow = np.exp(-((over / 0.030) ** 2)) * (over < 0) * step(-0.1, 0.1, t) * (1 - step(0.9, 1.1, t))
        part = mix(
            part, skin * np.array([0.62, 0.42, 0.46], np.float32), np.asarray(0.35 * shadow, np.float32)
        )
        part = mix(part, np.array([0.07, 0.045, 0.05], np.float32), _lashes(t, over, under, eye))
        doll[box] = part
        return doll


def _colour(canvas: FaceCanvas, bare_zone: Floats) -> Floats:
    """(3,), the person's skin in middling light, evened out: a little more light and colour in it."""
    bare = canvas.lay(bare_zone) * canvas.covered > 0.5
    luma = canvas.picture @ LUMA
    sample = canvas.picture[bare] if bare.sum() >= 16 else canvas.picture.reshape(-1, 3)
    near = np.abs(luma[bare] - np.percentile(luma[bare], 60)) < 0.12 if bare.sum() >= 16 else slice(None)
    colour = np.median(sample[near], axis=0)
    tone = float(colour @ LUMA)
    lively = tone + (colour - tone) * 1.14
    return np.asarray(np.clip(lively * (1 + 0.10 * (1 - tone)), 0.03, 1), np.float32)


def _broad_light(canvas: FaceCanvas, hidden: Floats) -> Floats:
    """The scene's shading without folds and pores, (H, W), 1 in middling light."""
    luma = canvas.picture @ LUMA
    for reach in (0.10, 0.05):
        seen = (1 - hidden) ** 2 * canvas.covered
        weight = blur(seen, reach * canvas.extent)
        filled = blur(luma * seen, reach * canvas.extent) / np.maximum(weight, 1e-3)
        luma = luma + (filled - luma) * hidden * step(0.02, 0.2, weight)
    kept = cv2.ximgproc.guidedFilter(luma, luma, max(2, round(0.035 * canvas.extent)), 0.004)
    broad = 0.65 * np.asarray(kept, np.float32) + 0.35 * blur(luma, 0.03 * canvas.extent)
    shading = broad / np.float32(canvas.complexion.luma)
    return np.asarray(
        np.clip(np.where(shading < 1, shading**0.72, 1 + 0.45 * (shading - 1)), 0.1, 1.25), np.float32
    )


def _glass(seen: Floats, t: Floats, y: Floats, eye: Eye) -> Floats:
    """(3,), the person's own eye colour as clear glass: brighter and richer."""
    offset = eye.iris - eye.corner
    x = (t - offset @ eye.across / eye.width) * eye.width
    away = np.hypot(x, y - offset @ eye.down) / max(eye.radius, 1.0)
    ring = (away > 0.45) & (away < 0.95) & (opening(t, y, (eye.upper, eye.lower)) > 0.8)
    own = np.median(seen[ring], axis=0) if ring.sum() > 5 else np.array([0.3, 0.2, 0.14])
    tone = max(float(own @ LUMA), 0.04)
    # Dark eyes mirror the room: what is under the mirror image is brown.
    brown = np.array([1.35, 0.88, 0.60]) - own / tone
    own = own / tone + brown * float(1 - step(0.16, 0.34, np.float32(tone)))
    rich = np.clip(1 + (own - 1) * 1.45, 0.3, 2.0)
    return np.asarray(np.clip(rich * np.clip(0.20 + 0.5 * tone, 0.23, 0.48), 0, 1), np.float32)


def _sparkle(ball: Floats, t: Floats, y: Floats, eye: Eye, centre: Floats, radius: float) -> Floats:
    """A window above, its echo below: what makes glass of an eye."""
    turn = 1.0 if float(eye.across[0]) >= 0 else -1.0
    x = (t - centre[0]) * np.float32(eye.width) * turn / np.float32(radius)
    v = (y - centre[1]) / np.float32(radius)
    soft = 1.0 / max(radius, 1.0)
    window = 1 - step(1 - soft * 3, 1 + soft * 3, np.hypot((x + 0.36) / 0.30, (v + 0.36) / 0.34))
    echo = 1 - step(1 - soft * 4, 1 + soft * 4, np.hypot((x - 0.36) / 0.17, (v - 0.42) / 0.15))
    return mix(mix(ball, (1.0, 1.0, 1.0), 0.96 * window), (1.0, 1.0, 1.0), 0.6 * echo)


def _lashes(t: Floats, over: Floats, under: Floats, eye: Eye) -> Floats:
    """Ink for a liner that swells outwards and long lashes on both lids, (h, w)."""
    wide = np.float32(eye.width / eye.head)
    out = np.clip(1 - t, 0, 1.2)
    ends = step(-0.08, 0.05, t) * (1 - step(0.9, 1.02, t))
    ink = 0.92 * ends * np.exp(-((over / np.where(over < 0, 0.007 + 0.008 * out, 0.005)) ** 2))
    for root, reach in (
        (0.0, 0.050),
        (0.09, 0.056),
        (0.19, 0.055),
        (0.30, 0.050),
        (0.42, 0.044),
        (0.55, 0.037),
    ):
        # Fanned out: the outer ones lean outwards, and all bend up.
        up = np.clip(-over / reach, 0, 1)
        x = (t - root) * wide + (0.85 - 1.2 * root) * reach * up * (1 - 0.35 * up)
        thin = 0.0072 * (1 - up) ** 0.7 + 0.0022
        lash = np.exp(-((x / thin) ** 2)) * step(-reach, -0.75 * reach, over) * (over < 0.004)
        ink = np.maximum(ink, 0.9 * lash)
    lower = step(0.0, 0.15, t) * (1 - step(0.7, 0.95, t))
    return np.asarray(np.maximum(ink, 0.40 * lower * np.exp(-((under / 0.006) ** 2))), np.float32)


def _inward(canvas: FaceCanvas) -> Floats:
    """How far inside the mesh, pixels: past its silhouette the flat space has nothing true to say."""
    return np.asarray(cv2.distanceTransform(canvas.covered.astype(np.uint8), cv2.DIST_L2, 5), np.float32)


def _ellipse(size: tuple[int, int], middle: Floats, half: Floats, height: float) -> Floats:
    mask = np.zeros(size, np.float32)
    angle = float(np.rad2deg(np.arctan2(half[1], half[0])))
    axes = (2 * float(np.hypot(*half)), 2 * float(height))
    cv2.ellipse(mask, ((float(middle[0]), float(middle[1])), axes, angle), (1.0,), -1)
    return mask


def _brows(brush: Brush) -> Floats:
    """Along the middle of the person's own, fuller towards the nose, tapering outwards."""
    path = curve(
        (brush.points[[55, 65, 52, 53, 46]] + brush.points[[107, 66, 105, 63, 70]]) / 2
        - np.array([0, 2], np.float32)
    )
    along = np.linspace(0, 1, len(path) - 1)
    width = 10.5 * np.clip(np.minimum(0.45 + 4 * along, 1.0), 0, 1) * (1 - 0.75 * along**1.6)
    return both(brush.stroke(path, np.asarray(width, np.float32), 1.8))


def _blush(brush: Brush) -> Floats:
    """Round on the apples of the cheeks, and a breath of it on nose and chin."""
    cheeks = both(brush.spot(50, (30, 26), 19, lift=6))
    rest = 0.4 * brush.spot(4, (14, 10), 7) + 0.25 * brush.spot(199, (18, 12), 8)
    return np.asarray(np.clip(cheeks + rest, 0, 1), np.float32)


def _own_features(brush: Brush) -> Floats:
    """What is covered by paint of its own: its darkness is no shade."""
    eyes = np.maximum(*(brush.area(opening_, 3, grow=1.35) for opening_ in EYES))
    parts = [both(brush.area(BROW, 3, grow=1.25)), eyes, brush.area(OUTER_LIPS, 3, grow=1.05)]
    parts += [0.75 * both(brush.spot(98, (11, 7), 3)), 0.75 * both(brush.spot(60, (9, 7), 3))]
    return np.asarray(np.clip(np.maximum.reduce(parts), 0, 1), np.float32)
