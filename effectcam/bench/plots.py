"""The plots of the page, as SVG without a script: each a function from numbers to a drawing.

Colours are classes that the page's style sheet knows, so that a drawing follows light and dark. Texts are
escaped here: a report may come from a stranger.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from html import escape
from itertools import pairwise

import numpy as np

from effectcam.bench.report import Percentiles, Window
from effectcam.bench.series import DEADLINES_MS, Times

Scale = Callable[[float], float]
"""From a value to its place in the drawing."""

_WIDTH = 960
_LEFT, _RIGHT = 68, 28
_MOST_POINTS = 1200
"""Of a line over time."""
_COLUMNS = 480
"""Of a longer run: the frames of one are a stroke from the fastest to the slowest."""
_BINS = 48


def stage_bars(stages: dict[str, Percentiles]) -> str:
    """A bar for each stage: its p50, its p95 and its p99 behind one another."""
    row, left, right = 34, 96, 190
    span = _WIDTH - left - right
    most = max(times.p99 for times in stages.values()) or 1.0
    drawn = []
    for place, (stage, times) in enumerate(stages.items()):
        y = place * row + 4
        drawn.append(_text(left - 12, y + 18, stage, "label end"))
        for name in ("p99", "p95", "p50"):
            value = getattr(times, name)
            drawn.append(
                _rect(
                    left,
                    y,
                    span * value / most,
                    row - 10,
                    f"bar {stage} {name}",
                    f"{stage} {name}: {value:.2f} ms",
                )
            )
        told = f"{times.p50:.1f}  /  {times.p95:.1f}  /  {times.p99:.1f}"
        drawn.append(_text(left + span + 12, y + 17, told, "value"))
    return _svg(_WIDTH, len(stages) * row + 4, drawn, "stage times: p50, p95 and p99")


def over_time(done_s: Times, chain_ms: Times) -> str:
    """The time of each frame where it stands in the run; a few that are far beyond the rest are marked at
    the top, so that the rest can be seen."""
    height, bottom = 260, 26
    top_ms = _top(chain_ms)
    seconds = float(done_s[-1]) or 1.0
    span, tall = _WIDTH - _LEFT - _RIGHT, height - bottom

    def x(second: float) -> float:
        return _LEFT + span * second / seconds

    def y(ms: float) -> float:
        return tall - (tall - 12) * min(ms, top_ms) / top_ms

    drawn = [*_grid_y(top_ms, y, "ms"), *_axis_x(seconds, x, tall), *_deadlines_y(top_ms, y)]
    if len(chain_ms) <= _MOST_POINTS:
        points = " ".join(f"{x(at):.1f},{y(ms):.1f}" for at, ms in zip(done_s, chain_ms, strict=True))
        drawn.append(f'<polyline class="trace" points="{points}"/>')
    else:
        columns = np.minimum((done_s / seconds * _COLUMNS).astype(int), _COLUMNS - 1)
        for column in range(_COLUMNS):
            inside = chain_ms[columns == column]
            if inside.size:
                middle = _LEFT + span * (column + 0.5) / _COLUMNS
                low, median, high = float(inside.min()), float(np.median(inside)), float(inside.max())
                drawn.append(_line(middle, y(low), middle, y(high), "spread"))
                drawn.append(_line(middle - 1, y(median), middle + 1, y(median), "median"))
    for at, ms in zip(done_s[chain_ms > top_ms], chain_ms[chain_ms > top_ms], strict=True):
        drawn.append(
            f'<path class="beyond" d="M{x(at):.1f} 2l4 7h-8z"><title>{ms:.1f} ms at {at:.2f} s</title></path>'
        )
    return _svg(_WIDTH, height, drawn, "chain time of each frame over the run")


def histogram(chain_ms: Times) -> str:
    """How many frames took how long, with the deadlines; the last bar takes in all that is beyond."""
    height, bottom = 240, 40
    top_ms = _top(chain_ms)
    step = next(
        step
        for step in (0.1, 0.2, 0.25, 0.5, 1, 2, 2.5, 5, 10, 20, 25, 50, 100, 1e9)
        if top_ms / step <= _BINS
    )
    edges = np.arange(0, top_ms + step, step)
    counts = np.histogram(np.minimum(chain_ms, edges[-1] - step / 2), edges)[0]
    span, tall = _WIDTH - _LEFT - _RIGHT, height - bottom
    most = float(counts.max()) / len(chain_ms) * 100

    def x(ms: float) -> float:
        return _LEFT + span * ms / float(edges[-1])

    def y(percent: float) -> float:
        return tall - (tall - 22) * percent / most

    drawn = _grid_y(most, y, "%")
    for (low, high), count in zip(pairwise(edges), counts, strict=True):
        if not count:
            continue
        percent = 100 * count / len(chain_ms)
        last = high == edges[-1] and bool((chain_ms > high).any())
        told = f"{low:g} ms and more" if last else f"{low:g} to {high:g} ms"
        middle = (low + high) / 2
        within = "in" if middle <= DEADLINES_MS[1] else "near" if middle <= DEADLINES_MS[0] else "out"
        drawn.append(
            _rect(
                x(low) + 0.5,
                y(percent),
                x(high) - x(low) - 1,
                tall - y(percent),
                f"bin {within}",
                f"{told}: {count}",
            )
        )
    drawn.append(_line(_LEFT, tall, _WIDTH - _RIGHT, tall, "axis"))
    drawn += [_text(x(ms), tall + 16, f"{ms:g}", "tick middle") for ms in _ticks(float(edges[-1]), 10)]
    drawn.append(_text(_WIDTH - _RIGHT, tall + 32, "chain time, ms", "tick end"))
    for deadline in DEADLINES_MS:
        if deadline < edges[-1]:
            drawn.append(_line(x(deadline), 6, x(deadline), tall, "deadline"))
            if _apart(x, deadline, 60):
                drawn.append(_text(x(deadline) + 5, 15, f"{deadline:g} ms", "deadline-text"))
    return _svg(_WIDTH, height, drawn, "histogram of the chain times")


def over_windows(windows: Sequence[Window]) -> str:
    """p50, p95 and p99 of each stretch of the run: a machine that grows warm shows here."""
    told = [(window, window.chain_ms) for window in windows if window.chain_ms is not None]
    height, bottom = 220, 26
    end = windows[-1].start_s + windows[-1].seconds
    top_ms = 1.08 * max(times.p99 for _, times in told)
    span, tall = _WIDTH - _LEFT - _RIGHT, height - bottom

    def x(second: float) -> float:
        return _LEFT + span * second / end

    def y(ms: float) -> float:
        return tall - (tall - 12) * ms / top_ms

    drawn = [*_grid_y(top_ms, y, "ms"), *_axis_x(end, x, tall), *_deadlines_y(top_ms, y)]
    lowest = 0.0
    for name in ("p99", "p95", "p50"):
        dots = [(x(window.start_s + window.seconds / 2), y(getattr(times, name))) for window, times in told]
        drawn.append(
            f'<polyline class="line {name}" points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in dots)}"/>'
        )
        for (across, down), (window, times) in zip(dots, told, strict=True):
            title = f"{name} {getattr(times, name):.1f} ms, {window.fps:.1f} fps, {window.memory_mb:.0f} MB"
            drawn.append(
                f'<circle class="dot {name}" cx="{across:.1f}" cy="{down:.1f}" r="3">'
                f"<title>{title}</title></circle>"
            )
        # Names of lines that meet stand below one another.
        lowest = max(lowest + 13, dots[-1][1] + 4)
        drawn.append(_text(dots[-1][0] + 8, lowest, name, f"name {name}"))
    return _svg(_WIDTH, height, drawn, "percentiles of the chain by window")


def parts_bar(parts: Iterable[tuple[str, str, float]]) -> str:
    """One bar of (class, name, milliseconds) after one another, with their names below."""
    shown = [(kind, name, ms) for kind, name, ms in parts if ms > 0]
    total = sum(ms for _, _, ms in shown) or 1.0
    drawn, at, across = [], 0.0, 0.0
    for kind, name, ms in shown:
        width = _WIDTH * ms / total
        drawn.append(_rect(at, 0, max(1.0, width - 2), 30, kind, f"{name}: {ms:.0f} ms"))
        at += width
        label = f"{name} {ms:.0f} ms"
        drawn.append(_rect(across, 46, 10, 10, kind, ""))
        drawn.append(_text(across + 16, 55, label, "value"))
        across += 34 + 7.2 * len(label)
    return _svg(_WIDTH, 62, drawn, "parts of the cold start")


def _top(chain_ms: Times) -> float:
    """Of the scale: what nearly all frames stay below, and at least the usual deadline beside them."""
    usual = float(np.percentile(chain_ms, 99.5))
    highest = float(chain_ms.max())
    top = highest if highest < 1.6 * usual else 1.3 * usual
    near = [deadline for deadline in DEADLINES_MS if top < deadline < 3 * top]
    return 1.06 * max([top, *near[-1:]])


def _ticks(most: float, about: int) -> list[float]:
    """
    >>> _ticks(33.0, 4)
    [0.0, 10.0, 20.0, 30.0]
    """
    rough = most / about
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= rough)
    return [round(step * number, 6) for number in range(math.floor(most / step) + 1)]


def _grid_y(most: float, y: Scale, unit: str) -> list[str]:
    drawn = []
    for value in _ticks(most, 5):
        drawn.append(_line(_LEFT, y(value), _WIDTH - _RIGHT, y(value), "grid"))
        drawn.append(_text(_LEFT - 8, y(value) + 4, f"{value:g}" + (f" {unit}" if value else ""), "tick end"))
    return drawn


def _axis_x(seconds: float, x: Scale, tall: float) -> list[str]:
    unit, scale = ("min", 60.0) if seconds >= 180 else ("s", 1.0)
    return [
        _text(x(value * scale), tall + 18, f"{value:g} {unit}", "tick middle")
        for value in _ticks(seconds / scale, 10)
    ]


def _deadlines_y(top_ms: float, y: Scale) -> list[str]:
    drawn = []
    for deadline in DEADLINES_MS:
        if deadline < top_ms:
            drawn.append(_line(_LEFT, y(deadline), _WIDTH - _RIGHT, y(deadline), "deadline"))
            if _apart(y, deadline, 16):
                place = y(deadline) - 4
                drawn.append(_text(_WIDTH - _RIGHT, place, f"{deadline:g} ms", "deadline-text end"))
    return drawn


def _apart(place: Scale, deadline: float, least: float) -> bool:
    """Whether there is room for a deadline's name: of two that stand close together the later is named."""
    return deadline == max(DEADLINES_MS) or abs(place(max(DEADLINES_MS)) - place(deadline)) >= least


def _svg(width: float, height: float, drawn: Iterable[str], label: str) -> str:
    inside = "\n".join(drawn)
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(label)}">\n{inside}\n</svg>'
    )


def _rect(x: float, y: float, width: float, height: float, kind: str, title: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" width="{max(0.0, width):.1f}" height="{height:.1f}"'
    shape = f'<rect class="{escape(kind)}" {place} rx="2"'
    return f"{shape}><title>{escape(title)}</title></rect>" if title else f"{shape}/>"


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, content: str, kind: str) -> str:
    return f'<text class="{escape(kind)}" x="{x:.1f}" y="{y:.1f}">{escape(content)}</text>'
