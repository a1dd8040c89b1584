"""Quality gates: how bad a figure may get, or how much worse than in the golden.

A TOML file with a table for each figure of `effectcam.replay.metrics.FIGURES`:

    [warping_ratio]
    value = 1.15                            # of the clip, at most; at least, where high is good

    [jitter_centre]
    p95 = { limit = 0.05 }                  # the same, written out
    worst = { limit = 0.4, worse = 0.1 }    # and at most a tenth worse than the golden's
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from effectcam.errors import UsageError, nearest
from effectcam.replay.metrics.figure import Figure, Summary
from effectcam.replay.metrics.meters import FIGURES

Part = Literal["value", "p95", "worst"]
"""Of a `Summary`."""

_LIKENESS = frozenset({"psnr", "ssim"})
"""Figures of every check, which nothing else has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What one number of a figure may be. At least one of the two is given."""

    figure: str
    part: Part
    limit: float | None = None
    """At most, or at least where high is good."""
    worse: float | None = None
    """Share of the golden's own number by which it may be worse: 0.05 is 5 %, 0 is not at all."""

    @property
    def name(self) -> str:
        return f"{self.figure} {self.part}"

    @property
    def needs_golden(self) -> bool:
        """Whether it says nothing without a golden."""
        return self.worse is not None or self.figure in _LIKENESS

    @property
    def needs_metrics(self) -> bool:
        """Whether a check alone does not measure it."""
        return self.figure not in _LIKENESS

    def bound(self, golden: float | None) -> float | None:
        """What it may be beside the ``golden``'s number: the stricter of both. None where that number is
        asked for and missing."""
        high = FIGURES[self.figure].better == "high"
        bounds = [self.limit] if self.limit is not None else []
        if self.worse is not None:
            if golden is None:
                return None
            bounds.append(golden * (1 - self.worse if high else 1 + self.worse))
        return (max if high else min)(bounds) if bounds else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a gate says of a clip."""

    gate: str
    """Its name, such as "seam p95"."""
    passed: bool
    found: float | None
    """None where no frame had a say; a gate does not let pass what was not measured."""
    bound: float | None
    told: str
    """In a line."""


def read_gates(path: Path) -> list[Gate]:
    """The gates in a file. UsageError, with the place in it, for what is none."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path}: is no TOML ({error}); see docs/qa.md for an example") from None
    gates = []
    for name, table in tables.items():
        if name not in FIGURES:
            raise UsageError(f"{path}: there is no metric {name!r}; {nearest(name, FIGURES)}")
        if not isinstance(table, dict) or not table:
            raise UsageError(f"{path}, {name}: is no table of gates; write [{name}] and below it value = 1.0")
        gates += [_gate(path, FIGURES[name], part, wish) for part, wish in table.items()]
    if not gates:
        raise UsageError(f"{path}: has no gate in it; see docs/qa.md for an example")
    return gates


def judge(
    gates: Sequence[Gate], metrics: Mapping[str, Summary], golden: Mapping[str, Summary] | None = None
) -> list[Verdict]:
    """What each gate says of a clip with these ``metrics``, beside those of its ``golden``."""
    return [_verdict(gate, _number(metrics, gate), _number(golden or {}, gate)) for gate in gates]


def _verdict(gate: Gate, found: float | None, golden: float | None) -> Verdict:
    high = FIGURES[gate.figure].better == "high"
    bound = gate.bound(golden)
    if found is None:
        return Verdict(gate.name, False, None, bound, f"{gate.name}: no frame of the clip had a say")
    if bound is None:
        return Verdict(
            gate.name, False, found, None, f"{gate.name} is {found:.4g}, and the golden has no such figure"
        )
    # The last bits of a float are no reason to fail.
    slack = 1e-9 * max(1.0, abs(bound))
    passed = found >= bound - slack if high else found <= bound + slack
    told = f"{gate.name} is {found:.4g}, {'at least' if high else 'at most'} {bound:.4g} is asked for"
    if golden is not None:
        told += f", the golden has {golden:.4g}"
    return Verdict(gate.name, passed, found, bound, told)


def _number(metrics: Mapping[str, Summary], gate: Gate) -> float | None:
    summary = metrics.get(gate.figure)
    number: float | None = getattr(summary, gate.part) if summary is not None else None
    return number


def _gate(path: Path, figure: Figure, part: str, wish: Any) -> Gate:
    where = f"{path}, {figure.name}"
    if part not in get_args(Part):
        raise UsageError(f"{where}: has no {part!r}; {nearest(part, get_args(Part))}")
    if figure.how == "ratio" and part != "value":
        raise UsageError(f"{where}: is a ratio over the clip, without {part}; gate its value")
    where = f"{where}.{part}"
    keys = wish if isinstance(wish, dict) else {"limit": wish}
    for key, number in keys.items():
        if key not in ("limit", "worse"):
            raise UsageError(f"{where}: has no {key!r}; {nearest(key, ('limit', 'worse'))}")
        if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
            raise UsageError(f"{where}: {key} is {number!r}; give a number such as 1.15")
        if key == "worse" and figure.name in _LIKENESS:
            raise UsageError(f"{where}: is to the golden already; give its limit")
        if key == "worse" and number < 0:
            raise UsageError(f"{where}: worse is {number}; give a share of the golden's number, 0 or more")
        if key == "worse" and number >= 1 and figure.better == "high":
            raise UsageError(
                f"{where}: worse is {number}, by which nothing can fail where high is good; give a share "
                "below 1, such as 0.05"
            )
    if not keys:
        raise UsageError(f"{where}: is empty; give limit, worse or both")
    return Gate(
        figure=figure.name,
        part=part,  # type: ignore[arg-type]
        limit=keys.get("limit"),
        worse=keys.get("worse"),
    )
