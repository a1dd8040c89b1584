"""A painted eyeball between two lids: white, iris, pupil, glint, and the shade of the upper lid on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from effectcam.distill.teachers.head.brush import mix, step
from effectcam.distill.teachers.head.lids import Eye, Lid
from effectcam.distill.teachers.head.uv import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Eyeball:
    """What a painted eye looks like. Colours sRGB 0 to 1, as seen in the light that the caller has judged."""

    white: Floats
    """(3,), at its brightest."""
    iris: Floats
    """(3,), halfway between pupil and rim."""
    pupil: float = 0.37
    """Its radius, in radii of the iris: smaller looks into bright light."""
    glint: float = 1.0
    """Opacity of the lamp's reflection; without one an eye looks dead."""
    shade: float = 0.5
    """How far the upper lid's shadow darkens the white under its edge, 0 to 1."""


def paint_eyeball(
    look: Eyeball, t: Floats, y: Floats, eye: Eye, lids: tuple[Lid, Lid], centre: Floats, radius: float
) -> Floats:
    """The whole ball, (h, w, 3), to be shown between the lids; t and y as `Eye.place` gives them.

    ``centre`` is (2,): t and y of the iris, whose ``radius`` is in pixels.
    """
    upper, lower = lids
    soft = 0.9 / max(radius, 1.0)
    x = (t - centre[0]) * np.float32(eye.width)
    # The iris of an eye turned away is an ellipse, but the landmarks' corners are nearer together too.
    away = np.hypot(x, y - centre[1]) / np.float32(radius)
    under = (y - upper(t)) / np.float32(radius)
    over = (lower(t) - y) / np.float32(radius)

    # The ball turns away from the light at both corners, and the inner one is flesh.
    round_off = 1 - 0.42 * np.clip(np.abs(t - 0.5) * 2, 0, 1.1) ** 2.2
    ball = np.asarray(look.white, np.float32) * round_off[:, :, None]
    flesh = step(0.78, 0.97, t)
    ball = mix(ball, np.asarray(look.white) * np.array([0.92, 0.62, 0.58]), 0.75 * flesh)
    wet = 1 - step(0.0, 0.22, over)
    ball = mix(ball, np.asarray(look.white) * np.array([0.95, 0.78, 0.74]), 0.55 * wet)

    rise = np.clip(y - centre[1], -radius, radius) / np.float32(radius)
    # Light from above passes the cornea and leaves the iris's lower half the brighter.
    glow = 1 + 0.42 * rise - 0.25 * (1 - away.clip(0, 1))
    iris = np.asarray(look.iris, np.float32) * glow[:, :, None]
    iris = mix(iris, np.asarray(look.iris) * 0.35, 0.85 * step(0.74, 1.02, away))
    black = np.asarray(look.iris) * 0.10
    iris = mix(iris, black, 1 - step(look.pupil - soft / 2, look.pupil + soft, away))
    ball = mix(ball, iris, 1 - step(1.0 - soft, 1.0 + soft * 0.6, away))

    dim = 1 - look.shade * (1 - step(-0.1, 0.95, under)) ** 1.4
    ball = ball * dim[:, :, None]
    spot = np.hypot(x + 0.30 * radius * _turn(eye), y - centre[1] + 0.34 * radius) / np.float32(radius)
    bright = np.clip(np.asarray(look.white, np.float32) * 1.35 + 0.06, 0, 1)
    ball = mix(ball, bright, look.glint * (1 - step(0.14 - soft / 2, 0.14 + soft, spot)))
    return ball


def opening(t: Floats, y: Floats, lids: tuple[Lid, Lid], soft: float = 0.6) -> Floats:
    """1 between the lids, 0 outside, with an edge ``soft`` pixels wide to either side."""
    upper, lower = lids
    inside = np.minimum(y - upper(t), lower(t) - y)
    ends = (t > 0) & (t < 1)
    return step(-soft, soft, inside.astype(np.float32)) * ends


def _turn(eye: Eye) -> float:
    """+1 where t grows to the picture's right: both eyes mirror the lamp on the same side."""
    return 1.0 if float(eye.across[0]) >= 0 else -1.0
