"""A clip with faults planted, and a pipeline whose students and mesh have theirs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from effectcam.effect.manifest import Place
from effectcam.effect.package import Effect
from effectcam.errors import StudentError
from effectcam.face.mesh import FaceMesh, FaceObservation, FaceTracker
from effectcam.frame import Frame, Pixels
from effectcam.pipeline import Pipeline
from effectcam.replay.fault_pictures import FaultyPictures
from effectcam.replay.faults import Fault, FaultScript
from effectcam.source.clip import Clip
from effectcam.student.choice import PlacedStudent
from effectcam.student.wrapped import WrappedStudent

_AFTER = 1_000_000
"""Nanoseconds between the stamps of frames that a late one holds up: they come in a burst."""


class PlantedFaults:
    """One run under a script: knows which faults are at work in the frame that is on its way, in every place
    where one can be planted. For one thread of frames."""

    def __init__(self, script: FaultScript) -> None:
        self.script = script
        self.at_work: tuple[Fault, ...] = ()
        """On the latest frame of the clip under it."""

    def over(self, clip: Clip) -> FaultyClip:
        """``clip`` as the script has it come. Raises UsageError where the two do not fit."""
        self.script.check_length(clip.frames, clip.path.name)
        self.at_work = ()
        return FaultyClip(clip, self)

    def pipeline(self, effect: Effect, *, max_faces: int = 1, **settings: Any) -> Pipeline:
        """A pipeline whose mesh and students fail and tarry as the script says; ``settings`` are those of
        `Pipeline`, and so is what it raises."""
        mesh = settings.pop("mesh", None)
        if mesh is None and "face" in effect.places:
            mesh = FaceMesh(max_faces)
        pipeline = Pipeline(
            effect, max_faces=max_faces, mesh=None if mesh is None else _FaultyMesh(mesh, self), **settings
        )
        try:
            students = pipeline.open_tier(pipeline.tier)
        except BaseException:
            pipeline.close()
            raise
        faulty: dict[Place, Any] = {
            place: _FaultyStudent(cast(PlacedStudent, each), self) for place, each in students.items()
        }
        pipeline.change_tier(pipeline.tier, faulty)
        return pipeline

    def tarry(self, stage: str) -> None:
        """Sleep where the script wants this stage to be slow."""
        for fault in self.at_work:
            if fault.kind == "slow-stage" and fault.stage == stage:
                time.sleep(fault.ms / 1000)

    def has(self, kind: str) -> bool:
        """Whether such a fault is at work on the latest frame."""
        return any(fault.kind == kind for fault in self.at_work)


@dataclass(slots=True)
class _Arrival:
    """A frame as it comes in, and what is wrong with it."""

    frame: Frame
    """``index`` is still the clip's."""
    faults: tuple[Fault, ...]
    shown_at: int


