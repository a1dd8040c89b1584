"""Where two replays of one clip part: the first frame, and the stage of the pipeline in it.

What comes after the first difference only follows from it, so that is the one that is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from effectcam.replay.trace import Header, TracedFace, TracedFrame

Stage = Literal[
    "input", "mesh", "decisions", "tier", "crop", "blend", "drawing", "canvas", "output", "length"
]
"""In the order of a frame's way: the decoded picture and its time; the faces, who is who and their landmarks;
what policies decided; the students at work; the steadied crops; how much of the results before is in the
drawings; these drawings, of the faces and of the frame; the finished picture. ``length``: one of the two has
no such frame."""

STAGES: tuple[Stage, ...] = get_args(Stage)

CROP_TOLERANCE = 0.01
"""Across types of machines: by how much of its side a crop's centre and side may be off, and radians of its
angle. Landmarks that differ in the last bits move it by a thousandth of this."""


SHARE_TOLERANCE = 0.02
"""Across types of machines: by how much a share from 0 to 1 that was decided on may differ, such as that of
the results before, or how much of a face's effect shows."""
_ROUNDED = 1e-9
"""Shares move in steps of 0.02, and a difference of two of them is off by a last bit."""

_BLENDS = ("face_blend", "frame_blend")
"""Among the decisions, but they rest on the crops."""


@dataclass(frozen=True, slots=True)
class Parting:
    """The first difference."""

    frame: int
    """Index."""
    stage: Stage
    what: str
    """In a line: what it was in the first and is in the second."""

    def __str__(self) -> str:
        return f"frame {self.frame}, {self.stage}: {self.what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceComparison:
    """How two traces differ."""

    exact: bool
    """Whether the two owed each other the same bytes, see `same_bytes`."""
    frames: tuple[int, int]
    """That each of them has."""
    first: Parting | None
    """None where they are the same, or alike if not ``exact``."""
    differing: int
    """Frames that differ in any stage; those that one of the two lacks count."""
    stages: dict[Stage, int]
    """Frames that differ in a stage, in the order of the stages, without those in which none does."""
    notes: tuple[str, ...] = ()
    """What else is otherwise and may be why, see `unlike`."""


class Partings:
    """Compares two traces frame by frame, in memory that does not grow."""

    def __init__(self, was: Header, now: Header, *, exact: bool | None = None) -> None:
        """``exact`` False is for two types of machines: digests differ there by the last bits of a float, so
        only faces, tiers and, within `CROP_TOLERANCE` and `SHARE_TOLERANCE`, crops and decisions are
        compared. None decides by `same_bytes`."""
        self._exact = same_bytes(was, now) if exact is None else exact
        self._notes = tuple(unlike(was, now))
        self._first: Parting | None = None
        self._stages: Counter[Stage] = Counter()
        self._differing = 0
        self._frames = [0, 0]

    def see(self, was: TracedFrame | None, now: TracedFrame | None) -> list[Stage]:
        """The stages in which one frame of the two traces differs; None for the trace that has ended."""
        self._frames[0] += was is not None
        self._frames[1] += now is not None
        seen = was or now
        if seen is None:
            return []
        found = list(_differences(was, now, exact=self._exact))
        if found and self._first is None:
            self._first = Parting(seen.frame, *found[0])
        stages = list(dict.fromkeys(stage for stage, _ in found))
        self._stages.update(stages)
        self._differing += bool(stages)
        return stages

    def see_output(self, frame: int, what: str, *, known: list[Stage]) -> None:
        """The pictures of ``frame``, in which ``see`` found the stages ``known``, are too far apart."""
        self._first = self._first or Parting(frame, "output", what)
        if "output" not in known:
            self._stages["output"] += 1
            self._differing += not known

    @property
    def found(self) -> TraceComparison:
        """So far."""
        stages = {stage: self._stages[stage] for stage in STAGES if self._stages[stage]}
        return TraceComparison(
            exact=self._exact,
            frames=(self._frames[0], self._frames[1]),
            first=self._first,
            differing=self._differing,
            stages=stages,
            notes=self._notes,
        )


def same_bytes(one: Header, other: Header) -> bool:
    """Whether two runs owe each other the same bytes: on one type of machine, with the same libraries and
    accelerators. Python's own version has no say in any picture."""
    versions = [
        {name: version for name, version in each.libraries.items() if name != "python"}
        for each in (one, other)
    ]
    placed = [
        {place: (student.accelerator, student.device) for place, student in each.effect.students.items()}
        for each in (one, other)
    ]
    return one.machine.id == other.machine.id and versions[0] == versions[1] and placed[0] == placed[1]


