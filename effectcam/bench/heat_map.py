"""A matrix as one HTML file that needs nothing else: heat maps of median and tail, and all figures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise

from effectcam.bench import words
from effectcam.bench.figures import COLUMNS, OF_THE_FIRST, Figures, common_line, told
from effectcam.bench.page import card, document, facts_card
from effectcam.bench.report import Report

Colour = tuple[int, int, int]

_COLOURS: tuple[tuple[float, Colour], ...] = (
    (8.3, (1, 102, 94)),
    (16.7, (90, 180, 172)),
    (33.3, (246, 232, 195)),
    (66.7, (191, 129, 45)),
    (133.3, (84, 48, 5)),
)
"""Milliseconds and the colour there: blue-green keeps 30 frames a second, brown does not. Also people who do
not tell red from green see these apart (ColorBrewer's BrBG)."""


def matrix_page(figures: Sequence[Figures], report: Report) -> str:
    """The page. ``report`` is any of the cells', for what all have in common. All text is escaped."""
    title = f"{words.counted(len(figures), 'cell')} on {report.device.cpu}"
    return document(title, common_line(figures, report), "\n".join(_sections(figures)), report)


def _sections(figures: Sequence[Figures]) -> Iterator[str]:
    yield card(
        "Median",
        "Milliseconds of the chain. Light: a frame's time at 30 frames a second; blue-green is faster.",
        _map(figures, "p50_ms"),
    )
    yield card("Tail", "p99 of the chain: one frame in a hundred takes longer.", _map(figures, "p99_ms"))
    yield card("All figures", OF_THE_FIRST, _table(figures))
    refused = [(each.cell, each.refused) for each in figures if each.refused]
    if refused:
        yield facts_card("Could not run", refused)


def _map(figures: Sequence[Figures], what: str) -> str:
    """Effects and tiers down, sizes, accelerators and threads across."""
    cells = {(_down(each), _across(each)): each for each in figures}
    rows, columns = dict.fromkeys(row for row, _ in cells), dict.fromkeys(column for _, column in cells)
    head = "".join(f"<th>{'<br>'.join(map(escape, column))}</th>" for column in columns)
    drawn = [f"<tr><th></th>{head}</tr>"]
    for row in rows:
        inside = "".join(_cell(cells.get((row, column)), what) for column in columns)
        drawn.append(f"<tr><th>{escape(row)}</th>{inside}</tr>")
    return f'<table class="heat">{"".join(drawn)}</table>'


def _down(cell: Figures) -> str:
    where = "" if cell.installation == "this" else ", other installation"
    return f"{cell.effect} {cell.tier}{where}"


def _across(cell: Figures) -> tuple[str, str, str]:
    threads = "threads measured" if cell.threads is None else words.counted(cell.threads, "thread")
    return f"{cell.width}x{cell.height}", cell.accelerator, threads


def _cell(cell: Figures | None, what: str) -> str:
    if cell is None:
        return "<td></td>"
    ms: float | None = getattr(cell, what)
    if ms is None:
        return f'<td class="refused" title="{escape(cell.refused)}">did not run</td>'
    colour = colour_of(ms)
    ink = "#000" if _lightness(colour) > 0.45 else "#fff"
    style = f"background:rgb{colour};color:{ink}".replace(" ", "")
    title = f"{cell.cell}: p50 {cell.p50_ms:.1f} ms, p99 {cell.p99_ms:.1f} ms, {cell.fps:.1f} frames a second"
    return f'<td style="{style}" title="{escape(title)}">{ms:.1f}</td>'


def colour_of(ms: float) -> Colour:
    """
    >>> colour_of(16.7), colour_of(1.0), colour_of(1000.0)
    ((90, 180, 172), (1, 102, 94), (84, 48, 5))
    """
    for (low, before), (high, after) in pairwise(_COLOURS):
        if ms <= high:
            share = max(0.0, math.log(ms / low) / math.log(high / low))
            red, green, blue = (round(a + share * (b - a)) for a, b in zip(before, after, strict=True))
            return red, green, blue
    return _COLOURS[-1][1]


def _lightness(colour: Colour) -> float:
    return (0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2]) / 255


def _table(figures: Sequence[Figures]) -> str:
    head = "".join(
        f"<th{'' if number < 1 else ' class=n'}>{escape(name)}</th>" for number, name in enumerate(COLUMNS)
    )
    rows = []
    for each in figures:
        first, *others = told(each)
        rows.append(
            f"<tr><td>{escape(first)}</td>{''.join(f'<td class=n>{escape(o)}</td>' for o in others)}</tr>"
        )
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>"
