"""A bug bundle as something to replay: a face that belongs to nobody, where the bundle's faces were.

The faces need no finding: they are handed to the pipeline as the mesh saw them, so that crops, identities and
all that hangs on them and on the frames' times come out as they did. What hangs on the pictures does not:
drawings, colours, motion between pictures.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from effectcam.errors import ReportError
from effectcam.face.mesh import FaceObservation
from effectcam.frame import Frame
from effectcam.replay.bundle import Bundle
from effectcam.replay.parting import unlike
from effectcam.replay.stand_in import StandInFace
from effectcam.replay.trace import End, Header, TracedFrame


class BundleClip:
    """The frames of a bundle, in its size and at its times, each with the stand-in face where faces were."""

    def __init__(self, bundle: Bundle) -> None:
        """Raises SourceError or FaceMeshError where the stand-in cannot be had."""
        contents = bundle.contents
        self.path: Path = bundle.path
        self.width, self.height, self.fps = contents.width, contents.height, contents.fps
        self.frames: int | None = len(contents.stamps)
        self.warnings: list[str] = []
        self._bundle = bundle
        self._count = 0
        self._face = StandInFace()

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        if self._count == len(self._bundle.faces):
            raise StopIteration
        faces = [seen.landmarks for seen in self._bundle.faces[self._count]]
        at = self._bundle.contents.stamps[self._count]
        frame = Frame(self._face.draw(self.width, self.height, faces), self._count, at)
        self._count += 1
        return frame

    def close(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class RecordedFaces:
    """A `FaceTracker` that has found the faces already."""

    def __init__(self, bundle: Bundle, max_faces: int | None = None) -> None:
        """``max_faces``: of a frame with more the first ones are handed on; None for all."""
        self._faces = bundle.faces
        self._most = max_faces

    def process(self, frame: Frame) -> list[FaceObservation]:
        """Those of the frame of this index; none beyond the bundle's end."""
        return self._faces[frame.index][: self._most] if frame.index < len(self._faces) else []

    def reset(self) -> None:
        pass

    def close(self) -> None:
        pass


class Faithfulness:
    """How near a run of a bundle comes to the one that was recorded; an `Onlooker`."""

    def __init__(self, bundle: Bundle) -> None:
        """Raises ReportError for a trace that is damaged or tells of other frames."""
        self._header, self._recorded = _trace(bundle)
        self.notes: list[str] = []
        """What is otherwise than when it was recorded, in a line each."""
        self.frames = 0
        self.centre = 0.0
        """Largest difference of a crop's centre, pixels."""
        self.side = 0.0
        """Of its side, pixels."""
        self.angle = 0.0
        """Of its angle, radians."""
        self.landmarks = 0
        """Frames whose faces are not those that the trace has the digests of."""
        self.identities = 0
        """Frames in which other faces, or the same under other numbers, get the effect."""
        self.decisions = 0
        """Frames about which a policy, or the tier, was otherwise."""

    def begin(self, header: Header) -> None:
        told = msgspec.structs.replace(header, clip=self._header.clip)
        self.notes = unlike(self._header, told)

    def see(self, line: TracedFrame, after: Frame) -> None:
        was = self._recorded[line.frame]
        self.frames += 1
        decided = [_without_pictures(each.decisions) for each in (was, line)]
        self.decisions += decided[0] != decided[1] or was.tier != line.tier
        pairs = list(zip(was.faces, line.faces, strict=False))
        if [face.identity for face in was.faces] != [face.identity for face in line.faces]:
            self.identities += 1
            return
        self.landmarks += any(one.landmarks != other.landmarks for one, other in pairs)
        for one, other in ((each[0].crop, each[1].crop) for each in pairs):
            self.centre = max(self.centre, math.hypot(one.cx - other.cx, one.cy - other.cy))
            self.side = max(self.side, abs(one.side - other.side))
            self.angle = max(self.angle, abs(math.remainder(one.angle - other.angle, math.tau)))

    def end(self) -> None:
        pass

    @property
    def exact(self) -> bool:
        """All that does not hang on the pictures came out as recorded."""
        off = self.identities or self.landmarks or self.decisions
        return not off and self.centre == self.side == self.angle == 0

    def __str__(self) -> str:
        if self.exact:
            return f"{self.frames} frames: identities, decisions and crops are those that were recorded"
        return (
            f"{self.frames} frames: crops off by up to {self.centre:.3g} px, {self.side:.3g} px of side, "
            f"{math.degrees(self.angle):.3g}°; other identities in {self.identities}, other landmarks in "
            f"{self.landmarks}, other decisions in {self.decisions}"
        )


def _without_pictures(decisions: Mapping[str, object]) -> dict[str, object]:
    """Decisions that hang on the faces' points and the frames' times, and not on what the pictures show."""
    return {name: decided for name, decided in decisions.items() if not name.endswith("_blend")}


def _trace(bundle: Bundle) -> tuple[Header, list[TracedFrame]]:
    path, lines = bundle.path, bundle.trace.splitlines()
    decoder = msgspec.json.Decoder(Header | TracedFrame | End)
    decoded: list[Header | TracedFrame | End] = []
    for number, line in enumerate(lines, 1):
        try:
            decoded.append(decoder.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ReportError(
                f"{path}: trace.jsonl, line {number}, is damaged ({error}); pack it again"
            ) from None
    head, frames = decoded[:1], [line for line in decoded[1:-1] if isinstance(line, TracedFrame)]
    known = [frame.at for frame in frames] == bundle.contents.stamps
    if not head or not isinstance(head[0], Header) or not isinstance(decoded[-1], End) or not known:
        raise ReportError(f"{path}: its trace does not tell of its {len(bundle.faces)} frames; pack it again")
    return head[0], frames
