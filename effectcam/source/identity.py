"""Which camera a camera is, whatever number the system gives it today."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from effectcam.source.devices import CameraDevice


@dataclass(frozen=True, slots=True)
class CameraIdentity:
    """What stays the same when a camera is unplugged and comes back under another ``/dev/videoN``.

    >>> desk = CameraDevice(0, "/dev/video0", "Cam", "uvcvideo", (), (), bus="usb-1")
    >>> shelf = CameraDevice(2, "/dev/video2", "Cam", "uvcvideo", (), (), bus="usb-2")
    >>> moved = CameraDevice(4, "/dev/video4", "Cam", "uvcvideo", (), (), bus="usb-1")
    >>> CameraIdentity.of(desk, [desk, shelf]).find([shelf, moved]).path
    '/dev/video4'
    """

    name: str
    bus: str
    """The socket, as in `CameraDevice`; empty where it is not known."""
    nth: int
    """Which of the devices with this name and bus: some cameras are two, one of them for infrared."""

    @classmethod
    def of(cls, device: CameraDevice, cameras: list[CameraDevice]) -> Self:
        """The identity of ``device`` among ``cameras``, the list that it was found in."""
        twins = [camera.path for camera in cameras if _same(camera, device.name, device.bus)]
        return cls(device.name, device.bus, twins.index(device.path) if device.path in twins else 0)

    def find(self, cameras: list[CameraDevice]) -> CameraDevice | None:
        """The same camera among ``cameras`` (by index), or None.

        In the same socket; failing that, wherever there is one camera of that name and no more. Of two
        alike in other sockets neither is taken: the wrong one may look into another room.
        """
        twins = [camera for camera in cameras if _same(camera, self.name, self.bus)]
        if self.bus and twins:
            # Of a camera that is two devices the second may come a moment after the first.
            return twins[self.nth] if self.nth < len(twins) else None
        namesakes = [camera for camera in cameras if camera.name == self.name]
        return namesakes[0] if len(namesakes) == 1 else None


def _same(camera: CameraDevice, name: str, bus: str) -> bool:
    return camera.name == name and camera.bus == bus
