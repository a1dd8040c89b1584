"""A preview window as a sink."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import sys
from collections.abc import Callable

import cv2

from effectcam.errors import SinkError
from effectcam.frame import Frame
from effectcam.installing import OPENCV, pip
from effectcam.sink.base import Sink

ESCAPE = "escape"

_NAMED_KEYS = {27: ESCAPE, 9: "tab", 13: "enter", 32: "space", 8: "backspace"}


class Window(Sink):
    """Shows frames on the screen and reports keys; see `Sink`. Only the latest frame matters.

    Has to be built and written to by the same thread, on macOS the main one.

    Parameters
    ----------
    title
        What the window's bar says.
    on_key
        Called with 'a', 'A', '1', ..., or 'escape', 'tab', 'enter', 'space', 'backspace' when a key
        is pressed in the window, from within `write`.
    on_close
        Called once when the user closes the window; frames that come later are dropped, and none of it
        is an error: the run goes on with its other sinks, and ends well.

    Raises `SinkError` if there is no screen.
    """

    own_thread = False
    keep_alive = 0.1
    """Seconds. It hears keys, and of its own end, only while it is written to."""

    def __init__(
        self,
        title: str = "effectcam",
        *,
        on_key: Callable[[str], None] | None = None,
        on_close: Callable[[], None] | None = None,
    ) -> None:
        require_screen()
        self._title = title
        self._on_key = on_key
        self._on_close = on_close
        self._shown = False
        self._closed = False
        self.dropped = 0
        self.ended = ""
        """Why it shows nothing any more though nobody has called `close`; empty while it does."""
        try:
            cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
        except cv2.error:
            raise SinkError(
                "preview window: this OpenCV was built without windows; run: "
                f"{pip('uninstall opencv-python-headless')} && "
                f"{pip(f'install --force-reinstall --no-deps opencv-contrib-python=={OPENCV}')}"
            ) from None

    @property
    def name(self) -> str:
        return f"window {self._title!r}"

    def write(self, frame: Frame) -> None:
        if not self._closed and self._shown and not self._is_open():
            self.close()
            self.ended = "window closed"
            if self._on_close is not None:
                self._on_close()
        if self._closed:
            self.dropped += 1
            return
        if not self._shown:
            cv2.resizeWindow(self._title, frame.width, frame.height)
        cv2.imshow(self._title, cv2.cvtColor(frame.pixels, cv2.COLOR_RGB2BGR))
        self._shown = True
        # One millisecond is the least that lets the window draw itself and see keys.
        code = cv2.waitKeyEx(1)
        # waitKey would make a Q of the arrow to the left, 0xFF51. Above 16 bits GTK has what is held down.
        code = -1 if code & 0xFF00 else code & 0xFF
        if self._on_key is not None:
            key = _NAMED_KEYS.get(code, chr(code) if 33 <= code < 127 else None)
            if key is not None:
                self._on_key(key)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        # OpenCV objects to a window that the user has closed already.
        with contextlib.suppress(cv2.error):
            cv2.destroyWindow(self._title)
            # The window goes only when its events are dealt with once more.
            cv2.waitKey(1)

    def abort(self) -> None:
        self.close()

    def _is_open(self) -> bool:
        try:
            return cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 1
        except cv2.error:
            # Qt is gone altogether once its last window is closed.
            return False


def require_screen() -> None:
    """Raise `SinkError` where a window cannot be shown.

    On Linux OpenCV's Qt ends the whole process if its X server does not answer, so the server is
    asked first.
    """
    if sys.platform != "linux":
        return
    display = os.environ.get("DISPLAY", "")
    way_out = "run it on a desktop, or leave out the preview and use a file or virtual camera"
    if not display:
        raise SinkError(f"preview window: there is no screen (DISPLAY is not set); {way_out}")
    if not _x_server_answers(display):
        raise SinkError(f"preview window: no screen answers at DISPLAY={display}; {way_out}")


def _x_server_answers(display: str) -> bool:
    match = re.fullmatch(r"(?:unix/?)?([^:]*):(\d+)(?:\.\d+)?", display)
    if match is None:
        return False
    host, number = match[1], int(match[2])
    family = socket.AF_INET if host else socket.AF_UNIX
    tries: list[str | tuple[str, int]] = (
        [(host, 6000 + number)] if host else [f"/tmp/.X11-unix/X{number}", f"\0/tmp/.X11-unix/X{number}"]
    )
    for address in tries:
        with socket.socket(family, socket.SOCK_STREAM) as connection:
            connection.settimeout(2)
            try:
                connection.connect(address)
            except OSError:
                continue
            return True
    return False
