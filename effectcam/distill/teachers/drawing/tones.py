"""Few tones in place of many, for looks in planes."""

from __future__ import annotations

import numpy as np

from effectcam.distill.teachers.drawing.lines import Plane


def spread(lightness: Plane, contrast: float, /) -> Plane:
    """``lightness``, float32 (H, W), 0 to 100, with dark and light further apart; ``contrast``: 0 leaves it,
    1 is the most."""
    t = np.clip(lightness / 100, 0, 1)
    return np.asarray(100 * (t + np.float32(2 * contrast) * t * (1 - t) * (t - np.float32(0.5))), np.float32)


def stepped(tone: Plane, step: float, edge: float, /) -> Plane:
    """``tone``, float32 (H, W), in levels ``step`` apart; one passes into the next over ``edge`` of a step:
    less is crisper, and flickers with noise."""
    level = np.floor(tone / step)
    part = tone / step - level
    return np.asarray(step * (level + np.clip((part - 0.5) / edge + 0.5, 0, 1)), np.float32)
