"""Fault scripts, schema ``effectcam.faults/1``: what goes wrong in a replay, and in which frames.

A script is a TOML file with a ``[[fault]]`` table for each fault. Frames count from 0, as the clip has them.
The same script does the same to the same clip, run after run: noise comes from ``seed``, nothing from chance.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Final, Literal, get_args

from effectcam.effect.table import Table
from effectcam.errors import PackageError, UsageError, nearest

SCHEMA: Final = "effectcam.faults/1"

Kind = Literal[
    "dropped",
    "late",
    "repeated",
    "out-of-order",
    "duplicate-stamp",
    "slow-stage",
    "nan",
    "leaves",
    "cut",
    "second-face",
    "low-light",
]
Stage = Literal["mesh", "student"]
Edge = Literal["left", "right", "top", "bottom"]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
_ARRIVAL: Final = frozenset(("dropped", "late", "repeated", "out-of-order", "duplicate-stamp"))
"""They say when a frame comes and as what, so that a frame can have one of them."""
_EVERY: Final = _ARRIVAL - {"out-of-order"} | {"slow-stage", "nan"}
_NEED_ONE_BEFORE: Final = frozenset(("repeated", "duplicate-stamp"))
_NEED_A_MIDDLE: Final = frozenset(("leaves", "second-face"))
"""In the first and the last of their frames they have not begun, or are over."""

_SCRIPTS = Path(__file__).with_name("fault_scripts")

MOST_SHUFFLED: Final = 16
"""Frames that may come out of order at once: they wait in memory."""
_MOST_FAULTS = 100
_MOST_BYTES = 100_000
_LAST_FRAME = 10_000_000
_RAREST = 1000
"""Of ``every``."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. The parameters beyond the frames belong to the kinds that they name."""

    kind: Kind
    first: int
    last: int
    """Included."""
    every: int = 1
    """Of the frames from ``first`` to ``last``, each so-manieth."""
    number: int = 1
    """Which of the script's faults it is, from 1."""
    line: int = 0
    """Of the script."""
    ms: float = 0.0
    """late: so much later is the frame's stamp; the frames behind it are not before it.
    slow-stage: so long the stage takes on top."""
    stage: Stage = "student"
    """slow-stage."""
    edge: Edge = "left"
    """leaves: the picture moves off over this edge, stays away and comes back, a third of the frames each."""
    to: int | None = None
    """cut: this clip's frame that is cut to."""
    clip: Path | None = None
    """cut: another clip that is cut to, from its start, its middle scaled to the size of this."""
    gamma: float = 1.0
    """low-light: exponent on colours from 0 to 1; 1 leaves them alone, 3 makes a dark room of a lit one."""
    noise: float = 0.0
    """low-light: standard deviation of a sensor's noise, in steps of 255."""

    @property
    def frames(self) -> range:
        """That it is at work in."""
        return range(self.first, self.last + 1, self.every)

    def __str__(self) -> str:
        frames = f"frame {self.first}" if self.first == self.last else f"frames {self.first} to {self.last}"
        return f"{self.kind} in {frames}" + (f", one in {self.every}" if self.every > 1 else "")

    def progress(self, frame: int) -> float:
        """0 in its first frame to 1 in its last."""
        return (frame - self.first) / max(1, self.last - self.first)


@dataclass(frozen=True, slots=True)
class FaultScript:
    """What a file of faults says."""

    path: Path
    sha256: str
    """Of the file."""
    seed: int
    faults: tuple[Fault, ...]

    def at(self, frame: int) -> tuple[Fault, ...]:
        """At work in this frame of the clip."""
        return tuple(fault for fault in self.faults if frame in fault.frames)

    def check_length(self, frames: int | None, clip: str) -> None:
        """UsageError for a fault that begins or goes on where ``clip`` has ended, or cuts to there. None: not
        known."""
        if frames is None:
            return
        for fault in self.faults:
            places = (("begins at", fault.first), ("runs to", fault.last), ("cuts to", fault.to or 0))
            for what, frame in places:
                if frame >= frames:
                    raise UsageError(
                        f"{self._where(fault)} ({fault.kind}) {what} frame {frame}, but {clip} has {frames} "
                        f"frames; choose 0 to {frames - 1}"
                    )

    def _where(self, fault: Fault) -> str:
        return f"{self.path}, line {fault.line}: fault {fault.number}"

    def _refuse_nonsense(self) -> None:
        for one, other in combinations(self.faults, 2):
            shared = next(_shared(one, other), None)
            if shared is None:
                continue
            if one.kind == other.kind or {one.kind, other.kind} <= _ARRIVAL:
                raise UsageError(
                    f"{self._where(other)} ({other.kind}) is at work in frame {shared}, and so is fault "
                    f"{one.number} ({one.kind}); give them frames of their own"
                )
        for fault in self.faults:
            away = [each for each in self.faults if each.kind == "dropped" and each is not fault]
            if away and all(any(frame in each.frames for each in away) for frame in fault.frames[:_RAREST]):
                raise UsageError(
                    f"{self._where(fault)} ({fault.kind}) has only frames that are dropped, from "
                    f"{fault.first} on; choose others"
                )


def find_script(name: str) -> Path:
    """The script at a path, or one that comes with effectcam, by its name. UsageError for an unknown name."""
    if any(sign in name for sign in ("/", "\\", ".")):
        return Path(name)
    known = {path.stem: path for path in sorted(_SCRIPTS.glob("*.toml"))}
    if name not in known:
        raise UsageError(
            f"no fault script {name!r}; {nearest(name, known)}, or give a path such as ./{name}.toml"
        )
    return known[name]


