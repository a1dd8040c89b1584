"""``effectcam latency``: how late the picture is, from the camera's hand to the reader's."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from effectcam.cli.options import FilePath, NumberRange, Size, json_file, threads
from effectcam.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from effectcam.latency.probe import Way

_BAR = 40
"""Characters of the longest bar."""

_PARTS = {
    "queue": "waits for the chain",
    "chain": "chain",
    "loop": "the loop's own work",
    "hand_over": "on to the sink",
    "device": "device, until read",
}


@click.command(short_help="Measure how late the picture is, from camera to virtual camera.")
@click.option("--effect", "-e", "name", default="toon", show_default=True, help="Effect: a name or a path.")
@click.option("--clip", type=FilePath(), metavar="CLIP", help="Pictures to send.  [default: the demo clip]")
@click.option(
    "--seconds",
    type=NumberRange(1, 600),
    default=10,
    show_default=True,
    help="How long to measure, after the effect is warm.",
)
@click.option(
    "--fps", type=NumberRange(1, 240), default=30, show_default=True, help="Frames a second to send."
)
@click.option("--size", type=Size(), default="1280x720", show_default=True, help="Of the frames.")
@threads
@click.option(
    "--through",
    type=click.Choice(["auto", "memory", "camera"]),
    default="auto",
    show_default=True,
    help="auto: a virtual camera if one is free (Linux), else memory.",
)
@click.option("--device", metavar="NAME", help="The virtual camera of this path or label.")
@json_file()
def latency(
    name: str,
    clip: Path | None,
    seconds: float,
    fps: float,
    size: tuple[int, int],
    threads: int | None,
    through: str,
    device: str | None,
    json_file: Path | None,
) -> None:
    """Measure how late the picture is, from camera to virtual camera.

    A clip takes the camera's place. Each frame bears the time at which it was handed out, goes the way
    of a live run, and is read back: from the virtual camera by a second process, or without a device
    from memory. Nothing else may use that camera meanwhile.
    """
    from effectcam.cli import terminal
    from effectcam.cli.demo import demo_clip
    from effectcam.effect import load_effect
    from effectcam.latency.clip_camera import load_frames
    from effectcam.latency.probe import measure
    from effectcam.latency.report import latency_report
    from effectcam.live.options import Options
    from effectcam.replay.report import report_json
    from effectcam.sink.part_file import reserved

    if through == "memory" and device is not None:
        raise UsageError(f"--device {device} is for --through camera; leave one of the two out")
    effect = load_effect(name)
    to_stdout = str(json_file) == "-"
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(reserved(None if to_stdout else json_file))
        frames = load_frames(clip or stack.enter_context(demo_clip()), size)
        way = stack.enter_context(_open_way(through, device, size, fps))
        bars = stack.enter_context(terminal.progress())
        bar = bars.add_task(f"{effect.title} through {way.sink.name}", total=round(seconds * fps))
        run = measure(
            effect,
            frames,
            way,
            fps=fps,
            seconds=seconds,
            options=Options(threads=threads),
            tick=lambda: bars.advance(bar),
        )
        report = latency_report(run, (effect.name, effect.version))
        if file is not None:
            file.fill(report_json(report).encode("ascii"))
    for warning in run.warnings:
        terminal.note(warning)
    if to_stdout:
        terminal.print_json(report)
    else:
        _show(report)


def _open_way(through: str, device: str | None, size: tuple[int, int], fps: float) -> Way:
    from effectcam.latency.probe import through_camera, through_memory
    from effectcam.source.devices import list_virtual_cameras

    if through == "auto":
        found = device is not None or any(camera.free for camera in list_virtual_cameras())
        through = "camera" if found else "memory"
    return through_camera(size, fps=fps, device=device) if through == "camera" else through_memory()


def _show(report: dict[str, Any]) -> None:
    from effectcam.cli import terminal

    frames, all_ms = report["frames"], report["latency_ms"]
    effect = report["effect"]
    where = report["device"] or "memory"
    console = terminal.out()
    console.print(
        f"{effect['name']} {effect['version']} at {report['width']}x{report['height']}, "
        f"{report['fps']:g} fps, through {where}"
    )
    console.print(_table(report))
    for line in _bars(report["histogram_ms"]):
        console.print(line)
    console.print(
        f"{frames['sent']} frames sent, {frames['read']} read, {frames['repeated']} repeated, "
        f"{frames['unreadable']} unreadable, {frames['lost']} lost{_reasons(frames['lost_where'])}"
    )
    added = report["added_ms"]["p50"]
    verdict = "at most" if report["within_one_frame"] else "more than"
    console.print(
        f"delay {all_ms['p50']:.1f} ms; the pipeline adds {added:.1f} ms beyond its own chain time "
        f"({report['added_frames']:.2f} frames: {verdict} one)"
    )


def _reasons(where: dict[str, int]) -> str:
    """Such as `` (3 before chain)``, empty when nothing was lost."""
    told = [f"{count} {reason.replace('_', ' ')}" for reason, count in where.items() if count]
    return f" ({', '.join(told)})" if told else ""


def _table(report: dict[str, Any]) -> Table:
    from effectcam.cli import terminal

    columns = ("p50", "p95", "p99", "max")
    made = terminal.table("part", *(f"{column} ms" for column in columns), right=[f"{c} ms" for c in columns])
    for part, times in report["parts_ms"].items():
        made.add_row(*terminal.row(_PARTS[part], *(f"{times[column]:.1f}" for column in columns)))
        if part == "chain":
            for stage, stage_times in report["stages_ms"].items():
                if stage != "chain" and stage_times["p99"]:
                    cells = [f"{stage_times[column]:.1f}" for column in columns[:3]]
                    made.add_row(*terminal.row(f"- {stage}", *cells, "", style="dim"))
    whole = report["latency_ms"]
    made.add_row(*terminal.row("from hand to hand", *(f"{whole[c]:.1f}" for c in columns), style="bold"))
    return made


def _bars(histogram: dict[str, Any]) -> Iterator[str]:
    """A line for each bar, in letters that the terminal has."""
    from effectcam.cli import terminal

    edges, counts = histogram["edges"], histogram["counts"]
    block, _ = terminal.blocks()
    most = max(counts)
    for low, high, count in zip(edges, edges[1:], counts, strict=False):
        length = max(1, round(_BAR * count / most)) if count else 0
        yield f"{low:8.1f} to {high:7.1f} ms  {block * length:<{_BAR}} {count:5d}"
