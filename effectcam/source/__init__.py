"""Where frames come from: cameras and clips.

Names are loaded on first use, so that importing this package costs nothing.
"""

from __future__ import annotations

import importlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from effectcam.source.base import Source
    from effectcam.source.camera import Camera
    from effectcam.source.clip import Clip
    from effectcam.source.devices import list_cameras, list_virtual_cameras

__all__ = ["Camera", "Clip", "Source", "is_camera", "list_cameras", "list_virtual_cameras", "open_source"]

_HOMES = {
    "Camera": "camera",
    "Clip": "clip",
    "Source": "base",
    "list_cameras": "devices",
    "list_virtual_cameras": "devices",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def is_camera(what: int | str | os.PathLike[str]) -> bool:
    """Whether ``what`` names a camera, by index, path or name, rather than a clip."""
    text = os.fspath(what) if not isinstance(what, int) else str(what)
    if text.isdecimal() or text.startswith("/dev/"):
        return True
    # A missing clip must be called a missing file, not an unknown camera. "USB2.0 HD UVC WebCam" is no file.
    ending = re.fullmatch(r"\.(?=.*[A-Za-z])\w{2,5}", Path(text).suffix)
    looks_like_file = isinstance(what, os.PathLike) or os.sep in text or ending is not None
    return not looks_like_file and not Path(text).exists()


def open_source(
    what: int | str | os.PathLike[str],
    *,
    width: int = 1280,
    height: int = 720,
    fps: float = 30,
    mirror: bool = False,
) -> Camera | Clip:
    """Open whatever ``what`` names: an index ("0"), a device path, a clip, or a camera's name.

    A file that exists is a clip, even if a camera bears its name. ``width`` and ``height``
    (pixels) and ``fps`` (frames a second) are what a camera is asked for; a clip has its own. Raises
    `SourceError` where nothing fits.
    """
    text = os.fspath(what) if not isinstance(what, int) else str(what)
    if is_camera(what):
        from effectcam.source.camera import Camera

        return Camera(text, width=width, height=height, fps=fps, mirror=mirror)
    from effectcam.source.clip import Clip

    return Clip(text, mirror=mirror)
