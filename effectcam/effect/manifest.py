"""What ``effect.toml`` says: the values an author sets, checked one by one.

docs/effect-format.md is the same for authors.
"""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, TypeVar, cast, get_args

from effectcam.effect.archive import FILE_RULE, MANIFEST, is_plain_name
from effectcam.effect.table import Table
from effectcam.errors import PackageError
from effectcam.student.model_file import LONGEST_SIDE

SCHEMA = "effectcam.effect/1"

Space = Literal["face", "frame", "frame+face"]
Output = Literal["rgb", "rgba"]
ColourPolicy = Literal["none", "match-input", "match-frame"]
ScreenPattern = Literal["none", "halftone", "hatch", "paper"]
TemporalPolicy = Literal["none", "motion-blend"]
FlowSearch = Literal["fast", "fine"]
LimitsPolicy = Literal["none", "soft"]
TierName = Literal["lite", "standard", "high"]
Place = Literal["face", "frame"]

NAME = re.compile(r"[a-z0-9-]{1,40}")
_VERSION = re.compile(r"\d{1,5}\.\d{1,5}\.\d{1,5}(-[0-9A-Za-z.-]{1,20})?")
_SHA256 = re.compile(r"[0-9a-f]{64}")

_SHORTEST_SIDE = 16

Word = TypeVar("Word", bound=str)


@dataclass(frozen=True, slots=True)
class Crop:
    """The square that the face student sees."""

    margin: float = 2.0
    """Its side, in units of the rigid face size: larger shows more hair and neck and leaves the face
    fewer pixels."""
    shift: tuple[float, float] = (0.0, 0.0)
    """Of its centre, in sides, along the face's own axes: x to its right in the picture, y down."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """The numbers that stand for black and white in the model, and what it draws."""

    input_range: tuple[float, float] = (0.0, 1.0)
    output_range: tuple[float, float] = (0.0, 1.0)
    output: Output = "rgb"

    @property
    def channels(self) -> int:
        """3 for RGB, 4 for RGB and alpha."""
        return 4 if self.output == "rgba" else 3


@dataclass(frozen=True, slots=True)
class Mask:
    feather: float = 0.12
    """Width of the soft rim as a share of the crop's side: 0 shows the edge of the square."""


@dataclass(frozen=True, slots=True)
class Colour:
    policy: ColourPolicy = "none"
    """Whether the answer's colours are pulled towards those of the crop (``match-input``) or of the
    whole frame (``match-frame``)."""


@dataclass(frozen=True, slots=True)
class Detail:
    gain: float = 0.0
    """How much of the original's finest detail comes back: 0 none, 1 all. A large face looks blurred
    without, and a drawn look gets its pores back with too much."""


@dataclass(frozen=True, slots=True)
class Warp:
    eyes: float = 1.0
    """The eyes are enlarged by this factor before the student sees them; 1 leaves them."""


@dataclass(frozen=True, slots=True)
class Screen:
    """A pattern laid over the drawn frame at its full size, fixed to the frame."""

    pattern: ScreenPattern = "none"
    """``halftone`` and ``hatch`` put ink where the drawing is dark, ``paper`` grain everywhere."""
    cell: float = 9.0
    """Distance of two dots or strokes, or size of the grain, in pixels of a frame 720 high."""
    gain: float = 0.5
    """How dark the ink or deep the grain is: 0 none, 1 black."""


@dataclass(frozen=True, slots=True)
class Temporal:
    """What becomes of a drawing in view of those before it."""

    policy: TemporalPolicy = "none"
    """``motion-blend`` mixes it with the previous result, moved along with what it shows: steadier, for about
    two milliseconds a drawing."""
    weight: float = 0.7
    """Share of the previous result, where the input is the same: more is steadier and softer."""
    tolerance: float = 14.0
    """By how many steps of 255 the input may differ and count as the same, more or less: less flickers with
    the camera's noise, more lets a shut eye shine through."""
    flow: FlowSearch = "fast"
    """How the motion is sought: ``fine`` leaves up to a quarter less of the warping error where a face is
    pulled and lines are hard, for up to a millisecond more."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Where the effect gives up on a face."""

    policy: LimitsPolicy = "none"
    """``soft`` fades it out, and back in, where the head is turned too far, cut off by the frame's edge or
    lost by the mesh. What is below the face's drawing then shows: the drawn frame, or else the bare face."""
    yaw: float = 60.0
    """Degrees: a head turned further to a side is beyond the limit."""


@dataclass(frozen=True, slots=True)
class Strength:
    default: float = 1.0
    """Where the strength control starts: 0 is the input, 1 the full effect."""


@dataclass(frozen=True, slots=True)
class Model:
    """One student of a tier."""

    file: str
    size: tuple[int, int]
    """(height, width) in pixels."""


