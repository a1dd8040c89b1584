"""A timeline as SVG: a band from the lowest to the highest, a line through the means."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import NamedTuple

import msgspec

from effectcam.replay.timeline import Stretch, Timeline

WIDTH, LEFT, RIGHT = 960, 64, 12
"""Of the drawing, and what its scales take at either side: the page's script knows them too."""
_TOP, _BOTTOM = 10, 24
_FAR = 3.0
"""As many times what 98 of 100 stretches stay below, and a peak is marked at the edge instead of pressing the
rest flat."""


class Line(NamedTuple):
    """One of a drawing's."""

    name: str
    kind: str
    """Class in the style sheet."""
    timeline: Timeline


def plot(
    label: str,
    lines: Sequence[Line],
    *,
    frames: int,
    worst: Mapping[int, str] | None = None,
    high: int = 96,
) -> str:
    """``lines`` over one scale that begins at 0, or just below them where they stay far from it, and over
    all ``frames`` of the clip. ``worst``: what to say of single frames, which are marked. Empty without a
    line that says anything. The numbers are in the drawing's data, for the page's script."""
    lines = [line for line in lines if len(line.timeline)]
    if not lines:
        return ""
    low, top = _range([stretch for line in lines for stretch in line.timeline])
    tall = high - _BOTTOM

    def x(frame: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * frame / max(1, frames - 1)

    def y(value: float) -> float:
        return tall - (tall - _TOP) * (min(max(value, low), top) - low) / (top - low)

    drawn = []
    for value in _ticks(low, top):
        drawn.append(
            f'<line class="grid" x1="{LEFT}" y1="{y(value):.1f}" x2="{WIDTH - RIGHT}" y2="{y(value):.1f}"/>'
        )
        drawn.append(f'<text class="tick end" x="{LEFT - 8}" y="{y(value) + 4:.1f}">{value:.4g}</text>')
    for frame in (each for each in _ticks(0, max(1, frames - 1), about=8) if each.is_integer()):
        drawn.append(f'<text class="tick middle" x="{x(frame):.1f}" y="{tall + 17}">{frame:g}</text>')
    for line in reversed(lines):
        for run in _runs(line.timeline):
            middle = line.timeline.every / 2 - 0.5
            across = [f"{x(each.first + middle):.1f}" for each in run]
            if any(each.low < each.high for each in run):
                there = [f"{at},{y(each.high):.1f}" for at, each in zip(across, run, strict=True)]
                back = [f"{at},{y(each.low):.1f}" for at, each in zip(across, run, strict=True)]
                drawn.append(f'<polygon class="{line.kind}" points="{" ".join(there + back[::-1])}"/>')
            if len(run) == 1:
                # A line of one point would hardly be seen.
                at = f'cx="{across[0]}" cy="{y(run[0].mean):.1f}"'
                drawn.append(f'<circle class="{line.kind}" {at} r="2.5"/>')
                continue
            points = " ".join(f"{at},{y(each.mean):.1f}" for at, each in zip(across, run, strict=True))
            drawn.append(f'<polyline class="{line.kind}" points="{points}"/>')
    for frame, told in (worst or {}).items():
        drawn.append(
            f'<path class="worst" d="M{x(frame):.1f} {_TOP}l4 -8h-8z"><title>{escape(told)}</title></path>'
        )
    drawn.append(f'<line class="axis" x1="{LEFT}" y1="{tall}" x2="{WIDTH - RIGHT}" y2="{tall}"/>')
    drawn.append(f'<line class="look" x1="0" y1="{_TOP - 8}" x2="0" y2="{tall}"/>')
    data = escape(msgspec.json.encode([_data(line) for line in lines]).decode(), quote=True)
    return (
        f'<svg viewBox="0 0 {WIDTH} {high}" role="img" aria-label="{escape(label, quote=True)}" '
        f'data-frames="{frames}" data-lines="{data}">\n' + "\n".join(drawn) + "\n</svg>"
    )


def _data(line: Line) -> dict[str, object]:
    stretches = list(line.timeline)
    return {
        "name": line.name,
        "every": line.timeline.every,
        "first": [stretch.first for stretch in stretches],
        # What a stretch is remembered for is its peak; where it is a frame, the two are the same.
        "mean": [_short(stretch.mean) for stretch in stretches],
    }


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def _range(stretches: Sequence[Stretch]) -> tuple[float, float]:
    highs = sorted(stretch.high for stretch in stretches)
    low, top = min(stretch.low for stretch in stretches), highs[-1]
    if low == top:
        return 0.0, top or 1.0
    usual = highs[round(0.98 * (len(highs) - 1))]
    if usual > 0 and top > _FAR * usual:
        top = 1.5 * usual
    low = 0.0 if low < 0.6 * top else low - 0.1 * (top - low)
    return low, max(top, low + 1e-9)


def _ticks(low: float, top: float, *, about: int = 3) -> list[float]:
    """
    >>> _ticks(0, 33, about=3), _ticks(93.0, 100.0)
    ([0.0, 20.0], [95.0, 100.0])
    """
    rough = (top - low) / about
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= rough)
    first = math.ceil(low / step - 1e-9)
    return [round(step * number, 9) for number in range(first, math.floor(top / step + 1e-9) + 1)]


def _runs(timeline: Timeline) -> Iterator[list[Stretch]]:
    """Stretches without a gap between them."""
    run: list[Stretch] = []
    for before, stretch in pairwise([None, *timeline]):
        if stretch is None:
            continue
        if before is not None and stretch.first - before.first > timeline.every:
            yield run
            run = []
        run.append(stretch)
    if run:
        yield run