def unlike(one: Header, other: Header) -> list[str]:
    """A line for each thing that is otherwise in ``other``: clip, effect, settings, students, program. The
    machines are left to `same_bytes`."""
    pairs: list[tuple[str, object, object]] = [
        ("clip", one.clip.name, other.clip.name),
        ("clip's SHA-256", one.clip.sha256[:12], other.clip.sha256[:12]),
        ("effect", one.effect.name, other.effect.name),
        (f"version of {one.effect.name}", one.effect.version, other.effect.version),
        ("tier", one.effect.tier, other.effect.tier),
        ("strength", one.effect.strength, other.effect.strength),
        ("faces", one.effect.faces, other.effect.faces),
        ("version of effectcam", one.effectcam, other.effectcam),
        ("fault script's SHA-256", _short(one.faults), _short(other.faults)),
    ]
    for place, student in one.effect.students.items():
        now = other.effect.students.get(place)
        if now is not None:
            pairs.append((f"{place} student's SHA-256", student.sha256[:12], now.sha256[:12]))
    return [f"{what}: {was}, now {now}" for what, was, now in pairs if was != now]


def _differences(
    was: TracedFrame | None, now: TracedFrame | None, *, exact: bool
) -> Iterator[tuple[Stage, str]]:
    if was is None or now is None:
        lacks, frame = ("first", now) if was is None else ("second", was)
        if frame is not None:
            yield "length", f"the {lacks} ends after {frame.frame} frames"
        return
    if was.at != now.at:
        yield "input", f"at {was.at} ns, now {now.at} ns"
    elif exact and was.input != now.input:
        yield "input", f"the decoded picture is another ({_digests(was.input, now.input)})"
    # Whether the mesh is run is decided before it; other decisions may rest on what it found.
    yield from _decided(was, now, ["detect"], exact=exact)
    yield from _mesh(was, now, exact=exact)
    others = {*was.decisions, *now.decisions} - {"detect", *_BLENDS}
    yield from _decided(was, now, sorted(others), exact=exact)
    if was.tier != now.tier:
        yield "tier", f"{was.tier}, now {now.tier}"
    for one, other in zip(was.faces, now.faces, strict=False):
        yield from _crop(one, other, exact=exact)
    yield from _decided(was, now, _BLENDS, exact=exact, stage="blend")
    for one, other in zip(was.faces, now.faces, strict=False):
        if exact and one.drawing != other.drawing:
            yield "drawing", f"of face {one.identity}: {_digests(one.drawing, other.drawing)}"
    if (was.canvas != now.canvas) if exact else ((was.canvas is None) != (now.canvas is None)):
        yield "canvas", _digests(was.canvas or "none", now.canvas or "none")
    if exact and was.output != now.output:
        yield "output", _digests(was.output, now.output)


def _decided(
    was: TracedFrame, now: TracedFrame, names: Sequence[str], *, exact: bool, stage: Stage = "decisions"
) -> Iterator[tuple[Stage, str]]:
    for name in names:
        one, other = was.decisions.get(name), now.decisions.get(name)
        if name == "shown":
            one, other = _shown(one, other), _shown(other, one)
        if one != other and (exact or not _close(one, other)):
            yield stage, f"{name} {one}, now {other}"


def _shown(shares: object, others: object) -> object:
    """``shares``, which are left out where every face has the whole effect."""
    return [1.0] * len(others) if shares is None and isinstance(others, list) else shares


def _close(one: object, other: object) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_close, one, other))
    if not isinstance(one, (int, float)) or not isinstance(other, (int, float)):
        return False
    return abs(one - other) <= SHARE_TOLERANCE + _ROUNDED


def _mesh(was: TracedFrame, now: TracedFrame, *, exact: bool) -> Iterator[tuple[Stage, str]]:
    identities = [[face.identity for face in each.faces] for each in (was, now)]
    if identities[0] != identities[1]:
        yield "mesh", f"faces {identities[0]}, now {identities[1]}"
    elif exact:
        for one, other in zip(was.faces, now.faces, strict=True):
            if one.landmarks != other.landmarks:
                yield "mesh", f"landmarks of face {one.identity}: {_digests(one.landmarks, other.landmarks)}"


def _crop(was: TracedFace, now: TracedFace, *, exact: bool) -> Iterator[tuple[Stage, str]]:
    one, other = was.crop, now.crop
    tolerance = 0.0 if exact else CROP_TOLERANCE
    for name, scale in (("cx", one.side), ("cy", one.side), ("side", one.side), ("angle", 1.0)):
        before, after = getattr(one, name), getattr(other, name)
        if abs(before - after) > tolerance * scale:
            # A difference in the last bits shows only with all digits.
            form = ".6g" if f"{before:.6g}" != f"{after:.6g}" else ""
            yield "crop", f"{name} of face {was.identity} {before:{form}}, now {after:{form}}"


def _digests(was: str, now: str) -> str:
    return f"{was[:8]}, now {now[:8]}"


def _short(sha256: str | None) -> str:
    return "none" if sha256 is None else sha256[:12]
