"""effectcam: real-time camera effects that run on your own machine.

>>> from effectcam import Pipeline, VideoFile, open_source
>>> with open_source("me.mp4") as clip, Pipeline("toon") as pipeline:  # doctest: +SKIP
...     with VideoFile("toon.mp4", clip.width, clip.height, source=clip) as file:
...         for frame in clip:
...             file.write(pipeline.process(frame))

Names are loaded on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from effectcam.effect.catalogue import catalogue, install
    from effectcam.effect.package import Effect, load_effect
    from effectcam.errors import (
        EffectcamError,
        FaceMeshError,
        PackageError,
        SinkError,
        SourceError,
        StudentError,
        UsageError,
    )
    from effectcam.frame import Frame
    from effectcam.ledger import Ledger
    from effectcam.overlap import overlapped
    from effectcam.passage import Face
    from effectcam.pipeline import Pipeline
    from effectcam.sink.fan_out import FanOut
    from effectcam.sink.stills import Stills
    from effectcam.sink.video_file import VideoFile
    from effectcam.sink.virtual_camera import VirtualCamera
    from effectcam.sink.window import Window
    from effectcam.source import open_source
    from effectcam.source.camera import Camera
    from effectcam.source.clip import Clip
    from effectcam.source.devices import list_cameras, list_virtual_cameras

    __version__: str

__all__ = [
    "Camera",
    "Clip",
    "Effect",
    "EffectcamError",
    "Face",
    "FaceMeshError",
    "FanOut",
    "Frame",
    "Ledger",
    "PackageError",
    "Pipeline",
    "SinkError",
    "SourceError",
    "Stills",
    "StudentError",
    "UsageError",
    "VideoFile",
    "VirtualCamera",
    "Window",
    "catalogue",
    "install",
    "list_cameras",
    "list_virtual_cameras",
    "load_effect",
    "open_source",
    "overlapped",
]

_HOMES = {
    "Camera": "source.camera",
    "Clip": "source.clip",
    "Effect": "effect.package",
    "EffectcamError": "errors",
    "Face": "passage",
    "FaceMeshError": "errors",
    "FanOut": "sink.fan_out",
    "Frame": "frame",
    "Ledger": "ledger",
    "PackageError": "errors",
    "Pipeline": "pipeline",
    "SinkError": "errors",
    "SourceError": "errors",
    "Stills": "sink.stills",
    "StudentError": "errors",
    "UsageError": "errors",
    "VideoFile": "sink.video_file",
    "VirtualCamera": "sink.virtual_camera",
    "Window": "sink.window",
    "catalogue": "effect.catalogue",
    "install": "effect.catalogue",
    "list_cameras": "source.devices",
    "list_virtual_cameras": "source.devices",
    "load_effect": "effect.package",
    "open_source": "source",
    "overlapped": "overlap",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("effectcam")
        except PackageNotFoundError:
            return "unknown (not installed)"
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
