"""What clients may tell a run to do: read from JSON, checked field by field, done."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Callable
from typing import Any, NoReturn, cast

from effectcam.errors import UsageError, nearest
from effectcam.live.controls import Controls
from effectcam.live.options import Panic
from effectcam.live.presets import TAKEN

_shown = reprlib.Repr()
_shown.maxstring = _shown.maxother = _shown.maxlong = 60


class Commands:
    """Does to ``controls`` what a client's text says.

    >>> Commands.parse('{"do": "strength", "value": 0.5}')
    {'do': 'strength', 'value': 0.5}
    """

    def __init__(self, controls: Controls, *, may_quit: bool = False) -> None:
        """``may_quit``: whether a client may end the run."""
        self._controls = controls
        self._verbs: dict[str, tuple[str | None, Callable[[Any], None]]] = {
            "effect": ("name", self._effect),
            "strength": ("value", self._strength),
            "mirror": ("on", lambda on: controls.set_mirror(_flag("on", on))),
            "faces": ("who", lambda who: controls.set_faces(_text("who", who))),
            "panic": ("mode", self._panic),
            "label": ("on", lambda on: controls.set_label(_flag("on", on))),
            "preset": ("name", self._preset),
            "press": ("key", self._press),
        }
        if may_quit:
            self._verbs["quit"] = (None, lambda _: controls.quit())

    def run(self, text: str | bytes) -> str:
        """Do the one command in ``text`` and tell its verb. Raises UsageError, and has then done nothing."""
        command = self.parse(text)
        verb = command.get("do")
        if not isinstance(verb, str) or verb not in self._verbs:
            known = nearest(verb[:60] if isinstance(verb, str) else "", self._verbs)
            raise UsageError(f'no command {_shown.repr(verb)} in "do"; {known}')
        field, act = self._verbs[verb]
        allowed = {"do"} if field is None else {"do", field}
        if command.keys() != allowed:
            example = {"do": verb} | ({} if field is None else {field: "..."})
            raise UsageError(f"the command {verb!r} takes exactly {json.dumps(example)}")
        act(None if field is None else command[field])
        return verb

    @staticmethod
    def parse(text: str | bytes) -> dict[str, Any]:
        """The JSON object in ``text``. Raises UsageError for anything else."""
        try:
            value = json.loads(text, parse_constant=_no_number)
        except (ValueError, RecursionError):
            raise UsageError('that is not JSON; send such as {"do": "effect", "name": "toon"}') from None
        if not isinstance(value, dict):
            raise UsageError('that is no object; send such as {"do": "effect", "name": "toon"}')
        return value

    def _effect(self, value: Any) -> None:
        name = _text("name", value)
        # Any other name could be a path, and a client has no business with the disk.
        if name not in self._controls.known:
            raise UsageError(f"no effect {_shown.repr(name)}; {nearest(name[:60], self._controls.known)}")
        self._controls.choose_effect(name)

    def _strength(self, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise UsageError(f'"value" is {_shown.repr(value)}: choose 0 (the input) to 1 (the whole effect)')
        self._controls.set_strength(float(value))

    def _panic(self, value: Any) -> None:
        mode = None if value is None else _text("mode", value)
        self._controls.set_panic(cast("Panic | None", mode))

    def _preset(self, value: Any) -> None:
        name = _text("name", value)
        for preset in self._controls.presets:
            if preset.name == name:
                self._controls.apply(preset)
                return
        known = nearest(name, [preset.name for preset in self._controls.presets])
        raise UsageError(f"no preset {_shown.repr(name)}; {known}")

    def _press(self, value: Any) -> None:
        key = _text("key", value)
        keys = (TAKEN - {"q", "Q"}) | {"space"} | {preset.key for preset in self._controls.presets}
        if key not in keys:
            raise UsageError(f"no key {_shown.repr(key)}; n, p, +, -, m, space, or one of a preset")
        self._controls.press(key)


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def _text(field: str, value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 60:
        raise UsageError(f'"{field}" is {_shown.repr(value)}: give a text of at most 60 characters')
    return value


def _flag(field: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise UsageError(f'"{field}" is {_shown.repr(value)}: give true or false')
    return value
