"""Makes docs/pictures/effects.jpg from the demo clip: as it is, as a toon, as a zombie, side by side."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from effectcam import Clip, Pipeline
from effectcam.frame import Frame, Pixels

ROOT = Path(__file__).resolve().parent.parent
FRAME = 96
"""Smiling, eyes open."""


def main() -> None:
    with Clip(ROOT / "effectcam" / "media" / "demo.mp4") as clip:
        frames = [frame for frame in clip if frame.index <= FRAME]
    panels = [frames[-1].pixels, *(_drawn(effect, frames[-20:]) for effect in ("toon", "zombie"))]
    height, width = panels[0].shape[:2]
    # The middle of each, so that three fit beside one another at a readable size.
    side = slice(int(0.22 * width), int(0.78 * width))
    picture = np.hstack([panel[:, side] for panel in panels])
    small = cv2.resize(picture, (1500, round(1500 * height / picture.shape[1])), interpolation=cv2.INTER_AREA)
    target = ROOT / "docs" / "pictures" / "effects.jpg"
    target.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(target), cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 88])


def _drawn(effect: str, frames: list[Frame]) -> Pixels:
    with Pipeline(effect) as pipeline:
        return [pipeline.process(frame) for frame in frames][-1].pixels


if __name__ == "__main__":
    main()
