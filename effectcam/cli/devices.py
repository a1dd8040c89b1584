"""``effectcam devices``: cameras and virtual cameras, with what each can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from effectcam.source.devices import CameraDevice, VirtualCameraDevice


@click.command(short_help="List cameras and virtual cameras with what each can do.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON, every mode included.")
def devices(as_json: bool) -> None:
    """List cameras and virtual cameras with what each can do.

    Use a camera's index, path or name as the SOURCE of effectcam run. Rates are the driver's claim; in
    the dark most cameras deliver half.
    """
    import dataclasses
    import sys

    from effectcam.cli import terminal
    from effectcam.source.devices import list_cameras, list_virtual_cameras

    cameras, virtual = list_cameras(), list_virtual_cameras()
    if as_json:
        terminal.print_json(
            {
                "schema": "effectcam.devices/1",
                "cameras": [dataclasses.asdict(camera) for camera in cameras],
                "virtual_cameras": [dataclasses.asdict(device) for device in virtual],
            }
        )
        return
    console = terminal.out()
    if cameras:
        made = terminal.table("camera", "path", "name", "can do", "state", right=("camera",))
        for camera in cameras:
            state = _held(camera) or "free"
            made.add_row(*terminal.row(camera.index, camera.path, camera.name, _modes(camera), state))
        console.print(made)
    else:
        console.print("no camera found; plug one in, or run a clip: effectcam run CLIP.mp4")
    if virtual:
        made = terminal.table("virtual camera", "label", "state", "shows as a camera while fed")
        for device in virtual:
            state = "free" if device.free else _held(device) or "takes no pictures (see: effectcam doctor)"
            made.add_row(
                *terminal.row(
                    device.path, device.name, state, "yes" if device.exclusive else "in some programs"
                )
            )
        console.print(made)
    elif sys.platform == "linux":
        console.print("no virtual camera found; effectcam doctor says how to get one")
    else:
        console.print("this system does not list virtual cameras; effectcam doctor looks for OBS's")


def _held(device: CameraDevice | VirtualCameraDevice) -> str:
    return f"in use by {', '.join(map(str, device.holders))}" if device.holders else ""


def _modes(camera: CameraDevice) -> str:
    """For each pixel format the largest picture, and the largest that comes at 30 frames a second."""
    told = []
    for pixel_format in dict.fromkeys(mode.pixel_format for mode in camera.modes):
        modes = [mode for mode in camera.modes if mode.pixel_format == pixel_format]
        largest = max(modes, key=lambda mode: (mode.width * mode.height, mode.fps or 0))
        fluent = [mode for mode in modes if (mode.fps or 0) >= 29.9]
        picked = [largest]
        if fluent:
            picked.append(max(fluent, key=lambda mode: (mode.width * mode.height, mode.fps or 0)))
        sizes = dict.fromkeys(
            f"{mode.width}x{mode.height}" + (f" at {mode.fps:g}" if mode.fps else "") for mode in picked
        )
        told.append(f"{pixel_format} {', '.join(sizes)}")
    return "; ".join(told) or "not told by this system"
