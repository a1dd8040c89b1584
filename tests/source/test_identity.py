"""Which camera of a list is the one that was lost."""

from __future__ import annotations

import pytest

from effectcam.source.devices import CameraDevice
from effectcam.source.identity import CameraIdentity


def camera(index: int, name: str, bus: str = "") -> CameraDevice:
    return CameraDevice(index, f"/dev/video{index}", name, "uvcvideo", (), (), bus)


BEFORE = [camera(0, "Cam", "usb-1"), camera(2, "Cam", "usb-1"), camera(4, "Desk", "usb-2")]


@pytest.mark.parametrize(
    ("lost", "now", "found"),
    [
        pytest.param(4, [camera(1, "Desk", "usb-2"), camera(4, "Cam", "usb-1")], 1, id="another number"),
        pytest.param(4, [camera(7, "Desk", "usb-9")], 7, id="another socket"),
        pytest.param(4, [camera(7, "Desk")], 7, id="a driver that lets nobody ask"),
        pytest.param(4, [camera(7, "Desk", "usb-8"), camera(8, "Desk", "usb-9")], None, id="two alike"),
        pytest.param(4, [camera(7, "Desk", "usb-2"), camera(8, "Desk", "usb-9")], 7, id="its own of two"),
        pytest.param(4, [camera(4, "Cam", "usb-2")], None, id="another in its place"),
        pytest.param(4, [], None, id="none"),
        pytest.param(2, [camera(5, "Cam", "usb-1"), camera(6, "Cam", "usb-1")], 6, id="second of one case"),
        pytest.param(2, [camera(5, "Cam", "usb-1")], None, id="the second is yet to come"),
        pytest.param(0, [camera(5, "Cam", "usb-1"), camera(6, "Cam", "usb-1")], 5, id="first of one case"),
    ],
)
def test_a_camera_is_known_by_name_and_socket(lost: int, now: list[CameraDevice], found: int | None) -> None:
    device = next(each for each in BEFORE if each.index == lost)
    again = CameraIdentity.of(device, BEFORE).find(now)
    assert (again.index if again else None) == found


def test_without_a_socket_two_alike_are_not_guessed_at() -> None:
    identity = CameraIdentity.of(camera(0, "Cam"), [camera(0, "Cam")])
    assert identity.find([camera(0, "Cam"), camera(2, "Cam")]) is None
    assert identity.find([camera(2, "Cam")]) == camera(2, "Cam")
