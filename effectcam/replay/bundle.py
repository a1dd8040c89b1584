"""The bug bundle, schema ``effectcam.bundle/1``: what made a run go as it went, without the faces in it.

A flat zip: the points of every face that was found, the trace of what was made of them, the settings, the
device. Enough to run all decisions about crops, identities and timing again, see `bundle_clip`. Reading
believes nothing: every name and size is known before a byte is unpacked.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from effectcam.effect.archive import entry_count
from effectcam.effect.manifest import NAME
from effectcam.errors import ReportError
from effectcam.face.mesh import LANDMARKS, FaceObservation, Rect
from effectcam.source.clip import MAX_PIXELS

SCHEMA: Final = "effectcam.bundle/1"

MOST_FACES: Final = 12_000
"""In all frames together: 70 MB of points."""
MOST_FRAMES: Final = 3000
MOST_FPS: Final = 1000.0

_MB = 1_000_000
_FACE: Final = np.dtype("<f4")
_NUMBERS = 3 * LANDMARKS + 4
"""Of a face: its points, x, y and z of each, and its rect's centre, side and angle."""
_LARGEST: Final = {
    "README.txt": 100_000,
    "bundle.json": _MB,
    "trace.jsonl": 40 * _MB,
    "faces.f32": MOST_FACES * _NUMBERS * _FACE.itemsize,
    "device.json": _MB,
    "doctor.json": _MB,
}
"""Bytes of each file; all must be there but the last two."""
_OPTIONAL = ("device.json", "doctor.json")
_PICTURE = re.compile(r"(before|after)-\d{6}\.jpg")
_LARGEST_PICTURE = 8 * _MB
MOST_PICTURES: Final = 48
_LARGEST_BUNDLE = 200 * _MB
_STEEPEST = 1000
"""Unpacked over packed: a trace of a still clip may shrink fiftyfold, and deflate cannot reach that."""

Count = Annotated[int, msgspec.Meta(ge=0)]
Side = Annotated[int, msgspec.Meta(ge=1, le=8192)]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the run was told."""

    effect: str
    version: str
    tier: str
    strength: Annotated[float, msgspec.Meta(ge=0, le=1)]
    faces: Annotated[int, msgspec.Meta(ge=1, le=16)]
    threads: Annotated[int, msgspec.Meta(ge=1, le=64)] | None
    """None: measured."""
    accelerator: Literal["auto", "cpu", "gpu", "npu"]


class Contents(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``bundle.json``."""

    schema: Literal["effectcam.bundle/1"]
    effectcam: str
    """Version."""
    width: Side
    height: Side
    fps: Annotated[float, msgspec.Meta(gt=0, le=MOST_FPS)]
    stamps: Annotated[list[Count], msgspec.Meta(min_length=1, max_length=MOST_FRAMES)]
    """Of each frame, nanoseconds."""
    found: list[Annotated[int, msgspec.Meta(ge=0, le=16)]]
    """How many faces the mesh saw in each frame."""
    settings: Settings
    environment: dict[str, str]
    """Variables that steer effectcam."""
    error: Annotated[str, msgspec.Meta(max_length=10_000)] | None = None
    """With what the run ended after these frames; left out where nothing failed."""


@dataclass
class Recording:
    """What a bundle is made of; grows frame by frame."""

    width: int
    height: int
    fps: float
    settings: Settings
    stamps: list[int] = field(default_factory=list)
    found: list[int] = field(default_factory=list)
    faces: list[bytes] = field(default_factory=list)
    trace: list[bytes] = field(default_factory=list)
    """Its lines, without their ends."""
    pictures: dict[str, bytes] = field(default_factory=dict)
    """JPEG by name, before-NNNNNN.jpg and after-NNNNNN.jpg; empty unless the user asked for them."""
    error: str | None = None
    """With what it ended, without names and paths; None where nothing failed."""

    def note(self, at: int, observations: Sequence[FaceObservation]) -> None:
        """What the mesh found in the next frame, in its order."""
        self.stamps.append(at)
        self.found.append(len(observations))
        for seen in observations:
            rect = (seen.rect.cx, seen.rect.cy, seen.rect.side, seen.rect.angle)
            points = seen.landmarks[:LANDMARKS].astype(_FACE)
            self.faces.append(points.tobytes() + np.array(rect, _FACE).tobytes())


