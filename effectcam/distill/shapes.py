"""The students that a search may choose from: how wide, how deep and how large."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import torch

from effectcam.distill.net import NetConfig, Student
from effectcam.distill.recipe import StudentRecipe
from effectcam.effect.manifest import Place
from effectcam.errors import UsageError

WIDTHS = (0.5, 0.75, 1.0, 1.25)
"""Channels over those of the recipe, on all levels alike, in whole fours."""
EXPANSIONS = (2, 3, 4)
DEPTHS = (1, 2, 3)
MORE_COARSE = (0, 1, 2)
"""Blocks a level at 1/16 and 1/32 beyond the depth; they cost next to nothing."""
SIDES = {"face": (192, 224, 256), "frame": (224, 256, 288)}
"""Heights tried where nobody says which."""


@dataclass(frozen=True)
class Shape:
    """One student before it has learnt anything."""

    size: tuple[int, int]
    """(height, width) that it draws at."""
    net: NetConfig

    @property
    def name(self) -> str:
        """Tells it from all others of a search, and serves as the name of its folder."""
        net = self.net
        return (
            f"{self.size[0]}-w{net.widths[0]}-{net.widths[-1]}-e{net.expansion}"
            f"-d{net.depth}-f{net.fine_depth}-c{net.coarse_depth}"
        )

    def weights(self) -> int:
        return sum(parameter.numel() for parameter in Student(self.net).parameters())

    def multiply_adds(self) -> int:
        """Of one picture, in the convolutions, which are all but a few per cent of a student. Counted by
        hand, as `Student` is built: hundreds are compared before one is made."""
        net, widths = self.net, self.net.widths
        places = [self.size[0] * self.size[1] >> 2 * (level + 1) for level in range(len(widths))]
        coarse, fine = net.coarse_depth or net.depth, net.fine_depth or net.depth
        depths = [fine, *[net.depth] * (len(widths) - 3), coarse, coarse]

        def block(inputs: int, outputs: int, before: int, after: int) -> int:
            return inputs * net.expansion * (inputs * before + (9 + outputs) * after)

        # Stem, head, and the picture's own way into the head's blocks.
        total = places[0] * (27 * widths[0] + 4 * net.channels * (9 * widths[0] + 12))
        for level, ((a, b), (before, after)) in enumerate(
            zip(pairwise(widths), pairwise(places), strict=True)
        ):
            down, up = depths[level + 1], depths[level]
            total += block(a, b, before, after) + (down - 1) * block(b, b, after, after)
            total += a * b * after + up * block(a, a, before, before)
        return total

    def toml(self, place: Place) -> str:
        """The lines of a recipe that make this student."""
        net = self.net
        lines = [f"[students.{place}]", f"size = {json.dumps(self.size)}", "", f"[students.{place}.net]"]
        if net.alpha:
            lines.append("alpha = true")
        if net.position:
            lines.append(f"position = {net.position}")
        if net.recurrent:
            lines.append("recurrent = true")
        lines += [
            f"widths = {json.dumps(net.widths)}",
            f"expansion = {net.expansion}",
            f"depth = {net.depth}",
            f"fine_depth = {net.fine_depth}",
            f"coarse_depth = {net.coarse_depth}",
        ]
        return "\n".join(lines)


def own_shape(student: StudentRecipe) -> Shape:
    """The one that the recipe asks for, with nothing left to defaults."""
    net = student.net
    fine, coarse = net.fine_depth or net.depth, net.coarse_depth or net.depth
    return Shape(student.size, replace(net, fine_depth=fine, coarse_depth=coarse))


def shapes(student: StudentRecipe, heights: Sequence[int], *, seed: int, most: int = 256) -> list[Shape]:
    """The recipe's own, then others in an order of which every beginning is well spread (Sobol 1967;
    scrambled by ``seed``). ``heights`` in pixels; widths keep the recipe's proportions.

    What a face remembers of places is kept at each size; what is not searched (alpha) is the recipe's.
    Raises UsageError for heights that a student cannot have.
    """
    for height in heights:
        if height % 32 or not 64 <= height <= 1024:
            raise UsageError(f"a student cannot be {height} pixels high: choose multiples of 32, 64 to 1024")
    own = own_shape(student)
    return list(dict.fromkeys([own, *_spread(student, tuple(dict.fromkeys(heights)), seed, most)]))


def _spread(student: StudentRecipe, heights: tuple[int, ...], seed: int, most: int) -> Iterator[Shape]:
    sobol = torch.quasirandom.SobolEngine(6, scramble=True, seed=seed)  # type: ignore[no-untyped-call]
    rows = sobol.draw(most).tolist()
    axes = (heights, WIDTHS, EXPANSIONS, DEPTHS, MORE_COARSE, (False, True))
    for row in rows:
        height, width, expansion, depth, more, fine = (
            axis[int(share * len(axis))] for axis, share in zip(axes, row, strict=True)
        )
        across = 32 * round(height * student.size[1] / student.size[0] / 32)
        net = replace(
            student.net,
            widths=tuple(max(8, 4 * round(channels * width / 4)) for channels in student.net.widths),
            expansion=int(expansion),
            depth=int(depth),
            fine_depth=int(depth) if fine else 1,
            coarse_depth=int(depth + more),
            position=int(height) if student.net.position else 0,
        )
        yield Shape((int(height), across), net)
