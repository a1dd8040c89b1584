"""The preview window: refused without a screen, shown for real where Xvfb is installed."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from ctypes.util import find_library
from pathlib import Path

import pytest

from effectcam.errors import SinkError
from effectcam.sink import Window

linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a screen")


@linux
@pytest.mark.parametrize("display", ["", ":987", "nonsense", "127.0.0.1:987"])
def test_without_a_screen_it_is_refused_not_killed(monkeypatch: pytest.MonkeyPatch, display: str) -> None:
    monkeypatch.setenv("DISPLAY", display)
    with pytest.raises(SinkError, match=r"no screen.*file or virtual camera"):
        Window()


@linux
def test_frames_show_on_a_screen_also_within_a_fan_out(screen: str) -> None:
    program = """
        import cv2
        from effectcam.sink import FanOut, NullSink, Window
        from tests.sink.frames import moving
        closed = []
        window, counter = Window("shown", on_close=lambda: closed.append(True)), NullSink()
        with FanOut([window, counter]) as sinks:
            for frame in moving(10):
                sinks.write(frame)
            print(cv2.getWindowProperty("shown", cv2.WND_PROP_VISIBLE))
            cv2.destroyWindow("shown")
            cv2.waitKey(1)
            for frame in moving(3, start=10**12):
                sinks.write(frame)
        shown = sinks.deliveries[0]
        print(closed, shown.written, shown.dropped, shown.error, window.ended)
        window.close()
    """
    # That it was closed is no failure, and what came afterwards was not shown.
    assert printed_by(program, screen).splitlines() == ["1.0", "[True] 10 3 None window closed"]


@linux
@pytest.mark.skipif(find_library("Xtst") is None, reason="needs XTEST, to press keys")
def test_keys_are_told_by_name_and_an_arrow_is_no_letter(screen: str) -> None:
    program = """
        import ctypes, time
        from effectcam.sink import Window
        from tests.sink.frames import moving
        x, test = ctypes.CDLL("libX11.so.6"), ctypes.CDLL("libXtst.so.6")
        x.XOpenDisplay.restype = ctypes.c_void_p
        x.XKeysymToKeycode.argtypes = ctypes.c_void_p, ctypes.c_ulong
        x.XSync.argtypes = ctypes.c_void_p, ctypes.c_int
        x.XSetInputFocus.argtypes = ctypes.c_void_p, ctypes.c_ulong, ctypes.c_int, ctypes.c_ulong
        test.XTestFakeKeyEvent.argtypes = ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_ulong
        test.XTestFakeMotionEvent.argtypes = ctypes.c_void_p, *[ctypes.c_int] * 3, ctypes.c_ulong
        display = x.XOpenDisplay(None)
        pressed = []
        with Window("keys", on_key=pressed.append) as window:
            frames = moving(10**6)
            for _ in range(30):
                window.write(next(frames))
                time.sleep(0.01)
            # Nobody manages the windows here: keys go to the one under the pointer.
            test.XTestFakeMotionEvent(display, 0, 20, 20, 0)
            x.XSetInputFocus(display, 1, 1, 0)
            # Left, Home, Shift, n, space, Escape.
            for symbol in (0xFF51, 0xFF50, 0xFFE1, 0x6E, 0x20, 0xFF1B):
                code = x.XKeysymToKeycode(display, symbol)
                for down in (1, 0):
                    test.XTestFakeKeyEvent(display, code, down, 0)
                    x.XSync(display, 0)
                    for _ in range(5):
                        window.write(next(frames))
                        time.sleep(0.01)
        print(*pressed)
    """
    assert printed_by(program, screen).split() == ["n", "space", "escape"]


def printed_by(program: str, screen: str) -> str:
    """By a Python of its own: a window belongs to the main thread. One that hangs says where."""
    watched = "import faulthandler; faulthandler.dump_traceback_later(50, exit=True)\n" + textwrap.dedent(
        program
    )
    done = subprocess.run(
        [sys.executable, "-c", watched],
        cwd=Path(__file__).resolve().parents[2],
        env=os.environ | {"DISPLAY": screen},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
