"""All students of an effect, opened as they will work: the frame's beside the face's stages."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from effectcam.effect.manifest import Place
from effectcam.effect.package import Effect
from effectcam.student.accelerator import Wish
from effectcam.student.choice import PlacedStudent
from effectcam.student.threads import choose_fair_share


def open_students(
    effect: Effect,
    tier: str,
    *,
    threads: Mapping[Place, int | None],
    wishes: Mapping[Place, Wish],
    beside: bool,
    tell: Callable[[str], None] | None,
) -> dict[Place, PlacedStudent]:
    """One for each place of ``effect``; the caller closes them. ``threads``: None measures, where there are
    two on their fair share of the cores. ``wishes``, ``beside`` and ``tell``: see `Effect.open_student`.

    Raises what that does; what was opened is closed again.
    """
    two = len(effect.places) > 1
    students: dict[Place, PlacedStudent] = {}
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
    except BaseException:
        for opened in students.values():
            opened.close()
        raise
    return students
