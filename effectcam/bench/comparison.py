"""Two reports, or two groups of them, stage by stage: faster, slower, or no difference seen."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import msgspec
import numpy as np

from effectcam.bench import words
from effectcam.bench.groups import Group
from effectcam.bench.inference import ALPHA, Inference, of_groups, of_pairs
from effectcam.bench.likeness import check_alike
from effectcam.bench.neighbours import disturbed
from effectcam.bench.pairs import Quantile, log_ratio, pairs_of, time_of
from effectcam.bench.report import Report
from effectcam.bench.series import Times
from effectcam.errors import UsageError, nearest
from effectcam.ledger import STAGES

SCHEMA: Final = "effectcam.bench-compare/1"

Design = Literal["in turn", "groups", "single runs"]
Verdict = Literal["faster", "slower", "no difference seen", "below the threshold", "cannot be told"]

Unit = dict[str, Times]
"""The frames of a run, or of a piece of one: by stage, NaN where it did not run."""

_LEAST_OF_TAIL = 100
"""Frames of a run that has a p99."""
_PIECE = 10
"""Frames of a piece, at least."""
_LEAST_PIECES, _MOST_PIECES = 8, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    stage: str
    quantile: Quantile
    a_ms: float
    """Median of the runs'."""
    b_ms: float
    ratio: float
    """B over A, pair by pair or run against run (see `effectcam.bench.inference`): not the quotient of the
    two above."""
    low: float
    """Of the interval of 99 %."""
    high: float
    p: float
    """The chance that any row is as far off when nothing differs."""
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    path: str
    runs: int
    frames: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What ``effectcam bench compare --json`` writes."""

    schema: Literal["effectcam.bench-compare/1"] = SCHEMA
    a: Side
    b: Side
    design: Design
    """How the runs were taken: pairs that were made in turn; two groups; pieces of two runs."""
    units: tuple[int, int]
    """Runs, or pieces of runs, that were compared."""
    across: dict[str, tuple[str, str]]
    """Traits in which the sides differ, as was asked for, with what each has."""
    threshold: float
    """Share by which a time must differ to be called faster or slower."""
    rows: list[Row]
    unsure: str | None
    """Why nothing can be told; null when something can."""
    notes: list[str]


def compare(
    a: Group,
    b: Group,
    *,
    across: Collection[str] = (),
    stages: Sequence[str] = (),
    threshold: float = 0.05,
) -> Comparison:
    """How ``b`` differs from ``a``.

    ``across`` names the traits (see `effectcam.bench.likeness`) in which they may. ``stages``: these alone,
    each with its p99; empty: all of them, and the p99 of the chain. Fewer rows need fewer runs. A row is
    faster or slower when its interval leaves 1 out, the test finds it unlikely that nothing differs, and the
    ratio is off by ``threshold`` at least (a share: 0.05 is 5 %). Raises UsageError for sides that are not
    alike.
    """
    differing, notes = check_alike((a.reports, b.reports), across)
    pairs = pairs_of(a, b)
    sides = [[_frames(report) for report in group.reports] for group in (a, b)]
    design: Design = "groups"
    unsure = None
    if pairs:
        design = "in turn"
        sides = [[_frames(pair[side]) for pair in pairs] for side in (0, 1)]
        left = len(a.runs) + len(b.runs) - 2 * len(pairs)
        if left:
            notes.append(
                f"{left} runs have no partner of their file's name on the other side, and are left out"
            )
    elif len(a.runs) == len(b.runs) == 1:
        design = "single runs"
        sides, unsure = _pieces(sides[0][0], sides[1][0])
    if not pairs and any(disturbed(report.conditions) for report in (*a.reports, *b.reports)):
        unsure = (
            "other programs were at work, and the sides did not take turns, so they met them differently; "
            "measure both with effectcam bench matrix"
        )
    rows = [*_rows(sides, stages)]
    a_ms, b_ms = (
        np.array([[time_of(unit[stage], quantile) for unit in side] for stage, quantile in rows])
        for side in sides
    )
    ratios = np.array([[log_ratio(pair, *row) for pair in pairs] for row in rows])
    found = of_pairs(ratios) if pairs else of_groups(a_ms, b_ms)
    if unsure is None and found.least_p > ALPHA:
        unsure = (
            f"{len(sides[0])} and {len(sides[1])} runs are too few for {len(rows)} rows; give more, or look "
            "at fewer rows with --stage"
        )
    made = [
        Row(
            stage=stage,
            quantile=quantile,
            a_ms=round(float(np.median(a_ms[place])), 3),
            b_ms=round(float(np.median(b_ms[place])), 3),
            ratio=round(float(found.ratio[place]), 4),
            low=round(float(found.low[place]), 4),
            high=round(float(found.high[place]), 4),
            p=round(float(found.p[place]), 6),
            verdict="cannot be told" if unsure else _verdict(found, place, threshold),
        )
        for place, (stage, quantile) in enumerate(rows)
    ]
    if unsure is None:
        notes += _hidden(made, threshold, measured=a.reports[0].settings.threads is None)
    return Comparison(
        a=_side(a),
        b=_side(b),
        design=design,
        units=(len(sides[0]), len(sides[1])),
        across=differing,
        threshold=threshold,
        rows=made,
        unsure=unsure,
        notes=notes,
    )


def comparison_json(found: Comparison) -> bytes:
    """The file's content, ASCII."""
    return (json.dumps(msgspec.to_builtins(found), indent=2) + "\n").encode("ascii")


