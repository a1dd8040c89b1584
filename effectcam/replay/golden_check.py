"""A replay beside its golden: the first frame and stage at which they part, and how far the pictures are off.

On one type of machine a golden is owed to the byte, so digests are compared. Elsewhere floats round
otherwise: there faces, decisions and tiers have to be the same, crops within `CROP_TOLERANCE`, and pictures
`tolerable` and within `MOSAIC`.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from effectcam.effect.manifest import Manifest
from effectcam.errors import ReportError, SourceError, UsageError
from effectcam.frame import Frame, Pixels
from effectcam.replay.golden import MOSAICS, Golden, GoldenClip, check_files, picture_name
from effectcam.replay.metrics.figure import Spread, Summary
from effectcam.replay.metrics.meters import FIGURES
from effectcam.replay.mosaics import MosaicFile, mosaics_apart
from effectcam.replay.parting import Partings, TraceComparison
from effectcam.replay.pictures import Difference, compare_pictures, kept, mosaic, read_picture
from effectcam.replay.trace import Header, TracedFrame, TraceReader


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenCheck(TraceComparison):
    """What came of a clip beside its golden, which is the first of the two."""

    golden: str
    """The golden's folder."""
    pictures: Difference | None
    """The least PSNR and SSIM and the largest difference of all kept pictures; None where there was none."""
    picture_frame: int | None
    """Where the PSNR is least."""

    def __str__(self) -> str:
        if self.first is None:
            return "as in its golden" + ("" if self.exact else ", within the tolerance between machines")
        told = f"parts from its golden at {self.first}; {self.differing} of {max(self.frames)} frames differ"
        if self.pictures is not None:
            told += f", pictures: {self.pictures} (frame {self.picture_frame})"
        return "; ".join([told, *self.notes])


def refuse_other(
    golden: Golden, folder: Path, effect: Manifest, *, tier: str, strength: float | None, faces: int
) -> None:
    """UsageError if the golden in ``folder`` is of another effect than is asked for, or of another version,
    tier, strength or number of faces of it: there would be nothing to compare."""
    for what, one, other in _otherwise(golden, effect, tier, strength, faces):
        raise UsageError(
            f"{folder}: was recorded with {what} {one}, not {other}; check that, or record another golden"
        )


def what_is_replaced(
    golden: Golden,
    folder: Path,
    effect: Manifest,
    *,
    tier: str,
    strength: float | None,
    faces: int,
    metrics: bool,
) -> list[str]:
    """A line for each thing in which the golden in ``folder`` is not what is about to be recorded in its
    place; ``metrics``: whether that has any. UsageError where it is of another effect: nobody means that."""
    if golden.effect.name != effect.name:
        raise UsageError(
            f"{folder}: is a golden of {golden.effect.name}, and {effect.name} would take its place; name "
            "another folder, or delete that one first"
        )
    lines = [
        f"{folder}: the golden there so far was recorded with {what} {one}, the new one with {other}"
        for what, one, other in _otherwise(golden, effect, tier, strength, faces)
    ]
    if not metrics and any(clip.metrics is not None for clip in golden.clips.values()):
        lines.append(f"{folder}: the golden there so far has metrics, the new one has none without --metrics")
    return lines


def _otherwise(
    golden: Golden, effect: Manifest, tier: str, strength: float | None, faces: int
) -> list[tuple[str, object, object]]:
    """What the golden was recorded with and what is asked for, where the two are not the same."""
    was = golden.effect
    pairs: list[tuple[str, object, object]] = [
        ("the effect", was.name, effect.name),
        (effect.name, was.version, effect.version),
        ("the tier", was.tier, tier),
        ("a strength of", was.strength, effect.strength.default if strength is None else strength),
        ("--faces", was.faces, faces),
    ]
    return [(what, one, other) for what, one, other in pairs if one != other]


def golden_of(golden: Golden, stem: str, folder: Path) -> GoldenClip:
    """Of the clip with this ``stem``. ReportError where there is none."""
    try:
        return golden.clips[stem]
    except KeyError:
        known = ", ".join(sorted(golden.clips)[:5]) or "none"
        raise ReportError(
            f"{folder}: has no golden of a clip called {stem}; it has: {known}. Record it, with the others"
        ) from None


def golden_picture(folder: Path | None, stem: str, clip: GoldenClip | None, frame: int) -> Pixels | None:
    """What the golden in ``folder`` has of this frame, as it is `kept`; None where it has none."""
    if folder is None or clip is None or frame % clip.every:
        return None
    path = folder / stem / picture_name(frame)
    return read_picture(path) if path.is_file() else None


class GoldenChecker:
    """Compares one clip with its golden as it is replayed; an `Onlooker` and a context manager.

    Memory does not grow with the clip. Raises ReportError for a golden that is damaged.
    """

    def __init__(self, folder: Path, stem: str, clip: GoldenClip) -> None:
        check_files(folder, clip)
        self._folder, self._stem, self._clip = folder, stem, clip
        self._partings: Partings
        self._spreads = {name: Spread(FIGURES[name]) for name in ("psnr", "ssim")}
        self._pictures: Difference | None = None
        self._picture_frame: int | None = None
        self._stack = ExitStack()
        self._reader = self._stack.enter_context(TraceReader(folder / f"{stem}.jsonl"))
        try:
            self._mosaics = self._stack.enter_context(MosaicFile(folder / stem / MOSAICS))
        except ReportError:
            self._stack.close()
            raise

    def begin(self, header: Header) -> None:
        """SourceError for a clip that is not the one that was recorded."""
        was = self._reader.header
        if was.clip.sha256 != header.clip.sha256:
            raise SourceError(
                f"{header.clip.name}: is another file than {self._folder} was recorded with (SHA-256 "
                f"{header.clip.sha256[:12]}, not {was.clip.sha256[:12]}); restore it, or record it anew"
            )
        self._partings = Partings(was, header)

    def see(self, line: TracedFrame, after: Frame) -> None:
        was = next(self._reader, None)
        stages = self._partings.see(was, line)
        if was is None:
            return
        told = mosaics_apart(self._mosaics.read(), mosaic(after.pixels))
        if line.frame % self._clip.every == 0:
            difference = self._compare(line.frame, after.pixels)
            told = told if difference.tolerable else str(difference)
        if told:
            self._partings.see_output(line.frame, told, known=stages)

    def end(self) -> None:
        for was in self._reader:
            self._partings.see(was, None)

    @property
    def found(self) -> GoldenCheck:
        """What came of it, once the clip is over."""
        found = self._partings.found
        return GoldenCheck(
            exact=found.exact,
            frames=found.frames,
            first=found.first,
            differing=found.differing,
            stages=found.stages,
            notes=found.notes,
            golden=str(self._folder),
            pictures=self._pictures,
            picture_frame=self._picture_frame,
        )

    @property
    def likeness(self) -> dict[str, Summary]:
        """PSNR and SSIM of the kept pictures, by the figure's name, as metrics have them."""
        summaries = {name: spread.summary for name, spread in self._spreads.items()}
        return {name: summary for name, summary in summaries.items() if summary is not None}

    def _compare(self, frame: int, picture: Pixels) -> Difference:
        golden = read_picture(self._folder / self._stem / picture_name(frame))
        difference = compare_pictures(golden, kept(picture))
        for name, value in (("psnr", difference.psnr), ("ssim", difference.ssim)):
            self._spreads[name].add(value, frame)
        if self._pictures is None or difference.psnr < self._pictures.psnr:
            self._picture_frame = frame
        self._pictures = difference if self._pictures is None else self._pictures.worse(difference)
        return difference

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
