"""The runs of one side of a comparison, and what two sides have to do with each other."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from effectcam.bench.report import Report, read_report
from effectcam.errors import ReportError


@dataclass(frozen=True, slots=True)
class Group:
    """Reports of runs, at least one."""

    path: Path
    """The report, or the folder with all of them."""
    runs: dict[str, Report]
    """By file name."""

    @property
    def reports(self) -> list[Report]:
        return list(self.runs.values())


def read_group(path: Path) -> Group:
    """One report, or all of a folder (``*.json``). Raises ReportError for what is none, or holds none."""
    if not path.is_dir():
        return Group(path, {path.name: read_report(path)})
    files = sorted(path.glob("*.json"))
    if not files:
        cells = sorted({file.parent.name for file in path.glob("*/*.json")})
        way_out = (
            f"name one of its cells, such as {path / cells[0]}"
            if cells
            else "make them with: effectcam bench"
        )
        raise ReportError(f"{path}: has no report of effectcam bench in it; {way_out}")
    return Group(path, {file.name: read_report(file) for file in files})


def pairs_of(a: Group, b: Group) -> list[tuple[Report, Report]]:
    """The runs of both that were made in turn: those of one file name, if no pair overlaps with the next one
    in time. Empty where that is not so, or on two devices."""
    names = [name for name in a.runs if name in b.runs]
    pairs = sorted(((a.runs[name], b.runs[name]) for name in names), key=lambda pair: pair[0].made_at)
    times = [sorted(report.made_at for report in pair) for pair in pairs]
    in_turn = all(before[1] <= after[0] for before, after in pairwise(times))
    alike = len({report.device.id for pair in pairs for report in pair}) == 1
    # A single pair is two runs one after the other.
    return pairs if in_turn and alike and len(pairs) > 1 else []
