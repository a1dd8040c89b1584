"""Where the system keeps what belongs to this user."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def config_folder() -> Path:
    """For settings: presets, and what signs recordings; need not exist."""
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA") or home / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    return base / "effectcam"


def cache_folder() -> Path:
    """For what can be made anew, such as measurements; need not exist."""
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "effectcam" / "cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "effectcam"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "effectcam"
