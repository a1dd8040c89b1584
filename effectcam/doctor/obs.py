"""Windows and macOS: OBS's virtual camera, which has one sender at a time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from effectcam.doctor.finding import Finding, ok, warn

APPLICATIONS = Path("/Applications")
OBS_CLASS = r"SOFTWARE\Classes\CLSID\{A3FCE0F5-3493-419F-958A-ABA1250EC20B}"
"""Where OBS's installer registers its camera with Windows."""


def check_obs_windows(registered: bool) -> Finding:
    if registered:
        return ok("OBS virtual camera", "registered with Windows")
    return warn(
        "OBS virtual camera",
        "not registered, so there is no virtual camera unless Unity Capture is installed",
        "install OBS Studio 28 or later and start its virtual camera once",
    )


def check_obs_macos(*, applications: Path = APPLICATIONS) -> Finding:
    if (applications / "OBS.app").is_dir():
        return ok(
            "OBS virtual camera", "OBS is installed; its camera must have been allowed in System Settings"
        )
    return warn(
        "OBS virtual camera",
        f"no OBS.app in {applications}, so there is no virtual camera",
        "install OBS Studio 30 or later, start its virtual camera once and allow it in System Settings",
    )


def check_single_instance(running: bool, *, platform: str = sys.platform) -> Finding | None:
    """A finding while OBS runs: its camera can be fed by OBS or by effectcam, not by both."""
    if not running:
        return None
    fix = "stop the virtual camera in OBS"
    if platform == "win32":
        fix += ", or install Unity Capture and name it: effectcam run --device 'Unity Video Capture'"
    else:
        fix += ", or take effectcam run --window into OBS as a window capture"
    return warn(
        "OBS single instance", "OBS is running, and its virtual camera takes one sender at a time", fix
    )


def obs_is_running(*, platform: str = sys.platform, ask: Callable[[list[str]], str] | None = None) -> bool:
    """Whether OBS runs now; False where that cannot be told."""
    if platform == "win32":
        return "obs64.exe" in (ask or _ask)(["tasklist", "/FI", "IMAGENAME eq obs64.exe", "/NH"]).lower()
    return bool((ask or _ask)(["pgrep", "-x", "OBS"]).strip())


def _ask(command: list[str]) -> str:
    try:
        # Only ASCII is looked for, and Windows answers in a code page that Python does not know of.
        done = subprocess.run(
            command, capture_output=True, encoding="ascii", errors="replace", timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def obs_is_registered() -> bool:
    """Whether Windows knows OBS's camera."""
    if sys.platform == "win32":
        import winreg

        try:
            winreg.CloseKey(winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, OBS_CLASS))
        except OSError:
            return False
        return True
    return False


def check_obs() -> Iterable[Finding]:
    """OBS's camera, and whether OBS holds it."""
    yield check_obs_windows(obs_is_registered()) if sys.platform == "win32" else check_obs_macos()
    finding = check_single_instance(obs_is_running())
    if finding is not None:
        yield finding
