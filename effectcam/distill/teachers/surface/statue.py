"""A head turned into a statue, before it is known of what: form, relief and carved eyes."""

from __future__ import annotations

import numpy as np

from effectcam.distill.teachers.head.brush import Floats, blur
from effectcam.distill.teachers.head.head_relief import Relief
from effectcam.distill.teachers.head.sitter import Sitter
from effectcam.distill.teachers.head.uv import INNER_LIPS, polygon_mask
from effectcam.distill.teachers.surface.carved_eyes import carve_eyes


def shade_statue(sitter: Sitter, relief: Relief, *, depth: float, eyes: float) -> Floats:
    """The light on the finished form, float32 (H, W), about 1 on plain skin that faces the camera.

    ``depth`` of the relief: 0 is worn smooth, above 0.8 pores become pits. ``eyes`` see `carve_eyes`.
    """
    light = relief.staged()
    shade = carve_eyes(light * np.exp(depth * relief.carving), light, sitter.face, depth=eyes)
    inside = blur(polygon_mask(sitter.face[INNER_LIPS], *shade.shape), 0.01 * sitter.matte.side)
    return np.asarray(shade * (1 - 0.25 * inside), np.float32)


def paint_shades(
    shade: Floats, at: tuple[float, ...], colours: tuple[tuple[float, float, float], ...]
) -> Floats:
    """Colours (H, W, 3) for the values ``at`` of ``shade`` (H, W), or of one plane a channel (H, W, 3), and
    between them."""
    planes = [shade] * 3 if shade.ndim == 2 else list(np.moveaxis(shade, -1, 0))
    tables = zip(planes, np.array(colours, np.float32).T, strict=True)
    return np.stack([np.interp(plane, at, table) for plane, table in tables], axis=-1).astype(np.float32)
