"""Hair, headsets and face masks, as occluders (see ``occluders``).

Lengths in face heights, see ``Canvas.at``.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.distill.occluder_canvas import (
    PLASTICS,
    SCALE,
    Canvas,
    Covered,
    Floats,
    Relief,
    both,
    curve,
    soften,
)
from effectcam.frame import Pixels

_HAIR = ((24, 19, 17), (58, 39, 27), (105, 60, 34), (186, 148, 96), (150, 147, 143))


def hair(image: Pixels, landmarks: NDArray[Any], rng: np.random.Generator) -> Covered:
    """A fringe, a sweep across the brow, curtains at the sides, or loose wisps anywhere."""
    canvas = Canvas(image, landmarks, rng)
    base = _hair_colour(canvas, rng)
    style = str(rng.choice(["fringe", "sweep", "curtain", "wisps"]))
    side = float(rng.choice([-1.0, 1.0]))
    wave = rng.uniform(0.0, 0.05)
    picture = np.empty((*canvas.shape, 3), np.uint8)
    picture[:] = np.clip(base * 0.8, 0, 255).astype(np.uint8)
    strands = np.zeros(canvas.shape, np.uint8)
    locks = {"fringe": 13, "sweep": 10, "curtain": 10, "wisps": 5}[style]
    for lock in range(int(locks * rng.uniform(0.7, 1.3))):
        if style == "fringe":
            u, end = rng.uniform(-0.36, 0.36), rng.uniform(-0.2, 0.02)
            root, middle, tip = (u * 0.7, -0.6), (u, -0.45), (u + 0.07 * side + rng.normal(0, 0.03), end)
        elif style == "sweep":
            reach = rng.uniform(0.0, 1.0)
            root, middle = (-0.2 * side, -0.6), (side * (0.05 + 0.2 * reach), -0.42 + 0.2 * (1 - reach))
            tip = (side * rng.uniform(0.3, 0.44), -0.25 + 0.5 * (1 - reach) * rng.uniform(0.3, 1))
        elif style == "curtain":
            way = side if lock % 3 else -side
            root, middle = (way * 0.1, -0.62), (way * rng.uniform(0.32, 0.48), -0.25)
            tip = (way * rng.uniform(0.24, 0.42), rng.uniform(0.1, 0.8))
        else:
            u = rng.uniform(-0.35, 0.35)
            root, middle = (u, -0.6), (u + rng.normal(0, 0.15), -0.2)
            tip = (u + rng.normal(0, 0.25), rng.uniform(-0.1, 0.6))
        count, spread = (
            (int(rng.integers(2, 9)), 0.025) if style == "wisps" else (int(rng.integers(35, 70)), 0.045)
        )
        for _ in range(count):
            off = rng.normal(0, spread, 2)
            bend = rng.normal(0, wave, 2)
            line = curve(
                [
                    canvas.at(root[0] + off[0], root[1] + 0.3 * off[1]),
                    canvas.at(middle[0] + off[0] + bend[0], middle[1] + bend[1]),
                    canvas.at(
                        middle[0] * 0.4 + tip[0] * 0.6 + off[0] - bend[0], middle[1] * 0.4 + tip[1] * 0.6
                    ),
                    canvas.at(tip[0] + 0.5 * off[0], tip[1] + off[1]),
                ],
                16,
            )
            knots = np.rint(line * 16).astype(np.int32).reshape(-1, 1, 2)
            width = max(1, round(0.0035 * canvas.unit))
            tone = np.clip(base * rng.normal(1.0, 0.22), 0, 255)
            cv2.polylines(picture, [knots], False, tuple(tone.tolist()), width, cv2.LINE_AA, 4)
            cv2.polylines(strands, [knots], False, (255,), width, cv2.LINE_AA, 4)
    gleam = 1 + rng.uniform(0.05, 0.3) * np.exp(-(((canvas.rise() - rng.uniform(-0.4, -0.1)) / 0.1) ** 2))
    # Roots fade in, so that they grow out of the hair that is there.
    grown = np.clip((canvas.rise() + 0.6) / 0.16, 0, 1)
    canvas.paint(picture * gleam[..., None], (strands * grown).astype(np.uint8), 0.95)
    return canvas.finish(shadow=rng.uniform(0.2, 0.45), reach=rng.uniform(0.008, 0.025))


def headset(image: Pixels, landmarks: NDArray[Any], rng: np.random.Generator) -> Covered:
    """Ear cups, band, and a boom with foam that ends before the mouth's corner."""
    canvas = Canvas(image, landmarks, rng)
    unit = canvas.unit
    side = float(rng.choice([-1.0, 1.0]))
    shell = canvas.tone(PLASTICS[int(rng.integers(len(PLASTICS)))])
    ears = {
        way: canvas.points[[127, 234] if way < 0 else [356, 454]].mean(0) + way * 0.07 * unit * canvas.right
        for way in (-1.0, 1.0)
    }
    tops = [ears[way] - 0.1 * unit * canvas.down for way in (-1.0, 1.0)]
    arch = curve([tops[0], canvas.at(-0.6, -0.9), canvas.at(0.6, -0.9), tops[1]])
    band = Relief(canvas)
    for start, end in pairwise(arch):
        band.limb(start, end, (0.033 * unit,) * 2, shell)
    canvas.paint(band.lit(ambient=0.35, soft=0.01 * unit, shine=0.25), band.mask())
    for way, ear in ears.items():
        cup = Relief(canvas)
        span = 0.09 * unit * canvas.down
        cup.limb(ear - span, ear + span, (0.105 * unit,) * 2, canvas.tone((30, 30, 32)))
        shift = 0.025 * way * unit * canvas.right
        cup.limb(
            ear - 0.8 * span + shift, ear + 0.8 * span + shift, (0.085 * unit,) * 2, shell, lift=0.05 * unit
        )
        canvas.paint(cup.lit(ambient=0.35, soft=0.012 * unit, shine=0.3), cup.mask())
    corner = canvas.points[61 if side < 0 else 291]
    end = (
        corner + (side * rng.uniform(0.02, 0.12) * canvas.right + rng.uniform(0.0, 0.1) * canvas.down) * unit
    )
    start = ears[side] + 0.1 * unit * canvas.down
    bow = start + (0.18 * canvas.down + side * 0.02 * canvas.right) * unit
    path = curve([start, bow, end + (0.1 * canvas.down + side * 0.1 * canvas.right) * unit, end])
    boom = Relief(canvas)
    for first, second in pairwise(path):
        boom.limb(first, second, (0.014 * unit,) * 2, canvas.tone((34, 34, 37)))
    canvas.paint(boom.lit(ambient=0.35, soft=0.5, shine=0.3), boom.mask())
    foam = Relief(canvas)
    radius = rng.uniform(0.04, 0.065) * unit
    foam.limb(end, end + (end - path[-4]) * 0.6, (radius, radius * 0.9), canvas.tone((30, 30, 32)))
    canvas.paint(foam.lit(ambient=0.4, soft=1.0) * canvas.grain(rng, size=0.012, amount=0.25), foam.mask())
    return canvas.finish(shadow=rng.uniform(0.25, 0.5), reach=rng.uniform(0.03, 0.08))


