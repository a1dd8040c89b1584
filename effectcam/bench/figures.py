"""What the reports of a matrix come to: one line of figures for each cell."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields

import numpy as np

from effectcam.bench import words
from effectcam.bench.cells import Cell
from effectcam.bench.groups import Group
from effectcam.bench.inference import ALPHA, of_groups, of_pairs
from effectcam.bench.neighbours import disturbed
from effectcam.bench.pairs import log_ratio, pairs_of
from effectcam.bench.report import Report
from effectcam.bench.series import DEADLINES_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of one cell; None where it could not be measured. Milliseconds are those of the chain."""

    cell: str
    """Its folder."""
    effect: str
    """With a number where several have that name."""
    version: str
    tier: str
    accelerator: str
    """As asked for; ``ran_on`` tells what became of ``auto``."""
    ran_on: str
    threads: int | None
    """None: measured at each start."""
    width: int
    height: int
    installation: str
    """``this``, or ``other``."""
    rounds: int
    frames: int
    p50_ms: float | None
    """Median of the rounds'."""
    p99_ms: float | None
    """Of the frames of all rounds."""
    mesh_ms: float | None
    crop_ms: float | None
    student_ms: float | None
    composite_ms: float | None
    ratio: float | None
    """Of the chain's p50 to that of the first cell that ran, round by round: it holds where the times do
    not. None where they took no turns, and something else ran beside either."""
    ratio_low: float | None
    ratio_high: float | None
    fps: float | None
    """Throughput; median of the rounds'."""
    over_33_ms: float | None
    """Share of the frames."""
    over_17_ms: float | None
    cpu_ms: float | None
    """Processor time a frame; median of the rounds'."""
    memory_mb: float | None
    """At the end, without the clip; median of the rounds'."""
    refused: str
    """Why it could not run; empty when it could."""


def figures_of(
    cells: Sequence[Cell], groups: Sequence[Group | None], refused: dict[str, str]
) -> list[Figures]:
    """One for each of ``cells``, whose reports are ``groups`` (None: there is none)."""
    first = next((group for group in groups if group is not None), None)
    return [
        _figures(cell, group, first, refused.get(cell.name, ""))
        for cell, group in zip(cells, groups, strict=True)
    ]


def _figures(cell: Cell, group: Group | None, first: Group | None, refused: str) -> Figures:
    reports = [] if group is None else group.reports
    chain = np.concatenate([report.series.stages_ms["chain"] for report in reports]) if reports else None
    ratio, low, high = _ratio(first, group) if first and group else (None, None, None)
    return Figures(
        cell=cell.name,
        effect=cell.label,
        version=cell.effect.version,
        tier=cell.tier,
        accelerator=cell.accelerator,
        ran_on=", ".join(dict.fromkeys(a.name for report in reports for a in report.device.accelerators)),
        threads=cell.threads,
        width=cell.size[0],
        height=cell.size[1],
        installation="other" if cell.other else "this",
        rounds=len(reports),
        frames=sum(report.frames.measured for report in reports),
        p50_ms=_stage(reports, "chain"),
        p99_ms=None if chain is None else round(float(np.percentile(chain, 99)), 3),
        mesh_ms=_stage(reports, "mesh"),
        crop_ms=_stage(reports, "crop"),
        student_ms=_stage(reports, "student"),
        composite_ms=_stage(reports, "composite"),
        ratio=ratio,
        ratio_low=low,
        ratio_high=high,
        fps=_median([report.rates.throughput for report in reports], 1),
        over_33_ms=None if chain is None else round(float((chain > DEADLINES_MS[0]).mean()), 4),
        over_17_ms=None if chain is None else round(float((chain > DEADLINES_MS[1]).mean()), 4),
        cpu_ms=_median([1000 * report.cpu.seconds_per_frame for report in reports], 2),
        memory_mb=_median([report.memory.end_mb - report.memory.clip_mb for report in reports], 0),
        refused=refused,
    )


def _stage(reports: Sequence[Report], stage: str) -> float | None:
    return _median([report.stages_ms[stage].p50 for report in reports if stage in report.stages_ms], 3)


def _median(values: Sequence[float], digits: int) -> float | None:
    return round(float(np.median(values)), digits) if values else None


def _ratio(first: Group, group: Group) -> tuple[float | None, float | None, float | None]:
    """With its interval where there are rounds enough for one; None where neither turns nor quiet make the
    two comparable, as when a cell was added to a matrix on a busier day."""
    if first is group:
        return 1.0, None, None
    pairs = pairs_of(first, group)
    if not pairs and any(disturbed(report.conditions) for report in (*first.reports, *group.reports)):
        return None, None, None
    a, b = (np.array([[run.stages_ms["chain"].p50 for run in side.reports]]) for side in (first, group))
    turns = np.array([[log_ratio(pair, "chain", "p50") for pair in pairs]])
    found = of_pairs(turns) if pairs else of_groups(a, b)
    ratio, low, high = (round(float(values[0]), 3) for values in (found.ratio, found.low, found.high))
    return (ratio, low, high) if found.least_p <= ALPHA else (ratio, None, None)


def as_csv(figures: Sequence[Figures]) -> str:
    """A header and one line for each cell; empty where there is nothing."""
    text = io.StringIO(newline="")
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(field.name for field in fields(Figures))
    lines.writerows(["" if value is None else value for value in astuple(each)] for each in figures)
    return text.getvalue()


COLUMNS = (
    *("cell", "p50 ms", "p99 ms", "of the first", "mesh", "student", "composite", "fps", "> 33 ms", "CPU ms"),
    "MB",
)
"""Of the table that people read, for `told`."""

OF_THE_FIRST = (
    "Of the first: the chain's median beside that of the first cell, round by round, with an interval of "
    "99 %. It holds on a busy machine, where the milliseconds do not."
)


def told(cell: Figures) -> list[str]:
    """One line of the table. What is not known is a dash."""

    def number(value: float | None, digits: int = 1) -> str:
        return "-" if value is None else f"{value:.{digits}f}"

    ratio = number(cell.ratio, 2)
    if cell.ratio_low is not None and cell.ratio_high is not None:
        ratio += f" ({cell.ratio_low:.2f} to {cell.ratio_high:.2f})"
    return [
        cell.cell,
        number(cell.p50_ms),
        number(cell.p99_ms),
        ratio,
        number(cell.mesh_ms),
        number(cell.student_ms),
        number(cell.composite_ms),
        number(cell.fps),
        "-" if cell.over_33_ms is None else f"{100 * cell.over_33_ms:.1f} %",
        number(cell.cpu_ms),
        number(cell.memory_mb, 0),
    ]


def common_line(figures: Sequence[Figures], report: Report) -> str:
    """What the cells have in common, in one line; ``report`` is any of theirs."""
    settings, rounds = report.settings, max(each.rounds for each in figures)
    return (
        f"{words.counted(settings.faces, 'face')}, {words.counted(rounds, 'round')} of {settings.frames} "
        f"frames a cell, in turns of {settings.turn}"
    )