@dataclass(frozen=True, slots=True)
class Tier:
    """The students for one class of machine."""

    face: Model | None = None
    """Redraws the crop. None exactly when the effect's space has no face."""
    frame: Model | None = None
    """Redraws the whole frame, scaled down. None exactly when the space has no frame."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the effect comes from, in words for people."""

    teacher: str
    data: str
    trained: str
    """The day, as YYYY-MM-DD."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The whole of ``effect.toml``."""

    name: str
    version: str
    title: str
    description: str
    space: Space
    licence: str
    looks_real: bool = False
    """A viewer could take the result for a real face, so it is labelled unless the user objects."""
    crop: Crop = field(default_factory=Crop)
    tensor: Tensor = field(default_factory=Tensor)
    mask: Mask = field(default_factory=Mask)
    colour: Colour = field(default_factory=Colour)
    detail: Detail = field(default_factory=Detail)
    warp: Warp = field(default_factory=Warp)
    screen: Screen = field(default_factory=Screen)
    temporal: Temporal = field(default_factory=Temporal)
    limits: Limits = field(default_factory=Limits)
    strength: Strength = field(default_factory=Strength)
    tiers: Mapping[TierName, Tier]
    """Always has ``standard``, the one that runs unless the user asks for another."""
    provenance: Provenance
    files: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """SHA-256, in lower-case hex, of every file but ``effect.toml``."""

    @property
    def places(self) -> tuple[Place, ...]:
        """The parts of the picture that have a student, in the order in which they run."""
        return tuple(place for place in ("frame", "face") if place in self.space.split("+"))


_MOST_DOTS = 500


def parse_manifest(text: str, *, origin: str, with_files: bool = True) -> Manifest:
    """Read and check the text of an ``effect.toml``.

    ``origin`` names the package in messages. ``with_files`` False ignores ``[files]``, which an
    author's draft may lack. Raises PackageError at the first value that is missing, misspelt, of the
    wrong type or out of range.
    """
    where = f"{origin}/{MANIFEST}"
    if text.count(".") > _MOST_DOTS:
        # Reading a dotted key takes time and memory with the square of its length.
        raise PackageError(f"{where} has more than {_MOST_DOTS} dots; shorten its texts and keys")
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # TOMLDecodeError is a ValueError, and not the only one
        raise PackageError(f"{where} is not valid TOML: {error}; correct it") from None
    table = Table(values, where)
    schema = table.text("schema", most=40)
    if schema != SCHEMA:
        raise PackageError(f"{where}: schema is {schema!r}, this version reads {SCHEMA!r}; update effectcam")

    crop, tensor = table.table("crop"), table.table("tensor")
    mask, colour, detail = table.table("mask"), table.table("colour"), table.table("detail")
    warp, screen, temporal, limits = (table.table(name) for name in ("warp", "screen", "temporal", "limits"))
    strength, provenance = table.table("strength"), table.table("provenance", need=True)
    space = cast(Space, table.word("space", get_args(Space)))
    manifest = Manifest(
        name=table.match("name", NAME, "1 to 40 of a-z, 0-9 and -"),
        version=table.match("version", _VERSION, "three numbers such as 1.0.0"),
        title=table.text("title", most=60),
        description=table.text("description", most=500),
        space=space,
        licence=table.text("licence", most=100),
        looks_real=table.flag("looks_real", default=False),
        crop=Crop(
            margin=crop.number("margin", 1.0, 4.0, default=Crop().margin),
            shift=crop.pair("shift", -1.0, 1.0, default=Crop().shift),
        ),
        tensor=Tensor(
            input_range=tensor.rising("input_range", default=Tensor().input_range),
            output_range=tensor.rising("output_range", default=Tensor().output_range),
            output=cast(Output, tensor.word("output", get_args(Output), default="rgb")),
        ),
        mask=Mask(mask.number("feather", 0.0, 0.5, default=Mask().feather)),
        colour=Colour(cast(ColourPolicy, colour.word("policy", get_args(ColourPolicy), default="none"))),
        detail=Detail(detail.number("gain", 0.0, 1.0, default=Detail().gain)),
        warp=Warp(warp.number("eyes", 1.0, 1.6, default=Warp().eyes)),
        screen=_screen(screen, space),
        temporal=Temporal(
            cast(TemporalPolicy, temporal.word("policy", get_args(TemporalPolicy), default="none")),
            temporal.number("weight", 0.0, 0.95, default=Temporal().weight),
            temporal.number("tolerance", 1.0, 64.0, default=Temporal().tolerance),
            cast(FlowSearch, temporal.word("flow", get_args(FlowSearch), default=Temporal().flow)),
        ),
        limits=_limits(limits, space),
        strength=Strength(strength.number("default", 0.0, 1.0, default=Strength().default)),
        tiers=_tiers(table.table("tiers", need=True), space),
        provenance=Provenance(
            teacher=provenance.text("teacher", most=300),
            data=provenance.text("data", most=300),
            trained=_day(provenance, "trained"),
        ),
        files=_files(table.table("files", need=with_files)) if with_files else MappingProxyType({}),
    )
    if not with_files:
        table.take("files")
    sections = (crop, tensor, mask, colour, detail, warp, screen, temporal, limits, strength, provenance)
    for each in (table, *sections):
        each.refuse_unknown()
    return manifest


