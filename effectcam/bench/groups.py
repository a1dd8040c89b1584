"""The runs of one side of a comparison."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from effectcam.bench.report import Report
from effectcam.bench.report_file import read_report
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

    @property
    def files(self) -> list[Path]:
        return [self.path / name for name in self.runs] if self.path.is_dir() else [self.path]


def read_group(path: Path) -> Group:
    """One report, or all of a folder (``*.json``). Raises ReportError for what is none, or holds none."""
    if not path.is_dir():
        return Group(path, {path.name: _read(path)})
    files = sorted(path.glob("*.json"))
    if not files:
        cells = sorted({file.parent for file in path.glob("*/*.json")})
        way_out = f"name one of its cells, such as {cells[0]}" if cells else "make them with: effectcam bench"
        raise ReportError(f"{path}: has no report of effectcam bench in it; {way_out}")
    return Group(path, {file.name: _read(file) for file in files})


def _read(path: Path) -> Report:
    report = read_report(path)
    chain = report.series.stages_ms.get("chain")
    if not chain or None in chain:
        raise ReportError(f"{path}: has no time of the chain for every frame; make it again")
    return report
