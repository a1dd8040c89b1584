"""Does a replay hold more, the longer the clip is? A clip in a loop through everything that ``replay`` does.

    python -m benchmarks.replay_memory
    python -m benchmarks.replay_memory --tier lite --minutes 60 --no-metrics

The clip is played to and fro, so that no cut interrupts it, and written once as a file of that length. A line
every thousand frames tells what the process holds. The first thousand, while caches fill and pools grow, are
shown and not compared.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain, cycle, islice
from pathlib import Path

import av
import click
import cv2
import numpy as np
import psutil
from rich.console import Console

import effectcam
from benchmarks.command import run
from effectcam.cli.options import Size
from effectcam.effect.package import load_effect
from effectcam.frame import Frame, Pixels
from effectcam.replay.golden import GoldenFolder, Recorded
from effectcam.replay.replayer import ClipPlan, Replayer, ReplaySettings
from effectcam.source.clip import Clip

_DEMO = Path(effectcam.__file__).with_name("media") / "demo.mp4"
_BURN_IN = 1000
_EVERY = 100
"""Frames between two looks at what is held."""


class Held:
    """What the process holds, as frames go by."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._process = psutil.Process()
        self.frames: list[int] = []
        self.megabytes: list[float] = []

    def watch(self, _before: Frame, after: Frame, _source: object) -> None:
        done = after.index + 1
        if done % _EVERY:
            return
        self.frames.append(done)
        self.megabytes.append(self._held())
        if done % 1000 == 0:
            self._console.print(f"{done:7} frames  {self.megabytes[-1]:8.1f} MB")

    def _held(self) -> float:
        """Megabytes that the process asked for and wrote to, in memory or swapped out. The resident size
        also falls and rises as a busy system drops and reads again pages of libraries' files."""
        try:
            lines = Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()
        except OSError:
            return float(self._process.memory_full_info().uss) / 1e6
        kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines[1:]}
        return (kilobytes["Anonymous"] + kilobytes["Swap"]) * 1024 / 1e6

    @property
    def growth(self) -> float | None:
        """Megabytes a thousand frames: slope of the line with the least squared error after the burn-in."""
        frames, megabytes = np.array(self.frames), np.array(self.megabytes)
        late = frames > _BURN_IN
        if np.count_nonzero(late) < 3:
            return None
        return 1000 * float(np.polyfit(frames[late], megabytes[late], 1)[0])


def write_loop(clip: Path, path: Path, size: tuple[int, int], frames: int) -> None:
    """The clip's first 250 frames in ``size``, to and fro, ``frames`` in all."""
    with Clip(clip) as source:
        pictures = [
            np.asarray(cv2.resize(frame.pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
            for frame in islice(source, 250)
        ]
        rate = Fraction(source.fps).limit_denominator(1001)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"preset": "veryfast", "crf": "18"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for picture in islice(_to_and_fro(pictures), frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode(None))


def _to_and_fro(pictures: list[Pixels]) -> Iterator[Pixels]:
    return cycle(chain(pictures, pictures[-2:0:-1]))


@click.command()
@click.option("--clip", type=click.Path(path_type=Path), default=_DEMO, help="What is looped.")
@click.option("--effect", default="zombie", show_default=True)
@click.option("--tier", default="standard", show_default=True)
@click.option("--frames", type=click.IntRange(200), default=4000, show_default=True)
@click.option("--minutes", type=float, help="At the clip's rate, instead of --frames.")
@click.option("--size", type=Size(), default="160x90", show_default=True)
@click.option("--metrics/--no-metrics", default=True, show_default=True)
@click.option("--check", is_flag=True, help="Compare with what was recorded, in a second pass.")
@click.option(
    "--folder", type=click.Path(path_type=Path), help="For the files; kept.  [default: none is kept]"
)
def main(
    clip: Path,
    effect: str,
    tier: str,
    frames: int,
    minutes: float | None,
    size: tuple[int, int],
    metrics: bool,
    check: bool,
    folder: Path | None,
) -> None:
    """Megabytes that a replay gains in a thousand frames."""
    console = Console(highlight=False, soft_wrap=True)
    if minutes is not None:
        with Clip(clip) as source:
            frames = round(60 * minutes * source.fps)
    with tempfile.TemporaryDirectory(prefix="effectcam-") as own:
        here = folder or Path(own)
        here.mkdir(parents=True, exist_ok=True)
        looped, golden = here / "looped.mp4", here / "golden"
        write_loop(clip, looped, size, frames)
        console.print(f"{frames} frames of {size[0]}x{size[1]}, {looped.stat().st_size / 1e6:.1f} MB")
        settings = ReplaySettings(tier=tier, threads=1, metrics=metrics)
        with Replayer(load_effect(effect), settings) as replayer:
            with GoldenFolder(golden, [looped.stem]) as recording:
                plan = ClipPlan(
                    clip=str(looped),
                    output=here / "out.mp4",
                    trace=here / "looped.jsonl",
                    record=recording.path,
                )
                recorded = _measure(console, "played, traced, recorded", replayer, plan)
                if recorded is not None:
                    recording.finish([recorded])
            if check:
                _measure(console, "checked", replayer, ClipPlan(clip=str(looped), check=golden))
        size_of = sum(path.stat().st_size for path in golden.rglob("*") if path.is_file())
        console.print(f"the golden takes {size_of / 1e6:.1f} MB")


def _measure(console: Console, what: str, replayer: Replayer, plan: ClipPlan) -> Recorded | None:
    held = Held(console)
    played = replayer.play(plan, watch=held.watch)
    growth = held.growth
    told = "too short to tell" if growth is None else f"{growth:+.3f} MB a thousand frames"
    console.print(f"{what}: {told}; {max(held.megabytes):.0f} MB at most", style="bold")
    return played.recorded


if __name__ == "__main__":
    sys.exit(run(main, "replay_memory"))
