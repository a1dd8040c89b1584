"""Two folders of what was recorded, clip by clip: goldens, or what ``--trace`` wrote."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from effectcam.errors import ReportError, UsageError
from effectcam.replay.clips import natural
from effectcam.replay.parting import TraceComparison, compare_traces
from effectcam.replay.pictures import Difference, compare_pictures, read_picture


@dataclass(frozen=True, slots=True)
class ClipDifference:
    """How one clip's recordings differ."""

    stem: str
    traces: TraceComparison
    pictures: Difference | None
    """The least PSNR and SSIM and the largest difference of the pictures that both keep; None without any."""

    @property
    def same(self) -> bool:
        """Alike is enough where the machines are of two types."""
        return self.traces.first is None and (self.pictures is None or self.pictures.tolerable)


@dataclass(frozen=True, slots=True)
class Recordings:
    """The traces at a path, by the stem of their clip: of a folder, or the single one that the path is."""

    path: Path
    traces: dict[str, Path]


def find_recordings(path: Path) -> Recordings:
    """ReportError for a path with no trace in it."""
    if not path.exists():
        raise ReportError(f"{path}: there is no such file or folder; check the path")
    if not path.is_dir():
        return Recordings(path, {path.stem: path})
    files = sorted(path.glob("*.jsonl"), key=lambda file: natural(file.name))
    if not files:
        raise ReportError(f"{path}: has no trace in it; make one with replay --trace or --record")
    return Recordings(path, {file.stem: file for file in files})


def pairs(one: Recordings, other: Recordings) -> tuple[list[tuple[str, Path, Path]], list[str]]:
    """The traces that belong together, and a line for each side's rest. Two single traces belong together
    whatever their names. UsageError where nothing does."""
    if one.path.is_dir() != other.path.is_dir():
        raise UsageError(
            f"{one.path} and {other.path}: one is a folder; name two folders, or a trace of each"
        )
    if not one.path.is_dir():
        ((stem, first),), (second,) = one.traces.items(), other.traces.values()
        return [(stem, first, second)], []
    common = [(stem, path, other.traces[stem]) for stem, path in one.traces.items() if stem in other.traces]
    if not common:
        raise UsageError(
            f"{one.path} and {other.path}: have no clip in common; compare runs of the same clips"
        )
    alone = []
    for here, there in ((one, other), (other, one)):
        if rest := [stem for stem in here.traces if stem not in there.traces]:
            alone.append(f"{there.path}: has no {', '.join(rest)}")
    return common, alone


def compare_recordings(stem: str, one: Path, other: Path) -> ClipDifference:
    """Of two traces, and of the pictures that goldens keep beside them. Raises ReportError."""
    return ClipDifference(stem, compare_traces(one, other), _pictures(one, other))


def _pictures(one: Path, other: Path) -> Difference | None:
    worst: Difference | None = None
    for here, there in _kept(one.with_suffix(""), other.with_suffix("")):
        first, second = read_picture(here), read_picture(there)
        if first.shape != second.shape:
            # The traces tell of it: the clips are of two sizes.
            continue
        found = compare_pictures(first, second)
        worst = found if worst is None else worst.worse(found)
    return worst


def _kept(one: Path, other: Path) -> Iterator[tuple[Path, Path]]:
    for picture in sorted(one.glob("*.webp")):
        if (beside := other / picture.name).is_file():
            yield picture, beside
