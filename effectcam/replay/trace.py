"""The trace of a replay, schema ``effectcam.trace/1``: a file of JSON lines.

First a `Header`, then a `TracedFrame` for each frame in the order of the clip, last an `End`, without which
the file is cut short. The classes here are the schema; `TraceReader` believes nothing that they do not say,
and passes over fields that it does not know.

Nothing in it may differ between two runs of the same clip, effect and version on machines of one type: no
wall-clock time, no path, no number of threads or cores. So two such traces are equal by the byte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Final, Literal, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from effectcam.errors import ReportError, SinkError
from effectcam.frame import Frame
from effectcam.sink.part_file import PartFile, why_unwritable

SCHEMA: Final = "effectcam.trace/1"

Count = Annotated[int, msgspec.Meta(ge=0)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
"""Stands for an array, see `digest`."""


class TracedClip(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    """Of the file, without its folder."""
    sha256: Sha256
    """Of the file; of a camera that of its pictures' digests, one after another."""
    width: Count
    height: Count


class TracedStudent(msgspec.Struct, frozen=True, kw_only=True):
    file: str
    sha256: Sha256
    accelerator: Literal["cpu", "gpu", "npu"]
    device: str
    """As its driver calls it; ``CPU``, since that is told by the machine's type."""


class TracedEffect(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    version: str
    tier: str
    """At the start."""
    strength: Annotated[float, msgspec.Meta(ge=0, le=1)]
    """At the start."""
    faces: Count
    """That get it at most."""
    students: dict[str, TracedStudent]
    """At the start, by what they draw."""


class MachineType(msgspec.Struct, frozen=True, kw_only=True):
    """On machines of one type all bytes are the same. Others have kernels that add up in another order, and
    so round elsewhere."""

    id: str
    """Hash of the rest."""
    cpu: str
    architecture: str
    flags: list[str]
    """Instruction sets that arithmetic can gain from, sorted."""
    system: str


class Header(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="line", tag="header"):
    schema: Literal["effectcam.trace/1"]
    effectcam: str
    """Version."""
    clip: TracedClip
    effect: TracedEffect
    libraries: dict[str, str]
    """Versions by name, Python's among them."""
    machine: MachineType
    faults: Sha256 | None = None
    """Of the fault script that was at work; left out without one."""


class TracedCrop(msgspec.Struct, frozen=True, kw_only=True):
    """As `Crop`: pixels and radians, every digit of them."""

    cx: float
    cy: float
    side: Positive
    angle: float


class TracedFace(msgspec.Struct, frozen=True, kw_only=True):
    identity: Count
    landmarks: Digest
    """As the mesh found them: float32 (468, 3)."""
    crop: TracedCrop
    """Steadied."""
    drawing: Digest
    """What the student made of it."""


class TracedFrame(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="line", tag="frame"
):
    """One frame in the order of its stages, so that the first field which differs from another trace names
    the stage at which the two part."""

    frame: Count
    """Index, from 0 without gaps."""
    at: Count
    """Nanoseconds of the clip's own time."""
    faults: list[str] = msgspec.field(default_factory=list)
    """Kinds of planted faults that were at work, see `effectcam.replay.faults`; left out without any."""
    input: Digest
    """The decoded picture."""
    decisions: dict[str, Any]
    """What policies decided, see `Pipeline.decisions`."""
    tier: str
    """Of the students that drew it."""
    faces: list[TracedFace]
    """That got the effect."""
    canvas: Digest | None
    """What the frame's student made of it; null where there is none."""
    output: Digest


class End(msgspec.Struct, frozen=True, kw_only=True, tag_field="line", tag="end"):
    frames: Count


class _Head(msgspec.Struct):
    schema: str = ""


def digest(array: NDArray[Any]) -> str:
    """32 hexadecimal digits (BLAKE2b) that stand for an array's type, shape and numbers.

    >>> digest(np.zeros((2, 3), np.uint8)) == digest(np.zeros((3, 2), np.uint8))
    False
    """
    found = hashlib.blake2b(f"{array.dtype.str}{array.shape}".encode(), digest_size=16)
    found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()


class TraceFile:
    """Writes a trace as its frames come. An `Onlooker` and a context manager: the file is there under its
    name once the block is over and ``end`` was called; otherwise what was there before still is.

    Raises SinkError where there is no place for it, UsageError for a device or a pipe.
    """

    def __init__(self, path: Path) -> None:
        self._part = PartFile(path)
        self._file = self._part.path.open("wb")
        self._frames = 0
        self._whole = False

    def begin(self, header: Header) -> None:
        """Raises SinkError."""
        self._put(header)

    def see(self, line: TracedFrame, after: Frame | None = None) -> None:
        """Raises SinkError."""
        self._frames += 1
        self._put(line)

    def end(self) -> None:
        """All frames were written. Raises SinkError."""
        self._put(End(frames=self._frames))
        self._whole = True

    def _put(self, line: Header | TracedFrame | End) -> None:
        try:
            self._file.write(msgspec.json.encode(line) + b"\n")
        except OSError as error:
            raise SinkError(why_unwritable(self._part.target, error)) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            # The last lines reach the disk only now.
            self._file.close()
        except OSError as failure:
            self._part.discard()
            if kind is None:
                raise SinkError(why_unwritable(self._part.target, failure)) from None
            return
        if kind is None and self._whole:
            self._part.commit()
        else:
            self._part.discard()


class TraceReader:
    """Reads a trace frame by frame, however long it is. A context manager and an iterator.

    Raises ReportError for a file that cannot be read, is no trace, or is of another schema; while iterating,
    for a line that is damaged and, at the end, for a trace that is cut short.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._lines = 0
        self._frames = 0
        self._ended = False
        self._decoder = msgspec.json.Decoder(Header | TracedFrame | End)
        try:
            self._file = self.path.open("rb")
        except OSError as error:
            raise ReportError(f"{path}: cannot be read ({error.strerror}); check the path") from None
        try:
            self.header = self._read_header()
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[TracedFrame]:
        return self

    def __next__(self) -> TracedFrame:
        if self._ended:
            # Whoever compares it with something longer asks again, and beyond its last line is nothing.
            raise StopIteration
        data = self._line()
        if not data.endswith(b"\n"):
            raise ReportError(
                f"{self.path}: is cut short after {self._frames} frames; record it again, or copy it whole"
            )
        line = self._decoded(data)
        if isinstance(line, TracedFrame) and line.frame == self._frames:
            self._frames += 1
            return line
        if isinstance(line, End) and line.frames == self._frames and not self._line():
            self._ended = True
            raise StopIteration
        told = f"is no frame {self._frames} nor the end"
        raise ReportError(f"{self.path}, line {self._lines}: {told}; record the trace again")

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read_header(self) -> Header:
        data = self._line()
        try:
            schema = msgspec.json.decode(data, type=_Head).schema
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise ReportError(
                f"{self.path}: is no trace of effectcam replay; record one with --trace"
            ) from None
        if schema != SCHEMA:
            told = f"has the schema {schema[:40]!r}" if schema else "has no schema"
            raise ReportError(
                f"{self.path}: {told} instead of {SCHEMA!r}; record it with this version's replay --trace"
            )
        line = self._decoded(data)
        if not isinstance(line, Header):
            raise ReportError(f"{self.path}, line 1: is no header; record the trace again")
        return line

    def _line(self) -> bytes:
        self._lines += 1
        try:
            return self._file.readline(_LONGEST_LINE)
        except OSError as error:
            raise ReportError(f"{self.path}: cannot be read ({error.strerror}); copy it again") from None

    def _decoded(self, data: bytes) -> Header | TracedFrame | End:
        try:
            line: Header | TracedFrame | End = self._decoder.decode(data)
            return line
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ReportError(
                f"{self.path}, line {self._lines}: is damaged ({error}); record the trace again"
            ) from None


_LONGEST_LINE = 1_000_000
"""Bytes: a hundred times that of a frame with sixteen faces."""
