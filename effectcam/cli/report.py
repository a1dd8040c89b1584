"""``effectcam report``: what a bug report needs, in one file, without the faces in it."""

from __future__ import annotations

import re
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from effectcam.cli.options import FilePath, accelerator, pipeline_options
from effectcam.errors import UsageError

if TYPE_CHECKING:
    from effectcam.doctor import Finding
    from effectcam.replay.bundle import Recording

_PICTURES = 12
"""Frames of which a report has pictures, where it may have any."""
_NAMED = re.compile(r"""^(['"])(?:\\.|(?!\1).)*\1""")
"""A camera's name, as doctor quotes it at the front."""
_HARMLESS = frozenset(("EFFECTCAM_EFFECTS", "EFFECTCAM_NATIVE_LOG", "EFFECTCAM_TRACEBACK"))


@click.command(
    short_help="Pack a bug report of a clip or a camera: what was decided, and no picture of a face."
)
@click.argument("named", metavar="CLIP|CAMERA")
@click.option("--effect", "-e", "name", required=True, metavar="NAME", help="Effect: a name or a path.")
@click.option(
    "--out",
    "-o",
    type=FilePath(),
    default=Path("effectcam-report.zip"),
    metavar="FILE",
    show_default=True,
    help="The zip to write.",
)
@click.option(
    "--frames",
    type=click.IntRange(1, 3000),
    default=900,
    metavar="N",
    show_default=True,
    help="At most, from the start; of a camera Ctrl-C ends them earlier.",
)
@click.option("--with-pictures", is_flag=True, help="Put some frames in, before and after, faces and all.")
@pipeline_options
@accelerator("cpu")
def report(named: str, name: str, out: Path, frames: int, with_pictures: bool, **settings: Any) -> None:
    """Pack a bug report of a clip or a camera: what was decided, and no picture of a face.

    What it shows is run through the effect, and packed up to where it fails, if it does. The zip gets the
    points of each face, the trace, the settings, the device and what doctor finds; nothing is sent. Whoever
    gets it sees the fault on a face that belongs to nobody, with: effectcam replay --bundle FILE
    """
    import effectcam
    from effectcam.cli import terminal
    from effectcam.effect import load_effect
    from effectcam.replay.bundle import MOST_FACES, pack, told, zipped
    from effectcam.replay.player import refuse_to_replace
    from effectcam.sink.part_file import reserved

    if out.suffix.lower() != ".zip":
        raise UsageError(f"{out}: a report must end in .zip")
    if frames * settings["faces"] > MOST_FACES:
        raise UsageError(
            f"{frames} frames of {settings['faces']} faces are too many for a report; give --frames "
            f"{MOST_FACES // settings['faces']} or fewer"
        )
    effect = load_effect(name)
    effect.tier(settings["tier"])
    refuse_to_replace(out, [named])
    with reserved(out) as place:
        recording = _recorded(named, effect, frames, _PICTURES if with_pictures else 0, settings)
        recording.error = _without_home(recording.error)
        files = pack(
            recording,
            version=effectcam.__version__,
            environment=_without_home(_environment()),
            reports=_without_home({"device": _device(), "doctor": _findings()}),
        )
        if place is not None:
            place.fill(zipped(files))
    table = terminal.table("file", "kB", "what", right=["kB"])
    for file, data in files.items():
        table.add_row(*terminal.row(file, f"{len(data) / 1000:.1f}", told(file)))
    console = terminal.out()
    console.print(table)
    if recording.error is not None:
        terminal.note(
            f"it failed after {len(recording.stamps)} frames, as the report tells: {recording.error}"
        )
    faces = "with pictures of faces" if with_pictures else "without a picture of a face"
    console.print(
        f"{out}: {len(recording.stamps)} frames, {faces}. Nothing was sent: look into it, then attach it "
        "yourself."
    )


def _recorded(named: str, effect: Any, frames: int, pictures: int, settings: dict[str, Any]) -> Recording:
    from effectcam.cli import terminal
    from effectcam.live.stop import StopFlag
    from effectcam.replay.recorder import record
    from effectcam.source import Clip, open_source

    stop = StopFlag()
    with ExitStack() as stack:
        source = open_source(named)
        stack.callback(source.close)
        total = min(frames, source.frames or frames) if isinstance(source, Clip) else frames
        if not isinstance(source, Clip):
            terminal.note(
                f"recording {source.device.name}, {total} frames at most; Ctrl-C packs what there is by then"
            )
            stack.enter_context(stop)
        bars = stack.enter_context(terminal.progress())
        bar = bars.add_task(Path(named).name, total=total)

        def watch() -> bool:
            bars.update(bar, advance=1)
            return stop.is_set

        return record(
            source,
            effect,
            frames=frames,
            pictures=pictures,
            tier=settings["tier"],
            strength=settings["strength"],
            max_faces=settings["faces"],
            threads=settings["threads"],
            accelerator=settings["accelerator"],
            tell=terminal.note,
            watch=watch,
        )


def _environment() -> dict[str, str]:
    """Variables that steer effectcam. One that is not known to be harmless, such as a password, is told of
    and its value is not."""
    import os

    return {
        name: value if name in _HARMLESS else "(set)"
        for name, value in sorted(os.environ.items())
        if name.startswith("EFFECTCAM_")
    }


def _device() -> object:
    from effectcam.bench.fingerprint import fingerprint

    return fingerprint()


def _findings() -> list[Finding]:
    from effectcam.cli.doctor import examine

    return [_nameless(finding) for finding in examine()]


def _nameless(finding: Finding) -> Finding:
    """Cameras by number: a name often tells whose one is."""
    if not finding.name.startswith(("camera ", "virtual camera ")):
        return finding
    return replace(finding, text=_NAMED.sub(lambda _: finding.name, finding.text))


def _without_home(values: Any) -> Any:
    """``values``, as JSON knows them, with ``~`` for the user's own folder, whose name is often theirs."""
    import msgspec

    plain = msgspec.to_builtins(values)
    forms: set[str] = set()
    # The folder may be a link, and in what errors quote its backslashes are doubled.
    for home in (Path.home(), Path.home().resolve()):
        if len(str(home)) > 1:
            forms |= {str(home), home.as_posix(), str(home).replace("\\", "\\\\")}
    if not forms:
        return plain
    either = "|".join(map(re.escape, sorted(forms, key=len, reverse=True)))
    # Where the name goes on it is another's.
    pattern = re.compile(rf"(?:{either})(?![\w-]|\.\w)")

    def clean(value: Any) -> Any:
        if isinstance(value, str):
            return pattern.sub("~", value)
        if isinstance(value, dict):
            return {key: clean(each) for key, each in value.items()}
        return [clean(each) for each in value] if isinstance(value, list) else value

    return clean(plain)
