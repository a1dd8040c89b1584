"""Where the system keeps what belongs to this user."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def config_folder() -> Path:
    """For settings: presets, and what signs recordings; need not exist."""
    if sys.platform == "win32":
        base = _named("APPDATA", "AppData", "Roaming")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = _named("XDG_CONFIG_HOME", ".config")
    return base / "effectcam"


def data_folder() -> Path:
    """For what the user has added, such as effects; need not exist."""
    if sys.platform == "win32":
        return _named("LOCALAPPDATA", "AppData", "Local") / "effectcam"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "effectcam"
    return _named("XDG_DATA_HOME", ".local", "share") / "effectcam"


def cache_folder() -> Path:
    """For what can be made anew, such as measurements; need not exist."""
    if sys.platform == "win32":
        return _named("LOCALAPPDATA", "AppData", "Local") / "effectcam" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "effectcam"
    return _named("XDG_CACHE_HOME", ".cache") / "effectcam"


def _named(variable: str, *usual: str) -> Path:
    """The folder that the environment names, else the usual one. A service need not have a home."""
    named = os.environ.get(variable)
    return Path(named) if named else Path.home().joinpath(*usual)
