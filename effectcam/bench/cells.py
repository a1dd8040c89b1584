"""The cells of a matrix: each effect at each tier, on each accelerator, with each number of threads, at each
size."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

from effectcam.effect.package import Effect
from effectcam.student.accelerator import Wish

PROGRAM = (sys.executable, "-m", "effectcam.bench.worker")
"""Starts a worker of this installation."""


def program_of(python: str) -> tuple[str, ...]:
    """Starts a worker of another installation, that of the interpreter ``python``: not what lies in the
    current folder or on PYTHONPATH, where ``-m`` would look first."""
    return (python, "-E", "-P", "-m", "effectcam.bench.worker")


# Not compared by value: an effect has none that can be hashed.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cell:
    """One thing to measure."""

    name: str
    """Of its folder, unlike every other cell's."""
    label: str
    """The effect's name, with a number where several have that name."""
    effect: Effect
    tier: str
    accelerator: Wish
    threads: int | None
    """Of each student; None measures."""
    size: tuple[int, int]
    """Width and height of the frames."""
    program: Sequence[str] = PROGRAM
    """Starts its worker."""
    other: bool = False
    """Of another installation of effectcam."""


def cells_of(
    effects: Sequence[Effect],
    tiers: Iterable[str],
    accelerators: Iterable[Wish],
    threads: Iterable[int | None],
    sizes: Iterable[tuple[int, int]],
    *,
    other: str | None = None,
) -> list[Cell]:
    """All combinations, in the order given. ``other``: the Python of another installation, in which each is
    measured too."""
    programs: list[tuple[str, ...]] = [PROGRAM] if other is None else [PROGRAM, program_of(other)]
    labelled = zip(effects, _labels(effects), strict=True)
    made = []
    for (effect, label), tier, accelerator, count, size, program in product(
        labelled, tiers, accelerators, threads, sizes, programs
    ):
        parts = [label, tier, accelerator, f"{size[0]}x{size[1]}"]
        parts += [] if count is None else [f"{count}t"]
        parts += [] if program is PROGRAM else ["other"]
        made.append(
            Cell(
                name="-".join(parts),
                label=label,
                effect=effect,
                tier=tier,
                accelerator=accelerator,
                threads=count,
                size=size,
                program=program,
                other=program is not PROGRAM,
            )
        )
    return list({cell.name: cell for cell in made}.values())


def _labels(effects: Sequence[Effect]) -> list[str]:
    """Their names; where one is taken already, with a number behind it."""
    labels: list[str] = []
    for effect in effects:
        label, number = effect.name, 2
        while label in labels:
            label, number = f"{effect.name}-{number}", number + 1
        labels.append(label)
    return labels
