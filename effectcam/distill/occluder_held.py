"""Hands and microphones, as occluders (see ``occluders``). Lengths in face heights, see ``Canvas.at``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from effectcam.distill.occluder_canvas import (
    Canvas,
    Covered,
    Floats,
    Point,
    Relief,
    both,
    curve,
    dye,
    soften,
)
from effectcam.frame import Pixels


def hand(image: Pixels, landmarks: NDArray[Any], rng: np.random.Generator) -> Covered:
    """A hand from below or from the side, over chin, cheek, mouth or brow, in the face's own skin."""
    canvas = Canvas(image, landmarks, rng)
    side = float(rng.choice([-1.0, 1.0]))
    # Where the middle finger ends, and where the fingers point (degrees from up, away from the side).
    tip, degrees = [
        ((0.30, 0.16), (-20, 15)),
        ((-0.14, 0.36), (50, 95)),
        ((0.05, 0.40), (15, 50)),
        ((0.12, -0.22), (20, 65)),
    ][int(rng.integers(4))]
    place = canvas.at(side * tip[0] + rng.normal(0, 0.05), tip[1] + rng.normal(0, 0.05))
    angle = np.deg2rad(rng.uniform(*degrees)) * -side
    forward = np.sin(angle) * canvas.right - np.cos(angle) * canvas.down
    across = np.array([-forward[1], forward[0]]) * rng.choice([-1.0, 1.0])
    unit = canvas.unit * rng.uniform(0.92, 1.2)
    # The back of a hand is paler than the cheeks that its colour is taken from.
    skin = (canvas.skin * 0.84 + canvas.skin.mean() * 0.16) * np.exp(rng.normal(0, 0.08))
    curl = rng.uniform(0.6, 1.0)
    knuckles = place - forward * 0.40 * curl * unit
    wrist = knuckles - forward * 0.50 * unit

    relief = Relief(canvas)
    arm = wrist - (forward + rng.normal(0, 0.2) * across) * 1.3 * unit
    relief.limb(wrist, arm, (0.15 * unit, 0.22 * unit), skin)
    fan = np.deg2rad(rng.uniform(0, 9))
    bones = []
    for finger, (length, back) in enumerate(((0.37, 0.02), (0.41, 0.0), (0.38, 0.02), (0.30, 0.07))):
        spot = finger - 1.5
        base = knuckles + (spot * 0.112 * across - back * forward) * unit
        relief.limb(wrist + spot * 0.07 * across * unit, base, (0.085 * unit, 0.068 * unit), skin)
        bones.append(
            (
                base,
                spot * fan + rng.normal(0, 0.025),
                length * (curl + rng.normal(0, 0.03)),
                0.056 - 0.004 * finger,
            )
        )
    thumb_base = wrist + (0.12 * forward - 0.13 * across) * unit
    relief.limb(
        thumb_base, thumb_base + (0.12 * forward - 0.1 * across) * unit, (0.1 * unit, 0.07 * unit), skin
    )
    relief.melt(0.03 * unit)
    bones.append((thumb_base + (0.12 * forward - 0.1 * across) * unit, -rng.uniform(0.25, 0.8), 0.30, 0.058))

    ends = []
    creases = []
    for base, lean, length, thick in bones:
        joint, radius = base, thick * unit
        for part in (0.44, 0.31, 0.25):
            along = np.cos(lean) * forward + np.sin(lean) * across
            end = joint + along * length * part * unit
            redness = np.array([1.02, 0.96, 0.95]) if part < 0.3 else np.ones(3)
            relief.limb(joint, end, (radius, radius * 0.93), skin * redness, lift=0.012 * unit)
            creases.append((joint, along, radius))
            joint, radius = end, radius * 0.93
            lean += rng.normal(0, 0.03)
        ends.append((joint, along, radius))
    relief.melt(0.006 * unit)
    colour = relief.lit(ambient=0.42, soft=0.008 * unit, shine=0.06)
    outline = relief.mask()
    grain = canvas.grain(rng, size=0.012, amount=0.02) * canvas.grain(rng, size=0.08, amount=0.035)
    canvas.paint(colour * grain, outline)
    for joint, along, radius in creases:
        turn = np.array([-along[1], along[0]])
        mark = canvas.stroke(
            curve(
                [joint - turn * radius * 0.7, joint + along * radius * 0.2, joint + turn * radius * 0.7], 8
            ),
            0.006 * unit,
        )
        mark = soften(both(mark, outline), max(0.5, 0.005 * unit))
        canvas.paint(skin * np.array([0.5, 0.38, 0.35]), mark, 0.4)
    if rng.random() < 0.7:
        for joint, along, radius in ends:
            _nail(canvas, joint, along, radius, skin)
    if rng.random() < 0.6:
        cuff = Relief(canvas)
        start = wrist - forward * rng.uniform(0.1, 0.45) * unit
        cuff.limb(start, arm, (0.2 * unit, 0.29 * unit), canvas.tone(dye(rng)))
        canvas.paint(
            cuff.lit(ambient=0.4, soft=0.02 * unit) * canvas.grain(rng, size=0.05, amount=0.06), cuff.mask()
        )
    return canvas.finish(shadow=rng.uniform(0.35, 0.6), reach=rng.uniform(0.02, 0.06))


