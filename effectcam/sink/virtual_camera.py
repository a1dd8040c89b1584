"""A virtual camera as a sink: what is written here, OBS, Zoom and browsers see as a webcam.

This is the only module that imports pyvirtualcam, which is licensed under GPL-2.0: whoever passes on
a program in which the two are combined has to respect that licence. It is imported when a virtual
camera is opened, and nothing else of effectcam needs it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from effectcam.errors import SinkError, UsageError
from effectcam.frame import Frame
from effectcam.installing import pip
from effectcam.sink.base import Sink, check_size
from effectcam.sink.loopback import RELOAD, Claim, choose_loopback
from effectcam.source.devices import VirtualCameraDevice, list_virtual_cameras

if TYPE_CHECKING:
    import pyvirtualcam  # type: ignore[import-untyped]

WAYS_OUT = {
    "linux": f"reload the module: {RELOAD}",
    "win32": (
        "install OBS Studio 28 or later and start its virtual camera once, or install Unity Capture; "
        "if OBS itself is sending to its camera, stop it there, since that camera has one sender only"
    ),
    "darwin": (
        "install OBS Studio 30 or later, start its virtual camera once, allow it in System Settings, "
        "stop it there again (that camera has one sender only), and restart the calling program"
    ),
}


_OPACITY = "unitycapture"


class VirtualCamera(Sink):
    """Sends frames to a virtual camera; see `Sink`. Only the latest frame matters to it.

    Parameters
    ----------
    width, height
        Size of the frames, in pixels; even, because calls are sent with halved colour.
    fps
        The rate announced to programs that watch.
    device
        Linux: path or label of a loopback device. Windows: 'OBS Virtual Camera', or the name of a
        Unity Capture camera. macOS: 'OBS Virtual Camera'. None takes, on Linux, the free loopback
        labelled 'effectcam', or else the first free one; elsewhere the first that works. `device`
        says which it became.
    backend
        'v4l2loopback', 'obs' or 'unitycapture'; None tries all that this system has.
    rgba
        Take frames of four channels, the last the opacity: a sticker that the watching program lays
        over its own scene. Unity Capture on Windows alone passes that on.
    pace
        Wait after each frame until the next is due at ``fps``. Right for a clip that comes faster
        than real time; wrong for a camera, which keeps time itself and would be slowed by it.
    loopbacks
        The loopback devices to choose from; None asks the system.

    Raises `SinkError` with the reason of every back end if none opens, and the way out.
    """

    keep_alive = 0.5
    """Seconds. Chromium was seen to give up a camera that fell silent while a frame took long to draw."""

    def __init__(
        self,
        width: int,
        height: int,
        *,
        fps: float = 30,
        device: str | None = None,
        backend: str | None = None,
        rgba: bool = False,
        pace: bool = False,
        loopbacks: list[VirtualCameraDevice] | None = None,
    ) -> None:
        if width < 2 or height < 2 or width % 2 or height % 2:
            raise SinkError(
                f"virtual camera: {width}x{height} has an odd side; scale the picture to even sides, "
                f"such as {max(2, width - width % 2)}x{max(2, height - height % 2)}"
            )
        if not 0 < fps <= 1000:
            raise UsageError(f"virtual camera: {fps} frames a second; must be above 0 and at most 1000")
        self._width, self._height = width, height
        self._channels = 4 if rgba else 3
        self._pace = pace
        self._camera: pyvirtualcam.Camera | None = None
        self._claim: Claim | None = None
        self.warnings: list[str] = []
        """What the user should know though it works, a line each."""
        try:
            import pyvirtualcam
        except ImportError as error:
            raise SinkError(
                f"virtual camera: pyvirtualcam is missing ({error}); run: {pip('install pyvirtualcam')}"
            ) from None
        known_backends: dict[str, type] = pyvirtualcam.camera.BACKENDS
        if backend is not None and backend not in known_backends:
            known = ", ".join(sorted(known_backends)) or "none on this system"
            raise UsageError(f"virtual camera: back end {backend!r} is unknown; known: {known}")
        if rgba:
            backend = _backend_with_opacity(backend, known_backends)
        if backend == "v4l2loopback" or (backend is None and sys.platform == "linux"):
            known_devices = list_virtual_cameras() if loopbacks is None else loopbacks
            self._claim = Claim(choose_loopback(known_devices, device), width, height)
            device, self.warnings = self._claim.path, self._claim.warnings
        pixels = pyvirtualcam.PixelFormat.RGBA if rgba else pyvirtualcam.PixelFormat.RGB
        try:
            self._camera = pyvirtualcam.Camera(width, height, fps, fmt=pixels, device=device, backend=backend)
        except Exception as error:
            self.close()
            # Each back end raises kinds of its own; pyvirtualcam gathers them, one a line.
            reasons = "; ".join(str(error).splitlines())
            way_out = WAYS_OUT.get(sys.platform, "this system has no virtual camera that is supported")
            raise SinkError(f"virtual camera {device or ''}: {reasons}; {way_out}") from None
        if self._claim is not None:
            self._claim.hold()
        self._device = str(self._camera.device)
        self._backend = str(self._camera.backend)

    @property
    def name(self) -> str:
        return f"virtual camera {self._device}"

    @property
    def device(self) -> str:
        """The device in use: a path on Linux, a name elsewhere."""
        return self._device

    @property
    def backend(self) -> str:
        """The back end in use."""
        return self._backend

    @property
    def native_format(self) -> str | None:
        """The pixel format in which frames reach the device, if known."""
        native = self._camera.native_fmt if self._camera is not None else None
        return str(native) if native is not None else None

    def write(self, frame: Frame) -> None:
        check_size(self, frame, self._width, self._height, self._channels)
        if self._camera is None:
            raise SinkError(f"{self.name}: is closed; open it again")
        try:
            self._camera.send(frame.pixels)
        except Exception as error:
            raise SinkError(
                f"{self.name}: stopped taking frames ({error}); was its driver unloaded?"
            ) from None
        if self._pace:
            self._camera.sleep_until_next_frame()

    def close(self) -> None:
        if self._camera is not None:
            camera, self._camera = self._camera, None
            camera.close()
        if self._claim is not None:
            self._claim.close()

    def abort(self) -> None:
        self.close()


def _backend_with_opacity(backend: str | None, known: Iterable[str]) -> str:
    if backend in (None, _OPACITY) and _OPACITY in known:
        return _OPACITY
    raise SinkError(
        f"virtual camera: {backend or 'the back end of this system'} does not pass on opacity; send plain "
        "frames, or use Unity Capture on Windows"
    )