def read_faults(path: Path) -> FaultScript:
    """The script in the file at ``path``. Raises UsageError, with the line, for whatever is none."""
    data, text = _text(path)
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{path}: is no TOML ({error}); correct it there") from None
    try:
        return _script(path, hashlib.sha256(data).hexdigest(), values, _lines(text))
    except PackageError as error:
        # The table's own kind: what is wrong here is the caller's file and no effect.
        raise UsageError(str(error)) from None


def _script(path: Path, sha256: str, values: dict[str, Any], lines: list[int]) -> FaultScript:
    table = Table(values, str(path))
    table.word("schema", [SCHEMA], default=SCHEMA)
    seed = _whole(table, "seed", 0, 2**32 - 1, default=0)
    tables = table.take("fault")
    table.refuse_unknown("what goes wrong stands in [[fault]] tables")
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables) or not tables:
        raise UsageError(f"{path}: has no [[fault]]; write a table for each fault, with its kind and frames")
    if len(tables) > _MOST_FAULTS:
        raise UsageError(f"{path}: has {len(tables)} faults; at most {_MOST_FAULTS}")
    # Written as inline tables they have no line of their own.
    lines = lines if len(lines) == len(tables) else [1] * len(tables)
    faults = tuple(
        _fault(Table(each, f"{path}, line {line}"), path, number, line)
        for number, (each, line) in enumerate(zip(tables, lines, strict=True), 1)
    )
    script = FaultScript(path, sha256, seed, faults)
    script._refuse_nonsense()
    return script


def _fault(table: Table, path: Path, number: int, line: int) -> Fault:
    kind: Kind = table.word("kind", KINDS)  # type: ignore[assignment]
    first, last = _frames(table, kind)
    every = _whole(table, "every", 1, _RAREST, default=1) if kind in _EVERY else 1
    more: dict[str, Any] = {}
    match kind:
        case "late" | "slow-stage":
            more["ms"] = table.number("ms", 0.001, 60_000)
            if kind == "slow-stage":
                more["stage"] = table.word("stage", get_args(Stage), default="student")
        case "leaves":
            more["edge"] = table.word("edge", get_args(Edge), default="left")
        case "cut":
            more |= _cut(table, path)
        case "low-light":
            more["gamma"] = table.number("gamma", 1, 10, default=2.5)
            more["noise"] = table.number("noise", 0, 100, default=6)
    table.refuse_unknown(f"of a {kind} fault")
    return Fault(kind, first, last, every, number, line, **more)


def _frames(table: Table, kind: Kind) -> tuple[int, int]:
    if "frame" in table and "frames" in table:
        raise UsageError(f"{table.where('frame')} and frames are both there; give one of them")
    least = int(kind in _NEED_ONE_BEFORE)
    if "frame" in table:
        first = last = _whole(table, "frame", least, _LAST_FRAME)
    else:
        value = table.take("frames")
        whole = isinstance(value, list) and len(value) == 2 and all(type(each) is int for each in value)
        if not whole or not least <= value[0] <= value[1] <= _LAST_FRAME:
            told = "missing" if value is None else str(value)[:60]
            raise UsageError(
                f"{table.where('frames')} is {told}; give [first, last], both included, from {least} on, or "
                "one frame = N"
            )
        first, last = value
    if kind == "out-of-order" and not 2 <= last - first + 1 <= MOST_SHUFFLED:
        raise UsageError(
            f"{table.where('frames')} holds {last - first + 1} to come out of order; give 2 to "
            f"{MOST_SHUFFLED}"
        )
    if kind in _NEED_A_MIDDLE and last - first < 2:
        key = "frame" if "frame" in table else "frames"
        raise UsageError(
            f"{table.where(key)} holds {last - first + 1}, and {kind} shows only between its first and its "
            "last; give 3 or more, as in frames = [first, last]"
        )
    return first, last


def _cut(table: Table, path: Path) -> dict[str, Any]:
    if ("to" in table) == ("clip" in table):
        raise UsageError(f"{table.where('to')}: a cut needs to = N, a frame of the same clip, or clip = FILE")
    if "to" in table:
        return {"to": _whole(table, "to", 0, _LAST_FRAME)}
    clip = path.parent / table.text("clip", most=1000)
    if not clip.is_file():
        raise UsageError(f"{table.where('clip')} is {clip}, which is no file; paths begin at the script")
    return {"clip": clip}


def _whole(table: Table, key: str, low: int, high: int, *, default: int | None = None) -> int:
    value = table.take(key, default)
    if type(value) is not int or not low <= value <= high:
        told = "missing" if value is None else str(value)[:60]
        raise UsageError(f"{table.where(key)} is {told}; give a whole number from {low} to {high}")
    return value


def _shared(one: Fault, other: Fault) -> Iterator[int]:
    """Frames in which both are at work, as far as the pattern of the two repeats itself."""
    start = max(one.first, other.first)
    first = one.first + -(-(start - one.first) // one.every) * one.every
    last = min(one.last, other.last, first + one.every * other.every)
    return (frame for frame in range(first, last + 1, one.every) if frame in other.frames)


def _lines(text: str) -> list[int]:
    begins = re.compile(r"\s*\[\[\s*fault\s*\]\]")
    return [number for number, line in enumerate(text.splitlines(), 1) if begins.match(line)]


def _text(path: Path) -> tuple[bytes, str]:
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    if len(data) > _MOST_BYTES:
        raise UsageError(f"{path}: is longer than {_MOST_BYTES} bytes; no fault script is")
    try:
        return data, data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is not UTF-8 at byte {error.start}; save it as UTF-8") from None
