"""``never-blink``: lids that come down are lifted again, and the eyes under them painted, looking ahead.

Each lid is moved along its own eye: the skin above is gathered as a lid gathers it, the edge with its lashes
goes up to where the mean face's lid is in this pose, and an eyeball is painted into the opening. What is done
grows smoothly with how far the lids are down, and is nothing on open eyes.
"""

from __future__ import annotations

import numpy as np

from effectcam.distill.teachers.head.blink import shut_eyes
from effectcam.distill.teachers.head.brush import mix, step
from effectcam.distill.teachers.head.complexion import LUMA
from effectcam.distill.teachers.head.eyeball import Eyeball, opening, paint_eyeball
from effectcam.distill.teachers.head.layer import Pixels, read_face, to_rgba
from effectcam.distill.teachers.head.lids import IRIS, Box, Eye, Lid, find_eyes, shifted
from effectcam.distill.teachers.head.uv import Floats

_SHUT, _OPEN = 0.021, 0.038
"""`Eye.gap` from which an eye is wholly repainted, and from which on it is left alone: laughing eyes of the
portraits are 0.03 and more, most of them above 0.038."""
_BROWN = np.array([0.45, 0.29, 0.18], np.float32)
_OPEN_SHARE, _HALF_SHARE = 0.25, 0.25
"""Shares of the pictures for training whose eyes stay open, lest a student shades open eyes too, and whose
lids stop halfway."""


class NeverBlink:
    """Teacher of the ``never-blink`` effect; deterministic.

    ``wide`` scales how far the upper lid is lifted: 1 takes it where the mean face has it, but a mesh that
    reads a painted eye, and a student that blurs it, find less. Above 1.4 people look startled.
    """

    def __init__(self, *, wide: float = 1.22) -> None:
        self.wide = wide

    def __call__(self, image: Pixels, landmarks: Floats) -> Pixels:
        """Open the eyes of one face.

        ``image`` RGB uint8 (H, W, 3); ``landmarks`` float32 (478, 3), pixels of that picture. Returns RGBA
        uint8 (H, W, 4), straight alpha, 0 all over where both eyes are open. UsageError for other shapes.
        """
        picture, face = read_face(image, landmarks)
        alpha = np.zeros(image.shape[:2], np.float32)
        for eye in find_eyes(face):
            shut = 1 - float(step(_SHUT, _OPEN, np.float32(eye.gap)))
            box = eye.box(image.shape[0], image.shape[1], 0.13)
            if shut > 0 and picture[box].size:
                self._open(picture, alpha, eye, box, shut)
        return to_rgba(picture, alpha)

    def inputs(
        self, image: Pixels, landmarks: Floats, rng: np.random.Generator | None
    ) -> tuple[Pixels, Floats]:
        """What a student of this effect has to see and portraits do not show: the same face with its eyes
        shut or half shut, and the landmarks of that, to be drawn by this teacher in the picture's place.
        Without ``rng`` both are wholly shut."""
        if rng is None:
            return shut_eyes(image, landmarks, (1.0, 1.0))
        kind = rng.random()
        if kind < _OPEN_SHARE:
            return image, landmarks
        both = rng.uniform(0.35, 0.95) if kind < _OPEN_SHARE + _HALF_SHARE else 1.0
        left, right = np.clip(both + rng.normal(0, 0.04, 2), 0, 1)
        if rng.random() < 0.06:
            left, right = (left, 0.0) if rng.random() < 0.5 else (0.0, right)
        return shut_eyes(image, landmarks, (float(left), float(right)), lashes=rng.uniform(0, 1.8), rng=rng)

    def _open(self, picture: Floats, alpha: Floats, eye: Eye, box: Box, shut: float) -> None:
        seen, (t, y), head = picture[box], eye.place(box), np.float32(eye.head)
        wide = Lid(eye.open_upper.coefficients * np.float32(self.wide))
        lids = eye.upper.towards(wide, shut), eye.lower.towards(eye.open_lower, shut)
        upper, lower = (lid(t) for lid in lids)
        shown = np.float32(step(0.0, 0.5, np.float32(shut)))
        skin = _skin(seen, t, y, eye)

        painted = _lift(seen, t, y, eye, upper, lower)
        crease = (y - upper * 1.12 + 0.026 * head) / (0.008 * head)
        along = step(-0.05, 0.2, t) * (1 - step(0.75, 1.05, t))
        painted = painted * (1 - 0.26 * shut * along * np.exp(-(crease**2)))[:, :, None]
        look = Eyeball(white=_white(skin), iris=_iris(seen, t, y, eye, float(skin @ LUMA)), glint=0.85)
        radius = IRIS * eye.head
        ball = paint_eyeball(look, t, y, eye, lids, _looking(eye, lids, radius), radius)
        painted = mix(painted, ball, opening(t, y, lids) * shown)
        painted = mix(painted, skin * np.float32(0.16), _lashes(t, (y - upper) / head, (y - lower) / head))

        outside = np.maximum(upper - 0.060 * head - y, y - lower - 0.050 * head) / head
        cover = (1 - step(0.0, 0.022, outside)) * step(-0.28, -0.08, t) * (1 - step(1.06, 1.24, t)) * shown
        picture[box] = np.where(cover[:, :, None] > 0, painted, seen)
        alpha[box] = np.maximum(alpha[box], cover)


