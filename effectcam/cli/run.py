"""``effectcam run``: a camera or a clip in, virtual camera, window and files out."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from effectcam.cli.options import FilePath, pipeline_options
from effectcam.errors import SinkError

if TYPE_CHECKING:
    from effectcam.cli.controls import Controls
    from effectcam.cli.keys import ReadKeys
    from effectcam.cli.meter import Meter
    from effectcam.cli.stop import StopFlag
    from effectcam.frame import Frame
    from effectcam.sink.fan_out import FanOut
    from effectcam.source import Camera, Clip


class _Size(click.ParamType[tuple[int, int]]):
    name = "WxH"

    def convert(
        self, value: str | tuple[int, int], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"(\d{1,5})[xX](\d{1,5})", value)
        if found is None:
            self.fail(f"{value!r} is no size; give width and height such as 1280x720", param, ctx)
        return int(found[1]), int(found[2])


_FILE = FilePath()


@click.command(short_help="Put an effect on a camera or a clip, live.")
@click.argument("source", default="0")
@click.option("--effect", "-e", "name", default="toon", show_default=True, help="Effect: a name or a path.")
@pipeline_options
@click.option("--mirror", is_flag=True, help="Swap left and right.")
@click.option("--virtual-camera", is_flag=True, help="Send to a virtual camera: OBS, Zoom, browsers.")
@click.option("--device", metavar="NAME", help="The same, to the one of this path or label.")
@click.option("--window", is_flag=True, help="Show a preview window.")
@click.option("--record", type=_FILE, metavar="FILE.mp4", help="Record a video.")
@click.option("--stills", type=_FILE, metavar="FOLDER", help="Write every frame as a picture.")
@click.option("--size", type=_Size(), default="1280x720", show_default=True, help="To ask a camera for.")
@click.option("--fps", type=float, default=30, show_default=True, help="To ask a camera for.")
def run(
    source: str,
    name: str,
    strength: float | None,
    mirror: bool,
    faces: int,
    tier: str,
    threads: int | None,
    virtual_camera: bool,
    device: str | None,
    window: bool,
    record: Path | None,
    stills: Path | None,
    size: tuple[int, int],
    fps: float,
) -> None:
    """Put an effect on a camera or a clip, live.

    SOURCE is a camera's index, path or name (see: effectcam devices) or a clip; the first camera if
    left out. Without a choice of outputs: a virtual camera if there is one, else a window.

    Keys while it runs, in the terminal or the window: n and p change the effect, + and - its strength,
    m mirrors, q ends it. Ctrl-C ends it too; recordings are finished properly.
    """
    from effectcam.cli import terminal
    from effectcam.cli.controls import Controls, Options
    from effectcam.cli.keys import terminal_keys
    from effectcam.cli.meter import Meter
    from effectcam.cli.outputs import Outputs
    from effectcam.cli.stop import StopFlag
    from effectcam.effect import load_effect
    from effectcam.effect.catalogue import catalogue
    from effectcam.source import Camera, open_source

    effect = load_effect(name)
    effect.tier(tier)
    outputs = Outputs(virtual_camera, device, record, window, stills)
    stop = StopFlag()
    meter = Meter(terminal.out())
    with contextlib.ExitStack() as stack:
        opened = open_source(source, width=size[0], height=size[1], fps=fps)
        stack.callback(opened.close)
        controls = Controls(
            effect,
            Options(tier, strength, faces, threads),
            known=list(catalogue()),
            mirror=mirror,
            on_quit=stop.set,
            tell=meter.tell,
        )
        stack.callback(controls.close)
        if isinstance(opened, Camera):
            # Half a second for the rate that is then announced; what the driver claims is often untrue.
            opened.measure(_RATE_FRAMES)
        sinks = outputs.open(opened, on_key=controls.press, on_close=stop.set, tell=meter.tell)
        # Its part files go if anything goes wrong on the way to the loop, which closes it itself.
        stack.callback(sinks.abort)
        keys = stack.enter_context(terminal_keys())
        meter.tell(
            f"{source} {opened.width}x{opened.height} to {sinks.name}, effect {effect.name} {effect.version}"
        )
        meter.tell(KEYS if keys is not None or window else "Ctrl-C ends it")
        with stop, meter:
            _loop(opened, controls, sinks, stop, meter, keys)
    _tell_end(opened, controls, sinks, meter)


_RATE_FRAMES = 15

KEYS = "keys: n/p next/previous effect, +/- strength, m mirror, q quit"


def _loop(
    source: Camera | Clip,
    controls: Controls,
    sinks: FanOut,
    stop: StopFlag,
    meter: Meter,
    keys: ReadKeys | None,
) -> None:
    from effectcam.source import Camera

    try:
        with contextlib.closing(_feed(source, sinks, stop)) as frames:
            for frame in frames:
                for key in keys() if keys is not None else "":
                    controls.press(key)
                sinks.write(controls.process(frame))
                meter.tick(controls.pipeline)
        sinks.close()
    except BaseException:
        # What a camera has shown cannot be had again, so its recording is kept up to here.
        if isinstance(source, Camera):
            with contextlib.suppress(SinkError):
                sinks.close()
        raise


def _feed(source: Camera | Clip, sinks: FanOut, stop: StopFlag) -> Generator[Frame, None, None]:
    """The frames in the order and at the pace that fits source and sinks."""
    from effectcam.cli.feed import newest, paced, unpaced
    from effectcam.cli.outputs import is_live
    from effectcam.source import Camera

    if isinstance(source, Camera):
        return newest(source, stop)
    if is_live(sinks):
        return paced(source, stop, keep_all=sinks.lossless)
    return unpaced(source, stop)


def _tell_end(source: Camera | Clip, controls: Controls, sinks: FanOut, meter: Meter) -> None:
    from effectcam.cli import terminal
    from effectcam.source import Clip

    chain = controls.pipeline.ledger.percentiles("chain")
    times = ", ".join(f"{name} {chain[name]:.1f} ms" for name in ("p50", "p95", "p99"))
    meter.tell(f"{meter.frames} frames; chain of {controls.pipeline.effect.name}: {times}")
    for delivery in sinks.deliveries:
        dropped = f", {delivery.dropped} dropped" if delivery.dropped else ""
        meter.tell(f"{delivery.sink.name}: {delivery.written} frames{dropped}")
    warnings = source.warnings if isinstance(source, Clip) else []
    for delivery in sinks.deliveries:
        warnings = [*warnings, *getattr(delivery.sink, "warnings", [])]
    for warning in warnings:
        terminal.note(warning)
