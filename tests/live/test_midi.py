from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from effectcam.errors import SourceError, UsageError
from effectcam.installing import install_extra
from effectcam.live.midi import MidiFader

pytest.importorskip("mido", reason="the extra 'midi' is not installed")

from tests.live import midi_backend as system

KORG = "nanoKONTROL2:nanoKONTROL2 nanoKONTROL2 _ CTR 20:0"
PADS = "MPD218:MPD218 MIDI 1 24:0"
THROUGH = "Midi Through:Midi Through Port-0 14:0"
CONTROL, NOTE_ON, NOTE_OFF = 0xB0, 0x90, 0x80


class Heard:
    def __init__(self) -> None:
        self.strengths: list[float] = []
        self.notes: list[int] = []
        self.told: list[str] = []

    @contextmanager
    def fader(self, port: str | None = None, **more: Any) -> Iterator[MidiFader]:
        made = MidiFader(
            port,
            on_strength=self.strengths.append,
            on_note=self.notes.append,
            tell=self.told.append,
            every=0.01,
            backend="tests.live.midi_backend",
            **more,
        )
        try:
            yield made
        finally:
            made.close()
        assert not system.opened


@pytest.fixture
def heard() -> Iterator[Heard]:
    system.reset()
    system.plugged[:] = [THROUGH, KORG, PADS]
    yield Heard()
    system.reset()


def comes_true(condition: Callable[[], object]) -> bool:
    end = time.monotonic() + 20
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return bool(condition())


def test_a_fader_sets_the_strength(heard: Heard) -> None:
    with heard.fader(control=7) as fader:
        assert fader.name == KORG and fader.state == "connected"
        system.opened[KORG].feed(CONTROL, 7, 0, CONTROL | 3, 7, 127, CONTROL, 7, 64, CONTROL, 8, 1)
    assert heard.strengths == [0.0, 1.0, 64 / 127]
    assert heard.told == []


def test_without_a_number_the_first_that_is_moved_is_taken(heard: Heard) -> None:
    with heard.fader():
        system.opened[KORG].feed(
            CONTROL, 123, 0, CONTROL | 1, 3, 20, CONTROL | 1, 4, 99, CONTROL, 3, 99, CONTROL | 1, 3, 21
        )
    assert heard.strengths == [20 / 127, 21 / 127]
    assert heard.told == [f"MIDI: control 3 of {KORG} sets the strength"]


def test_pads_are_presets(heard: Heard) -> None:
    with heard.fader("mpd"):
        system.opened[PADS].feed(
            NOTE_ON, 36, 100, NOTE_ON, 36, 0, NOTE_OFF, 36, 0, NOTE_ON | 9, 39, 1, NOTE_ON, 35, 100
        )
    assert heard.notes == [0, 3]


def test_what_is_no_fader_and_no_pad_is_passed_over(heard: Heard) -> None:
    with heard.fader():
        # Clock, pitch, program, a system message, and bytes that are none of these.
        system.opened[KORG].feed(0xF8, 0xE0, 0, 64, 0xC0, 3, 0xF0, 1, 2, 0xF7, 1, 2, 3, 0xFD, 0xB0)
    assert not (heard.strengths or heard.notes or heard.told)


def test_unplugged_and_plugged_in_again(heard: Heard) -> None:
    with heard.fader(control=7) as fader:
        for number in (21, 22):
            before = fader.name
            system.plugged.remove(before)
            assert comes_true(lambda: fader.state == "unplugged")
            assert not system.opened
            again = f"nanoKONTROL2:nanoKONTROL2 nanoKONTROL2 _ CTR {number}:0"
            # It takes a moment until it can be opened.
            system.busy.add(again)
            system.plugged.append(again)
            system.busy.discard(again)
            assert comes_true(lambda: fader.state == "connected" and len(heard.told) % 2 == 0)
            system.opened[again].feed(CONTROL, 7, number)
    assert heard.strengths == [21 / 127, 22 / 127]
    away, back = "MIDI: {} is unplugged; it is looked for", "MIDI: {} is back"
    names = [KORG.replace("20:0", f"{number}:0") for number in (20, 21, 22)]
    assert heard.told == [
        away.format(names[0]), back.format(names[1]), away.format(names[1]), back.format(names[2])
    ]  # fmt: skip


def test_the_systems_service_goes_and_comes(heard: Heard) -> None:
    with heard.fader() as fader:
        system.service = False
        assert comes_true(lambda: fader.state == "unplugged")
        system.service = True
        assert comes_true(lambda: fader.state == "connected")


def refused(heard: Heard, port: str | None = None, **more: Any) -> str:
    with pytest.raises((SourceError, UsageError)) as caught, heard.fader(port, **more):
        pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_port_that_is_none(heard: Heard) -> None:
    assert refused(heard, "korg") == f"no MIDI port 'korg'; connected: {THROUGH!r}, {KORG!r}, {PADS!r}"
    system.plugged.clear()
    assert refused(heard, "korg") == "no MIDI port 'korg'; connected: none"


def test_no_device(heard: Heard) -> None:
    system.plugged[:] = [THROUGH]
    assert refused(heard) == "no MIDI device is connected; plug one in, or leave out --midi"


def test_a_port_that_another_program_has(heard: Heard) -> None:
    system.busy.add(KORG)
    message = refused(heard)
    assert message == f"MIDI port {KORG!r} cannot be opened (device is busy); close the program that has it"


def test_a_system_without_midi(heard: Heard) -> None:
    system.service = False
    assert refused(heard) == (
        "this system offers no MIDI (error creating ALSA sequencer client object.); leave out --midi"
    )


@pytest.mark.parametrize("control", [-1, 120, 1000])
def test_a_control_that_is_none(heard: Heard, control: int) -> None:
    assert refused(heard, control=control) == f"MIDI control {control}: give a number from 0 to 119, or none"


@pytest.mark.parametrize("missing", ["mido", "tests.live.midi_backend"])
def test_without_the_library(heard: Heard, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    message = refused(heard)
    assert message.startswith("MIDI needs mido and python-rtmidi, which cannot be loaded (")
    assert message.endswith(f"); run: {install_extra('midi')}")


def test_the_real_library_is_there() -> None:
    """Whether this machine has MIDI or not, the answer is a list or one clear line."""
    pytest.importorskip(
        "rtmidi",
        reason="the extra 'midi' is not installed, or ALSA's library is missing",
        exc_type=ImportError,
    )
    from effectcam.live.midi import BACKEND, _load, _names

    backend = _load(BACKEND)
    try:
        names = _names(backend)
    except SourceError as error:
        names = [str(error)]
        assert names[0].startswith("this system offers no MIDI (")
    assert all(isinstance(name, str) for name in names)
