"""``effectcam demo``: a first look, without a camera."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import click

from effectcam.cli.options import FilePath, accelerator
from effectcam.errors import SourceError
from effectcam.installing import restore

if TYPE_CHECKING:
    from effectcam.frame import Frame
    from effectcam.replay.footage import Footage
    from effectcam.student.accelerator import Wish


@click.command(short_help="Run a bundled clip through an effect: a first look without a camera.")
@click.option("--effect", "-e", "name", default="toon", show_default=True, help="Effect: a name or a path.")
@click.option(
    "--out",
    "-o",
    type=FilePath(),
    default=Path("effectcam-demo"),
    show_default=True,
    metavar="FOLDER",
    help="Where to write, created if missing.",
)
@accelerator("auto")
def demo(name: str, out: Path, accelerator: Wish) -> None:
    """Run a bundled clip through an effect: a first look without a camera.

    Writes demo.mp4 and before-after.png (left before, right after) and tells where the milliseconds
    went. The person in the clip does not exist.
    """
    from effectcam.cli import terminal
    from effectcam.cli.best_frame import BestFrame
    from effectcam.effect import load_effect
    from effectcam.pipeline import Pipeline
    from effectcam.replay.player import make_folder, play

    effect = load_effect(name)
    make_folder(out)
    video, picture = out / "demo.mp4", out / "before-after.png"
    with (
        demo_clip() as clip,
        Pipeline(effect, accelerator=accelerator, tell=terminal.note) as pipeline,
        terminal.progress() as bars,
    ):
        bar = bars.add_task(f"{effect.title} on the demo clip", total=None)
        best = BestFrame(pipeline)

        def watch(before: Frame, after: Frame, source: Footage) -> None:
            bars.update(bar, total=source.frames, advance=1)
            best.offer(before, after)

        report = play(str(clip), pipeline, video, watch=watch)
    best.write(picture)
    console = terminal.out()
    console.print(terminal.ledger_table(report.stages_ms))
    console.print(f"{effect.title}: {video} ({report.frames} frames), {picture}")
    console.print(
        f"next: effectcam run --effect {effect.name} puts it on your camera; effectcam doctor checks it"
    )


@contextlib.contextmanager
def demo_clip() -> Iterator[Path]:
    """The bundled clip as a file, for as long as the block runs. SourceError if it is not there."""
    with resources.as_file(resources.files("effectcam") / "media" / "demo.mp4") as path:
        if not path.is_file():
            raise SourceError(f"{path}: the demo clip is missing; {restore(path)}")
        yield path