def design_line(found: Comparison) -> str:
    """What was compared with what, in one line."""
    a, b = found.units
    frames = f"{found.a.frames} and {found.b.frames} frames"
    if found.design == "in turn":
        return f"{words.counted(a, 'pair')} of runs, made in turn: {frames}"
    if found.design == "groups":
        return f"{a} and {words.counted(b, 'run')}, not in turn: {frames}"
    return f"one run each, in {a} and {words.counted(b, 'piece')}: {frames}"


def _verdict(found: Inference, place: int, threshold: float) -> Verdict:
    ratio, low, high = (float(values[place]) for values in (found.ratio, found.low, found.high))
    if found.p[place] > ALPHA or low <= 1 <= high:
        return "no difference seen"
    if abs(math.log(ratio)) < math.log(1 + threshold):
        return "below the threshold"
    return "slower" if ratio > 1 else "faster"


def _hidden(rows: Sequence[Row], threshold: float, *, measured: bool) -> Iterator[str]:
    """What may have been missed, of the last median: the chain's, unless others were asked for. ``measured``:
    each run chose its threads anew."""
    last = [row for row in rows if row.quantile == "p50"][-1]
    most = max(last.high, 1 / last.low) - 1
    if last.verdict == "no difference seen" and most > threshold:
        also = ", and --threads leaves less to chance" if measured else ""
        yield f"up to {100 * most:.0f} % of the {last.stage} could hide in the noise; more rounds help{also}"


def _rows(sides: Sequence[Sequence[Unit]], asked: Sequence[str]) -> Iterator[tuple[str, Quantile]]:
    """What all runs of both sides have."""
    units = [unit for side in sides for unit in side]
    known = [stage for stage in STAGES if all(_count(unit, stage) for unit in units)]
    for stage in asked:
        if stage not in known:
            raise UsageError(f"no stage {stage!r} ran in all reports of A and B; {nearest(stage, known)}")
    for stage in known:
        if asked and stage not in asked:
            continue
        yield stage, "p50"
        tail = stage in (asked or ("chain",))
        if tail and all(_count(unit, stage) >= _LEAST_OF_TAIL for unit in units):
            yield stage, "p99"


def _frames(report: Report) -> Unit:
    return {stage: np.array(times, np.float64) for stage, times in report.series.stages_ms.items()}


def _count(unit: Unit, stage: str) -> int:
    """Frames in which a stage ran."""
    return int(np.isfinite(unit[stage]).sum()) if stage in unit else 0


def _pieces(one: Unit, other: Unit) -> tuple[list[list[Unit]], str | None]:
    """Both runs cut into pieces of equal length, and why they will not do.

    The frames of a run hang together, so the pieces are made longer until what one of them takes says no
    more of what the next one takes (Fishman, "Grouping observations in digital simulation", 1978).
    """
    shorter = min(len(one["chain"]), len(other["chain"]))
    length = max(_PIECE, math.ceil(shorter / _MOST_PIECES))
    while True:
        sides = [_cut(run, length) for run in (one, other)]
        if min(len(side) for side in sides) < _LEAST_PIECES:
            return [[one], [other]], (
                f"runs of {len(one['chain'])} and {len(other['chain'])} frames are too short or too unsteady "
                "to be compared by themselves; give longer ones, or several for each side in two folders"
            )
        if not any(_hang_together([time_of(piece["chain"], "p50") for piece in side]) for side in sides):
            return sides, None
        length *= 2


def _cut(run: Unit, length: int) -> list[Unit]:
    """What is left over at the end is left out."""
    count = len(run["chain"]) // length
    return [
        {stage: times[place * length : (place + 1) * length] for stage, times in run.items()}
        for place in range(count)
    ]


def _hang_together(times: Sequence[float]) -> bool:
    """Whether neighbours are more alike than others: by the correlation of each with the next, at 5 %."""
    values = np.log(times)
    values -= values.mean()
    square = float((values**2).sum())
    return square > 0 and float((values[1:] * values[:-1]).sum()) / square > 1.645 / math.sqrt(len(values))


def _side(group: Group) -> Side:
    return Side(
        path=str(group.path),
        runs=len(group.runs),
        frames=sum(report.frames.measured for report in group.reports),
    )
