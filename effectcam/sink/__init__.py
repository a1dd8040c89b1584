"""Where frames go: virtual cameras, files, windows.

Names are loaded on first use, so that importing this package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from effectcam.sink.base import NullSink, Sink
    from effectcam.sink.fan_out import FanOut
    from effectcam.sink.reopening import Reopening
    from effectcam.sink.stills import Stills
    from effectcam.sink.video_file import VideoFile
    from effectcam.sink.virtual_camera import VirtualCamera
    from effectcam.sink.window import Window

__all__ = ["FanOut", "NullSink", "Reopening", "Sink", "Stills", "VideoFile", "VirtualCamera", "Window"]

_HOMES = {
    "FanOut": "fan_out",
    "NullSink": "base",
    "Reopening": "reopening",
    "Sink": "base",
    "Stills": "stills",
    "VideoFile": "video_file",
    "VirtualCamera": "virtual_camera",
    "Window": "window",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
