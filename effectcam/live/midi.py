"""A MIDI controller: one fader for the strength, its pads or keys for presets."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any, Literal

from effectcam.errors import SourceError, UsageError
from effectcam.installing import install_extra

BACKEND = "mido.backends.rtmidi"

FIRST_NOTE = 36
"""What the first pad of most controllers sends."""

_MODES = 120
"""Controls from here on are commands such as *all notes off*, and no faders."""

_NUMBERS = re.compile(r" \d+:\d+$")
"""What ALSA adds to a port's name; another one each time it is plugged in."""


class MidiFader:
    """Listens to one MIDI input until `close`. A controller that is unplugged is told once and looked
    for again.

    Works in two threads, its own, which looks whether the port is still there, and the library's,
    which calls ``on_strength`` and ``on_note``.
    """

    def __init__(
        self,
        port: str | None = None,
        *,
        control: int | None = None,
        on_strength: Callable[[float], None],
        on_note: Callable[[int], None],
        tell: Callable[[str], None],
        first_note: int = FIRST_NOTE,
        every: float = 1.0,
        backend: str = BACKEND,
    ) -> None:
        """``port``: a part of its name, in either case; None for the first that is no mere connection
        between programs. ``control`` (0 to 119): the number of the fader; None for the first one that
        is moved. ``on_strength`` gets 0 to 1. ``on_note`` gets which pad was hit, 0 for the one that
        sends ``first_note``. ``every`` (seconds): how soon unplugging is seen. ``backend``: see mido.
        Raises SourceError when the library or the port is missing, UsageError for no such control."""
        if control is not None and not 0 <= control < _MODES:
            raise UsageError(f"MIDI control {control}: give a number from 0 to {_MODES - 1}, or none")
        self._wanted = port
        self._control = control
        self._channel: int | None = None
        self._on_strength, self._on_note, self._tell = on_strength, on_note, tell
        self._first_note, self._every = first_note, every
        self._backend = _load(backend)
        self._name = self._find()
        self._port = self._open(self._name)
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="midi", daemon=True)
        self._thread.start()

    @property
    def state(self) -> Literal["connected", "unplugged"]:
        return "unplugged" if self._port is None else "connected"

    @property
    def name(self) -> str:
        """The port as the system calls it."""
        return self._name

    def close(self) -> None:
        self._leaving.set()
        self._thread.join()
        if self._port is not None:
            self._port.close()
            self._port = None

    def _find(self) -> str:
        names = _names(self._backend)
        if self._wanted is None:
            names_of_devices = [name for name in names if "midi through" not in name.lower()]
            if not names_of_devices:
                raise SourceError("no MIDI device is connected; plug one in, or leave out --midi")
            return names_of_devices[0]
        fitting = [name for name in names if self._wanted.lower() in name.lower()]
        if not fitting:
            known = ", ".join(repr(name) for name in names) or "none"
            raise SourceError(f"no MIDI port {self._wanted!r}; connected: {known}")
        return fitting[0]

    def _open(self, name: str) -> Any:
        try:
            return self._backend.open_input(name, callback=self._hear)
        except OSError as error:
            raise SourceError(
                f"MIDI port {name!r} cannot be opened ({error}); close the program that has it"
            ) from None

    def _watch(self) -> None:
        while not self._leaving.wait(self._every):
            try:
                names = _names(self._backend)
            except SourceError:  # the system's MIDI service is gone, and all ports with it
                names = []
            if self._port is not None and self._name not in names:
                self._port.close()
                self._port = None
                self._tell(f"MIDI: {self._name} is unplugged; it is looked for")
            elif self._port is None:
                self._open_again(names)

    def _open_again(self, names: list[str]) -> None:
        for name in names:
            if _NUMBERS.sub("", name) == _NUMBERS.sub("", self._name):
                try:
                    self._port = self._open(name)
                except SourceError:  # it is still starting
                    return
                self._name = name
                self._tell(f"MIDI: {name} is back")
                return

    def _hear(self, message: Any) -> None:
        if message.type == "control_change" and message.control < _MODES:
            if self._control is None:
                self._control, self._channel = message.control, message.channel
                self._tell(f"MIDI: control {message.control} of {self._name} sets the strength")
            if message.control == self._control and self._channel in (None, message.channel):
                self._on_strength(message.value / 127)
        # A note with velocity 0 is one that ends.
        elif message.type == "note_on" and message.velocity > 0 and message.note >= self._first_note:
            self._on_note(message.note - self._first_note)


def _load(backend: str) -> Any:
    try:
        import mido

        return mido.Backend(backend, load=True)
    except ImportError as error:
        raise SourceError(
            f"MIDI needs mido and python-rtmidi, which cannot be loaded ({error}); "
            f"run: {install_extra('midi')}"
        ) from None


def _names(backend: Any) -> list[str]:
    try:
        names: list[str] = backend.get_input_names()
    except OSError as error:
        raise SourceError(
            f"this system offers no MIDI ({' '.join(str(error).split())}); leave out --midi"
        ) from None
    return names