def microphone(image: Pixels, landmarks: NDArray[Any], rng: np.random.Generator) -> Covered:
    """A stage, studio or foam microphone from below, with or without a pop filter before the mouth."""
    canvas = Canvas(image, landmarks, rng)
    unit = canvas.unit
    kind = int(rng.integers(3))
    lean = rng.uniform(-0.5, 0.5)
    head = canvas.at(rng.uniform(-0.3, 0.3), rng.uniform(0.48, 0.8))
    down = np.cos(lean) * canvas.down + np.sin(lean) * canvas.right
    dark = canvas.tone(np.array(rng.choice([26, 26, 38, 60, 110])) * np.array([1.0, 1.0, 1.03]))
    silver = canvas.tone(rng.uniform(90, 190) * np.array([1.0, 1.0, 1.02]))
    relief = Relief(canvas)
    tall = 0.0
    if kind == 0:
        radius = rng.uniform(0.13, 0.17)
        relief.limb(head + down * 0.12 * unit, head + down * 1.6 * unit, (0.095 * unit, 0.07 * unit), dark)
    elif kind == 1:
        radius, tall = rng.uniform(0.13, 0.18), 0.12
        relief.limb(head + down * 0.3 * unit, head + down * 0.62 * unit, (radius * 0.96 * unit,) * 2, dark)
        relief.limb(head + down * 0.6 * unit, head + down * 1.7 * unit, (0.05 * unit,) * 2, dark)
    else:
        radius, tall = rng.uniform(0.15, 0.22), rng.uniform(0.0, 0.12)
        relief.limb(head + down * 0.2 * unit, head + down * 1.6 * unit, (0.08 * unit,) * 2, dark)
    canvas.paint(relief.lit(ambient=0.3, soft=0.01 * unit, shine=0.5), relief.mask())
    grille = Relief(canvas)
    foam = canvas.tone(rng.integers(15, 50) * np.ones(3)) if rng.random() < 0.7 else canvas.tone(dye(rng))
    grille.limb(
        head - down * tall * unit,
        head + down * tall * unit,
        (radius * unit,) * 2,
        foam if kind == 2 else silver,
    )
    colour = grille.lit(ambient=0.35, soft=0.01 * unit, shine=0.0 if kind == 2 else 0.35)
    colour *= canvas.grain(rng, size=0.012, amount=0.22) if kind == 2 else _weave(canvas, 0.016, 0.4)
    canvas.paint(colour, grille.mask())
    if kind == 0:
        ring = canvas.stroke(
            [head + canvas.right * radius * unit, head - canvas.right * radius * unit], 0.035 * unit
        )
        canvas.paint(silver * 0.9, np.minimum(ring, grille.mask()))
    if rng.random() < 0.45:
        _pop_filter(canvas, rng, head - canvas.down * 0.1 * unit)
    return canvas.finish(shadow=rng.uniform(0.2, 0.5), reach=rng.uniform(0.05, 0.12))


def _nail(canvas: Canvas, tip: Point, along: Point, radius: float, skin: Floats) -> None:
    turn = np.linspace(0, 2 * np.pi, 24)
    side = np.array([-along[1], along[0]])
    centre = tip + along * radius * 0.25
    oval = centre + radius * (0.62 * np.cos(turn)[:, None] * along + 0.55 * np.sin(turn)[:, None] * side)
    canvas.paint(skin * np.array([1.06, 0.96, 0.95]) + 12, soften(canvas.mask(oval), 0.8), 0.6)
    shine = soften(
        canvas.stroke([centre - along * radius * 0.3, centre + along * radius * 0.3], radius * 0.2),
        1.0,
    )
    canvas.paint((255, 250, 245), shine, 0.25 * canvas.brightness)


def _weave(canvas: Canvas, pitch: float, depth: float) -> Floats:
    """Gain (H, W, 1) of a wire grille with crossings every ``pitch``."""
    rows, columns = canvas.shape
    y, x = np.arange(rows)[:, None], np.arange(columns)[None]
    step = np.pi / max(2.0, pitch * canvas.unit)
    wires = np.maximum(np.abs(np.sin((x + y) * step)), np.abs(np.sin((x - y) * step)))
    return np.asarray(1 - depth + depth * wires[..., None], np.float32)


def _pop_filter(canvas: Canvas, rng: np.random.Generator, centre: Point) -> None:
    """A ring of dark gauze that the face shines through, on a gooseneck."""
    radius = rng.uniform(0.28, 0.38) * canvas.unit
    turn = np.linspace(0, 2 * np.pi, 72, endpoint=False)[:, None]
    ring = centre + radius * (
        rng.uniform(0.75, 1.0) * np.cos(turn) * canvas.right + np.sin(turn) * canvas.down
    )
    way = rng.choice([-1.0, 1.0])
    foot = centre + (1.3 * canvas.down + 0.5 * way * canvas.right) * canvas.unit
    hip = ring[6 if way > 0 else 30]
    canvas.paint(
        canvas.tone((32, 32, 34)),
        canvas.stroke(curve([hip, hip + way * 0.3 * radius * canvas.right, foot]), 0.03 * canvas.unit),
    )
    gauze = canvas.tone(np.full(3, rng.uniform(14, 40))) * _weave(canvas, 0.012, 0.35)
    canvas.paint(gauze, canvas.mask(ring), rng.uniform(0.5, 0.8))
    canvas.paint(canvas.tone((26, 26, 28)), canvas.stroke(ring, 0.032 * canvas.unit, closed=True))
    canvas.paint(canvas.tone((120, 120, 124)), canvas.stroke(ring[40:58] * 1.0, 0.008 * canvas.unit), 0.6)
