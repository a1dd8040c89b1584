"""People elsewhere: cut out of their rooms and set before others, which are made up.

Portraits have few rooms: walls, flags, a library. A student that sees no others learns these by heart, and
takes a dark shelf for cloth and a hedge for hair. Made-up rooms are as varied as one likes, and nobody's.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from effectcam.distill.teachers.drawing.ground import calm
from effectcam.distill.teachers.head.brush import blur
from effectcam.distill.teachers.head.figure import figure
from effectcam.distill.teachers.head.uv import FACE_OVAL, Floats, polygon_mask
from effectcam.frame import Pixels

_FOUND = 0.9
"""Share of the face that must be the person's."""


def elsewhere(image: Pixels, landmarks: Floats, rng: np.random.Generator) -> Pixels:
    """The person of ``image``, uint8 (H, W, 3) RGB, in another room; ``landmarks`` (478, 2 or 3), pixels.
    ``image`` itself where the person is not found, see `cut_out`."""
    person = cut_out(image, landmarks)
    return image if person is None else before_a_room(image, person, rng)


def cut_out(image: Pixels, landmarks: Floats) -> Floats | None:
    """How far each pixel is the person's with these landmarks, float32 (H, W), 0 to 1.

    None where the segmentation finds less than most of the face: half a person would be learnt as if somebody
    could look like that.
    """
    unit = min(image.shape[:2]) / 256
    lab = np.asarray(cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)
    person = figure(image, calm(lab, unit), unit)
    face = polygon_mask(landmarks[FACE_OVAL], *image.shape[:2])
    if float((person * face).sum()) < _FOUND * float(face.sum()) or not face.any():
        return None
    return np.maximum(person, blur(face, 1.5 * unit))


def before_a_room(image: Pixels, person: Floats, rng: np.random.Generator) -> Pixels:
    """What is ``person`` (H, W), 0 to 1, of ``image``, before a made-up `room`."""
    behind = room(rng, image.shape[0], image.shape[1]).astype(np.float32)
    return np.asarray(np.rint(behind + (image - behind) * person[..., None]), np.uint8)


def longer(image: Pixels) -> Pixels:
    """A portrait, uint8 (H, W, 3), with its lowest rows drawn out downwards, by three quarters of its height:
    somebody who sits back from a webcam shows as much cloth, and who was taught by portraits alone takes what
    is far below the face for a wall."""
    height, width = image.shape[:2]
    cloth = cv2.resize(
        image[-max(1, height // 20) :], (width, 3 * height // 4), interpolation=cv2.INTER_LINEAR
    )
    return np.concatenate([image, np.asarray(cloth, np.uint8)])


def room(rng: np.random.Generator, height: int, width: int) -> Pixels:
    """A picture of no place, uint8 (``height``, ``width``, 3), RGB: a wall, shelves, leaves, stripes or
    lamps, sharp or out of focus, bright or dim."""
    unit = min(height, width) / 256
    kinds: tuple[Callable[..., Floats], ...] = (_wall, _shelves, _leaves, _stripes, _lamps)
    picture = kinds[int(rng.integers(len(kinds)))](rng, height, width, unit)
    focus = float(rng.choice([0.6, 1.5, 3.0, 6.0])) * unit
    picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), focus), np.float32)
    # Half of the rooms are dim: that is where most is mistaken for cloth and hair.
    exposure = rng.uniform(0.2, 0.6) if rng.random() < 0.5 else rng.uniform(0.8, 1.5)
    picture = picture * np.float32(exposure) * rng.uniform(0.88, 1.12, 3).astype(np.float32)
    picture += rng.normal(0, rng.uniform(0.5, 3), picture.shape).astype(np.float32)
    return np.asarray(np.clip(picture, 0, 255), np.uint8)


def _wall(rng: np.random.Generator, height: int, width: int, unit: float) -> Floats:
    """Paint, lit from somewhere, with a border or a corner to it."""
    down, across = np.mgrid[:height, :width].astype(np.float32) / (256 * unit)
    fall = 1 + rng.uniform(-0.5, 0.5) * (across - 0.5) + rng.uniform(-0.5, 0.5) * (down - 0.5)
    picture = _colour(rng, 0.35) * fall[..., None]
    for _ in range(int(rng.integers(0, 3))):
        slope, at = rng.normal(0, 0.1), rng.uniform(0.1, 0.9)
        beyond = (across + slope * down > at) if rng.random() < 0.6 else (down + slope * across > at)
        picture = np.where(beyond[..., None], picture * rng.uniform(0.6, 1.3), picture)
    return np.asarray(picture, np.float32)


