"""The still of the demo person: an average face in mirrored, recoloured hair, on a canvas with its alpha."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from .cloth import GARMENT, dress
from .face import average_face, level, take_teeth
from .finish import finish
from .hair import clear_gaps, face_mask, fit_hair, recolour_hair, tidy_silhouette
from .matte import cut_out, key
from .picture import Image, Points, blur, grow, polygon, resize, shrink, smoothstep
from .portrait import SIDE, Portrait, find_landmarks, load_portrait
from .regions import FACE_OVAL
from .tone import blend, even_neck, match_tone, relight, tint
from .upscale import Upscaler

# The face: no source weighs more than the others, every second one is mirrored so that the light evens out.
FACES = ("022157", "021902m", "021738", "021977m", "022138", "022124m", "041904", "020701m")
TEETH = "021977m"
HAIR = "022122m"  # not among the faces
NECK = ((265, 500), (425, 500), (425, 640), (235, 640))  # in the bent hair portrait
SCALE = 2  # canvas pixels per frame pixel: resampled twice on its way to the frame, it stays sharp


@dataclass(frozen=True)
class Still:
    """RGB (H, W, 3) free of any background, alpha (H, W), landmarks (478, 3) in canvas pixels."""

    image: Image
    alpha: Image
    landmarks: Points


def load(folder: Path, name: str) -> Portrait:
    """A portrait by number; a trailing ``m`` mirrors it."""
    return load_portrait(folder / f"{name[:6]}.jpg", mirrored=name.endswith("m"))


def compose(folder: Path) -> tuple[Image, Image]:
    """The person at portrait scale (640, 640): colours and alpha."""
    faces = [load(folder, name) for name in FACES]
    hair = level(load(folder, HAIR))
    face, shape = average_face(faces, hair.landmarks[:, :2])
    bent = fit_hair(hair, shape)
    colour, alpha = cut_out(bent)
    mask = face_mask(colour, shape)
    alpha = tidy_silhouette(clear_gaps(alpha, bent, mask))

    red = colour[..., 0]
    oval = polygon(colour.shape, shape[list(FACE_OVAL)])
    brow = grow(oval, 61) * smoothstep(0.24, 0.38, red)
    neck = polygon(colour.shape, np.array(NECK, np.float64))
    skin = blur(smoothstep(0.16, 0.30, red - colour[..., 2]) * smoothstep(0.42, 0.58, red), 2)
    skin = skin * blur(np.maximum(np.maximum(oval, neck), brow), 8)
    row = np.arange(SIDE, dtype=np.float32)[:, None]
    jacket = smoothstep(0.02, 0.12, colour[..., 2] - np.maximum(red, colour[..., 1] * 0.9))
    jacket = blur(grow(jacket * smoothstep(540, 570, row), 5), 1.2)

    locks = blur(np.clip(1 - np.maximum(skin, mask) - jacket, 0, 1), 3)
    colour = recolour_hair(colour, locks)
    cloth = GARMENT * (0.35 + 2.0 * blur(colour, 1.0).mean(2, keepdims=True))
    colour = colour + (cloth - colour) * jacket[..., None]
    face = match_tone(face, colour, mask * skin)
    colour = tint(colour, face[int(shape[151, 1]) : int(shape[9, 1]), 280:360], skin * np.maximum(oval, brow))
    colour = blend(colour, face, mask)
    chin = int(shape[152, 1])
    colour = even_neck(colour, neck * (1 - oval) * (1 - jacket), face[chin - 40 : chin - 8, 300:360])
    colour = take_teeth(colour, load(folder, TEETH), shape)
    depth = np.mean([portrait.landmarks[:, 2] for portrait in faces], axis=0)
    return relight(colour, np.column_stack([shape, depth]), blur(oval, 14)), alpha


def build_still(folder: Path, upscaler: Upscaler) -> Still:
    """The finished still on a canvas of twice the frame's resolution."""
    flat_tone = 0.85
    colour, cover = dress(*compose(folder))
    flat = colour * cover[..., None] + flat_tone * (1 - cover[..., None])
    half = resize(flat, flat.shape[1] // 2, flat.shape[0] // 2, cv2.INTER_AREA)
    left, right = 60, 412  # the shoulders beyond are plain cloth, which needs no network
    large = np.clip(resize(flat, flat.shape[1] * 2, flat.shape[0] * 2, cv2.INTER_CUBIC), 0, 1)
    column = np.arange(large.shape[1], dtype=np.float32)
    fade = smoothstep(left * 4 + 4, left * 4 + 28, column) * smoothstep(right * 4 - 4, right * 4 - 28, column)
    detailed = np.zeros_like(large)
    detailed[:, left * 4 : right * 4] = upscaler(np.ascontiguousarray(half[:, left:right]))
    large = large + (detailed - large) * fade[:, None]
    # Keyed again at full resolution, against the flat tone that the upscaler has seen round every hair.
    rough = resize(cover, large.shape[1], large.shape[0])
    inside = shrink((rough > 0.96).astype(np.float32), 21)
    outside = 1 - grow((rough > 0.04).astype(np.float32), 9)
    image, alpha = key(large, np.full_like(large, flat_tone), inside, outside, reach=12)
    landmarks = find_landmarks(large)
    return Still(*finish(image, alpha, landmarks), landmarks)
