"""All students of an effect, opened as they will work: the frame's beside the face's stages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from effectcam.effect.manifest import Place
from effectcam.effect.package import Effect
from effectcam.student.accelerator import Wish
from effectcam.student.engine import open_yielding_engine
from effectcam.student.litert import LiteRtStudent
from effectcam.student.protocol import Student
from effectcam.student.threads import choose_fair_share, usable_cores
from effectcam.student.twin import TwinStudent
from effectcam.student.wrapped import Placed


def open_students(
    effect: Effect,
    tier: str,
    *,
    threads: Mapping[Place, int | None],
    wishes: Mapping[Place, Wish],
    beside: bool,
    tell: Callable[[str], None] | None,
    faces: int = 1,
) -> dict[Place, Placed]:
    """One for each place of ``effect``; the caller closes them. ``threads``: None measures, where there are
    two on their fair share of the cores. ``wishes``, ``beside`` and ``tell``: see `Effect.open_student`.
    ``faces``: for more than one a face's student is a `TwinStudent`, on the CPU, with two cores or more and
    no frame's student beside it.

    Raises what that does; what was opened is closed again.
    """
    two = len(effect.places) > 1
    students: dict[Place, Placed] = {}
    try:
        for place in effect.places:
            students[place] = effect.open_student(
                place,
                tier=tier,
                threads=threads[place] or (choose_fair_share if two else None),
                beside=beside or (two and place == "frame"),
                accelerator=wishes[place],
                tell=tell,
            )
        face = students.get("face")
        if faces > 1 and not two and isinstance(face, LiteRtStudent) and usable_cores() > 1:
            students["face"] = TwinStudent(face, _lanes(effect, tier, max(1, face.threads // 2)))
    except BaseException:
        for opened in students.values():
            opened.close()
        raise
    return students


def stay_on_cpu(wishes: dict[Place, Wish], students: Mapping[Place, Student]) -> None:
    """Wish for nothing but the CPU where it is at work: a driver that failed would fail again, and a
    comparison costs cores that may be short later."""
    for place, student in students.items():
        if cast(Placed, student).placement.accelerator == "cpu":
            wishes[place] = "cpu"


def _lanes(effect: Effect, tier: str, threads: int) -> tuple[LiteRtStudent, LiteRtStudent]:
    network = effect.network("face", tier=tier)
    first = network.open(threads, engine=open_yielding_engine)
    try:
        return first, network.open(threads, engine=open_yielding_engine)
    except BaseException:
        first.close()
        raise