def _iris(seen: Floats, t: Floats, y: Floats, eye: Eye, light: float) -> Floats:
    """(3,), the colour that still shows between the lids, as far as it does, and brown."""
    brown = _BROWN * np.float32(light**0.9)
    x = (t - _place(eye, eye.iris)[0]) * eye.width / max(eye.radius, 1.0)
    seen_iris = opening(t, y, (eye.upper, eye.lower), 0.5) * (np.abs(x) < 0.75)
    share = float(step(0.12, 0.5, np.float32(seen_iris.sum() / max(eye.radius, 1.0) ** 2)))
    if share == 0:
        return brown
    own = (seen * seen_iris[:, :, None]).sum(axis=(0, 1)) / seen_iris.sum()
    # A slit as bright as skin shows the lids' edges and no iris.
    share *= 1 - float(step(0.5, 0.8, np.float32(own @ LUMA / max(light, 0.02))))
    return np.asarray(brown + (own - brown) * share * 0.7, np.float32)


def _lashes(t: Floats, over: Floats, under: Floats) -> Floats:
    """How much ink the lids' edges get, (h, w); ``over`` and ``under``: below each edge, in face widths."""
    # Lashes thicken the upper edge, most of all towards the outer corner, and stand up beyond it.
    thick = 0.0045 + 0.0050 * np.clip(1 - t, 0, 1)
    ends = step(-0.10, 0.06, t) * (1 - step(0.88, 1.0, t))
    upper = 0.88 * ends * np.exp(-((over / np.where(over < 0, thick, 0.0045)) ** 2))
    ends = step(0.0, 0.2, t) * (1 - step(0.7, 0.95, t))
    lower = 0.34 * ends * np.exp(-(((under - 0.004) / 0.0055) ** 2))
    return np.asarray(np.maximum(upper, lower), np.float32)


def _looking(eye: Eye, lids: tuple[Lid, Lid], radius: float) -> Floats:
    """t and y of an iris that looks into the camera, its top under the upper lid as people have it."""
    t, y = _place(eye, eye.gaze)
    t = float(np.clip(t, 0.3, 0.7))
    top, bottom = (float(lid(np.array([t], np.float32))[0]) for lid in lids)
    return np.array([t, np.clip(y, top + 0.62 * radius, max(top + 0.62 * radius, bottom - 0.85 * radius))])


def _place(eye: Eye, point: Floats) -> tuple[float, float]:
    offset = point - eye.corner
    return float(offset @ eye.across) / eye.width, float(offset @ eye.down)


def _skin(seen: Floats, t: Floats, y: Floats, eye: Eye) -> Floats:
    """(3,), the skin under the eye: median, so that a frame of glasses has no say."""
    under = (
        (t > 0.15) & (t < 0.85) & (y > eye.lower(t) + 0.03 * eye.head) & (y < eye.lower(t) + 0.09 * eye.head)
    )
    sample = seen[under] if under.any() else seen.reshape(-1, 3)
    return np.asarray(np.median(sample, axis=0), np.float32)


def _white(skin: Floats) -> Floats:
    """The white of an eye in the light that falls on ``skin``.

    Its luma as measured in the portraits' brighter whites, 0.82 log(skin) - 0.18; a third of the skin's tint.
    """
    luma = float(np.clip(skin @ LUMA, 0.02, 1))
    tint = (np.clip(skin, 0.01, 1) / luma) ** np.float32(0.33)
    return np.asarray(np.clip(tint * (0.92 * luma**0.82), 0, 0.93), np.float32)


def _lift(seen: Floats, t: Floats, y: Floats, eye: Eye, upper: Floats, lower: Floats) -> Floats:
    """The picture with the skin gathered above the new upper edge and below the new lower one."""
    head = np.float32(eye.head)
    raised = np.clip((eye.upper(t) - upper) / (0.035 * head), 0, 1)
    # 0 where the gathering begins, 1 at the edge: the square leaves no kink above.
    up = np.clip(1 - (upper - y) / (0.058 * head), 0, 1) ** 2
    down = (eye.upper(t) - 0.012 * head * raised - upper) * up
    # Lashes of a shut lid hang over the cheek: skin from further down hides them.
    under = np.clip(1 - (y - lower) / (0.060 * head), 0, 1) ** 2
    below = (eye.lower(t) + 0.030 * head * raised - lower) * under
    fade = step(-0.30, 0.0, t) * (1 - step(1.0, 1.30, t))
    shift = np.where(y <= (upper + lower) / 2, down, below) * fade
    return shifted(seen, np.asarray(shift, np.float32), eye.down)
