"""A virtual camera as a sink: what is written here, OBS, Zoom and browsers see as a webcam.

This is the only module that imports pyvirtualcam, which is licensed under GPL-2.0: whoever passes on
a program in which the two are combined has to respect that licence. It is imported when a virtual
camera is opened, and nothing else of effectcam needs it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from effectcam.errors import SinkError, UsageError
from effectcam.frame import Frame
from effectcam.sink.base import Sink, check_size
from effectcam.source.devices import VirtualCameraDevice, list_virtual_cameras

if TYPE_CHECKING:
    import pyvirtualcam  # type: ignore[import-untyped]

LABEL = "effectcam"

MODPROBE = f'sudo modprobe v4l2loopback devices=1 exclusive_caps=1 card_label="{LABEL}"'

WAYS_OUT = {
    "linux": f"load the loopback module: {MODPROBE}",
    "win32": (
        "install OBS Studio 28 or later and start its virtual camera once, or install Unity Capture; "
        "if OBS itself is sending to its camera, stop it there, since that camera has one sender only"
    ),
    "darwin": (
        "install OBS Studio 30 or later, start its virtual camera once, allow it in System Settings, "
        "stop it there again (that camera has one sender only), and restart the calling program"
    ),
}


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
    pace
        Wait after each frame until the next is due at ``fps``. Right for a clip that comes faster
        than real time; wrong for a camera, which keeps time itself and would be slowed by it.
    loopbacks
        The loopback devices to choose from; None asks the system.

    Raises `SinkError` with the reason of every back end if none opens, and the way out.
    """

    def __init__(
        self,
        width: int,
        height: int,
        *,
        fps: float = 30,
        device: str | None = None,
        backend: str | None = None,
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
        self._pace = pace
        self._camera: pyvirtualcam.Camera | None = None
        try:
            import pyvirtualcam
        except ImportError as error:
            raise SinkError(
                f"virtual camera: pyvirtualcam is missing ({error}); run: pip install pyvirtualcam"
            ) from None
        known_backends: dict[str, type] = pyvirtualcam.camera.BACKENDS
        if backend is not None and backend not in known_backends:
            known = ", ".join(sorted(known_backends)) or "none on this system"
            raise UsageError(f"virtual camera: back end {backend!r} is unknown; known: {known}")
        if backend == "v4l2loopback" or (backend is None and sys.platform == "linux"):
            device = choose_loopback(list_virtual_cameras() if loopbacks is None else loopbacks, device)
        try:
            self._camera = pyvirtualcam.Camera(
                width, height, fps, fmt=pyvirtualcam.PixelFormat.RGB, device=device, backend=backend
            )
        except Exception as error:
            # Each back end raises kinds of its own; pyvirtualcam gathers them, one a line.
            reasons = "; ".join(str(error).splitlines())
            way_out = WAYS_OUT.get(sys.platform, "this system has no virtual camera that is supported")
            raise SinkError(f"virtual camera {device or ''}: {reasons}; {way_out}") from None
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
        check_size(self, frame, self._width, self._height)
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

    def abort(self) -> None:
        self.close()


def choose_loopback(devices: list[VirtualCameraDevice], wanted: str | None = None) -> str:
    """The path of the loopback device to write to.

    ``wanted`` is a path or a label. None prefers the label 'effectcam', then the lowest index, among
    those that no other program feeds. Raises `SinkError` with the way out if none is left.
    """
    if not devices:
        raise SinkError(f"virtual camera: no loopback device on this machine; {WAYS_OUT['linux']}")
    listed = ", ".join(f"{device.path} {device.name!r}" for device in devices)
    if wanted is not None:
        matches = [device for device in devices if wanted == device.path]
        matches = matches or [device for device in devices if wanted.casefold() == device.name.casefold()]
        if not matches:
            raise SinkError(f"virtual camera {wanted!r}: is no loopback device; known: {listed}")
    else:
        matches = sorted(devices, key=lambda device: device.name.casefold() != LABEL)
    for device in matches:
        if device.free:
            return device.path
    holders = sorted({str(holder) for device in matches for holder in device.holders})
    who = f" ({', '.join(holders)})" if holders else ""
    raise SinkError(
        f"virtual camera: {', '.join(device.path for device in matches)} in use{who}; close that program, "
        f"or reload the module with a device more: sudo modprobe -r v4l2loopback && "
        f"{MODPROBE.replace('devices=1', f'devices={len(devices) + 1}')}"
    )
