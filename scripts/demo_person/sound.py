"""A quiet chord under the clip, so that tools which copy sound have some to copy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE = 48000
# A major with an added ninth, in hertz: low notes louder.
CHORD = ((110.0, 1.0), (164.81, 0.7), (220.0, 0.6), (277.18, 0.45), (329.63, 0.4), (493.88, 0.22))


def chord(seconds: float, *, peak: float = 0.08) -> NDArray[np.float32]:
    """Mono samples (N,) in [-peak, peak] at 48 kHz, faded in and out; every note has a detuned twin."""
    t = np.arange(round(seconds * RATE)) / RATE
    wave = np.zeros_like(t)
    for k, (pitch, loud) in enumerate(CHORD):
        swell = 0.75 + 0.25 * np.sin(2 * np.pi * (k + 1) * t / seconds + k)
        for detune in (0.9985, 1.0015):
            wave += (
                loud
                * swell
                * (np.sin(2 * np.pi * pitch * detune * t) + 0.15 * np.sin(4 * np.pi * pitch * detune * t))
            )
    wave *= np.clip(t / 0.8, 0, 1) ** 2 * np.clip((seconds - t) / 1.0, 0, 1) ** 2
    return np.asarray(wave / np.abs(wave).max() * peak, np.float32)
