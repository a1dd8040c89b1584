"""How many of a clip's shut eyes an effect opens: the test that never-blink is for.

    python -m benchmarks.eyes clip.mp4
    python -m benchmarks.eyes clip.mp4 --effect path/to/effect

Eyes are measured by Face Mesh, with the irises' truer lids, in the input and again in the result; so
what counts as open in the result is open to a stranger's eye, and not to the effect's own.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from benchmarks.command import run
from effectcam.errors import UsageError
from effectcam.face.mesh import FaceMesh
from effectcam.frame import Frame
from effectcam.pipeline import Pipeline
from effectcam.source.clip import Clip

SHUT, OPEN = 0.15, 0.20
"""Aspect ratios: below the first an eye is shut, above the second open. Wide open it is 0.3 or so."""

# Corners, and lids above and below at three places between them.
_EYES = (
    ((33, 133), ((160, 144), (159, 145), (158, 153))),
    ((263, 362), ((387, 373), (386, 374), (385, 380))),
)


def aspect_ratio(landmarks: NDArray[np.float32]) -> float:
    """Height over width of the eyes, mean of both: the eye aspect ratio of Soukupová and Čech (2016), with
    a third pair of lid points. ``landmarks`` (468 or more, 2 or 3)."""
    xy = landmarks[:, :2].astype(np.float64)
    ratios = []
    for corners, lids in _EYES:
        width = np.linalg.norm(np.subtract(*xy[list(corners)]))
        heights = [np.linalg.norm(xy[above] - xy[below]) for above, below in lids]
        ratios.append(np.mean(heights) / width)
    return float(np.mean(ratios))


@dataclass(frozen=True)
class Eyes:
    """What became of the shut eyes of a clip."""

    frames: int
    """With a face."""
    shut: int
    """Of those, with shut eyes."""
    opened: int
    """Of those, open in the result."""
    middle: float
    """Median aspect ratio of the results of shut eyes."""


def measure(clip: Path, effect: str) -> Eyes:
    """Run ``effect`` at full strength over ``clip``."""
    before: list[float] = []
    after: list[float] = []
    console = Console(stderr=True)
    with (
        Pipeline(effect, strength=1.0) as pipeline,
        FaceMesh(irises=True) as mesh,
        FaceMesh(irises=True) as other,
        Clip(clip) as source,
    ):
        for frame in track(source, description=clip.name, total=source.frames, console=console):
            seen, again = _ratio(mesh, frame), _ratio(other, pipeline.process(frame))
            if seen is not None:
                before.append(seen)
                after.append(again or 0.0)
    shut = np.array(before) < SHUT
    results = np.array(after)[shut]
    middle = float(np.median(results)) if results.size else 0.0
    return Eyes(len(before), int(shut.sum()), int((results > OPEN).sum()), middle)


def _ratio(mesh: FaceMesh, frame: Frame) -> float | None:
    faces = mesh.process(frame)
    return aspect_ratio(faces[0].landmarks) if faces else None


@click.command()
@click.argument("clip", type=click.Path(path_type=Path))
@click.option("--effect", "-e", default="never-blink", show_default=True, help="Effect: a name or a path.")
def main(clip: Path, effect: str) -> None:
    """How many of the shut eyes of CLIP the effect opens."""
    eyes = measure(clip, effect)
    if not eyes.shut:
        raise UsageError(f"{clip}: no eyes are shut in any of its {eyes.frames} frames with a face")
    click.echo(
        f"{eyes.frames} frames with a face, eyes shut in {eyes.shut} (aspect ratio below {SHUT}); {effect} "
        f"opens {eyes.opened} of them ({100 * eyes.opened / eyes.shut:.1f} %, above {OPEN}; median "
        f"{eyes.middle:.2f})"
    )


if __name__ == "__main__":
    sys.exit(run(main, "eyes"))
