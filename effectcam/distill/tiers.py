"""Students of one effect for slower and faster machines, made out of the one that its recipe describes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

from effectcam.distill.recipe import Recipe, StudentRecipe
from effectcam.effect.manifest import TierName

TIERS: tuple[TierName, ...] = get_args(TierName)

LITE_SCALE = 5 / 8
"""Pixels along a side of the lite student over those of the standard one. With a single block at half
size it computes a third; what a face loses is sharpness, and the camera's own detail hides part of that."""
LITE_TIME, HIGH_TIME = 0.3, 0.5
"""Training minutes over the standard student's: both begin as what that one knows."""


def at_tier(recipe: Recipe, tier: TierName) -> Recipe:
    """The recipe with its students as they are in ``tier``; ``standard`` is the recipe itself.

    ``lite`` draws smaller and has less depth at half size, the dearest level, and at the coarsest, the
    heaviest; ``high`` has one block more on every level. What a student remembers of places on the face it
    remembers at its own size.
    """
    return replace(recipe, students={space: _student(one, tier) for space, one in recipe.students.items()})


def tier_run(work: Path, space: str, tier: TierName) -> Path:
    """Where the training of a tier's student is kept."""
    return work / space / ("run" if tier == "standard" else tier)


def trained_tiers(recipe: Recipe, work: Path) -> list[TierName]:
    """Those of which all students have been trained in ``work``, lite first."""
    return [
        tier
        for tier in TIERS
        if all((tier_run(work, space, tier) / "student.pt").is_file() for space in recipe.students)
    ]


def _student(student: StudentRecipe, tier: TierName) -> StudentRecipe:
    net = student.net
    if tier == "lite":
        height, width = (32 * round(side * LITE_SCALE / 32) for side in student.size)
        # Blocks beyond the depth at 1/16 and 1/32 are half of a file, and see less in a smaller picture.
        net = replace(net, fine_depth=1, coarse_depth=None, position=height if net.position else 0)
        return replace(student, size=(height, width), net=net, minutes=LITE_TIME * student.minutes)
    if tier == "high":
        fine, coarse = net.fine_depth or net.depth, net.coarse_depth or net.depth
        net = replace(net, depth=net.depth + 1, fine_depth=fine + 1, coarse_depth=coarse + 1)
        return replace(student, net=net, minutes=HIGH_TIME * student.minutes)
    return student