@dataclass(frozen=True)
class Bundle:
    """One that has been read and checked."""

    path: Path
    contents: Contents
    faces: list[list[FaceObservation]]
    """That the mesh found, of each frame."""
    trace: bytes
    """As the file it was; whoever reads it checks it."""


def pack(
    recording: Recording,
    *,
    version: str,
    environment: Mapping[str, str],
    reports: Mapping[str, Any],
) -> dict[str, bytes]:
    """The files of a bundle by name, those to read first at the front. ``version``: effectcam's. ``reports``:
    values for JSON, by name; ``device`` and ``doctor`` are known ones."""
    contents = Contents(
        schema=SCHEMA,
        effectcam=version,
        width=recording.width,
        height=recording.height,
        fps=recording.fps,
        stamps=recording.stamps,
        found=recording.found,
        settings=recording.settings,
        environment=dict(environment),
        error=recording.error,
    )
    files = {
        "bundle.json": msgspec.json.format(msgspec.json.encode(contents)),
        "trace.jsonl": b"".join(line + b"\n" for line in recording.trace),
        "faces.f32": b"".join(recording.faces),
    }
    for name, values in reports.items():
        files[f"{name}.json"] = msgspec.json.format(msgspec.json.encode(values))
    files |= recording.pictures
    return {"README.txt": _readme(recording, files).encode(), **files}