class FaultyClip:
    """Frames of a clip as a script has them come: some missing, some twice, some in another order or with
    another stamp. Their ``index`` counts what comes; all else is as with `Clip`, whose errors it raises, and
    `FaultyPictures`'s.

    ``shown_at`` is the stamp, in nanoseconds of the clip's own time, of the place that the latest frame
    takes; unlike ``captured_at`` it rises strictly and is one of the clip's, so that a file can be written
    by it.
    """

    def __init__(self, clip: Clip, planted: PlantedFaults) -> None:
        """Closes ``clip`` when it is closed."""
        self.clip = clip
        self.shown_at = 0
        self.faults: tuple[str, ...] = ()
        """Kinds at work on the latest frame, ``dropped`` where it comes after a gap."""
        self._planted = planted
        self._pictures = FaultyPictures(clip, planted.script)
        self._count = 0
        self._last_stamp = -1
        self._arrivals = self._shuffled()

    @property
    def script(self) -> str:
        """SHA-256 of the script."""
        return self._planted.script.sha256

    @property
    def path(self) -> Path:
        return self.clip.path

    @property
    def width(self) -> int:
        return self.clip.width

    @property
    def height(self) -> int:
        return self.clip.height

    @property
    def fps(self) -> float:
        return self.clip.fps

    @property
    def frames(self) -> int | None:
        """How many come: exact once all have."""
        return self._count if self.clip.finished else self.clip.frames

    @property
    def warnings(self) -> list[str]:
        return self.clip.warnings

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        arrival = next(self._arrivals)
        self._planted.at_work = arrival.faults
        self.faults = tuple(fault.kind for fault in arrival.faults)
        self.shown_at = arrival.shown_at
        frame = Frame(arrival.frame.pixels, self._count, self._stamp(arrival))
        self._count += 1
        return frame

    def _stamp(self, arrival: _Arrival) -> int:
        own, kinds = arrival.frame.captured_at, self.faults
        if "duplicate-stamp" in kinds:
            return max(self._last_stamp, 0)
        if "out-of-order" in kinds:
            self._last_stamp = max(self._last_stamp, own)
            return own
        late = sum(fault.ms for fault in arrival.faults if fault.kind == "late")
        stamp = own + round(late * 1e6)
        if stamp <= self._last_stamp:
            stamp = self._last_stamp + _AFTER
        self._last_stamp = stamp
        return stamp

    def _shuffled(self) -> Iterator[_Arrival]:
        """The frames that come, those out of order from the last to the first."""
        waiting: list[_Arrival] = []
        for arrival in self._drawn():
            fault = _of_kind(arrival, "out-of-order")
            if waiting and (fault is None or fault is not _of_kind(waiting[0], "out-of-order")):
                yield from _reversed(waiting)
                waiting = []
            if fault is None:
                yield arrival
            else:
                waiting.append(arrival)
        yield from _reversed(waiting)

    def _drawn(self) -> Iterator[_Arrival]:
        """The frames that are not dropped, with their pictures."""
        dropped: tuple[Fault, ...] = ()
        last: Pixels | None = None
        for frame in self.clip:
            faults = self._planted.script.at(frame.index)
            gap = tuple(fault for fault in faults if fault.kind == "dropped")
            if gap:
                dropped = gap
                continue
            pixels = self._pictures(frame, faults)
            if last is not None and any(fault.kind == "repeated" for fault in faults):
                pixels = last.copy()
            last = pixels
            shown_at = frame.captured_at
            yield _Arrival(replace(frame, pixels=pixels), (*dropped, *faults), shown_at)
            dropped = ()
        self._tell_of_the_rest(self.clip.frames or 0)

    def _tell_of_the_rest(self, frames: int) -> None:
        """Not every container knows beforehand how many frames it has."""
        for fault in self._planted.script.faults:
            if fault.first >= frames:
                self.warnings.append(f"{self.path}: has {frames} frames, so this never came: {fault}")

    def close(self) -> None:
        self._pictures.close()
        self.clip.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _of_kind(arrival: _Arrival, kind: str) -> Fault | None:
    return next((fault for fault in arrival.faults if fault.kind == kind), None)


def _reversed(waiting: list[_Arrival]) -> Iterator[_Arrival]:
    """The pictures, stamps and faults from the last to the first, in the places that they have."""
    places = [arrival.shown_at for arrival in waiting]
    for place, arrival in zip(places, reversed(waiting), strict=True):
        yield replace(arrival, shown_at=place)


class _FaultyStudent(WrappedStudent[PlacedStudent]):
    """A student that tarries or fails as the script says, and is the one that it stands for otherwise."""

    def __init__(self, student: PlacedStudent, planted: PlantedFaults) -> None:
        super().__init__(student)
        self._planted = planted

    def run(self, image: Pixels) -> Pixels:
        self._planted.tarry("student")
        if self._planted.has("nan"):
            # What a student makes of a network's NaN; its own numbers are bytes, which hold none.
            raise StudentError("the student returned NaN, as the faults have it; go on with the next frame")
        return super().run(image)


class _FaultyMesh:
    """The same for what finds the faces."""

    def __init__(self, mesh: FaceTracker, planted: PlantedFaults) -> None:
        self._mesh = mesh
        self._planted = planted

    def process(self, frame: Frame) -> list[FaceObservation]:
        self._planted.tarry("mesh")
        return self._mesh.process(frame)

    def reset(self) -> None:
        self._mesh.reset()

    def close(self) -> None:
        self._mesh.close()
