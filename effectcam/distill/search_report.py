"""What a search found, to keep and to look at: ``search.json`` and a plot of quality over time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from effectcam.distill.search import Candidate, Search

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SCHEMA: Final = "effectcam.search/1"

_INK, _FAINT, _CHOSEN = "#333333", "#bbbbbb", "#c8553d"
_SIZES = ("#8ab6d6", "#2f6fab", "#173f6b", "#0b1f38")
"""Of points, from the smallest students to the largest."""


def write_report(search: Search, title: str) -> list[Path]:
    """Write ``search.json``, ``search.png`` and ``search.svg`` into the search's folder."""
    candidates = search.candidates()
    report = {
        "schema": SCHEMA,
        "title": title,
        "budget_ms": search.budget_ms,
        "settings": search.settings,
        "own": search.own.name,
        "students": [candidate.row() for candidate in candidates],
    }
    paths = [search.folder / f"search.{kind}" for kind in ("json", "png", "svg")]
    paths[0].write_text(json.dumps(report, indent=1), encoding="utf-8")
    draw(candidates, search.budget_ms, search.own.name, title, paths[1:])
    return paths


def draw(
    candidates: Sequence[Candidate], budget_ms: float, own: str, title: str, paths: Sequence[Path]
) -> None:
    """Plot those that were trained: their front as a line, the budget, the chosen one and the ``own`` one
    of the recipe, by name. One file for each of ``paths``, of the kind that it ends in."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.6), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    _draw(axes, candidates, budget_ms, own)
    axes.set_title(title, fontsize=10)
    # The same search gives the same file.
    with rc_context({"svg.hashsalt": SCHEMA}):
        for path in paths:
            figure.savefig(path, metadata={"Date" if path.suffix == ".svg" else "Software": None})


def _draw(axes: Axes, candidates: Sequence[Candidate], budget_ms: float, own: str) -> None:
    trained = [(c, c.ms, c.gap_closed) for c in candidates if c.gap_closed is not None]
    heights = sorted({c.shape.size[0] for c, *_ in trained})
    for number, height in enumerate(heights):
        here = [(ms, gap) for c, ms, gap in trained if c.shape.size[0] == height]
        colour = _SIZES[number % len(_SIZES)]
        x, y = zip(*here, strict=True)
        axes.scatter(x, y, s=42, color=colour, zorder=3, label=f"{height} pixels high")
    line = [(ms, gap) for c, ms, gap in trained if c.front]
    if line:
        x, y = zip(*line, strict=True)
        axes.step(x, y, where="post", color=_INK, lw=1.2, zorder=2, label="front")
    axes.axvline(budget_ms, color=_CHOSEN, lw=1.2, ls="--", zorder=1, label=f"budget, {budget_ms:g} ms")
    axes.margins(x=0.08, y=0.16)
    axes.set_xlim(left=0)
    bottom, top = axes.get_ylim()
    axes.set_ylim(top=top + 0.1 * (top - bottom))  # room for the best one's name
    for candidate, ms, gap in trained:
        if candidate.chosen:
            axes.scatter([ms], [gap], s=190, facecolors="none", edgecolors=_CHOSEN, linewidths=2, zorder=4)
            _name(axes, f"chosen: {candidate.shape.name}\n{ms:.1f} ms, {gap:.1f} %", ms, gap, _CHOSEN)
        if candidate.shape.name == own:
            axes.scatter([ms], [gap], s=90, facecolors="none", edgecolors=_INK, linewidths=1.2, zorder=4)
            if not candidate.chosen:
                _name(axes, f"the recipe's own\n{ms:.1f} ms, {gap:.1f} %", ms, gap, _INK)
    axes.grid(color=_FAINT, lw=0.4)
    axes.set_xlabel("milliseconds a picture on this device (LiteRT, median)")
    axes.set_ylabel("gap to the teacher closed, percent")
    axes.legend(frameon=False, fontsize=8, loc="lower right")


def _name(axes: Axes, text: str, ms: float, gap: float, colour: str) -> None:
    """Up and to the left where there is room: nothing lies there of a point on the front. Otherwise below."""
    left = ms > 0.3 * axes.get_xlim()[1]
    axes.annotate(
        text,
        (ms, gap),
        (-16, 22) if left else (14, -32),
        textcoords="offset points",
        ha="right" if left else "left",
        fontsize=8,
        color=colour,
        arrowprops={"arrowstyle": "-", "color": colour, "lw": 0.8},
    )
