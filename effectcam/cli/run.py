"""``effectcam run``: a camera or a clip in, virtual camera, window and files out."""

from __future__ import annotations

from typing import Any

import click

from effectcam.cli.options import (
    FilePath,
    NumberRange,
    Size,
    TextPath,
    accelerator,
    cores,
    priority,
    strength,
    threads,
)

_FILE = FilePath()


class _Port(click.IntRange):
    """A camera or clip after ``--panel`` would be taken for its port."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            if str(value).isdecimal():
                raise
            self.fail(f"{value!r} is no port; name the camera or clip before --panel", param, ctx)


@click.command(short_help="Put an effect on a camera or a clip, live.")
@click.argument("source", required=False)
@click.option("--effect", "-e", default="toon", show_default=True, help="Effect: a name or a path.")
@strength
@click.option(
    "--faces",
    default="one",
    show_default=True,
    metavar="WHICH",
    help="Who gets the effect: one, all (up to four), largest, leftmost, rightmost, or a number up to 16.",
)
@click.option(
    "--tier",
    metavar="TIER",
    help="lite, standard or high: the best to use.  [default: what this machine can do in time]",
)
@threads
@accelerator("auto")
@cores
@priority
@click.option(
    "--governor",
    type=click.Choice(["on", "off"]),
    default="on",
    show_default=True,
    help="Less work a frame while the machine is too slow. off: every frame in full.",
)
@click.option(
    "--budget",
    type=NumberRange(1, 1000),
    metavar="MS",
    help="Time for a frame, for the governor.  [default: until the next one]",
)
@click.option("--skip-still", is_flag=True, help="Draw nothing anew while nothing moves: saves the fans.")
@click.option(
    "--governor-trace", type=TextPath(), metavar="FILE.jsonl", help="Write what the governor sees and does."
)
@click.option("--mirror", is_flag=True, help="Swap left and right.")
@click.option("--virtual-camera", is_flag=True, help="Send to a virtual camera: OBS, Zoom, browsers.")
@click.option("--device", metavar="NAME", help="The same, to the one of this path or label.")
@click.option("--window", is_flag=True, help="Show a preview window.")
@click.option("--record", type=_FILE, metavar="FILE.mp4", help="Record a video; a camera's is silent.")
@click.option("--overwrite", is_flag=True, help="Let --record and --stills replace older files.")
@click.option("--credentials", is_flag=True, help="Sign the recording with content credentials (C2PA).")
@click.option("--stills", type=_FILE, metavar="FOLDER", help="Write every frame as a picture.")
@click.option("--size", type=Size(), help="To ask a camera for.  [default: 1280x720]")
@click.option(
    "--fps",
    type=NumberRange(1, 240),
    default=30,
    show_default=True,
    help="To ask a camera for, and the most that is sent.",
)
@click.option("--loop", is_flag=True, help="Play a clip again and again.")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait for a camera that is away.")
@click.option(
    "--rest/--no-rest",
    default=True,
    show_default=True,
    help="Rest while no program reads the virtual camera (Linux).",
)
@click.option(
    "--on-lost",
    type=click.Choice(["blur", "hold", "placeholder", "passthrough"]),
    default="blur",
    show_default=True,
    help="When a face effect has lost the face. passthrough shows you as you are.",
)
@click.option(
    "--panic",
    type=click.Choice(["freeze", "placeholder", "blur"]),
    default="freeze",
    show_default=True,
    help="What the panic key (space) shows.",
)
@click.option(
    "--label/--no-label", default=None, help="The words AI effect in a corner.  [default: effect's]"
)
@click.option(
    "--panel",
    is_flag=False,
    flag_value=8787,
    type=_Port(0, 65535),
    metavar="[PORT]",
    help="Serve the control page on this machine; name SOURCE before it.  [default port: 8787]",
)
@click.option("--presets", type=_FILE, metavar="FILE.toml", help="Presets to use instead of your own file.")
@click.option(
    "--midi",
    is_flag=False,
    flag_value="",
    metavar="[PORT]",
    help="A MIDI fader sets the strength; name SOURCE before it.",
)
@click.option(
    "--obs",
    is_flag=False,
    flag_value="ws://127.0.0.1:4455",
    metavar="[URL]",
    help="Tell OBS the delay, so that sound and picture agree; name SOURCE before it.",
)
@click.option("--obs-input", metavar="NAME", help="The audio input to be delayed.  [default: Mic/Aux]")
def run(**wishes: Any) -> None:
    """Put an effect on a camera or a clip, live.

    SOURCE is a camera's index, path or name (see: effectcam devices) or a clip; if left out the first
    camera, on Linux the first that is no virtual one. Without a choice of outputs: a virtual camera if there
    is one, else a window.

    Keys while it runs, in the terminal or the window: n and p change the effect, + and - its strength,
    m mirrors, space is the panic key, q ends it; presets have keys of their own. Ctrl-C ends it too;
    recordings are finished properly.
    """
    from effectcam.cli.run_wishes import Wishes
    from effectcam.cli.session import Session

    Session(Wishes(**wishes)).run()
