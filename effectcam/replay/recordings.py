"""Two folders of what was recorded, clip by clip: goldens, or what ``--trace`` wrote."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from effectcam.errors import ReportError, UsageError
from effectcam.replay.clips import natural
from effectcam.replay.golden import MOSAICS, picture_name
from effectcam.replay.mosaics import MosaicFile, mosaics_apart
from effectcam.replay.parting import Partings, TraceComparison
from effectcam.replay.pictures import Difference, compare_pictures, read_picture
from effectcam.replay.trace import Header, TraceReader


@dataclass(frozen=True, slots=True)
class ClipDifference:
    """How one clip's recordings differ."""

    stem: str
    traces: TraceComparison
    pictures: Difference | None
    """The least PSNR and SSIM and the largest difference of the pictures that both keep; None without any."""
    mosaics: int = 0
    """Frames of which both keep a mosaic."""

    @property
    def compared(self) -> bool:
        """Whether anything was that tells of the pictures. Digests do on one type of machine alone."""
        return self.traces.exact or self.pictures is not None or self.mosaics > 0

    @property
    def same(self) -> bool:
        """Alike is enough where the machines are of two types."""
        return self.traces.first is None and self.compared


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
    """Of two traces, and of the pictures and mosaics that goldens keep beside them. Raises ReportError for
    what is damaged or cut short, UsageError for two traces of which none is owed to be like the other."""
    beside = [path.with_suffix("") for path in (one, other)]
    worst: Difference | None = None
    seen = 0
    with ExitStack() as stack:
        first, second = (stack.enter_context(TraceReader(path)) for path in (one, other))
        refuse_strangers(one, first.header, other, second.header)
        partings = Partings(first.header, second.header)
        paths = [folder / MOSAICS for folder in beside]
        mosaics = [stack.enter_context(MosaicFile(path)) for path in paths if all(map(Path.is_file, paths))]
        for was, now in zip_longest(first, second):
            known = partings.see(was, now)
            if was is None or now is None:
                continue
            told = ""
            if mosaics:
                told = mosaics_apart(mosaics[0].read(), mosaics[1].read())
                seen += 1
            pictures = [folder / picture_name(was.frame) for folder in beside]
            if all(map(Path.is_file, pictures)):
                found, apart = _pictures(*pictures)
                worst = found if worst is None else worst if found is None else worst.worse(found)
                told = apart or told
            if told:
                partings.see_output(was.frame, told, known=known)
        return ClipDifference(stem, partings.found, worst, seen)


def refuse_strangers(one: Path, was: Header, other: Path, now: Header) -> None:
    """UsageError for traces of two clips, or of two effects, or of one at other settings: what differs would
    tell of that alone."""
    pairs: list[tuple[str, object, object]] = [
        (f"a {was.clip.name} with the SHA-256", was.clip.sha256[:12], now.clip.sha256[:12]),
        ("the effect", was.effect.name, now.effect.name),
        (was.effect.name, was.effect.version, now.effect.version),
        ("the tier", was.effect.tier, now.effect.tier),
        ("a strength of", was.effect.strength, now.effect.strength),
        ("--faces", was.effect.faces, now.effect.faces),
    ]
    for what, here, there in pairs:
        if here != there:
            raise UsageError(
                f"{one}: was recorded with {what} {here}, and {other} with {there}; compare runs of one clip "
                "and effect"
            )


def _pictures(one: Path, other: Path) -> tuple[Difference | None, str]:
    """How far they are apart; and in a line why that is too far, if it is."""
    first, second = read_picture(one), read_picture(other)
    if first.shape != second.shape:
        sizes = [f"{shape[1]}x{shape[0]}" for shape in (first.shape, second.shape)]
        return None, f"the kept pictures are of {sizes[0]} and {sizes[1]}"
    found = compare_pictures(first, second)
    return found, "" if found.tolerable else str(found)
