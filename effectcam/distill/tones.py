"""Bands of skin tone, measured in the picture: so that each can be trained on, and judged, by itself."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from effectcam.frame import Pixels

_CHEEKS = (50, 101, 280, 330)

TONES = ("very light", "light", "intermediate", "tan", "brown", "dark")
"""Bands of the individual typology angle (Chardon et al. 1991), split at 55, 41, 28, 10 and -30
degrees. A measure of skin *in this picture's light*, not of a person."""

DARKENED = "darkened"
"""Tone of those held out whose skin was darkened into the last band: judged beside it, never counted
among the people."""

COVERED = "covered"
"""Tone of those held out with something before their faces, such as a hand: judged beside the others too."""


def tone(image: Pixels, landmarks: NDArray[np.float32]) -> str:
    """The band of ``TONES`` that the cheeks fall into."""
    return TONES[int(np.searchsorted([-55, -41, -28, -10, 30], -typology_angle(image, landmarks)))]


def typology_angle(image: Pixels, landmarks: NDArray[np.float32]) -> float:
    """Individual typology angle of the cheeks in degrees: atan((L* - 50) / b*), CIE Lab, D65."""
    reach = max(2, int(0.02 * np.ptp(landmarks[:, 0])))
    height, width = image.shape[:2]
    patches = []
    for x, y in landmarks[list(_CHEEKS), :2]:
        column, row = int(np.clip(x, reach, width - reach - 1)), int(np.clip(y, reach, height - reach - 1))
        patches.append(
            image[row - reach : row + reach + 1, column - reach : column + reach + 1].reshape(-1, 3)
        )
    middle = np.median(np.concatenate(patches), axis=0).astype(np.float32) / 255
    lightness, _, blue = cv2.cvtColor(middle.reshape(1, 1, 3), cv2.COLOR_RGB2Lab)[0, 0]
    return math.degrees(math.atan2(float(lightness) - 50, float(blue)))
