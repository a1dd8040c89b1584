"""Small effects, and a pipeline of one. Imported as late as can be: most tests do without MediaPipe."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from effectcam.effect.package import Effect
    from effectcam.pipeline import Pipeline
    from tests.tiny_effect import Make


@pytest.fixture(scope="session", autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Whoever runs the tests has presets, effects, a panel's token and a signing key: neither read nor
    written here, nor by what is started from here."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "APPDATA", "LOCALAPPDATA"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name.lower())))
        for name in ("EFFECTCAM_EFFECTS", "EFFECTCAM_TRACEBACK", "EFFECTCAM_NATIVE_LOG"):
            patch.delenv(name, raising=False)
        if sys.platform == "darwin":
            patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """`tiny_effect`, each in a folder of its own."""
    from tests.tiny_effect import tiny_effect

    count = iter(range(100))
    return lambda **values: tiny_effect(tmp_path / f"effect-{next(count)}", **values)


@pytest.fixture
def negative(make: Make) -> Effect:
    return make(face="negative")


@pytest.fixture
def pipeline(negative: Effect) -> Iterator[Pipeline]:
    from effectcam.pipeline import Pipeline

    with Pipeline(negative, threads=1) as pipeline:
        yield pipeline


@pytest.fixture
def screen() -> Iterator[str]:
    """What ``DISPLAY`` is to say for an X server without a monitor; skips where there is no Xvfb."""
    read, write = os.pipe()
    try:
        server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write), "-screen", "0", "800x600x24", "-nolisten", "tcp"],
            pass_fds=(write,),
            stderr=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        os.close(read)
        os.close(write)
        pytest.skip("needs Xvfb")
    # Only the server may hold it open: that it ended must not look as if it took its time.
    os.close(write)
    try:
        told, end = b"", time.monotonic() + 60
        while not told.endswith(b"\n"):
            assert select.select([read], [], [], max(0.0, end - time.monotonic()))[0], "Xvfb does not come up"
            more = os.read(read, 16)
            assert more, f"Xvfb ended, with {server.wait()}"
            told += more
        yield f":{told.decode().strip()}"
    finally:
        server.terminate()
        server.wait()
        os.close(read)
