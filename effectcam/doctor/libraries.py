"""Python and the libraries: the right ones, once, and able to load."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import metadata

from effectcam.doctor.finding import Finding, fail, ok, warn
from effectcam.installing import LITERT, MEDIAPIPE, OPENCV, pip

_LITERT = (f"{LITERT}.", "1.0.1")
"""The second is the last release for a Mac with an Intel processor."""
_INSTALL_LITERT = pip(f'install "ai-edge-litert~={LITERT}.0"')

_LOADED = {
    "cv2": "opencv-contrib-python",
    "av": "av",
    "mediapipe": "mediapipe",
    "ai_edge_litert.interpreter": "ai-edge-litert",
    "pyvirtualcam": "pyvirtualcam",
}
"""Modules that a run imports, and the packages that they come with."""

_OPENCV = (
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
    "opencv-python",
    "opencv-python-headless",
)


def installed_versions() -> dict[str, str]:
    """Every installed distribution by its normal name."""
    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        if name:
            found.setdefault(re.sub(r"[-_.]+", "-", name).lower(), distribution.version)
    return found


def check_python(version: tuple[int, ...] = sys.version_info[:3]) -> Finding:
    text = ".".join(map(str, version))
    if version[:2] in ((3, 11), (3, 12)):
        return ok("Python", text)
    return fail(
        "Python",
        f"{text}: mediapipe {MEDIAPIPE} is made for 3.11 and 3.12",
        "make a new environment with Python 3.12 and install effectcam there",
    )


def check_mediapipe(versions: Mapping[str, str]) -> Finding:
    found = versions.get("mediapipe")
    if found == MEDIAPIPE:
        return ok("mediapipe", found)
    text = f"{found}: the face mesh graph needs {MEDIAPIPE}" if found else "not installed"
    return fail("mediapipe", text, pip(f"install mediapipe=={MEDIAPIPE}"))


def check_litert(versions: Mapping[str, str]) -> Finding:
    if found := versions.get("ai-edge-litert"):
        if not found.startswith(_LITERT):
            return warn(
                "LiteRT",
                f"ai-edge-litert {found}: effectcam is made for {LITERT}",
                _INSTALL_LITERT,
            )
        return ok("LiteRT", f"ai-edge-litert {found}")
    if found := versions.get("tflite-runtime"):
        return warn(
            "LiteRT",
            f"only its predecessor tflite-runtime {found}, which slows down badly beside other programs",
            _INSTALL_LITERT,
        )
    return fail("LiteRT", "not installed", _INSTALL_LITERT)


def check_numpy(versions: Mapping[str, str]) -> Finding:
    found = versions.get("numpy", "")
    if found.partition(".")[0] in ("0", "1"):
        return ok("numpy", found)
    text = f"{found}: mediapipe {MEDIAPIPE} was built for numpy 1" if found else "not installed"
    return fail("numpy", text, pip('install "numpy<2"'))


def check_opencv(versions: Mapping[str, str]) -> Finding:
    """All OpenCV packages write the same folder ``cv2``; the last one installed wins, file by file."""
    found = [name for name in _OPENCV if name in versions]
    if found == ["opencv-contrib-python"]:
        return ok("OpenCV", f"{found[0]} {versions[found[0]]}")
    again = pip(f"install --force-reinstall --no-deps opencv-contrib-python=={OPENCV}")
    if not found:
        return fail("OpenCV", "not installed", again)
    if len(found) == 1:
        return warn(
            "OpenCV", f"{found[0]} in place of opencv-contrib-python, which mediapipe asks for", again
        )
    return fail(
        "OpenCV",
        f"{len(found)} packages share one folder cv2: {', '.join(found)}",
        f"{pip('uninstall -y ' + ' '.join(found))} && {again}",
    )


def check_package(name: str, versions: Mapping[str, str], *, use: str) -> Finding:
    """A library that has no version to insist on; ``use`` says what does not work without it."""
    if found := versions.get(name):
        return ok(name, found)
    return fail(name, f"not installed; {use} will not work", pip(f"install {name}"))


def check_loading(
    module: str, *, load: Callable[[str], object] = importlib.import_module, fix: str
) -> Finding | None:
    """A finding only if ``module`` is installed and cannot be imported all the same."""
    try:
        load(module)
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        library = re.search(r"(lib\w+[\w.-]*\.so[\w.]*): cannot open", reason)
        if library:
            fix = _SYSTEM_LIBRARIES.get(library[1], f"install the system's package that holds {library[1]}")
        return fail(f"import {module}", reason, fix)
    return None


_SYSTEM_LIBRARIES = {
    "libGL.so.1": "sudo apt install libgl1, or dnf install mesa-libGL",
    "libEGL.so.1": "sudo apt install libegl1, or dnf install mesa-libEGL",
    "libGLESv2.so.2": "sudo apt install libgles2, or dnf install mesa-libGLES",
    "libglib-2.0.so.0": "sudo apt install libglib2.0-0, or dnf install glib2",
    "libgthread-2.0.so.0": "sudo apt install libglib2.0-0, or dnf install glib2",
}


def check_libraries(versions: Mapping[str, str] | None = None) -> Iterable[Finding]:
    """Python, then every library."""
    found = installed_versions() if versions is None else versions
    yield check_python()
    yield check_mediapipe(found)
    yield check_litert(found)
    yield check_numpy(found)
    yield check_opencv(found)
    yield check_package("av", found, use="reading and writing video files")
    yield check_package("pyvirtualcam", found, use="the virtual camera")
    for module, package in _LOADED.items():
        if package in found:
            broken = check_loading(
                module, fix=pip(f"install --force-reinstall --no-deps {package}=={found[package]}")
            )
            if broken is not None:
                yield broken
