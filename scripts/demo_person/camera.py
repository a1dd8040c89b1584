"""What a camera does to the scene: one light for person and room, vignette and grain."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .picture import Image, blur, noise, rgb


class Camera:
    """Puts the person before the room and takes the picture: RGB uint8 (720, 1280, 3). Grain is seeded."""

    def __init__(self, room: Image, *, grain: float = 0.007, seed: int = 5) -> None:
        self._room = room
        self._spill = blur(room, 24)
        self._grain = grain
        self._rng = np.random.default_rng(seed)
        height, width = room.shape[:2]
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        away = ((x - width / 2) / width) ** 2 + ((y - height / 2) / height) ** 2
        self._vignette = (1 - 0.42 * away)[..., None].astype(np.float32)

    def take(self, person: Image) -> NDArray[np.uint8]:
        """``person`` is RGBA float32, colour not multiplied by alpha."""
        colour, alpha = person[..., :3], person[..., 3:]
        # The room's light bleeds a little over the outline, as it does in a lens, and settles the cut-out in.
        rim = alpha - blur(alpha, 5)[..., None]
        colour = colour + (self._spill - colour) * np.clip(rim * 0.75, 0, 0.4)
        colour = colour * rgb(1.10, 1.07, 1.03)
        scene = colour * alpha + self._room * (1 - alpha)
        scene = scene * self._vignette
        scene = scene + 0.06 * (scene * scene * (3 - 2 * scene) - scene)
        scene = scene + (noise(self._rng, scene.shape, 0.6) * 1.8 * self._grain)[..., None]
        return np.ascontiguousarray((np.clip(scene, 0, 1) * 255).round().astype(np.uint8))
