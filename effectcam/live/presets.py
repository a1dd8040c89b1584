"""Looks to change to with one key: what a streamer writes down in ``presets.toml`` before going live."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from effectcam.effect.table import Table
from effectcam.errors import PackageError, UsageError
from effectcam.face.choice import CHOICES
from effectcam.folders import config_folder

_LARGEST = 64_000
_MOST = 64
_LONGEST = 60
_LONGEST_EFFECT = 500

TAKEN = frozenset("nNpP+=-_mMqQ ")
"""Keys that a run itself listens to."""


@dataclass(frozen=True, slots=True)
class Preset:
    """What one key, note or button changes at once; None leaves a setting as it is."""

    name: str
    key: str | None = None
    """One printable ASCII character."""
    effect: str | None = None
    """Name or path. Not looked for here: an unknown one is told when the preset is applied."""
    strength: float | None = None
    """0 (the input) to 1."""
    mirror: bool | None = None
    faces: str | None = None
    """One of `effectcam.face.choice.CHOICES`."""


def presets_path() -> Path:
    """The file that is read unless another is named."""
    return config_folder() / "presets.toml"


def load_presets(path: Path | None = None, *, missing_ok: bool | None = None) -> list[Preset]:
    """The presets of the file ``path``, `presets_path` when None, in its order.

    ``missing_ok``: no file means no presets; the default is so for the usual path and not so for one
    that was named. Raises UsageError, which names file, preset and value, for anything but a sound file:
    half a list would fail its owner live.
    """
    found = path or presets_path()
    text = _read(found, missing_ok=path is None if missing_ok is None else missing_ok)
    if text is None:
        return []
    try:
        return _parse(text, str(found))
    except PackageError as error:
        raise UsageError(str(error)) from None


def _read(path: Path, *, missing_ok: bool) -> str | None:
    try:
        # A pipe would be waited for without end.
        if path.exists() and not path.is_file():
            raise UsageError(f"{path} is no file; name a TOML file with [[preset]] tables")
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except FileNotFoundError:
        if missing_ok:
            return None
        raise UsageError(f"{path}: there is no such file; check the path of --presets") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{path} cannot be read: {reason}; check the file") from None
    if len(data) > _LARGEST:
        raise UsageError(
            f"{path} is larger than {_LARGEST // 1000} kB, which presets never are; check the file"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 at byte {error.start}; save it as UTF-8") from None


def _parse(text: str, file: str) -> list[Preset]:
    try:
        content = Table(tomllib.loads(text), file)
    except (ValueError, RecursionError) as error:  # TOMLDecodeError is a ValueError, and not the only one
        raise UsageError(f"{file} is not TOML: {error}; correct it there") from None
    tables = content.take("preset", [])
    content.refuse_unknown()
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise UsageError(f"{file}: preset is no list of tables; begin each preset with [[preset]]")
    if len(tables) > _MOST:
        raise UsageError(f"{file} has {len(tables)} presets; keep at most {_MOST}")
    presets: list[Preset] = []
    for number, table in enumerate(tables, start=1):
        preset = _preset(table, file, number)
        for earlier in presets:
            if preset.name == earlier.name:
                raise UsageError(f"{file}: two presets have the name {preset.name!r}; give one another name")
            if preset.key is not None and preset.key == earlier.key:
                raise UsageError(
                    f"{file}: presets {earlier.name!r} and {preset.name!r} both have the key {preset.key!r}; "
                    "give one another key"
                )
        presets.append(preset)
    return presets


def _preset(values: Mapping[str, Any], file: str, number: int) -> Preset:
    name = Table(values, file, f"preset {number}, ").text("name", most=_LONGEST)
    table = Table(values, file, f"preset {name!r}, ")
    preset = Preset(
        table.text("name", most=_LONGEST),
        key=_key(table) if "key" in table else None,
        effect=table.text("effect", most=_LONGEST_EFFECT) if "effect" in table else None,
        strength=table.number("strength", 0, 1) if "strength" in table else None,
        mirror=table.flag("mirror", default=False) if "mirror" in table else None,
        faces=table.word("faces", CHOICES) if "faces" in table else None,
    )
    table.refuse_unknown()
    if preset == Preset(preset.name, key=preset.key):
        raise UsageError(
            f"{file}: preset {name!r} changes nothing; give it an effect, strength, mirror or faces"
        )
    return preset


def _key(table: Table) -> str:
    key = table.text("key", most=_LONGEST)
    if key in TAKEN or key.lower() in ("space", "escape"):
        raise UsageError(
            f"{table.where('key')} is {key!r}, which effectcam itself uses; take a digit or another letter"
        )
    if len(key) != 1 or not key.isascii():
        raise UsageError(f"{table.where('key')} is {key!r}; give one character such as '1' or 'z'")
    return key
