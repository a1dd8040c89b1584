"""Makes the pictures that accelerators are checked on, from the demo clip: its face as students see it,
and the whole frame."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from effectcam import Clip, Pipeline
from effectcam.face.crop import cut
from effectcam.frame import Pixels

PACKAGE = Path(__file__).resolve().parent.parent / "effectcam"
FRAME = 96
"""Smiling, eyes open."""


def main() -> None:
    with Clip(PACKAGE / "media" / "demo.mp4") as clip, Pipeline("zombie") as pipeline:
        for frame in clip:
            pipeline.process(frame)
            if frame.index == FRAME:
                break
        (face,) = pipeline.faces
        _write("face", cut(frame.pixels, face.crop, 256))
    _write("frame", np.asarray(cv2.resize(frame.pixels, (512, 288), interpolation=cv2.INTER_AREA), np.uint8))


def _write(name: str, picture: Pixels) -> None:
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(PACKAGE / "student" / "pictures" / f"{name}.webp"), bgr, [cv2.IMWRITE_WEBP_QUALITY, 90])


if __name__ == "__main__":
    main()