def zipped(files: Mapping[str, bytes]) -> bytes:
    """One zip of them; the same files give the same bytes."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, data in files.items():
            # Pictures are packed already, and a date would differ from run to run.
            kind = zipfile.ZIP_STORED if name.endswith(".jpg") else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(name), data, kind, compresslevel=6)
    return whole.getvalue()


def told(name: str) -> str:
    """What a file of a bundle is, for whoever decides whether to send it."""
    if name.startswith(("before", "after")):
        return f"A PICTURE of frame {int(name[-10:-4])}, {name.partition('-')[0]} the effect"
    return {
        "README.txt": "this list",
        "bundle.json": "size and times of the frames, settings, EFFECTCAM_ variables, what failed",
        "trace.jsonl": "what was decided about each frame; pictures only as digests that cannot be undone",
        "faces.f32": "468 points of each face in each frame: where it was and how it moved, no picture",
        "device.json": "processor, memory, system, versions of libraries; no name, no serial number",
        "doctor.json": "what effectcam doctor finds: effects, cameras by number, accelerators",
    }[name]


def _readme(recording: Recording, files: Mapping[str, bytes]) -> str:
    lines = [f"{name:18} {told(name)}" for name in files]
    faces = "pictures of faces, as the user wished" if recording.pictures else "no picture of a face"
    ended = "" if recording.error is None else f"After the last of them it failed: {recording.error}\n"
    return (
        f"A bug report of effectcam: {len(recording.stamps)} frames, {faces}.\n"
        f"{ended}"
        "Run it on a face that belongs to nobody: effectcam replay --bundle FILE\n\n"
        + "".join(f"{line}\n" for line in lines)
    )


def read_bundle(path: Path) -> Bundle:
    """The bundle at ``path``, whole and checked. Raises ReportError, in one line, for whatever is none."""
    files = _unpacked(path)
    contents = _contents(path, files["bundle.json"])
    found = contents.found
    if not NAME.fullmatch(contents.settings.effect):
        # Whoever runs it looks for the effect of that name, and would open a file of the sender's choice.
        raise ReportError(
            f"{path}: calls its effect {contents.settings.effect[:60]!r}, and a name is 1 to 40 of a-z, 0-9 "
            "and -; do not trust this zip"
        )
    if contents.width * contents.height > MAX_PIXELS:
        raise ReportError(f"{path}: frames of {contents.width}x{contents.height} are larger than any clip's")
    if len(found) != len(contents.stamps):
        raise ReportError(
            f"{path}: tells of faces in {len(found)} frames and of times of {len(contents.stamps)}; pack it "
            "again"
        )
    if sorted(set(contents.stamps)) != contents.stamps:
        raise ReportError(f"{path}: its frames do not come one after another; pack it again")
    numbers = np.frombuffer(files["faces.f32"][: len(files["faces.f32"]) // 4 * 4], _FACE)
    if numbers.size * 4 != len(files["faces.f32"]) or numbers.size != sum(found) * _NUMBERS:
        raise ReportError(
            f"{path}: faces.f32 has {len(files['faces.f32'])} bytes, and {sum(found)} faces need "
            f"{sum(found) * _NUMBERS * 4}; pack it again"
        )
    if not np.isfinite(numbers).all() or np.abs(numbers).max(initial=0) > 1e6:
        raise ReportError(f"{path}: faces.f32 holds numbers that are no points of a picture; pack it again")
    each = iter(numbers.reshape(-1, _NUMBERS))
    faces = [[_observation(next(each)) for _ in range(count)] for count in found]
    return Bundle(path, contents, faces, files["trace.jsonl"])


def _observation(numbers: NDArray[np.float32]) -> FaceObservation:
    cx, cy, side, angle = (float(number) for number in numbers[-4:])
    points = numbers[:-4].reshape(LANDMARKS, 3).astype(np.float32)
    return FaceObservation(points, Rect(cx, cy, side, angle))


class _Head(msgspec.Struct):
    schema: str = ""


def _contents(path: Path, data: bytes) -> Contents:
    try:
        schema = msgspec.json.decode(data, type=_Head).schema
        if schema != SCHEMA:
            raise ReportError(
                f"{path}: has the schema {schema[:40]!r} instead of {SCHEMA!r}; read it with the version of "
                "effectcam that packed it"
            )
        return msgspec.json.decode(data, type=Contents)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ReportError(f"{path}: bundle.json is damaged ({error}); pack it again") from None


def _unpacked(path: Path) -> dict[str, bytes]:
    try:
        size = path.stat().st_size
        if size > _LARGEST_BUNDLE:
            raise ReportError(f"{path}: has {size} bytes; no bundle has more than {_LARGEST_BUNDLE}")
        # Before the directory is read, which costs memory for every entry.
        most = len(_LARGEST) + MOST_PICTURES
        if (count := entry_count(path)) > most:
            raise ReportError(f"{path}: has {count} entries; a bundle has {most} at most")
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _check_entries(path, entries)
            return {entry.filename: _read(path, archive, entry) for entry in entries if _is_needed(entry)}
    except ReportError:
        raise
    except OSError as error:
        raise ReportError(f"{path}: cannot be read ({error.strerror or error}); check the path") from None
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, EOFError, zlib.error):
        raise ReportError(
            f"{path}: is no bundle of effectcam report, or is damaged; copy it again, or pack one with: "
            "effectcam report"
        ) from None


def _is_needed(entry: zipfile.ZipInfo) -> bool:
    return entry.filename in ("bundle.json", "trace.jsonl", "faces.f32")


def _check_entries(path: Path, entries: Sequence[zipfile.ZipInfo]) -> None:
    names = [entry.filename for entry in entries]
    if "bundle.json" not in names:
        raise ReportError(f"{path}: is no bundle, it has no bundle.json; pack one with: effectcam report")
    for entry in entries:
        name = entry.filename
        most = _LARGEST_PICTURE if _PICTURE.fullmatch(name) else _LARGEST.get(name)
        if most is None:
            raise ReportError(
                f"{path}: holds {name[:60]!r}, which is no file of a bundle; do not trust this zip"
            )
        if names.count(name) > 1:
            raise ReportError(f"{path}: holds {name} twice; pack it again")
        if entry.flag_bits & 1:
            raise ReportError(f"{path}: {name} is encrypted; pack it again without a password")
        if entry.file_size > most or entry.file_size > _STEEPEST * max(entry.compress_size, 1):
            raise ReportError(
                f"{path}: {name} would grow from {entry.compress_size} to {entry.file_size} bytes, at most "
                f"{most} are usual; do not trust this zip"
            )
    for name in _LARGEST:
        if name not in names and name not in _OPTIONAL:
            raise ReportError(f"{path}: {name} is missing; pack it again")


def _read(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    with archive.open(entry) as file:
        data = file.read(entry.file_size + 1)
    if len(data) != entry.file_size:
        raise ReportError(f"{path}: {entry.filename} is not of the size that it should have; copy it again")
    return data
