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

_OF_STAGES = frozenset(("slow-stage", "nan"))
_AFTER = 1_000_000
"""Nanoseconds between the stamps of frames that a late one holds up: they come in a burst."""


class PlantedFaults:
    """One run under a script: knows which faults are at work in the frame that is on its way, in every place
    where one can be planted. For one thread of frames."""

    def __init__(self, script: FaultScript) -> None:
        self.script = script
        self._at_work: tuple[Fault, ...] = ()
        self._met: set[Fault] = set()
        """Of those of a stage, the ones to which the latest frame has come."""

    def over(self, clip: Clip) -> FaultyClip:
        """``clip`` as the script has it come. Raises UsageError where the two do not fit."""
        self.script.check_length(clip.frames, clip.path.name)
        self.begin(())
        return FaultyClip(clip, self)

    def begin(self, faults: tuple[Fault, ...]) -> None:
        """The next frame is on its way, with these faults."""
        self._at_work = faults
        self._met = set()

    @property
    def kinds(self) -> tuple[str, ...]:
        """Of the faults at work on the latest frame. Those of a stage are told once it has run: on a frame
        without a face a student that draws faces neither tarries nor fails."""
        return tuple(
            fault.kind for fault in self._at_work if fault.kind not in _OF_STAGES or fault in self._met
        )

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
        for fault in self._at_work:
            if fault.kind == "slow-stage" and fault.stage == stage:
                self._met.add(fault)
                time.sleep(fault.ms / 1000)

    def fails(self) -> bool:
        """Whether the script wants the students to fail."""
        found = [fault for fault in self._at_work if fault.kind == "nan"]
        self._met.update(found)
        return bool(found)


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
        self._planted = planted
        self._pictures = FaultyPictures(clip, planted.script)
        self._count = 0
        self._last: Pixels | None = None
        """What came before."""
        self._sent = 0
        """Its stamp."""
        self._highest = -1
        """Of all stamps so far: after frames out of order not the one before."""
        self._arrivals = self._shuffled()

    @property
    def faults(self) -> tuple[str, ...]:
        """Kinds at work on the latest frame, see `PlantedFaults.kinds`; ``dropped`` where it comes after a
        gap."""
        return self._planted.kinds

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
        self._planted.begin(arrival.faults)
        self.shown_at = arrival.shown_at
        pixels = arrival.frame.pixels
        if self._last is not None and _of_kind(arrival, "repeated") is not None:
            pixels = self._last.copy()
        self._last, self._sent = pixels, self._stamp(arrival)
        frame = Frame(pixels, self._count, self._sent)
        self._count += 1
        return frame

    def _stamp(self, arrival: _Arrival) -> int:
        stamp = arrival.frame.captured_at
        if _of_kind(arrival, "duplicate-stamp") is not None:
            return self._sent
        if _of_kind(arrival, "out-of-order") is None:
            late = sum(fault.ms for fault in arrival.faults if fault.kind == "late")
            stamp += round(late * 1e6)
            if stamp <= self._highest:
                stamp = self._highest + _AFTER
        self._highest = max(self._highest, stamp)
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
        for frame in self.clip:
            faults = self._planted.script.at(frame.index)
            gap = tuple(fault for fault in faults if fault.kind == "dropped")
            if gap:
                dropped = gap
                continue
            pixels = self._pictures(frame, faults)
            yield _Arrival(replace(frame, pixels=pixels), (*dropped, *faults), frame.captured_at)
            dropped = ()
        self._tell_of_the_rest(self.clip.frames or 0)

    def _tell_of_the_rest(self, frames: int) -> None:
        """Not every container knows beforehand how many frames it has."""
        for fault in self._planted.script.faults:
            if fault.last >= frames:
                what = "this never came" if fault.first >= frames else "this was not done to its end"
                self.warnings.append(f"{self.path}: has {frames} frames, so {what}: {fault}")

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
        if self._planted.fails():
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