def face_mask(image: Pixels, landmarks: NDArray[Any], rng: np.random.Generator) -> Covered:
    """A pleated medical or plain cloth mask from the bridge of the nose to below the chin."""
    canvas = Canvas(image, landmarks, rng)
    p, unit = canvas.points, canvas.unit
    # Worn high on the bridge of the nose or slipped to its tip.
    bridge = p[[6, 197, 195]][int(rng.integers(3))]
    left, right = 0.75 * p[93] + 0.25 * p[123], 0.75 * p[323] + 0.25 * p[352]
    upper = np.vstack([curve([left, p[117], p[118], bridge], 14), curve([bridge, p[347], p[346], right], 14)])
    jaw = p[[361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136, 172, 58, 132]]
    centre = p[[0, 17]].mean(0)
    jaw = centre + (jaw - centre) * np.array([rng.uniform(1.02, 1.06), rng.uniform(1.03, 1.12)])
    jaw[[0, -1]] = 0.6 * jaw[[0, -1]] + 0.4 * np.array([p[411], p[187]])
    outline = canvas.mask(np.vstack([upper, jaw]))
    cloth = canvas.tone(
        [(150, 190, 215), (150, 190, 215), (235, 236, 238), (28, 28, 31), (228, 170, 185)][
            int(rng.integers(5))
        ]
    )
    loops = canvas.tone((225, 225, 228) if cloth.mean() > 60 else (35, 35, 38))
    for corner, ear in ((left, 127), (right, 356), (jaw[-1], 234), (jaw[0], 454)):
        outward = np.sign((corner - centre) @ canvas.right) * 0.05 * unit * canvas.right
        canvas.paint(loops, canvas.stroke([corner, p[ear] + outward], 0.014 * unit), 0.95)
    relief = Relief(canvas)
    relief.pillow(outline, 0.26 * unit, cloth)
    nose = Relief(canvas)
    nose.limb(bridge, p[4], (0.06 * unit, 0.16 * unit), cloth)
    relief.raise_by(nose, 0.5)
    relief.melt(0.035 * unit)
    colour = relief.lit(ambient=0.5, soft=0.02 * unit) * canvas.grain(rng, size=0.006, amount=0.015)
    canvas.paint(colour * canvas.grain(rng, size=0.07, amount=0.02), outline)
    if rng.random() < 0.7:
        for share in (0.3, 0.5, 0.7):
            ends = [left + share * (jaw[-1] - left), right + share * (jaw[0] - right)]
            fold = curve([ends[0], p[4] + share * (p[152] - p[4]) + 0.02 * unit * canvas.down, ends[1]])
            for shift, tone, opacity in ((0.0, cloth * 0.55, 0.5), (0.008, cloth * 1.1 + 12, 0.4)):
                mark = soften(canvas.stroke(fold + shift * unit * canvas.down, 0.008 * unit), 0.8)
                canvas.paint(tone, both(mark, outline), opacity)
    return canvas.finish(shadow=rng.uniform(0.3, 0.5), reach=rng.uniform(0.012, 0.03))


def _hair_colour(canvas: Canvas, rng: np.random.Generator) -> Floats:
    """The person's own where the picture shows some above the brow, else a natural one."""
    spots = [canvas.at(u, v) for u in (-0.2, 0.0, 0.2) for v in (-0.5, -0.55)]
    height, width = canvas.image.shape[:2]
    spots_xy = np.clip(np.rint(np.array(spots) / SCALE), 0, [width - 1, height - 1]).astype(int)
    own = np.median(canvas.image[spots_xy[:, 1], spots_xy[:, 0]], axis=0)
    # Blue or bright spots are the wall behind a short head, skin-coloured ones a bald head.
    bald = np.abs(own - canvas.skin).max() < 45
    if rng.random() < 0.75 and own[0] >= own[2] and own.mean() < 170 and not bald:
        return np.asarray(own, np.float32)
    return canvas.tone(_HAIR[int(rng.integers(len(_HAIR)))])