def _shelves(rng: np.random.Generator, height: int, width: int, unit: float) -> Floats:
    """Boards with books or bottles, or a rack: upright things of all colours."""
    picture = np.full((height, width, 3), _colour(rng, 0.4) * 0.4, np.float32)
    board = _colour(rng, 0.3) * 0.7
    step = round(rng.uniform(34, 90) * unit)
    for top in range(-int(rng.integers(step)), height, step):
        x = 0
        while x < width:
            wide = max(2, round(rng.uniform(4, 20) * unit))
            tall = round(rng.uniform(0.5, 0.95) * step)
            if rng.random() < 0.85:
                colour = _colour(rng, 0.6) * rng.uniform(0.4, 1.0)
                cv2.rectangle(
                    picture, (x, top + step - tall), (x + wide - 1, top + step), colour.tolist(), -1
                )
            x += wide
        thick = max(1, round(0.06 * step))
        cv2.rectangle(picture, (0, top + step), (width, top + step + thick), board.tolist(), -1)
    return picture


def _leaves(rng: np.random.Generator, height: int, width: int, unit: float) -> Floats:
    """A hedge or branches: light and dark in clumps of several sizes, and the sky between."""
    clumps = np.zeros((height, width), np.float32)
    for size in (3, 7, 16, 40):
        noise = rng.normal(0, 1, (height, width)).astype(np.float32)
        soft = cv2.GaussianBlur(noise, (0, 0), size * unit)
        clumps += soft / max(float(soft.std()), 1e-6) * size**0.3
    clumps = (clumps - clumps.mean()) / max(float(clumps.std()), 1e-6)
    green = np.array([rng.uniform(40, 120), rng.uniform(80, 150), rng.uniform(20, 80)], np.float32)
    picture = green * np.clip(0.55 + 0.4 * clumps, 0.08, 1.6)[..., None]
    gaps = np.clip(4 * (clumps - rng.uniform(0.6, 2.2)), 0, 1)[..., None]
    return np.asarray(picture + (_colour(rng, 0.15) * 1.1 - picture) * gaps, np.float32)


def _stripes(rng: np.random.Generator, height: int, width: int, unit: float) -> Floats:
    """A flag, a curtain or a blind: a few colours by turns, hanging in folds."""
    down, across = np.mgrid[:height, :width].astype(np.float32) / (256 * unit)
    turn = rng.uniform(-0.7, 0.7) + (np.pi / 2 if rng.random() < 0.3 else 0)
    folds = rng.uniform(0, 0.05) * np.sin(rng.uniform(8, 30) * (down * np.cos(turn) - across * np.sin(turn)))
    place = (across * np.cos(turn) + down * np.sin(turn) + folds) * rng.uniform(5, 24)
    colours = np.stack([_colour(rng, 0.7) * rng.uniform(0.3, 1.1) for _ in range(int(rng.integers(2, 4)))])
    picture = colours[np.floor(place).astype(int) % len(colours)]
    shade = 1 + rng.uniform(0, 0.35) * np.sin(rng.uniform(10, 40) * across + rng.uniform(0, 6))
    return np.asarray(picture * shade[..., None], np.float32)


def _lamps(rng: np.random.Generator, height: int, width: int, unit: float) -> Floats:
    """A dim room with lamps, windows and screens in it."""
    picture = _wall(rng, height, width, unit) * rng.uniform(0.1, 0.5)
    for _ in range(int(rng.integers(2, 14))):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        colour = np.clip(_colour(rng, 0.4) * 1.6, 0, 255).tolist()
        size = rng.uniform(3, 26) * unit
        if rng.random() < 0.6:
            cv2.circle(picture, (x, y), max(1, round(size)), colour, -1, cv2.LINE_AA)
        else:
            cv2.rectangle(picture, (x, y), (x + round(2 * size), y + round(3 * size)), colour, -1)
    return picture


def _colour(rng: np.random.Generator, richness: float) -> Floats:
    """RGB; ``richness`` 0 is grey, 1 anything."""
    grey = rng.uniform(60, 230)
    return np.asarray(grey + richness * (rng.uniform(0, 255, 3) - grey), np.float32)