def _screen(table: Table, space: Space) -> Screen:
    screen = Screen(
        cast(ScreenPattern, table.word("pattern", get_args(ScreenPattern), default="none")),
        table.number("cell", 2.0, 64.0, default=Screen().cell),
        table.number("gain", 0.0, 1.0, default=Screen().gain),
    )
    if screen.pattern != "none" and "frame" not in space:
        raise PackageError(
            f"{table.where('pattern')} is {screen.pattern!r}, but a screen lies over a drawn frame and "
            f"the space is {space!r}; leave it out"
        )
    return screen


def _limits(table: Table, space: Space) -> Limits:
    limits = Limits(
        cast(LimitsPolicy, table.word("policy", get_args(LimitsPolicy), default="none")),
        table.number("yaw", 20.0, 90.0, default=Limits().yaw),
    )
    if limits.policy != "none" and "face" not in space:
        raise PackageError(
            f"{table.where('policy')} is {limits.policy!r}, but limits are those of a face and the space is "
            f"{space!r}; leave it out"
        )
    return limits


def _tiers(table: Table, space: Space) -> Mapping[TierName, Tier]:
    tiers: dict[TierName, Tier] = {}
    for name in get_args(TierName):
        if name not in table:
            continue
        tier = table.table(name)
        models: dict[str, Model] = {}
        for place in space.split("+"):
            model = tier.table(place, need=True)
            file = model.text("file", most=64)
            if not is_plain_name(file) or not file.endswith(".tflite"):
                raise PackageError(f"{model.where('file')} is {file!r}; name a .tflite file: {FILE_RULE}")
            sides = model.pair("size", _SHORTEST_SIDE, LONGEST_SIDE)
            if any(side != int(side) for side in sides):
                raise PackageError(f"{model.where('size')} is {sides}; give [height, width] in whole pixels")
            model.refuse_unknown()
            models[place] = Model(file, (int(sides[0]), int(sides[1])))
        tier.refuse_unknown(f"the space is {space!r}")
        tiers[name] = Tier(**models)
    table.refuse_unknown()
    if "standard" not in tiers:
        raise PackageError(f"{table.where('standard')} is missing; it is the tier that runs by default")
    return MappingProxyType(tiers)


def _files(table: Table) -> Mapping[str, str]:
    hashes = {}
    for name in table.names():
        if not is_plain_name(name) or name == MANIFEST:
            raise PackageError(f"{table.where(name)}: not a file name for a package; {FILE_RULE}")
        hashes[name] = table.match(name, _SHA256, "the file's SHA-256 as 64 lower-case hex digits")
    return MappingProxyType(hashes)


def _day(table: Table, key: str) -> str:
    value = table.text(key, most=10)
    try:
        return datetime.date.fromisoformat(value).isoformat()
    except ValueError:
        raise PackageError(f"{table.where(key)} is {value!r}; write the day as YYYY-MM-DD") from None


def toml_text(manifest: Manifest) -> str:
    """``manifest`` as the text of an ``effect.toml``, defaults written out."""
    lines = [f"schema = {_value(SCHEMA)}"]
    for key in ("name", "version", "title", "description", "space", "licence", "looks_real"):
        lines.append(f"{key} = {_value(getattr(manifest, key))}")
    for section in (
        *("crop", "tensor", "mask", "colour", "detail", "warp", "screen"),
        *("temporal", "limits", "strength"),
    ):
        lines += _section(section, getattr(manifest, section))
    for name, tier in manifest.tiers.items():
        lines += ["", f"[tiers.{name}]"]
        for place in manifest.places:
            model: Model = getattr(tier, place)
            lines.append(f"{place} = {{ file = {_value(model.file)}, size = {_value(model.size)} }}")
    lines += _section("provenance", manifest.provenance)
    return "\n".join(lines) + "\n" + files_text(manifest.files)


def files_text(files: Mapping[str, str]) -> str:
    """The ``[files]`` section, sorted, with the empty line before it."""
    return "\n".join(
        ["", "[files]", *(f"{_value(name)} = {_value(files[name])}" for name in sorted(files)), ""]
    )


def _section(name: str, values: Any) -> list[str]:
    return [
        "",
        f"[{name}]",
        *(f"{key} = {_value(getattr(values, key))}" for key in values.__dataclass_fields__),
    ]


def _value(value: str | float | bool | tuple[float, ...]) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, tuple):
        return f"[{', '.join(_value(each) for each in value)}]"
    return repr(value)
